"""What nbgrader's gradebook holds of a lesson, read and never written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockyard.course import Course
from dockyard.database import address_of, parsed, unusable
from dockyard.errors import DockyardError

NONE_YET = "There is no gradebook yet."


@dataclass(frozen=True)
class Cell:
    """A graded cell of a lesson: its notebook, its grade id, and what can be earned in it."""

    notebook: str
    name: str
    points: float


@dataclass(frozen=True)
class Mark:
    """What a learner has in one cell; `waiting` where a person has still to grade it."""

    score: float
    waiting: bool


@dataclass
class Grades:
    """A lesson in the gradebook.

    Attributes:
        cells: its graded cells, in no particular order.
        marks: learner → cell → mark, of hand-ins that were graded.
        penalties: learner → points taken off for handing in late.
    """

    cells: list[Cell] = field(default_factory=list)
    marks: dict[str, dict[Cell, Mark]] = field(default_factory=lambda: defaultdict(dict))
    penalties: dict[str, float] = field(default_factory=dict)

    def total(self, student: str) -> float:
        """Return a learner's points, late penalties taken off; never less than none."""
        return max(0.0, sum(mark.score for mark in self.marks[student].values()) - self.penalties.get(student, 0.0))


def read_grades(course: Course, lesson: str) -> Grades:
    """Read a lesson's grades.

    Raises:
        DockyardError: there is no gradebook, it cannot be read, or nothing of the lesson is graded yet.
    """
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.exc import SQLAlchemyError

    url = parsed(address_of(course))
    if url.get_backend_name() == "sqlite" and url.database:
        if not Path(url.database).is_file():
            raise _nothing(lesson, NONE_YET)
        url = url.set(database=f"file:{Path(url.database).absolute()}", query={"mode": "ro", "uri": "true"})
    try:
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                if not inspect(connection).has_table("assignment"):
                    raise _nothing(lesson, NONE_YET)
                grades = _read(connection, lesson)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        found = f"The gradebook {url.render_as_string(hide_password=True)} cannot be read"
        step = "Look at CourseDirectory.db_url in nbgrader_config.py."
        raise unusable(error, next_step=step, found=found) from None
    if not grades.marks:
        raise _nothing(lesson, f"Nothing of {lesson} is graded yet.")
    return grades


def _nothing(lesson: str, found: str) -> DockyardError:
    return DockyardError(found, "A report is drawn from grades.", f"Type ./dockyard grade {lesson}")


def _read(connection: Any, lesson: str) -> Grades:
    from sqlalchemy import text

    graded = "select id, max_score from grade_cells union all select id, max_score from task_cells"
    cells = {
        identity: Cell(notebook, name, float(most or 0))
        for identity, notebook, name, most in connection.execute(
            text(
                "select base_cell.id, notebook.name, base_cell.name, graded.max_score from base_cell "
                f"join ({graded}) graded on graded.id = base_cell.id "
                "join notebook on notebook.id = base_cell.notebook_id "
                "join assignment on assignment.id = notebook.assignment_id where assignment.name = :lesson"
            ),
            {"lesson": lesson},
        )
    }
    grades = Grades(list(cells.values()))
    found = connection.execute(
        text(
            "select submitted_assignment.student_id, grade.cell_id, grade.auto_score, grade.manual_score, "
            "grade.extra_credit, grade.needs_manual_grade from grade "
            "join submitted_notebook on submitted_notebook.id = grade.notebook_id "
            "join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id "
            "join assignment on assignment.id = submitted_assignment.assignment_id where assignment.name = :lesson"
        ),
        {"lesson": lesson},
    )
    for student, identity, automatic, manual, extra, waiting in found:
        if identity in cells:
            base = automatic if manual is None else manual  # as nbgrader.api.Grade.score: no extra without a score
            score = 0.0 if base is None else base + (extra or 0.0)
            grades.marks[student][cells[identity]] = Mark(score, bool(waiting))
    late = connection.execute(
        text(
            "select submitted_assignment.student_id, sum(submitted_notebook.late_submission_penalty) "
            "from submitted_notebook "
            "join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id "
            "join assignment on assignment.id = submitted_assignment.assignment_id where assignment.name = :lesson "
            "group by submitted_assignment.student_id"
        ),
        {"lesson": lesson},
    )
    grades.penalties = {student: float(penalty) for student, penalty in late if penalty}
    return grades
