"""What the rules look at, and how they say what they found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from dockyard.authoring.build import Fresh
from dockyard.authoring.cases import Case, Exercise, exercises_in, read_cases
from dockyard.authoring.cells import grade_id
from dockyard.authoring.lessons import Lesson, Notebook
from dockyard.authoring.text import cell_lines


@dataclass(frozen=True)
class Finding:
    """Where and how a rule is broken.

    Attributes:
        place: the file, relative to the course, with the line of the cell where there is one.
        cell: the cell's grade id or first words; empty for a file as a whole.
        found: what is the case.
        expected: what should be.
    """

    place: str
    cell: str
    found: str
    expected: str


@dataclass(frozen=True)
class Violation:
    """A finding and the name of the rule."""

    rule: str
    finding: Finding

    def __str__(self) -> str:
        finding = self.finding
        cell = f" ({finding.cell})" if finding.cell else ""
        return f"{finding.place}{cell}: {finding.found} Expected: {finding.expected} [{self.rule}]"


@dataclass(frozen=True)
class Page:
    """One notebook of a built lesson.

    Attributes:
        notebook: where its files lie.
        text: the text as the author wrote it.
        source: the built source notebook.
        release: the built release notebook; cell by cell the same as the source.
        lines: the line of the text on which each cell begins.
        exercises: its exercises.
        cases: its cases by exercise, those of no exercise too.
    """

    notebook: Notebook
    text: str
    source: NotebookNode
    release: NotebookNode
    lines: list[int]
    exercises: tuple[Exercise, ...]
    cases: dict[str, tuple[Case, ...]]

    @property
    def place(self) -> str:
        return str(self.notebook.text.relative_to(self.notebook.lesson.course.root))

    def finding(self, index: int | None, found: str, expected: str) -> Finding:
        """A finding about the cell with this index, or about the notebook as a whole."""
        if index is None:
            return Finding(self.place, "", found, expected)
        cell = self.source.cells[index]
        first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "empty cell")
        name = grade_id(cell) or (first if len(first) <= 40 else first[:39] + "…")
        return Finding(f"{self.place}:{self.lines[index]}", name, found, expected)


@dataclass(frozen=True)
class Built:
    """A built lesson: its pages and all files of the build, by path relative to the course."""

    lesson: Lesson
    pages: tuple[Page, ...]
    files: dict[Path, bytes]


def built_lesson(fresh: Fresh) -> Built:
    """Read what a build made.

    Raises:
        BuildError: a cases file cannot be read.
    """
    return Built(fresh.lesson, tuple(_page(fresh, notebook) for notebook in fresh.notebooks), fresh.files)


def _page(fresh: Fresh, notebook: Notebook) -> Page:
    root = fresh.lesson.course.root
    source, release = (
        nbformat.reads(fresh.files[path.relative_to(root)].decode(), as_version=4)
        for path in (notebook.source, notebook.release)
    )
    cases = read_cases(notebook)
    return Page(
        notebook=notebook,
        text=notebook.text.read_text(encoding="utf-8"),
        source=source,
        release=release,
        lines=cell_lines(notebook.text),
        exercises=exercises_in(notebook, source, cases),
        cases=cases,
    )
