"""The whole way of a class through nbgrader's own classes: release, fetch, submit, collect, grade, feedback."""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.auth import Authenticator
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from sqlalchemy.exc import SAWarning

from dockyard.course import COURSE_ID


class ClassLoop:
    """A class of its own: course folder, exchange and learners' folders below one root.

    Args:
        root: an empty folder.
        config_file: the course's nbgrader_config.py; the class is graded with exactly this configuration.
    """

    def __init__(self, root: Path, config_file: Path) -> None:
        self.course, self.exchange, self.learners = root / "course", root / "exchange", root / "learners"
        for folder in (self.course, self.exchange, self.learners):
            folder.mkdir(parents=True)
        shutil.copy(config_file, self.course / "nbgrader_config.py")

    def _app(self, lesson: str, student: str = "*") -> NbGrader:
        app = NbGrader(log_level=logging.ERROR)
        with contextlib.chdir(self.course):  # nbgrader looks in the current folder, after Jupyter's own
            app.load_config_file()
        config = app.config
        config.CourseDirectory.update(root=str(self.course), assignment_id=lesson, student_id=student)
        config.CourseDirectory.db_url = f"sqlite:///{self.course / 'gradebook.db'}"
        config.Exchange.update(root=str(self.exchange), cache=str(self.learners / student.strip("*") / ".cache"))
        config.Exchange.assignment_dir = str(self.learners / student.strip("*"))
        return app

    def _convert(self, converter: type, lesson: str, **options: Any) -> None:
        config = self._app(lesson, options.pop("student", "*")).config
        with warnings.catch_warnings():  # nbgrader's queries under SQLAlchemy 2: harmless, and its own affair
            warnings.filterwarnings("ignore", category=SAWarning)
            converter(coursedir=CourseDirectory(config=config), config=config, **options).start()

    def _exchange(self, action: str, lesson: str, student: str = "*") -> None:
        app = self._app(lesson, student)
        coursedir, authenticator = CourseDirectory(config=app.config), Authenticator(config=app.config)
        step = getattr(ExchangeFactory(config=app.config), action)
        step(coursedir=coursedir, authenticator=authenticator, config=app.config, parent=app).start()

    def folder(self, student: str, lesson: str) -> Path:
        """Return where a learner works on a lesson."""
        return self.learners / student / lesson

    def release(self, lesson: str, source: Path) -> None:
        """Generate the learners' version of a lesson from its source folder, and release it."""
        shutil.copytree(source, self.course / "source" / lesson)
        self._convert(GenerateAssignment, lesson, student=".")
        self._exchange("ReleaseAssignment", lesson)

    def fetch(self, student: str, lesson: str) -> Path:
        """Let a learner fetch a lesson; return the learner's folder of it."""
        (self.learners / student).mkdir(exist_ok=True)
        self._exchange("FetchAssignment", lesson, student)
        return self.folder(student, lesson)

    def submit(self, student: str, lesson: str) -> None:
        """Let a learner hand in."""
        self._exchange("Submit", lesson, student)

    def collect_and_grade(self, lesson: str) -> None:
        """Collect every hand-in and grade it from its evidence."""
        self._exchange("Collect", lesson)
        self._convert(Autograde, lesson, force=True)

    def return_feedback(self, lesson: str, students: list[str]) -> list[Path]:
        """Generate and release feedback, let every learner fetch it, and return the files that they got."""
        self._convert(GenerateFeedback, lesson, force=True)
        self._exchange("ReleaseFeedback", lesson)
        for student in students:
            self._exchange("FetchFeedback", lesson, student)
        return sorted(self.learners.glob(f"*/{lesson}/feedback/*/*.html"))

    def scores(self, lesson: str, student: str) -> dict[str, float | None]:
        """Return the score of each graded cell of a hand-in; None where a person has to grade it.

        Raises:
            MissingEntry: the hand-in was not graded.
        """
        with Gradebook(f"sqlite:///{self.course / 'gradebook.db'}", COURSE_ID) as gradebook:
            submission = gradebook.find_submission(lesson, student)
            return {
                grade.cell.name: None if grade.needs_manual_grade else grade.auto_score
                for notebook in submission.notebooks
                for grade in notebook.grades
            }


__all__ = ["ClassLoop", "MissingEntry"]
