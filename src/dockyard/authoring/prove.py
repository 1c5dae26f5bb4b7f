"""Prove each exercise on a real engine.

From a clean engine the released work cell fails, each near-miss fails with the message meant for it, the reference
solution and every other honest way pass, and after each of these the evidence alone gives the same verdict.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from docker import DockerClient
from filelock import FileLock

from dockyard.authoring.build import LEFTOVERS, fresh_build
from dockyard.authoring.cases import Case, Exercise, read_exercises
from dockyard.authoring.cells import WORK_SUFFIX, grade_id
from dockyard.authoring.cleanup import names_of, remove
from dockyard.authoring.learner import CellFailed, run_bash, run_python
from dockyard.authoring.lessons import Notebook, select
from dockyard.card import Outcome
from dockyard.course import Course
from dockyard.errors import BuildError
from dockyard.exercise import live, replay, run_cell

STUDENT = "author"


@dataclass(frozen=True)
class Result:
    """How one case of an exercise ended.

    Attributes:
        exercise: the exercise.
        case: the case.
        wrong: what went wrong, and empty if all is as it should be.
        seconds: how long it took, clean-up included.
    """

    exercise: Exercise
    case: Case
    wrong: str
    seconds: float


def find_exercises(course: Course, target: str | None = None) -> list[Exercise]:
    """Exercises that a target means and that a check judges.

    Args:
        course: the course.
        target: `LESSON`, `LESSON/NOTEBOOK` or `LESSON/NOTEBOOK:EXERCISE`; all exercises if left out.

    Raises:
        BuildError: there is nothing of that name.
    """
    place, _, name = (target or "").partition(":")
    notebooks = [notebook for _, notebooks in select(course, place or None) for notebook in notebooks]
    exercises = [exercise for notebook in notebooks for exercise in read_exercises(notebook) if not exercise.by_hand]
    if not name:
        return exercises
    found = [exercise for exercise in exercises if exercise.name == name]
    if not found:
        known = ", ".join(exercise.name for exercise in exercises)
        raise BuildError(f"{place} has no exercise named {name}.", f"It has: {known}.")
    return found


def released_work(notebook: Notebook) -> dict[str, str]:
    """The work cells of a notebook as learners get them, by exercise, from a fresh build."""
    fresh = fresh_build(notebook.lesson, (notebook,))
    content = fresh.files[notebook.release.relative_to(notebook.lesson.course.root)]
    released = nbformat.reads(content.decode(), as_version=4)
    ids = [(grade_id(cell), cell.source) for cell in released.cells]
    return {name.removesuffix(WORK_SUFFIX): source for name, source in ids if name.endswith(WORK_SUFFIX)}


def prove(exercise: Exercise, case: Case, stub: str, engine: DockerClient) -> Result:
    """Run one case on a clean engine and judge it, live and from its evidence.

    Args:
        exercise: the exercise.
        case: one of its cases.
        stub: the released work cell, for the unsolved case.
        engine: the engine; what the notebook names is removed from it before and after.
    """
    started = time.monotonic()
    named = names_of(exercise.notebook)
    # Two proofs of one notebook at a time would take each other's containers away.
    lock = Path(tempfile.gettempdir()) / f"dockyard-prove-{str(exercise.notebook).replace('/', '-')}.lock"
    with FileLock(lock, mode=0o666), tempfile.TemporaryDirectory(prefix="dockyard-prove-") as folder:
        remove(engine, named)
        try:
            wrong = _wrong(exercise, case, stub, Path(folder))
        finally:
            remove(engine, named)
    return Result(exercise, case, wrong, time.monotonic() - started)


def _wrong(exercise: Exercise, case: Case, stub: str, folder: Path) -> str:
    files = exercise.notebook.lesson.files
    if files.is_dir():
        shutil.copytree(files, folder / files.name, ignore=shutil.ignore_patterns(*LEFTOVERS))
    namespace: dict[str, Any] = {}
    try:
        _work(case, stub, folder, namespace)
    except CellFailed as error:
        return f"could not be set up: {error}"
    with live(folder, student=STUDENT) as outcomes:
        run_cell(exercise.check, namespace)
    if not outcomes:
        return "the check cell runs no check."
    return _misjudged(case, outcomes[-1]) or _replayed_otherwise(exercise, outcomes[-1], folder)


def _work(case: Case, stub: str, folder: Path, namespace: dict[str, Any]) -> None:
    if case.kind == "unsolved":
        try:
            run_python(stub, folder, namespace)
        except CellFailed:
            return  # an untouched cell may well end with an error; what counts is that its check does not pass
    if case.bash:
        run_bash(case.bash, folder)
    if case.python:
        run_python(case.python, folder, namespace)


def _misjudged(case: Case, outcome: Outcome) -> str:
    if case.passes:
        return "" if outcome.passed else f"fails: {outcome.message}"
    if outcome.passed:
        return "passes, and must not."
    if case.message not in outcome.message:
        return f"fails with {outcome.message!r}, not with {case.message!r}."
    return ""


def _replayed_otherwise(exercise: Exercise, outcome: Outcome, folder: Path) -> str:
    with replay(folder, student=STUDENT) as again:
        run_cell(exercise.check, {})
    if (again[-1].passed, again[-1].message) == (outcome.passed, outcome.message):
        return ""
    return (
        f"the evidence gives passed={again[-1].passed}, {again[-1].message!r}; "
        f"live it was passed={outcome.passed}, {outcome.message!r}."
    )
