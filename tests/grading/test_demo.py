"""The demo: a class whose grades are known beforehand, on the real engine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker import DockerClient

from dockyard import evidence
from dockyard.exercise import live, replay, run_cell
from dockyard.grading.demo import FORGER, PARTIAL, PERFECT, Learner, expected, forge, learners
from tests.grading.classroom import check_source

NAMES = [f"exercise-{number}" for number in range(8)]


def test_the_same_seed_plays_the_same_class() -> None:
    assert learners(12, 7, NAMES) == learners(12, 7, NAMES)
    assert learners(12, 7, NAMES) != learners(12, 8, NAMES)


def test_the_first_three_are_perfect_partial_and_a_forger() -> None:
    group = learners(3, 1, NAMES)
    assert [learner.role for learner in group] == [PERFECT, PARTIAL, FORGER]
    assert group[0].solves == frozenset(NAMES) and group[2].solves == frozenset()
    assert frozenset() < group[1].solves < frozenset(NAMES)
    assert len({learner.name for learner in learners(30, 1, NAMES)}) == 30


def fake_exercise(name: str, points: int = 2, by_hand: bool = False) -> Any:
    return SimpleNamespace(name=name, points=points, by_hand=by_hand)


def test_expected_grades() -> None:
    exercises = [fake_exercise("one"), fake_exercise("two", 3), fake_exercise("why", 4, by_hand=True)]
    some = Learner("a", PARTIAL, frozenset({"two"}))
    assert expected(some, exercises) == {"one": 0.0, "two": 3.0, "why": None}
    assert expected(Learner("b", FORGER, frozenset()), exercises) == {"one": 0.0, "two": 0.0, "why": 0.0}


@pytest.mark.parametrize("seed", range(12))
def test_no_forgery_passes(tmp_path: Path, seed: int) -> None:
    """The demo's forger tries for real: each way leaves a file that says more than the honest one did."""
    source = check_source("first-one", 2, "red")
    own, model = tmp_path / "own", tmp_path / "model"
    for folder, student, answer in ((own, "forger", "blue"), (model, "other", "red")):
        with live(folder, student):
            run_cell(source, {"first_one": answer})
    (own / "sample.ipynb").write_text(json.dumps({"cells": []}))
    before = evidence.path_of(own, "first-one").read_bytes()
    forge(Learner("forger", FORGER, frozenset()), own, model, [fake_exercise("first-one")], seed)
    assert evidence.path_of(own, "first-one").read_bytes() != before
    with replay(own, "forger") as outcomes:
        run_cell(source, {})
    assert outcomes[-1].passed is False


@pytest.mark.engine
@pytest.mark.timeout(1200)
def test_demo(engine: DockerClient) -> None:
    command = [sys.executable, "-m", "dockyard.cli", "demo", "--students", "3", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^demo: 3 graded, 0 not as expected, 9 pages of feedback returned$", done.stdout, re.MULTILINE)


@pytest.mark.engine
def test_the_demo_touches_nothing_of_a_learner(engine: DockerClient) -> None:
    container = engine.containers.create("dockyard/busybox", "true", name="lab-blue")
    try:
        command = [sys.executable, "-m", "dockyard.cli", "demo"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1 and "lab-blue" in done.stderr and "dockyard reset" in done.stderr
        container.reload()
    finally:
        container.remove(force=True)
