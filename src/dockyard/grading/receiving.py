"""Receive hand-ins before nbgrader, or who stands for it, reads or copies anything of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.log import get_logger

from dockyard.grading.intake import receive


def receive_class(converter: Any) -> None:
    """Receive all hand-ins that nbgrader is about to grade, before it reads or copies anything of them.

    nbgrader decides which are due by their `timestamp.txt`, and opens it whatever it is. The exporter is what
    it makes between finding the hand-ins and reading of them (`BaseConverter.start`), so it calls this.

    Args:
        converter: nbgrader's `Autograde`; its `assignments` are rewritten as `receive_notebooks` says.

    Raises:
        NbGraderException: something could not be put aside. nbgrader has no way to leave that hand-in alone out.
    """
    lesson, courses, failed = released(converter.coursedir), converter.coursedir, []
    excluded = [
        courses.format_path(courses.submitted_directory, name, courses.assignment_id)
        for name in courses.student_id_exclude.split(",")
        if name
    ]
    for folder, notebooks in converter.assignments.items():
        if folder in excluded:
            continue
        try:
            converter.assignments[folder] = receive_notebooks(Path(folder), notebooks, lesson)
        except NbGraderException as error:
            converter.log.error("%s: %s", folder, error)
            failed.append(folder)
    if failed:
        converter.log.error(
            "Nothing was graded. Give yourself the right to write in these folders, or leave their learners out with "
            "--CourseDirectory.student_id_exclude=NAME,NAME, or grade with: dockyard grade %s",
            courses.assignment_id,
        )
        raise NbGraderException(f"{len(failed)} hand-ins could not be received: {', '.join(failed)}")


def released(courses: CourseDirectory) -> list[str]:
    """Return the names of the lesson's notebooks, as learners got them."""
    folder = Path(courses.format_path(courses.release_directory, ".", courses.assignment_id))
    return sorted(path.name for path in folder.glob("*.ipynb"))


def receive_notebooks(folder: Path, notebooks: list[str], lesson: Collection[str]) -> list[str]:
    """Receive a hand-in and return the notebooks to grade.

    A hand-in none of whose notebooks is one of the lesson's is graded as if it held empty ones: the evidence counts.
    nbgrader leaves such a hand-in out otherwise.

    Args:
        folder: the hand-in.
        notebooks: paths of its notebooks.
        lesson: names of the lesson's notebooks.

    Raises:
        NbGraderException: something could not be put aside, and nothing of the hand-in must be touched.
        OSError: that was so because the disk is full.
    """
    try:
        for name, why in receive(folder, lesson).items():
            get_logger().warning("%s: %s was put aside: it %s.", folder, name, why)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        what = f"{error.strerror}: {error.filename}" if error.strerror else str(error)
        raise NbGraderException(f"What must not be copied could not be put aside ({what}).") from error
    notebooks = [path for path in notebooks if os.path.lexists(path)] or notebooks
    if lesson and not {Path(path).name for path in notebooks} & set(lesson):
        get_logger().warning("%s: no notebook has the name of one of the lesson's: %s", folder, sorted(lesson))
        notebooks = [*notebooks, *(str(folder / name) for name in sorted(lesson))]
    return notebooks
