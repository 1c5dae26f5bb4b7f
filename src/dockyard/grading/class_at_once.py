"""Grade a whole class: hand-ins in parallel processes, one writer to the gradebook."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from dockyard.database import unusable
from dockyard.errors import DockyardError
from dockyard.grading import placing
from dockyard.grading.converter import STAGING, Graded, HandInConverter
from dockyard.grading.marksheet import Before
from dockyard.grading.register import Register
from dockyard.grading.workers import Processes, cores, quiet

if TYPE_CHECKING:
    from dockyard.grading.cluster import Cluster

PATIENCE = 5.0  # seconds for the workers of one that was killed to end
AGAIN = "What was graded before stands in the gradebook and in autograded/; nothing is half written."
NEXT = "Look at the disk's free space and at your right to write there, then type the same again: the rest is graded."


class ClassGrader:
    """Grades hand-ins of one lesson.

    Args:
        config: the course's configuration; see `dockyard.grading.course.course_config`.
        workers: how many processes; by default as many as there are cores for this one.
        scheduler: address of a dask scheduler, whose workers grade instead.

    Raises:
        DockyardError: the gradebook does not know the lesson, or the configuration lists a step that is not known.
    """

    def __init__(self, config: Config, workers: int | None = None, scheduler: str | None = None) -> None:
        quiet()
        self.config, self.workers, self.scheduler = config, workers or cores(), scheduler
        self.coursedir = CourseDirectory(config=config)
        self.root, self.name = Path(self.coursedir.root), self.coursedir.assignment_id
        with _trouble():
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
            DockyardError: gradebook or disk cannot be written, or another `dockyard grade` is at work in this course.
        """
        run = self._serially(students) if serial else self._crew().grade(students, self.before)
        with _trouble(), self.alone(), contextlib.closing(run):  # ends all workers before their staging goes
            for graded in run:
                yield self._file(graded)

    def _serially(self, students: Sequence[str]) -> Generator[Graded, None, None]:
        with contextlib.chdir(self.root):
            for student in students:
                yield self.converter.grade(student, self.before.get(student, Before()))

    def _crew(self) -> Processes | Cluster:
        processes = Processes(self.converter, self.config, self.workers, self.register.rest)
        if self.scheduler is None:
            return processes
        from dockyard.grading.cluster import Cluster

        return Cluster(self.scheduler, self.converter, self.config, processes)

    def _file(self, graded: Graded) -> Graded:
        """Enter a hand-in into the gradebook, then put its files into place.

        In this order, whoever is killed in between leaves a hand-in that is graded again, to the same end.

        Raises:
            DockyardError: the machine, not the hand-in, was the reason that it could not be graded.
        """
        if graded.stop:
            raise DockyardError(f"Grading has stopped at {graded.student}: {graded.trouble}", AGAIN, NEXT)
        staged = Path(self.coursedir.format_path(STAGING, graded.student, self.name))
        place = Path(self.coursedir.format_path(self.coursedir.autograded_directory, graded.student, self.name))
        try:
            if graded.known:
                self.register.enter(self.name, graded, self.converter.create_student)
        except ValueError as error:  # nbgrader's MissingEntry and InvalidEntry
            graded = replace(graded, trouble=" ".join(str(error).split()))
        if not graded.trouble:
            placing.put(staged, place)
            return graded
        shutil.rmtree(staged, ignore_errors=True)
        if graded.known:  # else it is left as it was
            placing.take_away(place)
        return graded

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Within the block, no other `dockyard grade` is at work in this course.

        Raises:
            DockyardError: another is.
        """
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
            placing.tidy(self.coursedir.format_path(self.coursedir.autograded_directory, "*", self.name))
            staging.mkdir()  # where that is refused, nobody need start
            with self.register.alone(PATIENCE):
                yield
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            lock.release()
            self.register.rest()


@contextlib.contextmanager
def _trouble() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, ImportError) as error:
        raise unusable(error, AGAIN, NEXT) from error
    except OSError as error:
        where = f"{error.filename2 or error.filename or 'something'}"
        raise DockyardError(f"{where} cannot be written: {error.strerror or error}.", AGAIN, NEXT) from error
