"""A short run of every target with a fixed seed, and proof that such a run finds what there is to find.

In the interpreter of the tests the targets run on their seeds alone; each fuzzing run has a process of its own.
"""

from __future__ import annotations

import base64
import contextlib
import os
import platform
import shlex
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from nbformat import ValidationError, from_dict

from tests.fuzz import TARGETS, guard, markdown, notebook, replay
from tests.fuzz import evidence as evidence_target
from tests.fuzz.__main__ import Result, fuzz

SUPPORTED = sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 14)
SEED = "-seed=20260301"
# target → runs; seconds after which it is enough; edges that the seeds reach, and that are reached in the end: nine
# tenths of what was measured, since a code that shrinks is no fault.
ENOUGH = {
    "evidence": (6000, 15, 320, 340),
    "replay": (3000, 15, 540, 600),
    "notebook": (3000, 15, 200, 225),
    "markdown": (6000, 15, 700, 950),
}


@pytest.fixture
def atheris() -> None:
    """What these tests need; where `CI` is set on a system that it supports, its absence is a failure."""
    if find_spec("atheris"):
        return
    reason = "atheris is not installed" if SUPPORTED else "atheris supports Linux on x86_64 and Python before 3.14"
    if SUPPORTED and os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("name", TARGETS)
def test_a_short_run_finds_nothing(atheris: None, name: str) -> None:
    runs, seconds, at_first, in_the_end = ENOUGH[name]
    result = fuzz(name, SEED, f"-runs={runs}", f"-max_total_time={seconds}")
    assert result.code == 0 and result.found is None, f"\n{result}"
    assert result.runs > 200 and result.started_with >= at_first, f"\n{result}\n{result.log[-3000:]}"
    assert result.edges >= in_the_end and result.edges > result.started_with, f"nothing new was reached\n{result}"


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_has_an_allowed_outcome(name: str) -> None:
    target: Any = import_module(f"tests.fuzz.{name}")
    for seed in target.seeds():
        target.one_input(seed)


# kind → what the log says of it
PLANTED = {
    "bytes": "RuntimeError: planted",
    "structure": "RuntimeError: planted",
    "hang": "libFuzzer: timeout",
    "memory": "out-of-memory",
    "file": "Escaped: open('/nowhere/at/all'",
    "connection": "Escaped: socket.",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_fault_is_found_and_can_be_repeated(atheris: None, kind: str) -> None:
    result = fuzz(f"planted:{kind}", SEED, "-runs=400000", "-max_total_time=60")
    assert result.code and PLANTED[kind] in result.log, f"\n{result}\n{result.log[-3000:]}"
    assert result.found is not None and result.found not in import_module("tests.fuzz.planted").seeds()
    command = str(result).splitlines()[-1]
    *_, target, option, text = shlex.split(command)
    assert (target, option) == (f"planted:{kind}", "--input") and base64.b64decode(text) == result.found
    again = fuzz(target, data=base64.b64decode(text))
    assert again.code and PLANTED[kind] in again.log, again.log[-3000:]


def test_where_no_fault_is_planted_none_is_found(atheris: None) -> None:
    result = fuzz("planted:nothing", SEED, "-runs=3000")
    assert (result.code, result.found) == (0, None) and result.runs == 3000 and result.edges > result.started_with > 0


def test_code_that_is_not_instrumented_shows_no_edges(atheris: None) -> None:
    """What the short runs would see if they looked at nothing."""
    assert fuzz("planted:blind", SEED, "-runs=3000").edges == 0


def test_equal_seeds_make_equal_runs(atheris: None) -> None:
    one, two = (fuzz("evidence", SEED, "-runs=200").steps for _ in range(2))
    pulses = {"pulse"}  # which come by the clock
    assert one and [step for step in one if step[1] not in pulses] == [step for step in two if step[1] not in pulses]


def test_the_guard_sees_what_is_swallowed(tmp_path: Path) -> None:
    with pytest.raises(guard.Escaped, match="open"), guard.nothing_outside(), contextlib.suppress(Exception):
        (tmp_path / "file").write_text("x")
    assert not (tmp_path / "file").exists()
    with guard.nothing_outside():
        Path(__file__).read_text(encoding="utf-8")
    (tmp_path / "file").write_text("x")


class Sabotage:
    """A fault in the package, and an input on which a target must not be content."""

    def __init__(self, target: Any, data: bytes, place: str, value: Any) -> None:
        self.target, self.data, self.place, self.value = target, data, place, value


def _seed(name: str) -> bytes:
    return next(seed for seed in replay.seeds() if f'"exercise": "{name}"'.encode() in seed)


SABOTAGE = {
    "text stays active": lambda: Sabotage(markdown, b"<script>f</script>", "tests.fuzz.markdown.inert", str),
    "the page has no wall": lambda: Sabotage(
        markdown, b"<p onclick=f>x", "tests.fuzz.markdown.shown_in_pages", lambda _, text: text
    ),
    "slimming leaves outputs": lambda: Sabotage(
        notebook,
        notebook.seeds()[0].replace(b'"outputs": []', b'"outputs": [1]'),
        "tests.fuzz.notebook.without_outputs",
        lambda content: content,
    ),
    "slimming takes more": lambda: Sabotage(
        notebook, notebook.seeds()[2], "tests.fuzz.notebook.without_outputs", lambda content: b"{}"
    ),
    "marks are believed": lambda: Sabotage(
        notebook,
        notebook.seeds()[0].replace(b'"points": 2', b'"points": 1000'),
        "dockyard.grading.cells._restore",
        lambda cell, claimed, known: cell.metadata.update(nbgrader=claimed) or [],
    ),
    "outputs stay": lambda: Sabotage(notebook, notebook.seeds()[2], "dockyard.grading.reading.safe_output", _as_it_is),
    "evidence is not read as it was written": lambda: Sabotage(
        evidence_target, evidence_target.seeds()[0], "dockyard.evidence.dump", lambda says: evidence_target.seeds()[1]
    ),
    "the parser raises another error": lambda: Sabotage(
        evidence_target, b"[[", "dockyard.strictjson.loads", lambda _: {}["x"]
    ),
    "a check raises": lambda: Sabotage(replay, _seed("x-top"), "dockyard.exercise.judge", lambda *_: {}["x"]),
    "a connection is tried": lambda: Sabotage(
        replay, _seed("x-top"), "dockyard.recording.Replayer.send", lambda *_, **__: _connect()
    ),
}


def _as_it_is(output: Any) -> Any:
    return from_dict(output) if output["output_type"] == "display_data" else None


def _connect() -> None:
    import socket

    socket.create_connection(("127.0.0.1", 9))


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_target_is_not_content_with_everything(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    fault = SABOTAGE[name]()
    fault.target.one_input(fault.data)
    module, _, name = fault.place.rpartition(".")
    outer, _, inner = module.rpartition(".")
    place = sys.modules.get(module) or getattr(sys.modules[outer], inner)  # a module, or a class in one
    monkeypatch.setattr(place, name, fault.value)
    with pytest.raises((AssertionError, guard.Escaped, ValidationError, KeyError)):
        fault.target.one_input(fault.data)


def test_a_result_tells_what_to_type() -> None:
    text = str(Result("replay", 77, "#2\tINITED cov: 7 ft: 9 corp: 1/1b", b"abc"))
    assert "7 edges from the seeds" in text and text.splitlines()[-1] == "python -m tests.fuzz replay --input YWJj"
