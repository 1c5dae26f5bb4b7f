"""What the steps of grading ask a gradebook, answered without a database, for one hand-in at a time.

A worker knows the lesson (read once) and what was entered for this hand-in before. The steps read from the sheet and
write on it; one writer then enters it into the gradebook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from nbgrader.api import MissingEntry

Place = tuple[str, str]
"""A notebook's name and a cell's grade id."""


@dataclass(frozen=True)
class SourceCell:
    """A cell as it was released. The fields are named as in nbgrader's table."""

    name: str
    cell_type: str
    locked: bool
    source: str | None
    checksum: str | None


@dataclass(frozen=True)
class GradedCell:
    """A cell that earns points: one that a check or a person grades, or a task."""

    name: str
    max_score: float
    cell_type: str


@dataclass(frozen=True)
class AnswerCell:
    """A cell that a learner fills in."""

    name: str


Cell = TypeVar("Cell", SourceCell, GradedCell, AnswerCell | GradedCell)


@dataclass(frozen=True)
class KnownNotebook:
    """A notebook of the lesson, as nbgrader's `Notebook` shows it to the steps."""

    name: str
    kernelspec: str | None
    source_cells: tuple[SourceCell, ...]
    grade_cells: tuple[GradedCell, ...]
    task_cells: tuple[GradedCell, ...]
    solution_cells: tuple[AnswerCell, ...]


@dataclass(frozen=True)
class Lesson:
    """A lesson as the gradebook knows it.

    Attributes:
        name: the assignment's name.
        duedate: UTC without a time zone, as nbgrader keeps it; None where none is set.
        notebooks: by name.
    """

    name: str
    duedate: datetime | None
    notebooks: Mapping[str, KnownNotebook]


@dataclass(frozen=True)
class Before:
    """What the gradebook holds of a hand-in before it is graded.

    Attributes:
        timestamp: when it was handed in.
        extension: time that was granted.
        scores: auto score, manual score and extra credit of each graded cell that has any of them.
    """

    timestamp: datetime | None = None
    extension: timedelta | None = None
    scores: Mapping[Place, tuple[float | None, float | None, float | None]] = field(default_factory=dict)


@dataclass
class Mark:
    """The row of a graded cell."""

    max_score: float
    auto_score: float | None
    manual_score: float | None
    extra_credit: float | None
    needs_manual_grade: bool = True

    @property
    def score(self) -> float:
        """What counts: the person's score before the check's, and any extra credit."""
        base = self.auto_score if self.manual_score is None else self.manual_score
        return 0.0 if base is None else base + (self.extra_credit or 0.0)


@dataclass
class Remark:
    """The row of a comment."""

    auto_comment: str | None = None


class NotebookMarks:
    """The row of a notebook that was handed in."""

    def __init__(self, sheet: MarkSheet, name: str) -> None:
        self.sheet, self.name = sheet, name

    @property
    def score(self) -> float:
        return sum(mark.score for (notebook, _), mark in self.sheet.all_marks.items() if notebook == self.name)

    @property
    def late_submission_penalty(self) -> float | None:
        return self.sheet.penalties.get(self.name)

    @late_submission_penalty.setter
    def late_submission_penalty(self, penalty: float | None) -> None:
        self.sheet.penalties[self.name] = penalty


class MarkSheet:
    """One hand-in's part of the gradebook. Its methods are those of `nbgrader.api.Gradebook` that the steps call.

    Args:
        lesson: the lesson.
        student: who handed in.
        before: what the gradebook holds already.
        timestamp: when it was handed in, as the hand-in says.

    Attributes:
        marks, remarks, penalties: what the steps have written; what they have not touched is not there.
    """

    def __init__(self, lesson: Lesson, student: str, before: Before, timestamp: datetime | None) -> None:
        self.lesson, self.student, self.before = lesson, student, before
        self.timestamp = before.timestamp if timestamp is None else timestamp
        self.all_marks = {
            (notebook.name, cell.name): Mark(
                cell.max_score, *before.scores.get((notebook.name, cell.name), (None, None, None))
            )
            for notebook in lesson.notebooks.values()
            for cell in (*notebook.grade_cells, *notebook.task_cells)
        }
        self.marks: dict[Place, Mark] = {}
        self.remarks: dict[Place, Remark] = {}
        self.penalties: dict[str, float | None] = {}

    @property
    def db(self) -> MarkSheet:
        """Steps commit to the session; here it is the sheet, and nothing is written before all steps are done."""
        return self

    def commit(self) -> None:
        """Do nothing."""

    @property
    def total_seconds_late(self) -> float:
        """Seconds between the due date, with any extension, and the hand-in; 0 where it is not late."""
        if self.timestamp is None or self.lesson.duedate is None:
            return 0
        due = self.lesson.duedate + (self.before.extension or timedelta())
        return max(0, (self.timestamp - due).total_seconds())

    def find_notebook(self, notebook: str, assignment: str) -> KnownNotebook:
        if assignment != self.lesson.name or notebook not in self.lesson.notebooks:
            raise MissingEntry(f"No such notebook: {assignment}/{notebook}")
        return self.lesson.notebooks[notebook]

    def find_source_cell(self, name: str, notebook: str, assignment: str) -> SourceCell:
        return _named(name, self.find_notebook(notebook, assignment).source_cells)

    def find_graded_cell(self, name: str, notebook: str, assignment: str) -> GradedCell:
        known = self.find_notebook(notebook, assignment)
        return _named(name, known.grade_cells + known.task_cells)

    def find_grade(self, name: str, notebook: str, assignment: str, student: str) -> Mark:
        self.find_graded_cell(name, notebook, assignment)
        return self.marks.setdefault((notebook, name), self.all_marks[notebook, name])

    def find_comment(self, name: str, notebook: str, assignment: str, student: str) -> Remark:
        known = self.find_notebook(notebook, assignment)
        _named(name, known.solution_cells + known.task_cells)
        return self.remarks.setdefault((notebook, name), Remark())

    def find_submission(self, assignment: str, student: str) -> MarkSheet:
        return self

    def find_submission_notebook(self, notebook: str, assignment: str, student: str) -> NotebookMarks:
        return NotebookMarks(self, self.find_notebook(notebook, assignment).name)

    def give_nothing(self, notebook: str) -> None:
        """Note that a notebook was not handed in: no points, and nothing for a person to grade."""
        for place, mark in self.all_marks.items():
            if place[0] == notebook:
                self.marks[place] = mark
                mark.auto_score, mark.needs_manual_grade = 0.0, False

    def __repr__(self) -> str:
        return f"SubmittedAssignment<{self.lesson.name} for {self.student}>"


def _named(name: str, cells: tuple[Cell, ...]) -> Cell:
    for cell in cells:
        if cell.name == name:
            return cell
    raise MissingEntry(f"No such cell: {name}")
