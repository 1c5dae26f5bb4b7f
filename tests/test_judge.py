"""From whatever a check does to a verdict and one short message."""

from __future__ import annotations

import asyncio
import hashlib
import linecache
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import CheckError, MissingReply
from dockyard.exercise import run_cell
from dockyard.judge import MAX_MESSAGE, Verdict, clean, judge, named_variables, parameters, plain, source_hash
from tests.cells import cell, run_live
from tests.fake_engine import FakeEngine


def raising(error: BaseException) -> Callable[[], None]:
    def check() -> None:
        raise error

    return check


def verdict(error: BaseException) -> Verdict:
    return judge(raising(error), {})


def test_a_check_that_ends_passes() -> None:
    assert judge(lambda: None, {}) == Verdict(True, "Everything that was asked for is there.")


MESSAGES: list[tuple[BaseException, bool | None, str]] = [
    (AssertionError("lab-a is exited."), False, "lab-a is exited."),
    (AssertionError(5), False, "5"),
    (KeyError("Mounts"), False, "The check could not use what it found (KeyError: 'Mounts')."),
    (RecursionError("deep"), False, "The check could not use what it found (RecursionError: deep)."),
    (MemoryError(), False, "The check could not use what it found (MemoryError: )."),
    (SystemExit(0), False, "The check could not use what it found (SystemExit: 0)."),
    (GeneratorExit(), False, "The check could not use what it found (GeneratorExit: )."),
    (asyncio.CancelledError(), False, "The check could not use what it found (CancelledError: )."),
    (CheckError("It writes.", "It must not."), None, "This check is broken: It writes. It must not."),
    (MissingReply("No answer."), None, "Manual grading needed. No answer."),
]


@pytest.mark.parametrize(("error", "passed", "message"), MESSAGES)
def test_each_end_has_its_message(error: BaseException, passed: bool | None, message: str) -> None:
    assert verdict(error) == Verdict(passed, message)


def test_an_interrupt_of_the_keyboard_is_passed_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        verdict(KeyboardInterrupt())


def test_an_assert_without_message_shows_its_line(tmp_path: Path) -> None:
    assert run_live(tmp_path, cell("assert answer == 7", "answer"), answer=8).message == (
        "This does not hold: assert answer == 7"
    )


NOT_FOUND = {
    'docker.containers.get("lab-blue")': "There is no container named lab-blue yet.",
    'docker.images.get("dockyard/lab-x:1")': "There is no image named dockyard/lab-x:1 yet.",
    'docker.networks.get("lab-net")': "There is no network named lab-net yet.",
    'docker.volumes.get("lab-data")': "There is no volume named lab-data yet.",
    'docker.api.top("lab-blue")': "There is no container named lab-blue yet.",
    'docker.api.history("dockyard/lab-x")': "There is no image named dockyard/lab-x yet.",
    'docker.services.get("lab-web")': "There is no service named lab-web yet.",
}


@pytest.mark.parametrize("call", NOT_FOUND)
def test_what_is_not_there_is_named(fake_engine: FakeEngine, tmp_path: Path, call: str) -> None:
    assert run_live(tmp_path, cell(call)).message == NOT_FOUND[call]


def test_other_errors_of_the_engine_are_quoted(fake_engine: FakeEngine, tmp_path: Path) -> None:
    fake_engine.json("/containers/lab-a/json", {"message": "layer \x1b[31mlost\x1b[0m"}, status=500)
    assert run_live(tmp_path, cell('docker.containers.get("lab-a")')).message == "The engine says: layer lost"


def test_an_engine_that_is_not_there_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    outcome = run_live(tmp_path, cell('docker.containers.get("lab-a")'))
    assert outcome.passed is False and "nobody.sock" in outcome.message and "Traceback" not in outcome.message
    assert outcome.recorded and outcome.attempts == 1


STRIPPED = {
    "a\x00b\x07c\x7f": "abc",
    "\x1b[31mred\x1b[0m \x1b[2J\x1b[1;1H": "red",
    "\x1b]0;title\x07x": "]0;titlex",
    "\x9b31mx": "31mx",
    "user\u202egnp.exe": "usergnp.exe",
    "\u2066a\u2069\u200e\u200f\u061c": "a",
    "lone \ud800 surrogate": "lone  surrogate",
    "two\nlines\tkept": "two\nlines\tkept",
    "a\r\nb": "a\nb",
    "  around  ": "around",
    "Zwölf 🐳": "Zwölf 🐳",
}


@pytest.mark.parametrize("message", STRIPPED)
def test_messages_are_cleaned(message: str) -> None:
    assert clean(message) == STRIPPED[message]
    assert verdict(AssertionError(message)).message == STRIPPED[message]


@given(st.text())
def test_no_message_steers_a_terminal_or_runs_on(message: str) -> None:
    cleaned = clean(message)
    assert len(cleaned) <= MAX_MESSAGE and cleaned.encode() is not None
    assert all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") for c in cleaned)
    assert clean(cleaned) == cleaned


def test_a_long_message_ends_in_dots() -> None:
    assert clean("x" * 1000) == "x" * 499 + "…"


def test_parameters_are_names(tmp_path: Path) -> None:
    def plainly(docker: object, answer: object, *, other: object = 3) -> None: ...

    assert parameters(plainly) == ["docker", "answer", "other"]
    for signature in ("*all", "**all", "docker, *rest", "docker, /"):
        outcome = run_live(tmp_path, cell("pass", signature))
        assert outcome.passed is False and "stars or a slash" in outcome.message and outcome.recorded is None


@pytest.mark.parametrize("thing", [5, "text", None])
def test_what_is_no_function_is_broken(thing: Any) -> None:
    result = judge(thing, {})
    assert result.passed is None and "should" in result.message


CANNOT_FAIL = {
    "a coroutine": "async def check(): assert False, 'no'",
    "a generator": "def check():\n    assert False, 'no'\n    yield",
    "an asynchronous generator": "async def check():\n    assert False, 'no'\n    yield",
    "a returned verdict": "def check(): return False",
    "a returned truth": "check = lambda: True",
}


@pytest.mark.parametrize("name", CANNOT_FAIL)
def test_a_check_that_cannot_fail_is_broken(name: str) -> None:
    namespace: dict[str, Any] = {}
    run_cell(CANNOT_FAIL[name], namespace)
    result = judge(namespace["check"], {})
    assert result.passed is None and result.message.startswith("This check is broken")


@pytest.mark.parametrize("flags", [["-O"], ["-OO"]])
def test_python_without_asserts_passes_nobody(tmp_path: Path, flags: list[str]) -> None:
    code = (
        "import sys; from dockyard.exercise import live, run_cell\n"
        f"with live({str(tmp_path)!r}, 'ada') as outcomes: run_cell({cell('assert False', '')!r}, {{}})\n"
        "print(outcomes[0].passed, outcomes[0].message)"
    )
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False This check is broken: Python runs with -O")


def compiled(source: str, **beside: Any) -> Callable[..., object]:
    """The check of a cell, with its source at hand as in a notebook."""
    filename = f"<test-cell-{hashlib.sha256(source.encode()).hexdigest()}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = dict(beside)
    exec(compile(source, filename, "exec"), namespace)
    return namespace["check"]


NAMED = {
    "a whole entry": ("def check(): return 'APP_MODE=safe'", {"APP_MODE"}),
    "a key": ("def check(): return {'APP_MODE': 1, 'OTHER': 2}", {"APP_MODE", "OTHER"}),
    "a tuple": ("def check():\n    for n in ('A', ('B', 'C')): n", {"A", "B", "C"}),
    "a set": ("def check(n): return n in {'A', 'B'}", {"A", "B"}),
    "an f-string": ("def check(x): return f'APP_MODE={x} and {x}_B'", {"APP_MODE", "_B"}),
    "a comprehension": ("def check(x): return [e for e in x if e.startswith('APP_')]", {"APP_"}),
    "a function inside": ("def check():\n    def inner(): return 'APP_MODE'\n    inner()", {"APP_MODE"}),
    "a lambda": ("check = lambda: (lambda: 'APP_MODE')", {"APP_MODE"}),
    "a class inside": ("def check():\n    class A:\n        B = 'APP_MODE'", {"APP_MODE"}),
    "a keyword": ("def check(): dict(APP_MODE=1)", {"APP_MODE"}),
    "dots and hyphens": ("def check(): return 'app.mode=1 my-var'", {"app.mode", "my-var", "app"}),
    "lower case": ("def check(): return 'http_proxy'", {"http_proxy"}),
    "a constant beside": ("WANTED = 'APP_MODE=safe'\ndef check(): return WANTED", {"APP_MODE"}),
    "a list beside": ("WANTED = ['A', 'B']\ndef check(): return WANTED", {"A", "B"}),
    "a helper beside": ("def help(): return 'APP_MODE'\ndef check(): return help()", {"APP_MODE"}),
    "a helper's constant": ("W = 'APP_MODE'\ndef help(): return W\ndef check(): return help()", {"APP_MODE"}),
    "helpers in a ring": ("def a(): b()\ndef b(): a(), 'APP_MODE'\ndef check(): a()", {"APP_MODE"}),
    "the check in itself": ("def check(): check(), 'APP_MODE'", {"APP_MODE"}),
}


@pytest.mark.parametrize("name", NAMED)
def test_variables_are_named_by_the_texts_of_a_check(name: str) -> None:
    source, words = NAMED[name]
    assert words <= named_variables(compiled(source))


def test_variables_are_not_named_by_what_a_check_does_not_use() -> None:
    cyclic: list[Any] = ["CYCLIC"]
    cyclic.append(cyclic)
    beside = {"SECRET": "TOKEN", "get": cyclic, "huge": ["x"] * 10_000, "json": len}
    source = "# APP_MODE\nUNUSED = 'TOKEN'\ndef check(docker): return docker.get.huge.json, 7, None, b'TOKEN'"
    named = named_variables(compiled(source, **beside))
    assert not named & {"TOKEN", "APP_MODE", "x"}
    assert named_variables(print) == frozenset()


SOURCE = "from dockyard import exercise\nLIMIT = 3\n\ndef check(docker):\n    assert LIMIT, 'none'\n"


def test_the_hash_is_that_of_the_cell() -> None:
    whole = source_hash(compiled(SOURCE))
    assert whole and whole.startswith("sha256:")
    same = ["\n\n" + SOURCE, SOURCE + "\n\n", SOURCE.replace("none'\n", "none'   \n"), SOURCE.rstrip("\n")]
    assert {source_hash(compiled(source)) for source in same} == {whole}
    other = [SOURCE.replace("3", "4"), SOURCE + "# so", SOURCE.replace("LIMIT, ", "LIMIT > 2, ")]
    assert len({whole, *(source_hash(compiled(source)) for source in other)}) == 4


def test_without_source_there_is_no_hash() -> None:
    namespace: dict[str, Any] = {}
    exec("def check(): pass", namespace)
    assert source_hash(namespace["check"]) is None
    assert source_hash(len) is None


KEPT: list[tuple[Any, Any]] = [
    ("text", "text"),
    (7, 7),
    (1.5, 1.5),
    (True, True),
    (None, None),
    ((1, (2, 3)), [1, [2, 3]]),
    ({"b", "a"}, ["a", "b"]),
    (frozenset({2, 1}), [1, 2]),
    ({1: "a", None: "b"}, {"1": "a", "null": "b"}),
    ({"x": [{"y": {"z"}}]}, {"x": [{"y": ["z"]}]}),
    ("\ud800", "\ud800"),
]


@pytest.mark.parametrize(("value", "kept"), KEPT)
def test_answers_are_kept_as_json(value: Any, kept: Any) -> None:
    assert plain("answer", value) == kept


class Odd(str):
    """A learner's own kind of text: kept as text."""


def test_subclasses_are_kept_as_what_they_are() -> None:
    assert type(plain("answer", Odd("x"))) is str


def ring() -> list[Any]:
    whole: list[Any] = []
    whole.append(whole)
    return whole


def deep(levels: int) -> Any:
    return [deep(levels - 1)] if levels else 1


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "NaN": (lambda: float("nan"), "answer is a float that cannot be kept. Expected text, a finite number"),
    "infinity": (lambda: [float("inf")], "answer is a list that cannot be kept."),
    "bytes": (lambda: b"x", "answer is a bytes that cannot be kept."),
    "an object": (object, "answer is a object that cannot be kept."),
    "a function": (lambda: len, "answer is a builtin_function_or_method that cannot be kept."),
    "a complex number": (lambda: 1j, "answer is a complex that cannot be kept."),
    "a key that is a tuple": (lambda: {(1, 2): 3}, "answer is a dict that cannot be kept."),
    "a ring": (ring, "answer is a list that cannot be kept."),
    "too deep": (lambda: deep(100), "answer is a list that cannot be kept."),
    "far too deep": (lambda: deep(900), "answer is a list that cannot be kept."),
    "a number without end": (lambda: 10**10_000, "answer is a int that cannot be kept."),
    "too long": (lambda: "x" * 70_000, "answer is 70,002 characters long. Expected a short answer."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_answers_that_cannot_be_kept_are_said_so(tmp_path: Path, name: str) -> None:
    make, message = REFUSED[name]
    outcome = run_live(tmp_path, cell("assert answer", "answer"), answer=make())
    assert outcome.passed is False and outcome.message.startswith(message), outcome.message
    assert outcome.attempts == 1 and outcome.recorded
