"""The one writer to the gradebook: a hand-in's scores, comments and penalties in one transaction, or none of them."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from multiprocessing.util import register_after_fork
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import create_engine, func, or_, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

from dockyard.database import parsed
from dockyard.errors import DockyardError
from dockyard.grading.converter import Graded
from dockyard.grading.marksheet import AnswerCell, Before, GradedCell, KnownNotebook, Lesson, Place, SourceCell

LOCK = int.from_bytes(b"dockyard")
"""The number of the advisory lock; it belongs to one database, and that to one course."""


class _Session(Session):
    """A session whose commits wait for the end of a transaction that was begun by hand."""

    held = False

    def commit(self) -> None:
        if self.held:
            self.flush()
        else:
            super().commit()


class Register(Gradebook):
    """nbgrader's gradebook, opened once, with transactions that hold more than one call."""

    def __init__(self, db_url: str, course_id: str) -> None:
        super().__init__(parsed(db_url), course_id)
        self.close()
        self.db: Any = scoped_session(sessionmaker(class_=_Session, autoflush=True, bind=self.engine, future=True))

    def rest(self) -> None:
        """Close all connections until the next call: no process that is forked now inherits one."""
        self.close()

    @contextlib.contextmanager
    def alone(self, patience: float) -> Iterator[None]:
        """Within the block, no other `dockyard grade` writes to this gradebook, from whatever machine.

        PostgreSQL keeps the lock (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS) for as
        long as its connection lasts: whoever is killed holds it no longer. A gradebook in a file has the lock of its
        folder.

        Args:
            patience: seconds to wait for another that is about to end.

        Raises:
            DockyardError: another is at work.
        """
        if self.engine.dialect.name != "postgresql":
            yield
            return
        engine = create_engine(self.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            _close_in_forked(connection.connection.driver_connection)
            end = time.monotonic() + patience
            while not connection.scalar(select(func.pg_try_advisory_lock(LOCK))):
                if time.monotonic() > end:
                    raise DockyardError(
                        f"Another dockyard grade writes to the gradebook {self.engine.url.render_as_string()}.",
                        next_step="Wait until it has ended.",
                    )
                time.sleep(0.1)
            yield

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Within the block, every commit waits for its end; an exception takes all of it back."""
        session = self.db()
        session.held = True
        try:
            yield
            session.held = False
            session.commit()
        except BaseException:
            session.held = False
            session.rollback()
            raise

    def lesson(self, name: str) -> Lesson:
        """Return what the steps need to know of a lesson.

        Raises:
            DockyardError: the gradebook does not know it.
        """
        try:
            assignment = self.find_assignment(name)
        except MissingEntry:
            raise DockyardError(
                f"The gradebook knows no lesson named {name}.",
                "A lesson enters the gradebook when its learners' version is made.",
                f"Make it with: nbgrader generate_assignment {name} --force",
            ) from None
        return Lesson(name, assignment.duedate, {notebook.name: _known(notebook) for notebook in assignment.notebooks})

    def before(self, lesson: str) -> dict[str, Before]:
        """Return what the gradebook holds of every hand-in of a lesson, by student."""
        submissions = (
            self.db.query(SubmittedAssignment.student_id, SubmittedAssignment.timestamp, SubmittedAssignment.extension)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .filter(Assignment.name == lesson)
        )
        scores: dict[str, dict[Place, tuple[float | None, float | None, float | None]]] = defaultdict(dict)
        columns = (Grade.auto_score, Grade.manual_score, Grade.extra_credit)
        for student, notebook, cell, *numbers in (
            self.db.query(SubmittedAssignment.student_id, Notebook.name, BaseCell.name, *columns)
            .select_from(Grade)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
            .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .filter(Assignment.name == lesson, or_(*(column.is_not(None) for column in columns)))
        ):
            scores[student][notebook, cell] = (numbers[0], numbers[1], numbers[2])
        rows: list[tuple[str, datetime | None, timedelta | None]] = [tuple(row) for row in submissions]
        return {student: Before(timestamp, extension, scores[student]) for student, timestamp, extension in rows}

    def enter(self, lesson: str, graded: Graded, create_student: bool) -> None:
        """Enter one hand-in, all of it or nothing.

        Args:
            lesson: the lesson's name.
            graded: what came of the hand-in.
            create_student: whether a student who is not in the gradebook is added, as nbgrader's option says.

        Raises:
            MissingEntry: the student is not in the gradebook and must not be added.
            InvalidEntry: the database does not take it: PostgreSQL keeps to the lengths that nbgrader declares (128
                characters for a name) and takes no text with a null in it, SQLite takes anything.
        """
        with _told_apart(), self.transaction():
            if create_student:
                self.update_or_create_student(graded.student)
            else:
                self.find_student(graded.student)
            when = {} if graded.timestamp is None else {"timestamp": graded.timestamp}
            submission = self.update_or_create_submission(lesson, graded.student, **when)
            if graded.scores:
                for (notebook, cell), grade in self._rows(Grade, submission):
                    if (notebook, cell) in graded.scores:
                        grade.auto_score, grade.needs_manual_grade = graded.scores[notebook, cell]
            if graded.comments:
                for (notebook, cell), comment in self._rows(Comment, submission):
                    if (notebook, cell) in graded.comments:
                        comment.auto_comment = graded.comments[notebook, cell]
            for handed_in in submission.notebooks if graded.penalties else ():
                if handed_in.name in graded.penalties:
                    handed_in.late_submission_penalty = graded.penalties[handed_in.name]

    def _rows(self, table: Any, submission: SubmittedAssignment) -> Iterator[tuple[Place, Grade | Comment]]:
        found = (
            self.db.query(Notebook.name, BaseCell.name, table)
            .select_from(table)
            .join(BaseCell, BaseCell.id == table.cell_id)
            .join(SubmittedNotebook, SubmittedNotebook.id == table.notebook_id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .filter(SubmittedNotebook.assignment_id == submission.id)
        )
        for notebook, cell, row in found:
            yield (notebook, cell), row


def _close_in_forked(connection: Any) -> None:
    """A forked process that kept the socket would keep the lock. psycopg itself leaves a parent's connection alone."""
    register_after_fork(connection, lambda parents: os.close(parents.fileno()))


@contextlib.contextmanager
def _told_apart() -> Iterator[None]:
    """Of the database's errors, those that the hand-in is the reason of: nobody else's are stopped by them."""
    try:
        yield
    except DataError as error:
        raise InvalidEntry(f"The gradebook does not take it: {_first_line(error.orig)}") from error
    except InvalidEntry as error:  # nbgrader's, of any statement that failed
        if isinstance(error.__context__, DBAPIError) and not isinstance(error.__context__, DataError | IntegrityError):
            raise error.__context__ from None
        raise InvalidEntry(f"The gradebook does not take it: {_first_line(error)}") from error


def _first_line(error: object) -> str:
    return re.sub(r"^\([\w.]+\) ", "", str(error).strip().partition("\n")[0])


def _known(notebook: Notebook) -> KnownNotebook:
    return KnownNotebook(
        notebook.name,
        notebook.kernelspec,
        tuple(
            SourceCell(cell.name, cell.cell_type, cell.locked, cell.source, cell.checksum)
            for cell in notebook.source_cells
        ),
        tuple(GradedCell(cell.name, cell.max_score, cell.cell_type) for cell in notebook.grade_cells),
        tuple(GradedCell(cell.name, cell.max_score, cell.cell_type) for cell in notebook.task_cells),
        tuple(AnswerCell(cell.name) for cell in notebook.solution_cells),
    )
