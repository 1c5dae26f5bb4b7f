"""Grade a whole class: hand-ins in parallel processes, one writer to the gradebook."""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from threading import Thread

from filelock import FileLock, Timeout
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import rmtree
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from traitlets.config import Config

from dockyard.errors import DockyardError
from dockyard.grading.converter import STAGING, Graded, HandInConverter
from dockyard.grading.marksheet import Before, Lesson
from dockyard.grading.register import Register

AHEAD = 3  # hand-ins a worker that wait for it, so that it never waits for the writer
PATIENCE = 5.0  # seconds for the workers of one that was killed to end
KILLED = "The process that graded it was killed, twice. Was the memory used up?"

_converter: HandInConverter | None = None  # a worker's own


class ClassGrader:
    """Grades hand-ins of one lesson.

    Args:
        config: the course's configuration; see `dockyard.grading.course.course_config`.
        workers: how many processes; by default as many as there are cores for this one.

    Raises:
        DockyardError: the gradebook does not know the lesson, or the configuration lists a step that is not known.
    """

    def __init__(self, config: Config, workers: int | None = None) -> None:
        _quiet()
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
            run = self._serially(students) if serial else self._in_parallel(students)
            for graded in run:
                yield self._file(graded)

    def _serially(self, students: Sequence[str]) -> Iterator[Graded]:
        with contextlib.chdir(self.root):
            for student in students:
                yield self.converter.grade(student, self.before.get(student, Before()))

    def _in_parallel(self, students: Sequence[str]) -> Iterator[Graded]:
        waiting, suspects = list(reversed(students)), list[str]()
        while waiting:
            yield from self._pool(min(self.workers, len(waiting)), waiting, suspects.append)
        for student in suspects:  # whoever was at work when a process died: alone, so that we learn who it was
            alone, killed = [student], list[str]()
            yield from self._pool(1, alone, killed.append)
            if killed:
                yield Graded(student, trouble=KILLED)

    def _pool(self, workers: int, waiting: list[str], suspect: Callable[[str], None]) -> Iterator[Graded]:
        """Grade from the end of a list until it is empty, or a process dies: then say who was at work."""
        self.register.rest()
        gc.collect()
        with ProcessPoolExecutor(workers, _context(), _start_worker, self._for_worker()) as pool:
            running: dict[Future[Graded], str] = {}
            try:
                while waiting or running:
                    while waiting and len(running) < workers * AHEAD:
                        student = waiting[-1]  # taken only when the pool has it: a broken one refuses
                        future = pool.submit(_grade, student, self.before.get(student, Before()))
                        running[future] = waiting.pop()
                    ready, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in ready:
                        graded = future.result()
                        del running[future]
                        yield graded
            except BrokenProcessPool:
                for student in running.values():
                    suspect(student)
            finally:
                pool.shutdown(cancel_futures=True)

    def _for_worker(self) -> tuple[HandInConverter | None, Config, Lesson]:
        """A forked worker takes the converter as it is; another one makes its own."""
        forked = _context().get_start_method() == "fork"
        return (self.converter if forked else None), self.config, self.lesson

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


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _context() -> multiprocessing.context.BaseContext:
    """Fork where that is safe: on Linux. macOS's own libraries do not survive it, and Windows has no fork."""
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def _start_worker(converter: HandInConverter | None, config: Config, lesson: Lesson) -> None:
    global _converter
    Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers in order
    _quiet()
    if converter is None:
        converter = HandInConverter(config, lesson)
        converter.prepare()
    gc.freeze()  # what is there now serves to the end: the collector need not look at it again
    os.chdir(converter.coursedir.root)
    _converter = converter


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _grade(student: str, before: Before) -> Graded:
    assert _converter is not None
    return _converter.grade(student, before)


def _quiet() -> None:
    """nbgrader's queries under SQLAlchemy 2 warn: harmless, and its own affair."""
    warnings.filterwarnings("ignore", category=SAWarning)
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)


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
