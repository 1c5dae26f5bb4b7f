"""Put back what the gradebook knows of each cell, whatever the hand-in says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor


@dataclass(frozen=True)
class KnownCell:
    """What the gradebook holds of one cell: its nbgrader metadata and its source."""

    mark: dict[str, Any]
    source: str

    @property
    def counts(self) -> bool:
        """Whether points can be earned in it."""
        return bool(self.mark["grade"] or self.mark["task"])


class RestoreCells(NbGraderPreprocessor):
    """Rewrite the nbgrader metadata of every known cell from the gradebook, and add graded cells that are missing.

    A learner can write anything into the metadata: clear a lock, call a check a solution, change points, use an id
    twice. nbgrader's own `OverwriteCells`, which runs next, restores the source of locked cells; it trusts the rest,
    and it fails where a check is missing together with the cell before it. Of several cells with one id the last keeps
    it, as in nbgrader's `DeduplicateIds`.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        known = known_cells(resources["nbgrader"])
        seen: set[str] = set()
        for cell in reversed(nb.cells):
            grade_id = _grade_id(cell)
            cell.metadata.pop("nbgrader", None)
            if grade_id is None:
                continue
            if grade_id in seen:
                self.log.warning("Cell with id '%s' exists multiple times!", grade_id)
            elif grade_id in known:
                seen.add(grade_id)
                cell.metadata["nbgrader"] = NotebookNode(known[grade_id].mark)
            else:
                self.log.warning("Cell '%s' does not exist in the gradebook", grade_id)
        self._add_missing(nb, known, seen)
        return nb, resources

    def _add_missing(self, nb: NotebookNode, known: dict[str, KnownCell], seen: set[str]) -> None:
        position = 0
        for grade_id, cell in known.items():
            if grade_id in seen:
                position = 1 + next(index for index, there in enumerate(nb.cells) if _grade_id(there) == grade_id)
            elif cell.counts:
                self.log.warning("Cell '%s' is missing from the hand-in; it was added back", grade_id)
                new_cell = new_code_cell if cell.mark["cell_type"] == "code" else new_markdown_cell
                added = new_cell(cell.source, metadata={"nbgrader": NotebookNode(cell.mark)})
                nb.cells.insert(position, added)
                position += 1


def known_cells(course: dict[str, str]) -> dict[str, KnownCell]:
    """Return the gradebook's cells of a notebook in their order, by grade id.

    Args:
        course: `notebook`, `assignment` and `db_url`, as nbgrader puts them into the resources of a conversion.
    """
    with Gradebook(course["db_url"]) as gradebook:
        notebook = gradebook.find_notebook(course["notebook"], course["assignment"])
        graded = {cell.name: cell.max_score for cell in notebook.grade_cells}
        tasks = {cell.name: cell.max_score for cell in notebook.task_cells}
        solutions = {cell.name for cell in notebook.solution_cells}
        known = {}
        for cell in notebook.source_cells:
            mark = {
                "schema_version": 3,
                "grade_id": cell.name,
                "grade": cell.name in graded,
                "solution": cell.name in solutions,
                "task": cell.name in tasks,
                "locked": bool(cell.locked),
                "cell_type": cell.cell_type,
                "checksum": cell.checksum,
            }
            points = {**graded, **tasks}.get(cell.name)
            known[cell.name] = KnownCell(mark if points is None else {**mark, "points": points}, cell.source or "")
    return known


def _grade_id(cell: NotebookNode) -> str | None:
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = NotebookNode()
    mark = cell.metadata.get("nbgrader")
    grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
    return grade_id if isinstance(grade_id, str) else None
