"""The evidence file: what is refused and why, what survives, and what a crash leaves behind."""

from __future__ import annotations

import copy
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockyard import evidence
from dockyard.errors import EvidenceError
from dockyard.exercise import replay, run_cell
from tests.cells import cell

LINK = "http://localhost:8080/"
CHECK = cell(
    """
    assert answer == "seven", f"answer is {answer}."
    container = docker.containers.get("lab-a")
    container.top(), container.diff(), container.image.history()
    assert b"hello" in container.logs(), "no hello"
    assert http.get("http://localhost:8080/").ok, "no page"
    """,
    "docker, http, answer",
)
INSPECT = {
    "Id": "aa",
    "Name": "/lab-a",
    "Image": "sha256:bb",
    "Config": {"Env": ["A=***"], "Image": "dockyard/busybox", "Tty": False},
    "State": {"Status": "running"},
}


def answered(request: str, **body: Any) -> dict[str, Any]:
    return {"request": request, "status": 200, "headers": {"Content-Type": "application/json"}, **body}


def sample(**changes: Any) -> dict[str, Any]:
    """Evidence of a run that `CHECK` passes, without checksum."""
    at = "2026-03-01T10:00:00.000Z"
    logs = "GET /containers/aa/logs?follow=0&stderr=1&stdout=1&tail=all&timestamps=0"
    stream = {"Content-Type": "application/vnd.docker.multiplexed-stream"}
    whole: dict[str, Any] = {
        "format": "dockyard-evidence",
        "version": 1,
        "exercise": "try-it",
        "points": 2,
        "student": "ada",
        "check": None,
        "engine": {"id": "E", "version": "28.0.1", "api_version": "1.48", "os": "linux", "architecture": "amd64"},
        "recorded": at,
        "passed": True,
        "message": "Everything that was asked for is there.",
        "attempt_count": 1,
        "attempts": [{"at": at, "passed": True, "message": "Everything that was asked for is there."}],
        "answers": {"answer": "seven"},
        "exchanges": [
            answered("GET /containers/lab-a/json", json=INSPECT),
            answered("GET /containers/aa/json", json=INSPECT),
            answered("GET /containers/aa/top", json={"Titles": ["PID"], "Processes": [["1"]]}),
            answered("GET /containers/aa/changes", json=[{"Path": "/etc", "Kind": 0}]),
            answered("GET /images/bb/json", json={"Id": "sha256:bb", "RepoTags": ["dockyard/busybox:latest"]}),
            answered("GET /images/sha256:bb/history", json=[{"CreatedBy": "CMD"}]),
            {"request": logs, "status": 200, "headers": stream, "base64": "AQAAAAAAAAZoZWxsbwo="},
            answered(f"GET {LINK}", text="<html>"),
        ],
    }
    return {**whole, **changes}


def sealed(whole: dict[str, Any]) -> bytes:
    """The bytes with a checksum that fits, whatever the rest is worth: what a forger can make."""
    return json.dumps({**whole, "checksum": evidence.checksum(whole)}).encode()


def changed(path: str, value: Any) -> bytes:
    """The sample with one field replaced (`…` removes it), sealed anew."""
    whole = copy.deepcopy(sample())
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = whole
    for part in way:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return sealed(whole)


GOOD = sealed(sample())
DEEP = b"[" * 100_000 + b"]" * 100_000
NESTED = json.loads("[" * 70 + "]" * 70)

# name → (bytes, a part of the reason)
CORRUPTIONS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "white space": (b" \n\t", "empty"),
    "truncated": (GOOD[:-100], "cannot be read"),
    "half": (GOOD[: len(GOOD) // 2], "cannot be read"),
    "two in one": (GOOD + GOOD, "Extra data"),
    "not UTF-8": (GOOD.replace(b"seven", b"\xff\xfe"), "utf-8"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "utf-8"),
    "NUL bytes": (b"\0" * 4096, "cannot be read"),
    "not JSON": (b"passed: true\n", "cannot be read"),
    "Python": (repr(sample()).encode(), "cannot be read"),
    "a pickle": (b"cos\nsystem\n(S'touch /tmp/canary'\ntR.", "cannot be read"),
    "NaN": (GOOD.replace(b'"points": 2', b'"points": NaN'), "NaN is not a number"),
    "minus infinity": (GOOD.replace(b'"points": 2', b'"points": -Infinity'), "-Infinity is not a number"),
    "a float that overflows": (GOOD.replace(b'"seven"', b"1e999"), "too large"),
    "an integer without end": (GOOD.replace(b'"seven"', b"9" * 100_000), "cannot be read"),
    "nested without end": (DEEP, "nested too deeply"),
    "nested deeply": (changed("answers.answer", NESTED), "nested too deeply"),
    "a field twice": (GOOD.replace(b'"passed"', b'"passed": true, "passed"', 1), "twice"),
    "a field twice, far inside": (GOOD.replace(b'"Kind": 0', b'"Kind": 0, "Kind": 1'), "twice"),
    "a list": (b"[]", "not Dockyard evidence"),
    "null": (b"null", "not Dockyard evidence"),
    "another format": (changed("format", "evidence"), "not Dockyard evidence"),
    "no format": (changed("format", ...), "not Dockyard evidence"),
    "a future version": (changed("version", 2), "format version '2'"),
    "version true": (changed("version", True), "format version"),
    "version as text": (changed("version", "1"), "format version"),
    "another exercise": (changed("exercise", "other"), "is of exercise other"),
    "an exercise's name with a path": (changed("exercise", "../../etc/passwd"), "right form"),
    "another student": (changed("student", "eve"), "recorded for 'eve'"),
    "no student": (changed("student", ...), "right form"),
    "a checksum of something else": (changed("message", "?").replace(b'"?"', b'"!"'), "checksum does not fit"),
    "an answer edited by hand": (GOOD.replace(b"seven", b"eight"), "checksum does not fit"),
    "no checksum": (json.dumps(sample()).encode(), "right form"),
    "a checksum of no form": (GOOD.replace(b'"checksum": "sha256:', b'"checksum": "md5:'), "right form"),
    "an extra field": (changed("grade", 100), "right form"),
    "an extra field in an exchange": (changed("exchanges.0.code", "import os"), "right form"),
    "points negative": (changed("points", -1), "right form"),
    "points as text": (changed("points", "2"), "right form"),
    "points beyond measure": (changed("points", 10**400), "right form"),
    "passed as a number": (changed("passed", 1), "right form"),
    "no attempts": (changed("attempts", []), "right form"),
    "too many attempts": (changed("attempts", sample()["attempts"] * 201), "right form"),
    "an attempt of no form": (changed("attempts.0", None), "right form"),
    "a time of no form": (changed("recorded", "yesterday"), "right form"),
    "a time that is none": (changed("recorded", "2026-19-39T10:00:00.000Z"), "right form"),
    "a time of an attempt that is none": (changed("attempts.0.at", "2026-02-31T10:00:00.000Z"), "right form"),
    "a time with a line break": (changed("recorded", "2026-03-01T10:00:00.000Z\n"), "right form"),
    "a message without end": (changed("message", "x" * 601), "right form"),
    "an engine without API version": (changed("engine.api_version", ...), "right form"),
    "an engine of API 2": (changed("engine.api_version", "2.0"), "right form"),
    "exchanges as an object": (changed("exchanges", {}), "right form"),
    "too many exchanges": (changed("exchanges", [answered("GET /info", json={})] * 2001), "right form"),
    "status 99": (changed("exchanges.0.status", 99), "right form"),
    "status 600": (changed("exchanges.0.status", 600), "right form"),
    "status true": (changed("exchanges.0.status", True), "right form"),
    "a header with a line break": (changed("exchanges.0.headers.Content-Type", "a\r\nX: y"), "right form"),
    "a header that ends in one": (changed("exchanges.0.headers.Content-Type", "a\n"), "right form"),
    "a header's name with a line break": (changed("exchanges.0.headers", {"A\nB": "c"}), "right form"),
    "a request that writes": (changed("exchanges.0.request", "POST /containers/create"), "right form"),
    "a request with a line break": (changed("exchanges.0.request", "GET /info\n"), "right form"),
    "two bodies": (changed("exchanges.0.text", "x"), "right form"),
    "no body": (changed("exchanges.0.json", ...), "right form"),
    "base64 of a wrong alphabet": (changed("exchanges.6.base64", "????"), "right form"),
    "base64 of a wrong length": (changed("exchanges.6.base64", "A"), "right form"),
    "an unknown error": (changed("exchanges.0", {"request": "GET /x", "error": {"kind": "x", "message": ""}}), "form"),
    "too large": (changed("message", "") + b" " * evidence.MAX_BYTES, "at most"),
}


def refused(path: Path, reason: str) -> None:
    """The file is refused for this reason, by `read` and in grading, and grading goes on."""
    with pytest.raises(EvidenceError) as caught:
        evidence.read(path, exercise="try-it", student="ada")
    assert reason.casefold() in str(caught.value).casefold()
    with replay(path.parents[1], "ada") as outcomes:
        run_cell(CHECK, {})
    assert outcomes[0].passed is False
    assert reason.casefold() in outcomes[0].message.casefold() and outcomes[0].earned == "0 of 2 points"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the evidence belongs; its folder is there."""
    place = evidence.path_of(tmp_path, "try-it")
    place.parent.mkdir()
    return place


def test_the_sample_is_good(path: Path) -> None:
    path.write_bytes(GOOD)
    assert evidence.read(path, exercise="try-it", student="ada")["answers"] == {"answer": "seven"}
    with replay(path.parents[1], "ada") as outcomes:
        run_cell(CHECK, {})
    assert outcomes[0].passed is True, outcomes[0].message


@pytest.mark.timeout(30)
def test_an_editor_that_only_saved_it_changes_nothing() -> None:
    assert evidence.parse(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n")) == evidence.parse(GOOD)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_damage_is_refused_with_its_own_reason(path: Path, name: str) -> None:
    content, reason = CORRUPTIONS[name]
    path.write_bytes(content)
    refused(path, reason)


def link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def link_to_good(path: Path) -> None:
    (path.parent / "elsewhere.json").write_bytes(GOOD)
    path.symlink_to("elsewhere.json")


def linked_folder(path: Path) -> None:
    path.parent.rmdir()
    elsewhere = path.parents[1] / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / path.name).write_bytes(GOOD)
    path.parent.symlink_to(elsewhere)


def folder_is_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("no folder")


def a_socket(path: Path) -> None:
    import socket

    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path must be short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (lambda path: None, "no evidence"),
    "no folder": (lambda path: path.parent.rmdir(), "no evidence"),
    "a folder that is a file": (folder_is_a_file, "cannot be opened"),
    "a directory": (lambda path: path.mkdir(), "not a regular file"),
    "a pipe": (lambda path: os.mkfifo(path), "not a regular file"),
    "a socket": (a_socket, "cannot be opened"),
    "a link to good evidence": (link_to_good, "is a link"),
    "a link to nowhere": (link_to("nowhere"), "is a link"),
    "a link to itself": (link_to("try-it.json"), "is a link"),
    "a link to an endless device": (link_to("/dev/zero"), "is a link"),
    "a link to a secret": (link_to("/etc/passwd"), "is a link"),
    "a folder that is a link": (linked_folder, "folder is a link"),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", FILES)
def test_only_a_regular_file_is_read(path: Path, name: str) -> None:
    make, reason = FILES[name]
    make(path)
    refused(path, reason)


@pytest.mark.timeout(30)
def test_a_pipe_with_a_writer_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    try:
        refused(path, "not a regular file")
    finally:
        os.close(writer)


def test_a_device_is_not_read(path: Path) -> None:
    try:
        os.mknod(path, 0o644 | 0o020000, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("only root makes devices")
    refused(path, "not a regular file")


def test_refusals_leave_no_descriptor_open(path: Path) -> None:
    path.mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        refused(path, "not a regular file")
    assert len(os.listdir("/proc/self/fd")) <= before + 2


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "A", "a b", "-a", "a\n", "é", "a" * 65, "x.json"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(EvidenceError, match="no name for an exercise"):
        evidence.path_of(tmp_path, name)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary())
def test_any_bytes_are_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(EvidenceError):
        evidence.parse(content)


@given(json_values)
def test_any_json_is_refused_with_a_reason(value: Any) -> None:
    with pytest.raises(EvidenceError):
        evidence.parse(json.dumps(value).encode())


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [way] if way else []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        found += places(inner, (*way, step))
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(places(sample())), json_values, st.booleans())
def test_forged_evidence_never_stops_the_grading(
    tmp_path_factory: pytest.TempPathFactory, way: tuple[Any, ...], value: Any, remove: bool
) -> None:
    """One field replaced by anything, sealed anew: refused, or judged; nothing else."""
    whole = copy.deepcopy(sample())
    place: Any = whole
    for step in way[:-1]:
        place = place[step]
    if remove:
        del place[way[-1]]
    else:
        place[way[-1]] = value
    folder = tmp_path_factory.getbasetemp() / "forged"
    (folder / "evidence").mkdir(parents=True, exist_ok=True)
    (folder / "evidence" / "try-it.json").write_bytes(sealed(whole))
    with replay(folder, "ada") as outcomes:
        run_cell(CHECK, {})
    assert len(outcomes) == 1 and outcomes[0].message and len(outcomes[0].message) <= 500
    assert outcomes[0].html() and str(outcomes[0]).encode()


@given(st.dictionaries(st.text(), json_values, max_size=5), st.text(max_size=60))
def test_what_is_written_is_read_again(answers: dict[str, Any], student: str) -> None:
    whole = sample(answers=answers, student=student)
    assert evidence.parse(evidence.dump(whole), student=student) == {**whole, "checksum": evidence.checksum(whole)}


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_the_checksum_does_not_depend_on_the_order_of_fields(answers: dict[str, Any]) -> None:
    whole = sample(answers=answers)
    turned = dict(reversed(whole.items())) | {"answers": dict(reversed(answers.items()))}
    assert evidence.checksum(whole) == evidence.checksum(turned)


def test_lone_surrogates_survive(path: Path) -> None:
    evidence.write(path, sample(answers={"answer": "\ud800"}))
    assert evidence.read(path)["answers"] == {"answer": "\ud800"}


def test_the_file_can_be_read_by_a_person(path: Path) -> None:
    evidence.write(path, sample(message="lab-blau läuft nicht"))
    text = path.read_text(encoding="utf-8")
    assert '"message": "lab-blau läuft nicht"' in text and '"Processes"' in text
    assert path.stat().st_mode & 0o777 == 0o644


def run(passed: bool, message: str = "so", **changes: Any) -> dict[str, Any]:
    """Evidence of one run, as `record` takes it."""
    at = evidence.now()
    attempt = {"at": at, "passed": passed, "message": message}
    return sample(passed=passed, message=message, recorded=at, attempts=[attempt], **changes)


def test_attempts_are_counted_with_time_and_message(path: Path) -> None:
    for number in range(3):
        kept = evidence.record(path, run(False, f"try {number}"))
    assert kept["attempt_count"] == 3
    assert [attempt["message"] for attempt in evidence.read(path)["attempts"]] == ["try 0", "try 1", "try 2"]
    assert kept["attempts"][0]["at"] <= kept["attempts"][2]["at"] == kept["recorded"]


def test_the_list_of_attempts_ends_the_count_does_not(path: Path) -> None:
    attempts = [{"at": evidence.now(), "passed": False, "message": str(number)} for number in range(200)]
    evidence.write(path, sample(passed=False, attempts=attempts, attempt_count=5000))
    kept = evidence.record(path, run(True, "last"))
    messages = [attempt["message"] for attempt in kept["attempts"]]
    assert kept["attempt_count"] == 5001 and len(messages) == 200
    assert messages[0] == "0" and messages[1] == "2" and messages[-1] == "last"


def test_a_pass_survives_a_failure_and_is_replaced_by_a_pass(path: Path) -> None:
    evidence.record(path, run(True, "first", answers={"answer": "one"}))
    kept = evidence.record(path, run(False, "cleaned up", answers={"answer": "none"}))
    assert kept["passed"] and kept["answers"] == {"answer": "one"} and kept["message"] == "first"
    assert [attempt["passed"] for attempt in kept["attempts"]] == [True, False]
    kept = evidence.record(path, run(True, "again", answers={"answer": "two"}))
    assert kept["answers"] == {"answer": "two"} and kept["attempt_count"] == 3
    assert evidence.read(path)["message"] == "again"


@pytest.mark.parametrize("content", [b"", b"{", GOOD.replace(b"ada", b"bob"), changed("exercise", "other")])
def test_a_file_that_cannot_be_used_is_moved_aside(path: Path, content: bytes) -> None:
    for number in (1, 2):
        path.write_bytes(content)
        assert evidence.record(path, run(False))["attempt_count"] == 1
        assert (path.parent / f"try-it.unreadable-{number}.txt").read_bytes() == content
    assert evidence.record(path, run(True))["attempt_count"] == 2


@pytest.mark.parametrize("name", [name for name in FILES if "folder" not in name and name != "missing"])
def test_what_is_no_file_is_moved_aside_and_never_written_through(path: Path, name: str) -> None:
    FILES[name][0](path)
    evidence.record(path, run(True))
    assert evidence.read(path)["passed"] and not path.is_symlink()
    assert os.path.lexists(path.parent / "try-it.unreadable-1.txt")


@pytest.mark.parametrize("name", ["a folder that is a link", "a folder that is a file"])
def test_a_folder_that_is_none_is_not_written_to(path: Path, name: str) -> None:
    FILES[name][0](path)
    with pytest.raises(EvidenceError):
        evidence.record(path, run(True))
    assert name != "a folder that is a link" or (path.parents[1] / "elsewhere" / path.name).read_bytes() == GOOD


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_a_reason(path: Path) -> None:
    path.parent.chmod(0o500)
    with pytest.raises(EvidenceError, match="Permission denied"):
        evidence.record(path, run(True))


def test_a_full_disk_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence.record(path, run(True, "kept"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EvidenceError, match="No space left on device"):
        evidence.record(path, run(True, "lost"))
    assert evidence.read(path)["message"] == "kept"
    assert not list(path.parent.glob(".*.tmp"))


def big(size: int) -> list[dict[str, Any]]:
    return [answered(f"GET /containers/x{number}/json", json={"x": "y" * 1000}) for number in range(size // 1000)]


def test_the_neighbourhood_goes_first(path: Path) -> None:
    fresh, leaner = run(True, exchanges=big(1_100_000)), run(True, exchanges=big(500_000))
    assert len(evidence.record(path, fresh, leaner=leaner)["exchanges"]) == 500


def test_then_old_attempts_go_and_the_count_stays(path: Path) -> None:
    attempts = [{"at": evidence.now(), "passed": False, "message": "🐳" * 500}] * 200  # 400 KB
    evidence.write(path, sample(passed=False, attempts=attempts, attempt_count=200))
    kept = evidence.record(path, run(True, exchanges=big(900_000)), leaner=run(True, exchanges=big(800_000)))
    assert kept["passed"] and kept["attempt_count"] == 201 and len(kept["attempts"]) == 10
    assert evidence.read(path)["attempt_count"] == 201


def test_what_is_too_large_loses_nothing_that_was_there(path: Path) -> None:
    evidence.record(path, run(False, "small"))
    with pytest.raises(EvidenceError, match=r"has 1,\d{3},\d{3} bytes"):
        evidence.record(path, run(True, exchanges=big(1_200_000)))
    assert evidence.read(path)["message"] == "small"
    path.write_bytes(b"damaged")
    with pytest.raises(EvidenceError):
        evidence.record(path, run(True, exchanges=big(1_200_000)))
    assert path.read_bytes() == b"damaged"


def test_what_grading_would_refuse_is_not_written(path: Path) -> None:
    for wrong in ({"student": "x" * 256}, {"points": -1}, {"answers": {str(n): n for n in range(51)}}):
        with pytest.raises(EvidenceError, match="right form"):
            evidence.record(path, run(True, **wrong))
    assert not path.exists()


WRITER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.test_evidence import big, run
from dockyard import evidence
path, name, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
exchanges = big(int(sys.argv[4]))
for number in range(times):
    kept = evidence.record(path, run(number % 3 == 0, f"{{name}} {{number}}", exchanges=exchanges))
    print(kept["attempt_count"], flush=True)
"""


def writer(path: Path, name: str, times: int, size: int) -> subprocess.Popen[str]:
    code = WRITER.format(root=str(Path(__file__).parents[1]))
    command = [sys.executable, "-c", code, str(path), name, str(times), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_writer_that_is_killed_leaves_a_whole_file(path: Path) -> None:
    chance = random.Random(7)
    for _ in range(8):
        child = writer(path, "doomed", 10_000, 200_000)
        assert child.stdout
        said = [child.stdout.readline()]
        timer = threading.Timer(chance.uniform(0, 0.15), child.send_signal, [signal.SIGKILL])
        timer.start()
        said += child.stdout.readlines()
        assert child.wait() == -signal.SIGKILL
        whole = evidence.read(path, exercise="try-it", student="ada")
        assert whole["attempt_count"] >= int([line for line in said if line.endswith("\n")][-1])
    before = whole["attempt_count"]
    assert evidence.record(path, run(True))["attempt_count"] == before + 1
    assert not list(path.parent.glob(".*.tmp")), "what killed writers left is swept away"
    assert not list(path.parent.glob("*unreadable*"))


def test_two_writers_lose_no_attempt(path: Path) -> None:
    children = [writer(path, name, 30, 1000) for name in ("left", "right")]
    assert [child.wait(60) for child in children if child.communicate()] == [0, 0]
    whole = evidence.read(path)
    wanted = sorted(f"{name} {number}" for name in ("left", "right") for number in range(30))
    assert whole["attempt_count"] == 60 and sorted(attempt["message"] for attempt in whole["attempts"]) == wanted


def test_a_lock_that_is_held_is_a_reason(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    patient = filelock.FileLock
    monkeypatch.setattr(filelock, "FileLock", lambda place, timeout: patient(place, timeout=0.2))
    other = patient(path.parent / ".lock")
    started = time.monotonic()
    with other, pytest.raises(EvidenceError, match="Another program"):
        evidence.record(path, run(True))
    assert time.monotonic() - started < 5
