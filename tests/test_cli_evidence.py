"""`dockyard evidence show`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dockyard import evidence
from tests.cells import cell, run_live
from tests.fake_engine import FakeEngine
from tests.test_evidence import CORRUPTIONS, sample


def show(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dockyard.cli", "evidence", "show", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = evidence.path_of(tmp_path, "try-it")
    place.parent.mkdir()
    return place


def test_it_says_whose_it_is_and_what_was_asked(fake_engine: FakeEngine, path: Path) -> None:
    fake_engine.container("lab-a")
    source = cell('assert docker.containers.get("lab-a").status == answer, "lab-a is running."', "docker, answer")
    run_live(path.parents[1], source, answer="exited")
    run_live(path.parents[1], source, answer="running")
    done = show(path)
    assert done.returncode == 0, done.stderr
    for part in (
        "try-it (2 points)",
        "ada",
        "✓ passed: Everything that was asked for is there.",
        "28.0.1 linux amd64",
        '{"answer": "running"}',
        "2 attempts",
        "✗  lab-a is running.",
        "GET /containers/lab-a/json",
        "sha256:",
    ):
        assert part in done.stdout, part
    assert '"Processes"' not in done.stdout and '"Processes"' in show(path, "--full").stdout


@pytest.mark.parametrize("name", ["empty", "truncated", "an answer edited by hand", "a future version"])
def test_what_cannot_be_read_is_said_in_lines(path: Path, name: str) -> None:
    content, reason = CORRUPTIONS[name]
    path.write_bytes(content)
    done = show(path)
    assert done.returncode == 1 and not done.stdout and "Traceback" not in done.stderr
    assert done.stderr.startswith("✗ ") and reason in done.stderr and path.name in done.stderr


def test_a_file_that_is_missing(path: Path) -> None:
    done = show(path)
    assert done.returncode == 1 and done.stderr.startswith(f"✗ There is no file {path}")


def test_the_writer_of_a_file_does_not_steer_the_terminal(path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m[bold red]x[/] \ud800"
    at = sample()["recorded"]
    whole = sample(
        student=evil,
        message=evil,
        check=evil,
        answers={evil: evil},
        attempts=[{"at": at, "passed": True, "message": evil}],
        engine={**sample()["engine"], "version": evil, "id": evil},
        exchanges=[
            {"request": "GET /x", "status": 200, "headers": {}, "text": evil},
            {"request": "GET /y", "error": {"kind": "timeout", "message": evil}},
        ],
    )
    evidence.write(path, whole)
    for options in ([], ["--full"]):
        done = show(path, *options)
        assert done.returncode == 0, done.stderr
        assert not any(mark in done.stdout for mark in ("\x1b", "\x07", "\x9b", "\u202e"))
        assert "[bold red]x[/]" in done.stdout
