"""Evidence of every exercise of a lesson, recorded once on the real engine: solved, missed, untouched.

Recording takes minutes, so it is kept in the course's state folder until the lesson's text changes.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docker import DockerClient
from filelock import FileLock

from dockyard import evidence
from dockyard.authoring.build import LEFTOVERS
from dockyard.authoring.cases import Case, Exercise
from dockyard.authoring.cleanup import Named, names_in, refuse_if_present, remove
from dockyard.authoring.learner import CellFailed, run_bash, run_python
from dockyard.authoring.prove import find_exercises
from dockyard.course import Course
from dockyard.engine import connect
from dockyard.exercise import live, run_cell

SOLVED, MISSED, UNTOUCHED = "solved", "missed", "untouched"
MODEL = "model"  # the name in the recorded files


def models(course: Course, lesson: str) -> Path:
    """Return the folder with `solved/`, `missed/` and `untouched/`, each as a hand-in's folder; record it if need be.

    Args:
        course: the course.
        lesson: the lesson's name.
    """
    exercises = find_exercises(course, lesson)
    text = "".join(exercise.work + exercise.check for exercise in exercises)
    folder = course.state / "benchmarks" / f"{lesson}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    engine, unfinished = connect(), folder.with_name(folder.name + ".part")
    for exercise in exercises:
        lock = Path(tempfile.gettempdir()) / f"dockyard-prove-{str(exercise.notebook).replace('/', '-')}.lock"
        with FileLock(lock, mode=0o666):  # a proof of the notebook would take these containers away
            _record(exercise, unfinished, engine)
    unfinished.rename(folder)
    return folder


def give(model: Path, folder: Path, names: Sequence[str], student: str) -> None:
    """Lay evidence of these exercises into a learner's folder, under the learner's name."""
    for name in names:
        filed = evidence.read(evidence.path_of(model, name))
        evidence.write(evidence.path_of(folder, name), {**filed, "student": student})


def _record(exercise: Exercise, folder: Path, engine: DockerClient) -> None:
    miss = next((case for case in exercise.cases if case.kind == "miss"), None)
    ways = {SOLVED: Case("solution", "", python=exercise.work), MISSED: miss, UNTOUCHED: Case("unsolved", "")}
    for role, case in ways.items():
        if case is None or evidence.path_of(folder / role, exercise.name).is_file():
            continue
        texts = (exercise.statement, exercise.work, exercise.check, case.bash, case.python)
        named = names_in("\n".join(texts))  # no more than this exercise: others may be at work on the engine
        refuse_if_present(engine, named, exercise.notebook.lesson.name)
        passed = _work(exercise, case, folder / role, engine, named)
        print(f"recorded {exercise.name}, {role}: {'passes' if passed else 'fails'}", flush=True)
        if passed != (role == SOLVED):
            raise SystemExit(f"{exercise.name}, {role}: not the verdict that was expected.")


def _work(exercise: Exercise, case: Case, folder: Path, engine: DockerClient, named: Named) -> bool | None:
    folder.mkdir(parents=True, exist_ok=True)
    namespace = dict[str, Any]()
    files = exercise.notebook.lesson.files
    with tempfile.TemporaryDirectory() as scratch:
        if files.is_dir():
            shutil.copytree(files, Path(scratch, files.name), ignore=shutil.ignore_patterns(*LEFTOVERS))
        try:
            if case.bash:
                run_bash(case.bash, Path(scratch))
            if case.python:
                run_python(case.python, Path(scratch), namespace)
            with live(folder, MODEL) as outcomes:
                run_cell(exercise.check, namespace)
        except CellFailed as error:
            raise SystemExit(f"{exercise.name}: {error}") from error
        finally:
            remove(engine, named)
    return outcomes[-1].passed
