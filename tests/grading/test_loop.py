"""A hand-in goes all the way through nbgrader's own commands: release, fetch, submit, collect, grade, feedback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dockyard.exercise import live, run_cell
from dockyard.grading.submit import NotSubmittedYet, without_evidence
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom, check_source

STUDENT = "somebody"


class Learner:
    """A learner's own folder, with the course's exchange and nothing else of the course."""

    def __init__(self, room: Classroom) -> None:
        self.room, self.home = room, room.root.parent / "learner"
        self.home.mkdir()
        words = f'c = get_config()\nload_subconfig("nbgrader_config.py", path={str(room.root)!r})\n'
        cache = f"c.Exchange.cache = {str(self.home / '.cache')!r}\n"
        (self.home / "nbgrader_config.py").write_text(f"{words}c.CourseDirectory.root = '.'\n{cache}")
        self.folder = self.home / LESSON

    def nbgrader(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nbgrader", *words]
        env = {**os.environ, "DOCKYARD_STUDENT": STUDENT}
        done = subprocess.run(command, cwd=self.home, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def solve(self, name: str, points: int, answer: str) -> None:
        with live(self.folder, STUDENT):
            run_cell(check_source(name, points, answer), {name.replace("-", "_"): answer})


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    return Classroom(tmp_path_factory.mktemp("loop") / "course", make=True)


@pytest.fixture(scope="module")
def learner(room: Classroom) -> Learner:
    room.nbgrader("release_assignment", LESSON)
    learner = Learner(room)
    learner.nbgrader("fetch_assignment", LESSON)
    return learner


def test_from_release_to_feedback(room: Classroom, learner: Learner) -> None:
    learner.solve("first-one", 2, "red")
    submitted = learner.nbgrader("submit", LESSON)
    assert "without evidence" in submitted.stderr and "second-one" in submitted.stderr
    learner.solve("second-one", 3, "blue")
    assert "without evidence" not in learner.nbgrader("submit", LESSON).stderr
    assert STUDENT in room.nbgrader("list", "--inbound").stderr
    room.nbgrader("collect", LESSON)
    room.autograde()
    assert room.grades(STUDENT)["first-one"] == (2.0, False)
    assert room.grades(STUDENT)["second-one"] == (3.0, False)
    room.nbgrader("generate_feedback", LESSON)
    room.nbgrader("release_feedback", LESSON)
    learner.nbgrader("fetch_feedback", LESSON)
    pages = list(learner.folder.glob(f"feedback/*/{NOTEBOOK}.html"))
    assert len(pages) == 1
    text = re.sub(r"<[^>]+>", " ", pages[0].read_text())
    assert "2 of 2 points" in text and "3 of 3 points" in text


def test_a_lock_or_a_reminder_is_no_part_of_a_hand_in(room: Classroom, learner: Learner) -> None:
    handed_in = {path.name for path in (room.root / "submitted" / STUDENT / LESSON / "evidence").iterdir()}
    assert handed_in == {"first-one.json", "second-one.json"}


def test_evidence_of_the_instructors_own_run_is_not_released(room: Classroom) -> None:
    own = room.root / "source" / LESSON / "evidence"
    own.mkdir()
    (own / "first-one.json").write_text("{}")
    room.nbgrader("generate_assignment", LESSON, "--force")
    assert not (room.root / "release" / LESSON / "evidence").exists()


def submit_from_the_panel(room: Classroom, home: Path) -> None:
    """Submit as the Assignment List does: through the factory, with no application above."""
    from nbgrader.apps import NbGrader
    from nbgrader.auth import Authenticator
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange import ExchangeFactory

    app = NbGrader()
    app.config_file_paths.append(str(room.root))
    app.load_config_file()
    app.config.CourseDirectory.assignment_id = LESSON
    app.config.CourseDirectory.student_id = STUDENT
    app.config.Exchange.root = str(room.root / "exchange")
    app.config.Exchange.assignment_dir = str(home)
    app.config.Exchange.cache = str(home / ".cache")
    coursedir = CourseDirectory(config=app.config)
    authenticator = Authenticator(config=app.config)
    factory = ExchangeFactory(config=app.config)
    factory.Submit(coursedir=coursedir, authenticator=authenticator, config=app.config).start()


def test_the_panel_says_what_is_missing_and_submits_the_second_time(room: Classroom, learner: Learner) -> None:
    inbound = room.root / "exchange" / "dockyard" / "inbound"
    before = len(list(inbound.iterdir()))
    (learner.folder / "evidence" / "second-one.json").unlink()
    (lines,) = without_evidence(learner.folder, STUDENT).values()
    assert [line.exercise for line in lines] == ["second-one"]
    with pytest.raises(NotSubmittedYet, match="second-one"):
        submit_from_the_panel(room, learner.home)
    assert len(list(inbound.iterdir())) == before
    submit_from_the_panel(room, learner.home)
    assert len(list(inbound.iterdir())) == before + 1
    (learner.folder / "evidence" / "first-one.json").unlink()  # another gap: ask again
    with pytest.raises(NotSubmittedYet, match="2 exercises have no evidence that counts"):
        submit_from_the_panel(room, learner.home)


def test_evidence_that_somebody_else_recorded_is_named_before_it_is_handed_in(learner: Learner) -> None:
    with live(learner.folder, "another"):
        run_cell(check_source("first-one", 2, "red"), {"first_one": "red"})
    (lines,) = without_evidence(learner.folder, STUDENT).values()
    assert lines[0].exercise == "first-one" and "recorded for 'another'" in lines[0].note
