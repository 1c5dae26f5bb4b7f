"""Whatever else a notebook may be: bytes and values of an honest one replaced at random."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

from tests.hostile.notebooks import WRONG, content
from tests.hostile.room import Case


def random_cases() -> Iterator[Case]:
    def flip(text: bytes, random: Random) -> bytes:
        changed_text = bytearray(text)
        for _ in range(random.randrange(1, 30)):
            changed_text[random.randrange(len(text))] = random.randrange(256)
        return bytes(changed_text)

    def replace(text: bytes, random: Random) -> bytes:
        document = json.loads(text)
        for _ in range(random.randrange(1, 8)):
            _replace_somewhere(document, random)
        return json.dumps(document).encode()

    for number in range(20):
        yield Case(f"nb-bytes-{number}", content(flip), answered=False)
    for number in range(30):
        yield Case(f"nb-values-{number}", content(replace), answered=False)


def _replace_somewhere(document: Any, random: Random) -> None:
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and random.random() < 0.85:
            place = place[key]
            continue
        place[key] = deepcopy(random.choice(WRONG))
        return
