"""The report's numbers are the gradebook's: those of `nbgrader export`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dockyard.course import Course
from dockyard.grading.report.gradebook import read_grades
from dockyard.grading.report.standing import Standing, read_standing
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom
from tests.grading.test_grade import furnish, grade


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """Late penalties, an extension, extra credit, marks of a person's, and answers that wait for one."""
    from nbgrader.api import Gradebook

    room = Classroom(tmp_path_factory.mktemp("numbers") / "course", make=True)
    furnish(room)
    grade(room.root)
    with Gradebook(f"sqlite:///{room.root / 'gradebook.db'}", "dockyard") as book:
        for student, cell, score, extra in (
            ("perfect", "why", 3.5, 0.5),
            ("late", "why", 4.0, None),
            ("partial", "first-one", 0.0, None),
            ("partial", "second-one", None, 1.25),
            ("known", "why", None, 2.0),  # extra credit before there is a score: nbgrader counts neither
            ("extended", "why", 4.0, 9.0),
        ):
            mark = book.find_grade(cell, NOTEBOOK, LESSON, student)
            mark.manual_score, mark.extra_credit = score, extra
            mark.needs_manual_grade = cell == "why" and score is None
        book.find_submission_notebook(NOTEBOOK, LESSON, "early").late_submission_penalty = 100.0  # never below none
        book.db.commit()
    return room


@pytest.fixture(scope="module")
def standing(room: Classroom) -> Standing:
    return read_standing(Course(room.root), LESSON)


def test_totals_are_those_of_nbgraders_export(room: Classroom, standing: Standing) -> None:
    table = room.root / "grades.csv"
    room.nbgrader("export", "--to", str(table))
    with table.open() as file:
        exported = {row["student_id"]: row for row in csv.DictReader(file) if row["timestamp"] or row["raw_score"]}
    totals = dict(zip(standing.learners, standing.points, strict=True))
    assert totals.keys() <= exported.keys() and len(totals) >= 14
    for student, total in totals.items():
        assert total == pytest.approx(float(exported[student]["score"])), student
    assert {standing.most} == {float(row["max_score"]) for row in exported.values()}
    grades = read_grades(Course(room.root), LESSON)
    for student in totals:
        assert grades.penalties.get(student, 0.0) == float(exported[student]["late_submission_penalty"] or 0), student
    assert (totals["late"], totals["extended"], totals["early"]) == (2 + 3 + 4 - 5, 2 + 3 + 4 + 9, 0)
    assert totals["perfect"] == 2 + 3 + 3.5 + 0.5


def test_learners_stand_in_order_and_states_are_the_marks(standing: Standing) -> None:
    assert standing.points == sorted(standing.points, reverse=True)
    states = dict(zip(standing.learners, standing.states, strict=True))
    assert standing.exercises == ["first-one", "second-one", "why"]
    assert states["perfect"] == ["full", "full", "full"]
    assert states["partial"] == ["none", "part", "none"]
    assert states["known"] == ["none", "full", "open"]
    assert standing.waiting == sum(line.count("open") for line in standing.states)


def test_attempts_are_those_on_file(room: Classroom, standing: Standing) -> None:
    """All evidence was recorded with one run each; what grading refuses is not counted."""
    by_name = {one.exercise: one for one in standing.tries}
    files = list(Path(room.root, "submitted").glob(f"*/{LESSON}/evidence/first-one.json"))
    refused = 2  # the copied one and the damaged one
    assert by_name["first-one"].passed + by_name["first-one"].open == len(files) - refused
    assert by_name["second-one"].waiting == 1  # partial answered green
