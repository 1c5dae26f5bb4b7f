"""A small course with one lesson, copied afresh for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dockyard.authoring.lessons import Lesson, load_lesson
from dockyard.course import Course

DATA = Path(__file__).parent / "data" / "course"
CHECKOUT = Path(__file__).parents[2]
LESSON = "00-sample"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The sample course, in a folder of its own, with the real course's Jupytext configuration."""
    root = tmp_path / "course"
    shutil.copytree(DATA, root)
    shutil.copy(CHECKOUT / "jupytext.toml", root)
    return Course(root)


@pytest.fixture
def lesson(course: Course) -> Lesson:
    return load_lesson(course, LESSON)


@pytest.fixture
def edit(lesson: Lesson) -> Callable[..., None]:
    """Replace a passage of the lesson's text, or of another of its files; the passage must be there."""

    def replace(old: str, new: str, file: str = "sample.md") -> None:
        path = lesson.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not have {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace
