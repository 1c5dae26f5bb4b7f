"""`dockyard grade` when something breaks: the others are graded, and the same command again ends as if nothing was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from sqlalchemy.exc import OperationalError

from dockyard.errors import DockyardError
from dockyard.grading import class_at_once, workers
from dockyard.grading.class_at_once import ClassGrader
from dockyard.grading.converter import STAGING, Graded
from dockyard.grading.course import course_config, due
from dockyard.grading.register import Register
from tests.grading.classroom import LESSON, NOTEBOOK, solved_class
from tests.grading.test_grade import TABLES, grade, gradebook

STUDENTS = tuple(f"learner-{number}" for number in range(8))


class Deadly(NbGraderPreprocessor):
    """A step that kills its process at one learner's hand-in: always, or the first time."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        student, once = resources["nbgrader"]["student"], Path("killed-once")
        if student == "learner-3" or (student == "learner-5" and not once.exists()):
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if student == "learner-6":
            raise RuntimeError("of all things")
        return nb, resources


class OwnGrades(SaveAutoGrades):
    """A step of somebody else's that writes to the gradebook."""


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return solved_class(tmp_path_factory.mktemp("trouble") / "course", STUDENTS)


@pytest.fixture
def root(handed_in: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(handed_in, tmp_path / "course"))


def grader(root: Path, *extra_steps: type, count: int = 2) -> ClassGrader:
    config = course_config(root, LESSON)
    names = [f"{step.__module__}.{step.__name__}" for step in extra_steps]
    config.Autograde.autograde_preprocessors = names + list(config.Autograde.autograde_preprocessors)
    return ClassGrader(config, count)


def graded_folders(root: Path) -> set[str]:
    return {path.parents[1].name for path in (root / "autograded").glob(f"*/{LESSON}/{NOTEBOOK}.ipynb")}


def in_gradebook(root: Path) -> set[str]:
    return {row[0] for row in gradebook(root)["submission"]}


def troubles(found: Iterator[Graded]) -> dict[str, str]:
    return {one.student: one.trouble for one in found}


def test_a_hand_in_that_kills_its_process_is_named_and_all_others_are_graded(root: Path) -> None:
    found = troubles(grader(root, Deadly).grade(STUDENTS))
    assert set(found) == set(STUDENTS)
    assert found.pop("learner-3") == workers.KILLED
    assert found.pop("learner-6") == f"{NOTEBOOK}.ipynb: RuntimeError: of all things"
    assert set(found.values()) == {""}
    assert graded_folders(root) == set(found)
    assert "learner-3" not in in_gradebook(root)
    assert not (root / STAGING).exists()
    assert due(course_config(root, LESSON), force=False).students == ("learner-3", "learner-6")


def test_a_hand_in_without_a_notebook_is_named_and_left_as_it_was(root: Path) -> None:
    assert troubles(grader(root).grade(["learner-1"])) == {"learner-1": ""}
    (root / "submitted" / "learner-1" / LESSON / f"{NOTEBOOK}.ipynb").unlink()
    before = gradebook(root)
    assert troubles(grader(root).grade(["learner-1"])) == {"learner-1": "There is no notebook in it."}
    assert gradebook(root) == before and graded_folders(root) == {"learner-1"}


def test_a_step_that_writes_to_the_gradebook_for_itself_is_refused(root: Path) -> None:
    with pytest.raises(DockyardError, match="OwnGrades"):
        grader(root, OwnGrades)


def test_an_unknown_lesson_is_named(root: Path) -> None:
    with pytest.raises(DockyardError, match="99-none"):
        due(course_config(root, "99-none"), force=False)
    (root / "gradebook.db").unlink()
    with pytest.raises(DockyardError, match="nbgrader generate_assignment"):
        grader(root)


def test_a_gradebook_that_cannot_be_written_stops_the_run_and_nothing_is_half_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, entered = gradebook(root), []
    commit = Register.find_submission

    def full(self: Register, *words: Any) -> Any:
        entered.append(words)
        if len(entered) == 3:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        return commit(self, *words)

    with monkeypatch.context() as patch, pytest.raises(DockyardError, match="database or disk is full"):
        patch.setattr(Register, "find_submission", full)
        list(grader(root).grade(STUDENTS))
    after = gradebook(root)
    assert len(after["submission"]) == len(before["submission"]) + 2 == len(after["student"])
    assert len(graded_folders(root)) == 2
    assert_ends_well(root)


def test_killed_between_gradebook_and_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "rename", killed)
        list(grader(root).grade(STUDENTS))
    assert len(in_gradebook(root)) == 1 and not graded_folders(root)
    assert_ends_well(root)


def test_killed_at_any_moment(root: Path) -> None:
    command = [sys.executable, "-m", "dockyard.cli", "grade", LESSON, "--course", str(root)]
    for moment in (0.02, 0.12):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (root / STAGING).exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moment)
        process.kill()
        process.wait()
    done = grade(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_ends_well(root)


def assert_ends_well(root: Path) -> None:
    """Grade what is left, and compare with a class that nothing happened to."""
    assert set(troubles(grader(root).grade(due(course_config(root, LESSON), force=False).students)).values()) <= {""}
    other = Path(shutil.copytree(root, root.with_name("undisturbed")))
    shutil.rmtree(other / "autograded")
    assert set(troubles(grader(other).grade(STUDENTS)).values()) == {""}
    assert graded_folders(root) == graded_folders(other) == set(STUDENTS)
    for table in TABLES:
        assert gradebook(root)[table] == gradebook(other)[table]
    assert {score for row in gradebook(root)["grade"] if (score := row[4]) is not None} == {0.0, 2.0, 3.0}


def test_two_at_once_do_not_fight(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_at_once, "PATIENCE", 0.05)
    lock = root / f"{STAGING}.lock"
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock), pytest.raises(DockyardError, match="Another dockyard grade"):
        list(grader(root).grade(STUDENTS))


def test_spawned_workers_grade_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import multiprocessing

    monkeypatch.setattr(workers, "context", lambda: multiprocessing.get_context("spawn"))
    assert troubles(grader(root, count=1).grade(STUDENTS[:2])) == dict.fromkeys(STUDENTS[:2], "")
    assert graded_folders(root) == set(STUDENTS[:2])
