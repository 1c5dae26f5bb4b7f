"""Where source/ says something else than the gradebook, and what is entered of it: no engine needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode

from dockyard.course import Course
from dockyard.errors import DockyardError
from dockyard.grading.marksheet import Lesson
from dockyard.grading.mending import Changes, changes, enter
from dockyard.grading.register import Register
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom, cell_of, check_source


@pytest.fixture(scope="module")
def entered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lesson]:
    room = Classroom(tmp_path_factory.mktemp("mending") / "course", make=True)
    return room.root, known(room.root)


@pytest.fixture
def course(entered: tuple[Path, Lesson], tmp_path: Path) -> Course:
    shutil.copytree(entered[0], tmp_path / "course")
    return Course(tmp_path / "course")


def known(root: Path) -> Lesson:
    register = Register(f"sqlite:///{root / 'gradebook.db'}", "dockyard")
    lesson = register.lesson(LESSON)
    register.rest()
    return lesson


def edit(course: Course, change: Callable[[NotebookNode], object]) -> None:
    path = course.source / LESSON / f"{NOTEBOOK}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def set_source(name: str, source: str) -> Callable[[NotebookNode], object]:
    return lambda notebook: cell_of(notebook, name).update(source=source)


def set_mark(name: str, **fields: object) -> Callable[[NotebookNode], object]:
    return lambda notebook: cell_of(notebook, name).metadata.nbgrader.update(fields)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda notebook: None, ""),
        (set_source("first-one-work", "### BEGIN SOLUTION\nanother = 1\n### END SOLUTION"), ""),
        (set_source("first-one", check_source("first-one", 2, "green")), "first-one (check)"),
        (set_mark("first-one", points=2.5), "first-one (2 → 2.5 points)"),
        (set_mark("why", points=1), "why (4 → 1 points)"),
        (set_mark("first-one", grade=False), "first-one (another kind of cell)"),
        (set_mark("first-one", grade_id="one-first"), "one-first (new), first-one (taken away)"),
        (lambda notebook: notebook.cells.pop(), "why (taken away)"),
    ],
)
def test_what_differs(
    course: Course, entered: tuple[Path, Lesson], change: Callable[[NotebookNode], object], found: str
) -> None:
    edit(course, change)
    assert str(changes(course, entered[1])) == found


def test_notebooks_that_come_and_go(course: Course, entered: tuple[Path, Lesson]) -> None:
    folder = course.source / LESSON
    (folder / f"{NOTEBOOK}.ipynb").rename(folder / "other.ipynb")
    assert str(changes(course, entered[1])) == f"notebook other (new), notebook {NOTEBOOK} (taken away)"
    shutil.rmtree(folder)
    assert not changes(course, entered[1])


def test_a_source_that_cannot_be_read(course: Course, entered: tuple[Path, Lesson]) -> None:
    (course.source / LESSON / f"{NOTEBOOK}.ipynb").write_text("{")
    with pytest.raises(DockyardError, match=rf"is no notebook[\s\S]*\./dockyard build {LESSON}"):
        changes(course, entered[1])


def test_after_entering_nothing_differs_and_release_is_as_it_was(course: Course, entered: tuple[Path, Lesson]) -> None:
    edit(course, set_source("first-one", check_source("first-one", 5, "green")))
    edit(course, set_mark("first-one", points=5))
    before = {path: path.read_bytes() for path in course.release.rglob("*.ipynb")}
    enter(course, entered[1], changes(course, entered[1]), handed_in=True)
    lesson = known(course.root)
    assert not changes(course, lesson)
    assert {cell.name: cell.max_score for cell in lesson.notebooks[NOTEBOOK].grade_cells}["first-one"] == 5
    assert {path: path.read_bytes() for path in course.release.rglob("*.ipynb")} == before


def test_cells_that_came_or_went_are_refused_before_nbgrader_is_asked(
    course: Course, entered: tuple[Path, Lesson]
) -> None:
    book = course.gradebook.read_bytes()
    with pytest.raises(DockyardError, match=r"first-one \(taken away\)") as caught:
        enter(course, entered[1], Changes(cells={"why": "text"}, gone=["first-one"]), handed_in=True)
    assert "why" not in caught.value.found and course.gradebook.read_bytes() == book
