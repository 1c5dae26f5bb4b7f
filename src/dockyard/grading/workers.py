"""The processes that grade: their start, and a pool of them on this machine."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Thread

from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from dockyard.grading.converter import Graded, HandInConverter
from dockyard.grading.marksheet import Before, Lesson

AHEAD = 3  # hand-ins a worker that wait for it, so that it never waits for the writer
KILLED = "The process that graded it was killed, twice. Was the memory used up?"

_converter: HandInConverter | None = None  # a worker's own


class Processes:
    """A pool of processes on this machine.

    Args:
        converter: made ready; a forked worker takes it as it is.
        config: the course's configuration; a worker that is not forked makes a converter from it.
        workers: how many processes.
        before_fork: called before processes are started.
    """

    def __init__(
        self, converter: HandInConverter, config: Config, workers: int, before_fork: Callable[[], None]
    ) -> None:
        self.converter, self.config, self.workers, self.before_fork = converter, config, workers, before_fork

    def grade(self, students: Sequence[str], before: Mapping[str, Before]) -> Generator[Graded, None, None]:
        """Grade hand-ins, in any order; one at whose grading a process died is graded once more, alone.

        Args:
            students: who handed in.
            before: what the gradebook holds of their hand-ins.
        """
        waiting, suspects = list(reversed(students)), list[str]()
        while waiting:
            yield from self._pool(min(self.workers, len(waiting)), waiting, before, suspects.append)
        for student in suspects:  # whoever was at work when a process died: alone, so that we learn who it was
            alone, killed = [student], list[str]()
            yield from self._pool(1, alone, before, killed.append)
            if killed:
                yield Graded(student, trouble=KILLED)

    def _pool(
        self, workers: int, waiting: list[str], before: Mapping[str, Before], suspect: Callable[[str], None]
    ) -> Iterator[Graded]:
        """Grade from the end of a list until it is empty, or a process dies: then say who was at work."""
        self.before_fork()
        gc.collect()
        with ProcessPoolExecutor(workers, context(), start_worker, self._for_worker()) as pool:
            running: dict[Future[Graded], str] = {}
            try:
                while waiting or running:
                    while waiting and len(running) < workers * AHEAD:
                        student = waiting[-1]  # taken only when the pool has it: a broken one refuses
                        future = pool.submit(grade_one, student, before.get(student, Before()))
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
        forked = context().get_start_method() == "fork"
        return (self.converter if forked else None), self.config, self.converter.lesson


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def context() -> multiprocessing.context.BaseContext:
    """Fork where that is safe: on Linux. macOS's own libraries do not survive it, and Windows has no fork."""
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def start_worker(converter: HandInConverter | None, config: Config, lesson: Lesson) -> None:
    """Make this process a worker, before its first hand-in.

    Args:
        converter: what grades, where this process was forked from one that has it.
        config: the course's configuration, to make a converter from where there is none.
        lesson: what the gradebook knows of the lesson.
    """
    global _converter
    Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers in order
    quiet()
    if converter is None:
        converter = HandInConverter(config, lesson)
        converter.prepare()
    gc.freeze()  # what is there now serves to the end: the collector need not look at it again
    os.chdir(converter.coursedir.root)
    _converter = converter


def grade_one(student: str, before: Before) -> Graded:
    """Grade one hand-in in a worker that was started."""
    assert _converter is not None
    return _converter.grade(student, before)


def quiet() -> None:
    """nbgrader's queries under SQLAlchemy 2 warn: harmless, and its own affair. Its gradebook logs each error as a
    traceback before it raises it: who grades is told in a sentence."""
    warnings.filterwarnings("ignore", category=SAWarning)
    for name in ("traitlets", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
