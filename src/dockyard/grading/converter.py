"""nbgrader's `Autograde` for one hand-in at a time, off to the side: it touches neither gradebook nor autograded/."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbgrader import utils
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from dockyard.grading.lean import lean
from dockyard.grading.marksheet import Before, Lesson, MarkSheet, Place
from dockyard.grading.notes import bounded
from dockyard.grading.receiving import receive_notebooks, released
from dockyard.grading.replaying import REMARKS
from dockyard.grading.steps import on_sheet
from dockyard.judge import clean

STAGING = os.path.join(".dockyard", "grading")
"""Where hand-ins lie while they are graded; they move to autograded/ when their scores are in the gradebook."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)  # no hand-in is to blame for these


@dataclass(frozen=True)
class Graded:
    """What came of one hand-in, to be entered into the gradebook.

    Attributes:
        student: who handed in.
        timestamp: when, as the hand-in says; None where it does not say.
        known: whether it came so far that nbgrader would have entered it.
        scores: auto score and whether a person is needed, by notebook and cell.
        comments: automatic comments, by notebook and cell.
        penalties: late penalties by notebook.
        trouble: why it could not be graded; empty where it was.
        stop: whether that is the machine's trouble, not the hand-in's: all others would have it too.
        remarks: what a person should know of it, from a bounded number of short lines.
        seconds: how long it took.
        peak: most memory that the worker has held so far, in bytes; 0 where the system does not say.
    """

    student: str
    timestamp: datetime | None = None
    known: bool = False
    scores: dict[Place, tuple[float | None, bool]] = field(default_factory=dict)
    comments: dict[Place, str | None] = field(default_factory=dict)
    penalties: dict[str, float | None] = field(default_factory=dict)
    trouble: str = ""
    stop: bool = False
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    peak: int = 0


class HandInConverter(Autograde):
    """Convert a hand-in as `Autograde` does, with the steps and options of its configuration.

    Args:
        config: the course's configuration.
        lesson: what the gradebook knows of the lesson.
    """

    def __init__(self, config: Config, lesson: Lesson) -> None:
        log = logging.Logger("dockyard.grade", level=logging.CRITICAL + 1)  # what a person must know is in `trouble`
        config = deepcopy(config)
        config.CourseDirectory.autograded_directory = STAGING
        super().__init__(coursedir=CourseDirectory(config=config, log=log), config=config, log=log)
        self.lesson = lesson
        self.sheet = MarkSheet(lesson, "", Before(), None)
        self.steps: dict[bool, list[Any]] = {}
        self.handed_in: datetime | None = None
        self.known = False
        self.remarks: dict[str, None] = {}

    def prepare(self) -> None:
        """Make everything that serves all hand-ins: exporter, writer, steps.

        Raises:
            DockyardError: the configuration lists a step that cannot be used here.
        """
        self.writer = self.traits()["writer"].klass(parent=self, config=self.config)
        self.exporter = lean(self.exporter_class)(parent=self, config=self.config)
        for sanitizing, names in ((True, self.sanitize_preprocessors), (False, self.autograde_preprocessors)):
            self.exporter._preprocessors = []
            for name in names:
                self.exporter.register_preprocessor(on_sheet(name))
            self.steps[sanitizing] = self.exporter._preprocessors

    def _init_preprocessors(self) -> None:
        self.exporter._preprocessors = self.steps[self._sanitizing]

    def grade(self, student: str, before: Before) -> Graded:
        """Convert one hand-in into the staging folder and return what belongs into the gradebook.

        Whatever goes wrong with it is told in the result; nothing of it stays in the staging folder then.

        Args:
            student: who handed in.
            before: what the gradebook holds of the hand-in.
        """
        started, name, trouble = time.perf_counter(), self.lesson.name, ""
        self.sheet = MarkSheet(self.lesson, student, before, None)
        self.handed_in, self.known, self.remarks, at, stop = None, False, {}, "", False
        staged = Path(self._format_dest(name, student))
        shutil.rmtree(staged, ignore_errors=True)
        try:
            source = Path(self._format_source(name, student))
            self.notebooks = sorted(str(path) for path in source.glob("*.ipynb"))
            if not self.notebooks:
                raise NbGraderException("There is no notebook in it.")
            self.notebooks = receive_notebooks(source, self.notebooks, released(self.coursedir))
            self.run_pre_convert_hook()
            self.handed_in = self.coursedir.get_existing_timestamp(str(source))
            self.sheet = MarkSheet(self.lesson, student, before, _utc(self.handed_in))
            self.init_assignment(name, student)
            for notebook in self.notebooks:
                at = f"{Path(notebook).name}: "
                self.convert_single_notebook(notebook)
            at = ""
            self.set_permissions(name, student)
            self.run_post_convert_hook()
        except (Exception, SystemExit) as error:
            trouble = clean(f"{at}{_reason(error)}")
            stop = isinstance(error, OSError) and error.errno in NO_ROOM
            shutil.rmtree(staged, ignore_errors=True)
        finally:
            self._sanitizing = True
        return Graded(
            student,
            self.handed_in,
            self.known,
            {place: (mark.auto_score, mark.needs_manual_grade) for place, mark in self.sheet.marks.items()},
            {place: remark.auto_comment for place, remark in self.sheet.remarks.items()},
            dict(self.sheet.penalties),
            trouble,
            stop,
            bounded(self.remarks),
            time.perf_counter() - started,
            peak_memory(),
        )

    def write_single_notebook(self, output: str, resources: ResourcesDict) -> None:
        super().write_single_notebook(output, resources)
        self.remarks.update(dict.fromkeys(resources.get(REMARKS, ())))

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Lay the hand-in's other files and the lesson's own beside the notebooks, as `Autograde` does."""
        super(Autograde, self).init_assignment(assignment_id, student_id)
        self.known = True
        destination = Path(self._format_dest(assignment_id, student_id))
        source = self.coursedir.format_path(self.coursedir.source_directory, ".", assignment_id)
        kept = {os.path.join(source, name) for name in self.exclude_overwriting.get(assignment_id, [])}
        for filename in set(utils.find_all_files(source, [*self.coursedir.ignore, "*.ipynb"])) - kept:
            target = destination / os.path.relpath(filename, source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy(filename, target)
        self.notebooks = [path for path in self.notebooks if Path(path).stem in self.lesson.notebooks]
        if not self.notebooks:
            raise NbGraderException(f"There is no notebook of {assignment_id} in it.")
        handed_in = {Path(path).stem for path in self.notebooks}
        for notebook in self.lesson.notebooks:
            if notebook not in handed_in:
                self.sheet.give_nothing(notebook)
                self.remarks[f"{notebook}.ipynb was not handed in under this name: it earns nothing."] = None


def peak_memory() -> int:
    """Return the most memory that this process has held, in bytes; 0 where the system does not say.

    `VmHWM` of proc(5): unlike `getrusage`, it begins anew in a forked process.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def _utc(timestamp: datetime | None) -> datetime | None:
    return None if timestamp is None else utils.parse_utc(timestamp)


def _reason(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return words if isinstance(error, NbGraderException) else f"{type(error).__name__}: {words}".removesuffix(": ")
