"""Build source/ and release/ from the lessons' text, one way only.

text → (Jupytext) → source/ → (nbgrader's own generate_assignment) → release/

Everything is made in a temporary course first and compared with what is there; the instructor's gradebook is never
opened. Only when all of it has been made are files replaced, one rename each, so that a failure leaves the old ones.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from dockyard.authoring.faults import refuse_faulty
from dockyard.authoring.lessons import Lesson, Notebook
from dockyard.authoring.release import generate_release
from dockyard.authoring.text import read_text, same_cells, to_json
from dockyard.errors import BuildError

# What Jupyter and Python leave lying about; nbgrader does not hand it out either.
LEFTOVERS = (".ipynb_checkpoints", "__pycache__")


@dataclass(frozen=True)
class Fresh:
    """What a fresh build of a lesson gives.

    Attributes:
        lesson: the lesson.
        notebooks: the notebooks that were built; all of the lesson's, or the one that was asked for.
        files: content by path, the path relative to the course (`source/…`, `release/…`).
    """

    lesson: Lesson
    notebooks: tuple[Notebook, ...]
    files: dict[Path, bytes]

    @property
    def is_whole(self) -> bool:
        return self.notebooks == self.lesson.notebooks


@dataclass
class Report:
    """What a build did to one lesson: paths relative to the course."""

    lesson: Lesson
    written: list[Path] = field(default_factory=list)
    set_aside: list[Path] = field(default_factory=list)


def fresh_build(lesson: Lesson, notebooks: tuple[Notebook, ...] | None = None) -> Fresh:
    """Build a lesson without touching the course's files.

    Raises:
        BuildError: the text cannot be converted, or nbgrader refuses it.
    """
    notebooks = lesson.notebooks if notebooks is None else notebooks
    if not notebooks:
        raise BuildError(f"{lesson.name} has no text yet.", f"It needs {lesson.folder / lesson.notebook_names[0]}.md.")
    with tempfile.TemporaryDirectory(prefix="dockyard-build-") as folder:
        course = Path(folder)
        source = course / "source" / lesson.name
        source.mkdir(parents=True)
        pages = [(notebook, read_text(notebook.text)) for notebook in notebooks]
        refuse_faulty(((notebook.text, page) for notebook, page in pages), lesson.course.root)
        for notebook, page in pages:
            (source / notebook.source.name).write_text(to_json(page), encoding="utf-8")
        if lesson.files.is_dir():
            shutil.copytree(lesson.files, source / lesson.files.name, ignore=shutil.ignore_patterns(*LEFTOVERS))
        generate_release(course, lesson.name, lesson.course.root / "nbgrader_config.py")
        made = [path for top in ("source", "release") for path in sorted((course / top).rglob("*")) if path.is_file()]
        return Fresh(lesson, notebooks, {path.relative_to(course): path.read_bytes() for path in made})


def differences(fresh: Fresh) -> list[str]:
    """Say, a line a file, where source/ and release/ differ from a fresh build; empty if they do not."""
    course = fresh.lesson.course.root
    lines = []
    for path, content in fresh.files.items():
        if not (course / path).is_file():
            lines.append(f"{path} is missing.")
        elif (course / path).read_bytes() != content:
            lines.append(f"{path} differs from a fresh build.")
    lines += [f"{path} is made from nothing in {fresh.lesson.folder.relative_to(course)}." for path in _extra(fresh)]
    return lines


def _extra(fresh: Fresh) -> list[Path]:
    """Files in the lesson's built folders that a whole build would not have made."""
    if not fresh.is_whole:
        return []
    course = fresh.lesson.course.root
    there = [
        path.relative_to(course)
        for top in (fresh.lesson.source, fresh.lesson.release)
        for path in sorted(top.rglob("*"))
        if path.is_file() and not set(path.parts) & set(LEFTOVERS)
    ]
    return [path for path in there if path not in fresh.files]


def refuse_if_source_was_edited(notebook: Notebook) -> None:
    """Stop where an instructor changed the built notebook and the text does not have the change.

    Raises:
        BuildError: the source notebook is newer than its text and says something else.
    """
    text, source = notebook.text, notebook.source
    if not source.is_file() or source.stat().st_mtime <= text.stat().st_mtime:
        return
    if same_cells(read_text(text), nbformat.read(source, as_version=4)):
        return
    course = notebook.lesson.course.root
    text_name, source_name = text.relative_to(course), source.relative_to(course)
    raise BuildError(
        f"{source_name} is newer than its text and says something else; building would undo that.",
        f"To keep it, write it into the text: .venv/bin/jupytext --to md:myst --output {text_name} {source_name}",
        f"To drop it: touch {text_name}    Then type ./dockyard build {notebook.lesson.name} again.",
    )


def install(fresh: Fresh) -> Report:
    """Put a fresh build in place.

    Files that the build does not make are set aside, not deleted: somebody may have put them there.

    Raises:
        OSError: a file could not be written; until the last step the old ones are untouched.
    """
    course = fresh.lesson.course.root
    report = Report(fresh.lesson)
    with _staging(course) as staging:
        changed = [path for path, content in fresh.files.items() if _content(course / path) != content]
        for path in changed:
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / path).write_bytes(fresh.files[path])
        for path in changed:
            (course / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(staging / path, course / path)
            report.written.append(path)
    _set_aside(course, _extra(fresh), report)
    for notebook in fresh.notebooks:
        _take_time_of_text(notebook)
    return report


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


@contextmanager
def _staging(course: Path) -> Iterator[Path]:
    """A temporary folder on the course's own file system, so that a file moves in by one rename."""
    (course / ".dockyard").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=course / ".dockyard") as folder:
        yield Path(folder)


def _set_aside(course: Path, paths: list[Path], report: Report) -> None:
    if not paths:
        return
    aside = Path(tempfile.mkdtemp(prefix="aside-", dir=course / ".dockyard"))
    for path in paths:
        target = aside / path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(course / path, target)
        report.set_aside.append(target.relative_to(course))
        folder = (course / path).parent
        while folder not in (course / "source", course / "release") and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _take_time_of_text(notebook: Notebook) -> None:
    """Give the source notebook the time of its text, as `jupytext --use-source-timestamp` does.

    A later edit in JupyterLab then shows as a newer file, and Jupytext's pairing never finds the text outdated.
    """
    time = notebook.text.stat()
    os.utime(notebook.source, ns=(time.st_atime_ns, time.st_mtime_ns))
