"""Faults for which nbgrader refuses a lesson without saying where: told by file and line before it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from nbformat import NotebookNode

from dockyard.authoring.cells import BEGIN_SOLUTION, END_SOLUTION, grade_id, graded
from dockyard.authoring.text import cell_lines
from dockyard.errors import BuildError


def refuse_faulty(pages: Iterable[tuple[Path, NotebookNode]], root: Path) -> None:
    """Stop where a solution region does not end, stands in a cell of another kind, or an id is used twice.

    Args:
        pages: a lesson's text files, each with the notebook that was read from it.
        root: the course's folder, which the places are told from.

    Raises:
        BuildError: a line a fault, all of them.
    """
    found = [fault for text, notebook in pages for fault in _faults(text, notebook, str(text.relative_to(root)))]
    if found:
        raise BuildError("\n  ".join(found), next_step="Mend the text, then build again.")


def _faults(text: Path, notebook: NotebookNode, name: str) -> Iterator[str]:
    lines = cell_lines(text)
    first: dict[str, int] = {}
    for cell, line in zip(notebook.cells, lines, strict=True):
        place, own = f"{name}:{line}", grade_id(cell)
        if own and own in first:
            yield f"{place}: the grade id {own} is taken by the cell at line {first[own]}. Expected: one of its own."
        elif own:
            first[own] = line
        yield from (f"{place}{f' ({own})' if own else ''}: {fault}" for fault in _regions(cell))


def _regions(cell: NotebookNode) -> Iterator[str]:
    opened = False
    for number, line in enumerate(cell.source.splitlines(), 1):
        if BEGIN_SOLUTION in line:
            if opened:
                yield f"a second ### {BEGIN_SOLUTION} in line {number} of the cell. Expected: ### {END_SOLUTION} first."
            if not graded(cell).get("solution"):
                yield "a solution in a cell that is not marked as one. Expected: `solution: true` in its metadata."
            opened = True
        elif END_SOLUTION in line:
            if not opened:
                yield f"### {END_SOLUTION} in line {number} of the cell ends nothing. Expected: ### {BEGIN_SOLUTION}."
            opened = False
    if opened:
        yield f"its solution does not end. Expected: ### {END_SOLUTION} in the same cell."
