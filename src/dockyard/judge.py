"""Call a check with what its parameters name, and turn whatever happens into a verdict and one short message."""

from __future__ import annotations

import hashlib
import inspect
import json
import linecache
import os
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any
from urllib.parse import unquote, urlsplit

from dockyard import strictjson
from dockyard.errors import CheckError, DockyardError, EngineError, MissingReply
from dockyard.wire import AnswerError

MANUAL = "Manual grading needed."
MAX_MESSAGE = 500  # characters
MAX_ANSWER = 64 * 1024  # characters of JSON
CONTROL = re.compile(  # terminal sequences, control characters, marks that turn the writing round, lone surrogates
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

Check = Callable[..., object]


class MissingAnswer(DockyardError):
    """The learner has no variable of that name, or one whose value cannot be kept."""


@dataclass(frozen=True)
class Verdict:
    """How a check ended.

    Attributes:
        passed: True or False; None where a person has to grade.
        message: what was found, in one short text.
    """

    passed: bool | None
    message: str


def judge(check: Check, needs: Mapping[str, Callable[[], object]]) -> Verdict:
    """Run a check.

    Args:
        check: the function in the locked cell.
        needs: for each parameter, a function that provides its value.

    Returns:
        The verdict. Only an interrupt of the keyboard is passed on.
    """
    try:
        _refuse_what_cannot_fail(check)
        if check(**{name: needs[name]() for name in parameters(check)}) is not None:
            raise CheckError("The check returns a value, which nobody looks at.", "A check asserts.")
    except KeyboardInterrupt:
        raise
    except MissingReply as error:
        return Verdict(None, clean(f"{MANUAL} {error.found}"))
    except CheckError as error:
        return Verdict(None, clean(f"This check is broken: {error.found} {error.expected}"))
    except BaseException as error:
        return Verdict(False, clean(explain(error, check)))
    return Verdict(True, "Everything that was asked for is there.")


def explain(error: BaseException, check: Check) -> str:
    """Return what an exception means for the learner."""
    if isinstance(error, AssertionError):
        return str(error) or f"This does not hold: {_failed_line(error, check)}"
    if isinstance(error, EngineError):
        return str(error)
    if isinstance(error, DockyardError):
        return f"{error.found} {error.expected}".strip()
    if isinstance(error, AnswerError):
        return str(error)
    if type(error).__module__.startswith("docker.errors"):
        return _engine_said(error)
    return f"The check could not use what it found ({type(error).__name__}: {str(error)[:160]})."


def clean(message: str) -> str:
    """Return a message without control characters and no longer than `MAX_MESSAGE`."""
    message = CONTROL.sub("", message).strip()
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def parameters(check: Check) -> list[str]:
    """Return the names that a check asks for.

    Raises:
        CheckError: parameters that are not plain names.
    """
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    try:
        found = inspect.signature(check).parameters.values()
    except (TypeError, ValueError):
        raise CheckError(f"A {type(check).__name__} stands where the check should.", "Expected a function.") from None
    if any(parameter.kind not in kinds for parameter in found):
        raise CheckError("The check takes parameters with stars or a slash.", "Expected plain names.")
    return [parameter.name for parameter in found]


def named_variables(check: Check) -> frozenset[str]:
    """Return every word in the texts of a check, and of what it uses from beside it in its cell.

    An environment variable among them is one whose value is read.
    """
    return frozenset(_words(check.__code__, check.__globals__, set())) if hasattr(check, "__code__") else frozenset()


def source_hash(check: Check) -> str | None:
    """Return the SHA-256 of a check's source, or None where there is no source to be had.

    The source is that of the whole cell: helpers that stand beside the function are part of the check.
    """
    source = _source(check)
    return None if source is None else cell_hash(source)


def cell_hash(source: str) -> str:
    """Return the SHA-256 of a check cell's source: what `source_hash` gives for the check in it."""
    lines = [line.rstrip() for line in textwrap.dedent(source).strip().splitlines()]
    return "sha256:" + hashlib.sha256("\n".join(lines).encode(errors="replace")).hexdigest()


def plain(name: str, value: object) -> object:
    """Return a learner's value as the evidence can hold it: the JSON round trip.

    Raises:
        MissingAnswer: a value that is neither text, number, bool, None, list nor dict of those, or is too large.
    """
    try:
        text = json.dumps(value, default=_as_list, allow_nan=False)
        if len(text) > MAX_ANSWER:
            raise MissingAnswer(f"{name} is {len(text):,} characters long.", "Expected a short answer.")
        return strictjson.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise MissingAnswer(
            f"{name} is a {type(value).__name__} that cannot be kept.",
            "Expected text, a finite number, True, False, None, or a list or dict of those.",
        ) from None


def _as_list(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    raise TypeError


def _engine_said(error: BaseException) -> str:
    """Name the thing that an engine's error speaks of: "There is no container named lab-blue yet." """
    response = getattr(error, "response", None)
    path = urlsplit(getattr(response, "url", "") or "").path
    match = re.match(
        r"/(?:v1\.\d+/)?(container|image|network|volume|service|secret|config)s/(.+?)(?:/json|/top|/logs|/changes|/archive|/history)?\Z",
        path,
    )
    if getattr(response, "status_code", None) == 404 and match:
        kind, name = match.group(1), unquote(match.group(2))
        if kind == "container" and path.endswith("/archive"):
            return f"{getattr(error, 'explanation', None) or error}"
        return f"There is no {kind} named {name} yet."
    return f"The engine says: {getattr(error, 'explanation', None) or error}"


def _failed_line(error: BaseException, check: Check) -> str:
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    if traceback is None:
        return check.__name__
    return linecache.getline(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno).strip() or check.__name__


def _refuse_what_cannot_fail(check: Check) -> None:
    """A check that would pass whatever it finds must not run."""
    if not __debug__:
        raise CheckError("Python runs with -O, which drops a check's asserts.", "Unset PYTHONOPTIMIZE, leave out -O.")
    lazy = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(test(check) for test in lazy):
        raise CheckError("The check is a generator or a coroutine, whose body does not run.", "Expected a function.")


def _source(check: Check) -> str | None:
    code = getattr(check, "__code__", None)
    if code is not None and not os.path.exists(code.co_filename):  # a cell: its "file" is the cell
        return "".join(linecache.getlines(code.co_filename)) or None
    try:
        return inspect.getsource(check)
    except (OSError, TypeError):
        return None


def _words(code: CodeType, beside: Mapping[str, object], seen: set[CodeType]) -> set[str]:
    seen.add(code)
    words: set[str] = set()
    for constant in code.co_consts:
        words |= _words(constant, beside, seen) if isinstance(constant, CodeType) else _text_words(constant)
    for name in code.co_names:
        used = getattr(beside.get(name), "__code__", beside.get(name))
        if not isinstance(used, CodeType):
            words |= _texts_words(used)
        elif used not in seen and used.co_filename == code.co_filename:
            words |= _words(used, beside, seen)
    return words


def _text_words(constant: Any) -> set[str]:
    if isinstance(constant, str):
        return set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", constant)) | set(re.findall(r"[^\s=]+", constant))
    if isinstance(constant, tuple | frozenset):
        return {word for part in constant for word in _text_words(part)}
    return set()


def _texts_words(value: object) -> set[str]:
    """The words of a text, or of the texts in a short collection, that a cell holds beside its check."""
    if isinstance(value, dict) and len(value) < 1000:
        value = [*value, *value.values()]
    parts = value if isinstance(value, list | tuple | set | frozenset) and len(value) < 2000 else [value]
    return {word for part in parts if isinstance(part, str) for word in _text_words(part)}
