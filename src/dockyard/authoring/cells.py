"""What a cell is for, by its nbgrader metadata, and which of its lines are the solution."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode

BEGIN_SOLUTION = "BEGIN SOLUTION"
END_SOLUTION = "END SOLUTION"
WORK_SUFFIX = "-work"


def graded(cell: NotebookNode) -> dict[str, Any]:
    """The cell's nbgrader metadata; empty if it has none."""
    return cell.metadata.get("nbgrader", {})


def grade_id(cell: NotebookNode) -> str:
    return graded(cell).get("grade_id", "")


def is_check(cell: NotebookNode) -> bool:
    """A locked code cell that gives points."""
    return cell.cell_type == "code" and graded(cell).get("grade", False) and not graded(cell).get("solution", False)


def is_work(cell: NotebookNode) -> bool:
    """A code cell in which the learner works and which gives no points itself."""
    return cell.cell_type == "code" and graded(cell).get("solution", False) and not graded(cell).get("grade", False)


def is_written(cell: NotebookNode) -> bool:
    """An answer in the learner's own words, graded by a person."""
    return bool(graded(cell).get("grade", False) and graded(cell).get("solution", False))


def split_solution(source: str) -> tuple[list[str], list[str]]:
    """Divide a cell's lines into those of its solution regions and the others.

    Args:
        source: the cell as its author wrote it. Without a region, a work cell is solution from first to last line.

    Returns:
        Lines of the solution, lines that the learner is given; the markers are in neither.
    """
    solution: list[str] = []
    given: list[str] = []
    inside = False
    for line in source.splitlines():
        if BEGIN_SOLUTION in line:
            inside = True
        elif END_SOLUTION in line:
            inside = False
        else:
            (solution if inside else given).append(line)
    return solution, given
