"""The course's configuration as nbgrader's commands read it, and which hand-ins of a lesson are due."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from dockyard.errors import DockyardError
from dockyard.grading.intake import handed_in_at, receive
from dockyard.grading.receiving import released


@dataclass(frozen=True)
class Due:
    """The hand-ins of a lesson.

    Attributes:
        students: those to grade now, in order.
        done: how many others are graded already, and have not been handed in anew.
    """

    students: tuple[str, ...]
    done: int


def course_config(root: Path, lesson: str, student: str = "*") -> Config:
    """Read `nbgrader_config.py` in the course's folder, and what else Jupyter's configuration holds.

    Args:
        root: the course's folder.
        lesson: the assignment's name.
        student: a pattern of students' names, as `--student` of nbgrader takes it.
    """
    app = NbGrader(log_level=logging.ERROR)
    with contextlib.chdir(root):  # nbgrader looks in the current folder, after Jupyter's own
        app.load_config_file()
    config = app.config
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.assignment_id = lesson
    config.CourseDirectory.student_id = student
    return config


def due(config: Config, force: bool) -> Due:
    """Return which hand-ins nbgrader would grade: those never graded, and those handed in anew since.

    Args:
        config: of `course_config`.
        force: all of them.

    Raises:
        DockyardError: nothing was handed in under such a name.
    """
    courses = CourseDirectory(config=config)
    lesson, pattern = courses.assignment_id, courses.student_id
    excluded = courses.student_id_exclude.split(",")
    place = courses.format_path(courses.submitted_directory, pattern, lesson)
    form = re.compile(courses.format_path(courses.submitted_directory, "(?P<student>.*)", lesson, escape=True))
    root = Path(courses.root)
    folders = sorted(path for path in root.glob(str(Path(place).relative_to(root))) if path.is_dir())
    if not folders:
        raise DockyardError(
            f"Nothing was handed in at {place}.",
            "Expected a folder a learner.",
            f"Collect what learners have submitted with: nbgrader collect {lesson}",
        )
    matches = [match for path in folders if (match := form.fullmatch(str(path)))]
    found = [match["student"] for match in matches if match["student"] not in excluded]
    students = tuple(student for student in found if force or _is_new(courses, student))
    return Due(students, len(found) - len(students))


def _is_new(courses: CourseDirectory, student: str) -> bool:
    """As `init_destination` of nbgrader's converters decides, but without removing anything."""
    handed_in = courses.format_path(courses.submitted_directory, student, courses.assignment_id)
    graded = Path(courses.format_path(courses.autograded_directory, student, courses.assignment_id))
    if not graded.exists():
        return True
    try:
        new, old = _time_of(Path(handed_in), released(courses)), handed_in_at(graded)
    except (OSError, ValueError):
        return True  # grading says what is wrong
    return new is not None and old is not None and new > old


def _time_of(folder: Path, lesson: Collection[str]) -> datetime | None:
    try:
        return handed_in_at(folder)
    except ValueError:
        receive(folder, lesson)
        return handed_in_at(folder)
