"""The learner's hand-in as one file, for a class that hands in through a learning-management system."""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from dockyard import evidence as evidence_file
from dockyard.course import Course
from dockyard.errors import DockyardError
from dockyard.progress import Line, lines_of

BEGINNING = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can name: the same hand-in gives the same file


@dataclass(frozen=True)
class Packed:
    """A hand-in that was packed.

    Attributes:
        path: the zip.
        notebooks, evidence: how many there are in it.
        missing: exercises that would be worth 0 points, for want of evidence of this learner.
    """

    path: Path
    notebooks: int
    evidence: int
    missing: list[Line]


def pack(course: Course, lesson: str, student: str, to: Path | None = None) -> Packed:
    """Write `<student>_<lesson>.zip` with the notebooks and the evidence of the learner's lesson, and nothing else.

    Args:
        lesson: its name.
        student: under which name it is handed in.
        to: the file to write; by default in the workspace, where JupyterLab's file browser shows it.

    Raises:
        DockyardError: there is no such lesson in the workspace, a notebook cannot be read, or the disk refuses.
    """
    folder = course.workspace / lesson
    notebooks = [path for path in _plain(folder) if path.suffix == ".ipynb"]
    if not notebooks or folder.parent != course.workspace:
        raise DockyardError(
            f"There are no notebooks of {lesson!r} in {course.workspace.name}/.",
            f"The lessons are: {', '.join(course.released()) or 'none yet'}.",
            "Type ./dockyard pack with one of these names",
        )
    filed = [p for p in _plain(folder / "evidence") if p.suffix == ".json" and evidence_file.NAME.match(p.stem)]
    missing = [line for path in notebooks for line in _lines(path, student) if line.lacks_evidence]
    target = to or course.workspace / f"{student}_{lesson}.zip"
    try:
        _write(target, folder.parent, [*notebooks, *filed])
    except OSError as error:
        raise DockyardError(f"{target} cannot be written: {error.strerror}.") from None
    return Packed(target, len(notebooks), len(filed), missing)


def _plain(folder: Path) -> list[Path]:
    """Return the regular files of a folder, in order; of links none, for they may lead anywhere."""
    if not folder.is_dir() or folder.is_symlink():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())


def _lines(notebook: Path, student: str) -> list[Line]:
    try:
        return lines_of(notebook, notebook.parent, student)
    except (ValueError, AttributeError) as error:
        raise DockyardError(
            f"{notebook.name} is no notebook that can be read: {str(error)[:80]}.",
            next_step="Open it in JupyterLab and save it, or move it elsewhere",
        ) from None


def _write(target: Path, root: Path, files: list[Path]) -> None:
    """Write the zip whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(prefix=".pack-", dir=target.absolute().parent)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        ):
            for path in files:
                about = zipfile.ZipInfo(path.relative_to(root).as_posix(), BEGINNING)
                about.compress_type, about.create_system, about.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
                archive.writestr(about, path.read_bytes(), compresslevel=9)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
