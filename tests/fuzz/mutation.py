"""Other documents of the same structure: values replaced, moved, removed, doubled, and texts changed by libFuzzer."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

MutateBytes = Callable[[bytes], bytes]
Place = tuple[Any, Any]  # a list or dict, and the index or key in it

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 0.5, 1e308, 1 << 31, 1 << 63, 10**30, "", " ", "\x00", "\n", "\ud800", "é"),
    *("../../etc/passwd", "http://127.0.0.1:9/", "\x1b[2J", "\u202e", "***", "A=***", "0" * 64, "x" * 3000),
    *([], {}, [[]], [{}], [None], ["x"], {"a": {"b": []}}, [1, [2, [3]]]),
)


def mutated(
    data: bytes, chance: Random, mutate_bytes: MutateBytes, words: Sequence[Any], donors: Sequence[Any]
) -> bytes:
    """Return a JSON document with a few edits.

    Args:
        data: the document; what is none becomes one of the donors.
        chance: where all choices come from.
        mutate_bytes: libFuzzer's own mutation, which knows what the code compared with.
        words: values worth trying in a place.
        donors: documents whose parts may be taken over.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict | list) or not document:
        document = deepcopy(chance.choice(donors))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        _edit(document, chance, mutate_bytes, words, donors)
    text = json.dumps(document, ensure_ascii=chance.random() < 0.5)
    return text.encode(errors="surrogatepass")


def places(document: Any) -> list[Place]:
    """Return every place in a document that holds a value."""
    found: list[Place] = []
    waiting = [document]
    while waiting:
        inside = waiting.pop()
        for key in inside if isinstance(inside, dict) else range(len(inside)):
            found.append((inside, key))
            if isinstance(inside[key], dict | list):
                waiting.append(inside[key])
    return found


def _edit(
    document: Any, chance: Random, mutate_bytes: MutateBytes, words: Sequence[Any], donors: Sequence[Any]
) -> None:
    found = places(document)
    if not found:
        return
    inside, key = chance.choice(found)
    value = inside[key]
    kind = chance.random()
    if kind < 0.35:
        inside[key] = _varied(value, chance, mutate_bytes, words)
    elif kind < 0.55:
        inside[key] = deepcopy(chance.choice(words if chance.random() < 0.6 else ODD))
    elif kind < 0.70:
        other, there = chance.choice(places(chance.choice(donors)) or found)
        inside[key] = deepcopy(other[there])
    elif kind < 0.80:
        other, there = chance.choice(found)
        inside[key] = deepcopy(other[there])
    elif kind < 0.88:
        del inside[key]
    elif isinstance(inside, list):
        inside.insert(key, deepcopy(value))
    else:
        name = chance.choice([word for word in words if isinstance(word, str)] or ["x"])
        inside[name] = inside.pop(key) if chance.random() < 0.5 else deepcopy(value)


def _varied(value: Any, chance: Random, mutate_bytes: MutateBytes, words: Sequence[Any]) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return chance.choice((-value, value + 1, value - 1, value * 10, value / 3, str(value)))
    if isinstance(value, str):
        return _varied_text(value, chance, mutate_bytes, words)
    if isinstance(value, list) and chance.random() < 0.3:
        return value * chance.choice((2, 3, 50)) if len(value) < 20 else value[:2]
    return [value]


def _varied_text(text: str, chance: Random, mutate_bytes: MutateBytes, words: Sequence[Any]) -> str:
    if chance.random() < 0.3:
        word = str(chance.choice(words))
        start = chance.randrange(len(text) + 1)
        return text[:start] + word + text[start + chance.choice((0, 0, len(word))) :]
    if len(text) > 7 and chance.random() < 0.7:
        try:
            inside = base64.b64decode(text, validate=True)
            return base64.b64encode(mutate_bytes(inside)).decode()
        except (binascii.Error, ValueError):
            pass
    return mutate_bytes(text.encode(errors="surrogatepass")).decode(errors="replace")
