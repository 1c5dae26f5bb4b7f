"""Where a course's lessons lie, and which files belong to each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from dockyard.course import Course
from dockyard.errors import BuildError


@dataclass(frozen=True)
class Notebook:
    """One text notebook of a lesson."""

    lesson: Lesson
    name: str

    @property
    def text(self) -> Path:
        return self.lesson.folder / f"{self.name}.md"

    @property
    def cases(self) -> Path:
        return self.lesson.folder / f"{self.name}.cases.toml"

    @property
    def source(self) -> Path:
        return self.lesson.source / f"{self.name}.ipynb"

    @property
    def release(self) -> Path:
        return self.lesson.release / f"{self.name}.ipynb"

    def __str__(self) -> str:
        return f"{self.lesson.name}/{self.name}"


@dataclass(frozen=True)
class Lesson:
    """One lesson: a folder under notebooks/, an assignment for nbgrader."""

    course: Course
    name: str
    title: str
    notebook_names: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return self.course.notebooks / self.name

    @property
    def files(self) -> Path:
        """The folder of files that learners need; it is copied beside the notebooks and keeps its name."""
        return self.folder / "files"

    @property
    def source(self) -> Path:
        return self.course.source / self.name

    @property
    def release(self) -> Path:
        return self.course.release / self.name

    @property
    def notebooks(self) -> tuple[Notebook, ...]:
        """The notebooks whose text exists, in the order in which they are taught."""
        listed = (Notebook(self, name) for name in self.notebook_names)
        return tuple(notebook for notebook in listed if notebook.text.is_file())


def load_lesson(course: Course, name: str) -> Lesson:
    """Read a lesson's lesson.toml.

    Raises:
        BuildError: no such lesson, or a lesson.toml that cannot be used.
    """
    path = course.notebooks / name / "lesson.toml"
    if not path.is_file():
        known = ", ".join(lesson_names(course)) or "none"
        raise BuildError(f"There is no lesson named {name}.", f"Lessons of this course: {known}.")
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
        title, notebooks = described["title"], described["notebooks"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise BuildError(
            f"{path.relative_to(course.root)} cannot be used: {error!r}.",
            'It needs title = "…" and notebooks = ["…", …], in the order in which they are taught.',
        ) from error
    return Lesson(course, name, title, tuple(notebooks))


def lesson_names(course: Course) -> list[str]:
    """Names of all lessons, in order."""
    return sorted(path.parent.name for path in course.notebooks.glob("*/lesson.toml"))


def select(course: Course, target: str | None) -> list[tuple[Lesson, tuple[Notebook, ...]]]:
    """Lessons and notebooks that a target means.

    Args:
        course: the course.
        target: `LESSON`, `LESSON/NOTEBOOK`, or None for the whole course.

    Raises:
        BuildError: no such lesson or notebook.
    """
    lesson_name, _, notebook_name = (target or "").rstrip("/").partition("/")
    lessons = [load_lesson(course, name) for name in ([lesson_name] if lesson_name else lesson_names(course))]
    if not notebook_name:
        return [(lesson, lesson.notebooks) for lesson in lessons]
    found = tuple(notebook for notebook in lessons[0].notebooks if notebook.name == notebook_name)
    if not found:
        known = ", ".join(notebook.name for notebook in lessons[0].notebooks)
        raise BuildError(f"{lesson_name} has no notebook named {notebook_name}.", f"It has: {known or 'none yet'}.")
    return [(lessons[0], found)]
