"""Play a class on the real engine: learners who solve everything, some of it, or forge it, and what they are graded."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import DockerClient

from dockyard import evidence
from dockyard.authoring.cases import Exercise
from dockyard.authoring.cleanup import names_of, remove
from dockyard.authoring.learner import run_python
from dockyard.exercise import live, run_cell
from dockyard.grading.loop import ClassLoop

PERFECT, PARTIAL, FORGER = "perfect", "partial", "forger"
ANSWER = "A container shares the host's kernel; a fault in that kernel is a fault in every wall.\n"


@dataclass(frozen=True)
class Learner:
    """One learner of the demo: a name, a manner, and the exercises that this learner solves."""

    name: str
    role: str
    solves: frozenset[str]


def learners(count: int, seed: int, exercises: Sequence[str]) -> list[Learner]:
    """Return a class: the first solves everything, the second some, the third forges; then chance decides.

    Args:
        count: how many learners.
        seed: the same seed gives the same class.
        exercises: the names of all exercises that a check judges.
    """
    chance = random.Random(seed)
    result = []
    for number in range(count):
        roles = (PERFECT, PARTIAL, FORGER)
        role = roles[number] if number < len(roles) else chance.choices(roles, weights=(2, 6, 1))[0]
        some = frozenset(chance.sample(exercises, k=chance.randint(1, max(1, len(exercises) - 1))))
        solves = {PERFECT: frozenset(exercises), PARTIAL: some, FORGER: frozenset[str]()}[role]
        result.append(Learner(f"learner-{number + 1:02}", role, solves))
    return result


def work(learner: Learner, exercises: Sequence[Exercise], folder: Path, engine: DockerClient) -> Iterator[str]:
    """Do on the engine what a learner would do, exercise by exercise; yields the name of each before it begins.

    Whatever is not solved is checked all the same, so that there is evidence of a failure.
    """
    for exercise in exercises:
        yield exercise.name
        namespace: dict[str, Any] = {}
        named = names_of(exercise.notebook)
        remove(engine, named)
        try:
            if exercise.name in learner.solves:
                run_python(exercise.work, folder, namespace)
            with live(folder, learner.name):
                run_cell(exercise.check, namespace)
        finally:
            remove(engine, named)


def forge(learner: Learner, folder: Path, model: Path | None, exercises: Sequence[Exercise], seed: int) -> None:
    """Do what a forger would do to a folder of failed evidence: claim, copy, edit, and patch the notebook.

    Args:
        learner: the forger.
        folder: the forger's lesson folder.
        model: the folder of somebody who solved everything, to copy from; None where there is nobody.
        exercises: all exercises.
        seed: chooses the way for each exercise.
    """
    chance = random.Random(f"{seed}-{learner.name}")
    ways: list[Callable[[Path, Path | None], None]] = [_claim, _edit, _copy if model else _claim, _invent]
    for exercise in exercises:
        own = evidence.path_of(folder, exercise.name)
        chance.choice(ways)(own, evidence.path_of(model, exercise.name) if model else None)
    for notebook in folder.glob("*.ipynb"):
        _patch(notebook)


def answer_in_writing(folder: Path, names: set[str]) -> None:
    """Write an answer into the cells that a person grades."""
    for path in folder.glob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") in names:
                cell["source"] = ANSWER
        path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def play(
    loop: ClassLoop,
    lesson: str,
    source: Path,
    students: Sequence[Learner],
    exercises: Sequence[Exercise],
    engine: DockerClient,
    seed: int,
    step: Callable[[str], None],
) -> None:
    """Release, let everybody work and hand in, collect and grade.

    Args:
        loop: an empty class.
        lesson, source: the lesson's name and its source folder.
        students: the class.
        exercises: all exercises of the lesson, those for a person too.
        engine: the real engine.
        seed: for the forgers' choices.
        step: called with a few words before each step.
    """
    judged = [exercise for exercise in exercises if not exercise.by_hand]
    written = {exercise.name for exercise in exercises if exercise.by_hand}
    step("release")
    loop.release(lesson, source)
    model: Path | None = None
    for learner in students:
        folder = loop.fetch(learner.name, lesson)
        for name in work(learner, judged, folder, engine):
            step(f"{learner.name}: {name}")
        if learner.role == FORGER:
            forge(learner, folder, model, judged, seed)
        else:
            answer_in_writing(folder, written)
        if learner.role == PERFECT:
            model = folder
        loop.submit(learner.name, lesson)
    step("collect and grade")
    loop.collect_and_grade(lesson)


def expected(learner: Learner, exercises: Sequence[Exercise]) -> dict[str, float | None]:
    """Return the score that each exercise must get: a written answer that was given waits for a person."""
    return {
        exercise.name: (0.0 if learner.role == FORGER else None)
        if exercise.by_hand
        else float(exercise.points if exercise.name in learner.solves else 0)
        for exercise in exercises
    }


def _claim(own: Path, _: Path | None) -> None:
    """Say that the check passed, and seal it anew."""
    if own.exists():
        evidence.write(
            own, {**evidence.read(own), "passed": True, "message": "Everything that was asked for is there."}
        )


def _edit(own: Path, _: Path | None) -> None:
    """Change the verdict by hand and forget the checksum."""
    if own.exists():
        own.write_text(own.read_text(encoding="utf-8").replace('"passed": false', '"passed": true'), encoding="utf-8")


def _copy(own: Path, other: Path | None) -> None:
    """Hand in what somebody else recorded."""
    if other is not None and other.exists():
        own.write_bytes(other.read_bytes())


def _invent(own: Path, _: Path | None) -> None:
    """Write a file that only looks like evidence."""
    own.parent.mkdir(exist_ok=True)
    own.write_text(json.dumps({"exercise": own.stem, "passed": True, "points": 100}), encoding="utf-8")


def _patch(path: Path) -> None:
    """Put other code into the checks, and a false engine before them."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = "import docker\ndocker.from_env = lambda *a, **k: None\nprint('all good')"
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
