"""A hand-in that comes again with a time that must not be read: put aside before anybody decides what is due."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from dockyard.grading.class_at_once import ClassGrader
from dockyard.grading.course import course_config, due
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom, cell_of
from tests.grading.test_grade import RIGHT, files, grade, gradebook

OLD, NEW = "2026-03-01 12:00:00 UTC", "2026-03-02 12:00:00 UTC"
HONEST = "anew"


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def large(path: Path) -> None:
    path.write_text("2026-03-02 " * 1000)


def words(path: Path) -> None:
    path.write_text("tomorrow")


def far(path: Path) -> None:
    path.write_text("99999999-01-01")


BAD = (pipe, endless, large, words, far)


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class that is graded; then one hands in anew, and others have a time that is none."""
    room = Classroom(tmp_path_factory.mktemp("again") / "course", make=True)
    for student in (HONEST, "same", *(make.__name__ for make in BAD)):
        room.hand_in(student, {"first-one": "red"}).joinpath("timestamp.txt").write_text(OLD)
    assert grade(room.root).returncode == 0
    for make in BAD:
        path = room.root / "submitted" / make.__name__ / LESSON / "timestamp.txt"
        path.unlink()
        make(path)
    room.hand_in(f"{HONEST}-2", RIGHT, recorded_as=HONEST)
    folder = room.root / "submitted" / HONEST / LESSON
    shutil.rmtree(folder)
    (room.root / "submitted" / f"{HONEST}-2" / LESSON).rename(folder)
    (folder.parents[1] / f"{HONEST}-2").rmdir()
    (folder / "timestamp.txt").write_text(NEW)
    return room.root


def copied(root: Path, place: Path) -> Path:
    """Copy a course; Python's own copy opens pipes."""
    subprocess.run(["cp", "-a", str(root), str(place)], check=True)
    return place


def test_the_time_is_put_aside_and_only_what_is_new_is_graded(again: Path, tmp_path: Path) -> None:
    root = copied(again, tmp_path / "ours")
    found = due(course_config(root, LESSON), force=False)
    assert found.students == (HONEST,) and found.done == 1 + len(BAD)
    for make in BAD:
        folder = root / "submitted" / make.__name__ / LESSON
        assert not os.path.lexists(folder / "timestamp.txt") and os.path.lexists(folder / ".refused" / "timestamp.txt")


def test_nbgraders_own_command_grades_the_same_ones(again: Path, tmp_path: Path) -> None:
    """In a process of its own: before, it waited for the pipe for ever, and ended at the first time that was none."""
    ours, theirs = copied(again, tmp_path / "ours"), copied(again, tmp_path / "theirs")
    done = grade(ours)
    assert done.returncode == 0 and "1 graded, 0 failed" in done.stdout, done.stdout + done.stderr
    stock = Bare(theirs).autograde()
    for make in BAD:
        assert f"{make.__name__}/{LESSON}: timestamp.txt was put aside" in stock.stderr
    assert gradebook(ours) == gradebook(theirs) and files(ours) == files(theirs)
    assert (HONEST, LESSON, "2026-03-02 12:00:00.000000", None) in gradebook(theirs)["submission"]


def test_the_formgraders_button_grades_it_and_its_list_works_after_that(again: Path, tmp_path: Path) -> None:
    """The list reads the times itself, before anybody can put one aside: with such a hand-in it fails, or waits."""
    root = copied(again, tmp_path / "theirs")
    for make in (pipe, endless):  # would be waited for; the others only make the list fail
        (root / "submitted" / make.__name__ / LESSON / "timestamp.txt").unlink()
    config = course_config(root, LESSON)
    api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
    with pytest.raises(ValueError):
        api.get_submissions(LESSON)
    pipe(root / "submitted" / "pipe" / LESSON / "timestamp.txt")
    for student in ("pipe", "words", "large", "far"):
        assert api.autograde(LESSON, student)["success"]
        assert not os.path.lexists(root / "submitted" / student / LESSON / "timestamp.txt")
    assert {one["student"] for one in api.get_submissions(LESSON)} == {
        path.name for path in (root / "submitted").iterdir()
    }


def test_one_learner_that_is_left_out_is_not_touched(again: Path, tmp_path: Path) -> None:
    root = copied(again, tmp_path / "theirs")
    Bare(root).autograde("--CourseDirectory.student_id_exclude=pipe")
    assert os.path.lexists(root / "submitted" / "pipe" / LESSON / "timestamp.txt")


def test_deciding_what_is_due_takes_little_time(again: Path, tmp_path: Path) -> None:
    root = copied(again, tmp_path / "course")
    for number in range(1000):
        for step in ("submitted", "autograded"):
            shutil.copytree(root / step / "same", root / step / f"same-{number:03}")
    config = course_config(root, LESSON)
    started = time.process_time()
    assert due(config, force=False).done == 1001 + len(BAD)
    assert time.process_time() - started < 2


def test_a_check_that_does_not_end_is_left_to_a_person(tmp_path: Path) -> None:
    """In a worker's main thread, where alone there is a time limit; an author's mistake must not hold up a class."""
    room = Classroom(tmp_path / "course", make=True)
    source = room.root / "source" / LESSON / f"{NOTEBOOK}.ipynb"
    document = nbformat.read(source, as_version=4)
    check = cell_of(document, "first-one")
    check.source = check.source.replace("    assert", "    while first_one:\n        pass\n    assert")
    nbformat.write(document, source)
    room.nbgrader("generate_assignment", LESSON, "--force")
    room.hand_in("hostile", RIGHT)
    room.hand_in("honest", {"second-one": "blue"})
    with (room.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.GradeFromEvidence.check_seconds = 0.5\n")
    started = time.monotonic()
    config = course_config(room.root, LESSON)
    graded = {one.student: one for one in ClassGrader(config, 2).grade(("hostile", "honest"))}
    assert time.monotonic() - started < 30
    assert {one.trouble for one in graded.values()} == {""}
    assert graded["hostile"].scores[NOTEBOOK, "first-one"] == (None, True)
    assert graded["hostile"].scores[NOTEBOOK, "second-one"] == (3.0, False)
    assert graded["honest"].scores[NOTEBOOK, "second-one"] == (3.0, False)
    assert "did not end within 0.5 seconds" in " ".join(graded["hostile"].remarks)


class Bare(Classroom):
    """A course that is there already."""

    def __init__(self, root: Path) -> None:
        self.root = root
