"""JSON as evidence holds it: no NaN, no field twice, no number that overflows, no nesting without end."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 64  # lists and objects in one another; an engine's answers have about ten


def loads(text: str | bytes) -> Any:
    """Return what JSON text says. What it returns, `json.dumps(…, allow_nan=False)` can write again.

    Args:
        text: the JSON; bytes in UTF-8, without a byte order mark.

    Raises:
        ValueError: with the reason in a few words.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")  # some editors put a mark before the text, and change nothing else
    try:
        value = json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_float=_finite_number
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _too_deep(value):
        raise ValueError("nested too deeply")
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a field stands twice")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
