"""Grade a whole class: hand-ins in parallel processes, one writer to the gradebook."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import rmtree
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from dockyard.errors import DockyardError
from dockyard.grading.converter import STAGING, Graded, HandInConverter
from dockyard.grading.marksheet import Before
from dockyard.grading.register import Register
from dockyard.grading.workers import Processes, cores, quiet

PATIENCE = 5.0  # seconds for the workers of one that was killed to end


class ClassGrader:
    """Grades hand-ins of one lesson.

    Args:
        config: the course's configuration; see `dockyard.grading.course.course_config`.
        workers: how many processes; by default as many as there are cores for this one.

    Raises:
        DockyardError: the gradebook does not know the lesson, or the configuration lists a step that is not known.
    """

    def __init__(self, config: Config, workers: int | None = None) -> None:
        quiet()
        self.config, self.workers = config, workers or cores()
        self.coursedir = CourseDirectory(config=config)
        self.root, self.name = Path(self.coursedir.root), self.coursedir.assignment_id
        with _gradebook_trouble():
            self.register = Register(self.coursedir.db_url, self.coursedir.course_id)
            self.lesson = self.register.lesson(self.name)
            self.before: Mapping[str, Before] = self.register.before(self.name)
        self.converter = HandInConverter(config, self.lesson)
        self.converter.prepare()

    def grade(self, students: Sequence[str], serial: bool = False) -> Iterator[Graded]:
        """Grade these hand-ins; yields each when it is in the gradebook, or could not be graded.

        Args:
            students: who handed in.
            serial: in this process, one after the other.

        Raises:
            DockyardError: the gradebook cannot be written, or another `dockyard grade` is at work in this course.
        """
        with self._alone(), _gradebook_trouble():
            run = self._serially(students) if serial else self._processes().grade(students, self.before)
            for graded in run:
                yield self._file(graded)

    def _serially(self, students: Sequence[str]) -> Iterator[Graded]:
        with contextlib.chdir(self.root):
            for student in students:
                yield self.converter.grade(student, self.before.get(student, Before()))

    def _processes(self) -> Processes:
        return Processes(self.converter, self.config, self.workers, self.register.rest)

    def _file(self, graded: Graded) -> Graded:
        """Enter a hand-in into the gradebook, then put its files into place.

        In this order, whoever is killed in between leaves a hand-in that is graded again, to the same end.
        """
        staged = Path(self.coursedir.format_path(STAGING, graded.student, self.name))
        place = Path(self.coursedir.format_path(self.coursedir.autograded_directory, graded.student, self.name))
        try:
            if graded.known:
                self.register.enter(self.name, graded, self.converter.create_student)
        except ValueError as error:  # nbgrader's MissingEntry and InvalidEntry
            graded = replace(graded, trouble=" ".join(str(error).split()))
        if graded.trouble:
            shutil.rmtree(staged, ignore_errors=True)
        if graded.known and place.exists():  # else it is left as it was
            rmtree(str(place))
        if not graded.trouble:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.rename(staged, place)
        return graded

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        staging = self.root / STAGING
        staging.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(staging.with_suffix(".lock"), timeout=PATIENCE)
        try:
            lock.acquire()
        except Timeout:
            raise DockyardError(
                f"Another dockyard grade is at work in {self.root}.", next_step="Wait until it has ended."
            ) from None
        try:
            shutil.rmtree(staging, ignore_errors=True)  # of one that was killed
            yield
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            lock.release()
            self.register.rest()


@contextlib.contextmanager
def _gradebook_trouble() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DockyardError(
            f"The gradebook cannot be used: {reason}.",
            "Nothing of the hand-in at work was written.",
            "Look at the disk and at the gradebook's permissions, then type the same again.",
        ) from error
