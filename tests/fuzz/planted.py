"""Faults planted to show that they are found: what would a fuzz test be worth that cannot fail?

One target a kind: `planted:bytes`, `planted:structure`, `planted:hang`, `planted:memory`, `planted:file`,
`planted:connection`; `planted:nothing` has no fault, `planted:blind` no instrumented code.
"""

from __future__ import annotations

import contextlib
import json
import socket
from random import Random
from typing import Any

from tests.fuzz.guard import nothing_outside
from tests.fuzz.mutation import MutateBytes, mutated

LIMITS = ("-timeout=2", "-rss_limit_mb=300", "-max_len=200")
KIND = "nothing"
SEED = {"kind": "container", "name": "lab", "state": {"code": 0}}
_kept: list[Any] = []


def seeds() -> list[bytes]:
    return [b"...." if KIND == "bytes" else json.dumps(SEED).encode()]


def mutate(data: bytes, chance: Random, mutate_bytes: MutateBytes) -> bytes:
    if KIND == "bytes":
        return mutate_bytes(data)
    return mutated(data, chance, mutate_bytes, ["image", "volume"], [SEED])


def one_input(data: bytes) -> None:
    # As a check's judge swallows what a check raises.
    swallowed = Exception if KIND in ("file", "connection") else ()
    with nothing_outside(), contextlib.suppress(swallowed, KeyError, TypeError, ValueError):
        _steps[0](data)


def look(data: bytes) -> None:
    """Reach the fault by steps that coverage tells of, and chance alone would not make."""
    if KIND == "bytes":
        if data[:1] == b"d" and data[1:2] == b"o" and data[2:3] == b"c" and data[3:4] == b"k":
            raise RuntimeError("planted")
        return
    document = json.loads(data)
    if document["kind"] == "volume" and document["state"]["code"] < 0:
        fault()


_steps = [look]


def instrument(atheris: Any) -> None:
    if KIND != "blind":
        _steps[0] = atheris.instrument_func(look)


def fault() -> None:
    if KIND == "structure":
        raise RuntimeError("planted")
    while KIND == "hang":
        pass
    while KIND == "memory":
        _kept.append(bytearray(b"x" * 1_000_000))
    if KIND == "file":
        open("/nowhere/at/all", "w").close()
    if KIND == "connection":
        socket.create_connection(("127.0.0.1", 9))
