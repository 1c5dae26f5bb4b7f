"""Put back what the gradebook knows of each cell, whatever the hand-in says of it."""

from __future__ import annotations

from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor


class RestoreCells(NbGraderPreprocessor):
    """Rewrite the nbgrader metadata of every known cell from the gradebook and remove it from all others.

    A learner can write anything into the metadata: clear a lock, call a check a solution, change points, use an id
    twice. nbgrader's own `OverwriteCells`, which runs next, restores the source of locked cells; it trusts the rest.
    Of several cells with one id the last keeps it, as in nbgrader's `DeduplicateIds`.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        known = self._known_cells(resources)
        seen: set[str] = set()
        for cell in reversed(nb.cells):
            grade_id = _grade_id(cell)
            cell.metadata.pop("nbgrader", None)
            if grade_id in seen:
                self.log.warning("Cell with id '%s' exists multiple times!", grade_id)
            elif grade_id is not None and grade_id in known:
                seen.add(grade_id)
                cell.metadata["nbgrader"] = NotebookNode(known[grade_id])
            elif grade_id is not None:
                self.log.warning("Cell '%s' does not exist in the gradebook", grade_id)
        return nb, resources

    def _known_cells(self, resources: ResourcesDict) -> dict[str | None, dict[str, Any]]:
        course = resources["nbgrader"]
        known: dict[str | None, dict[str, Any]] = {}
        with Gradebook(course["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(course["notebook"], course["assignment"])
            solutions = {cell.name for cell in notebook.solution_cells}
            points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
            tasks = {cell.name for cell in notebook.task_cells}
            graded = {cell.name for cell in notebook.grade_cells}
            for source in notebook.source_cells:
                known[source.name] = {
                    "schema_version": 3,
                    "grade_id": source.name,
                    "grade": source.name in graded,
                    "solution": source.name in solutions,
                    "task": source.name in tasks,
                    "locked": bool(source.locked),
                    "cell_type": source.cell_type,
                    "checksum": source.checksum,
                    **({"points": points[source.name]} if source.name in points else {}),
                }
        return known


def _grade_id(cell: NotebookNode) -> str | None:
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = NotebookNode()
    mark = cell.metadata.get("nbgrader")
    grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
    return grade_id if isinstance(grade_id, str) else None
