"""Put back what the gradebook knows of each cell, whatever the hand-in says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import compute_checksum

from dockyard.grading import notes
from dockyard.grading.inert import as_text, inert


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
    it, as in nbgrader's `DeduplicateIds`. What was put back is told in a cell before all others (`notes`).

    Text cells that the learner changed are made `inert`.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        known = self._in_order(self.known(resources["nbgrader"]), resources["nbgrader"])
        seen: set[str] = set()
        found: list[str] = []
        for cell in reversed(nb.cells):
            grade_id = _grade_id(cell)
            claimed = cell.metadata.pop("nbgrader", None)
            if grade_id is not None and grade_id in seen:
                found.append(f"More than one cell has the id {grade_id}; the last of them counts.")
            elif grade_id in known:
                seen.add(grade_id)
                found.extend(_restore(cell, claimed, known[grade_id]))
                if cell.source == known[grade_id].source:
                    continue  # the lesson's own text may hold what a learner's may not
            elif grade_id is not None:
                found.append(f"There is no cell {grade_id} in this notebook of the course; it earns nothing.")
            _make_inert(cell, found)
        found.extend(_wrong_order(nb, list(known)))
        self._add_missing(nb, known, seen, found)
        for note in found:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], note)
        notes.add(nb, found)
        notes.show(nb)
        return nb, resources

    def known(self, course: dict[str, str]) -> dict[str, KnownCell]:
        """Return the cells of a notebook by grade id: see `known_cells`."""
        return known_cells(course)

    def _in_order(self, known: dict[str, KnownCell], course: dict[str, str]) -> dict[str, KnownCell]:
        """nbgrader's tables hold no order of cells. SQLite keeps that in which they came; PostgreSQL puts a cell last
        whose check was mended, so that there the instructor's notebook has to say where it belongs."""
        if course["db_url"].startswith("sqlite"):
            return known
        folders = CourseDirectory(config=self.config)
        folder = Path(folders.format_path(folders.source_directory, ".", course["assignment"]))
        return in_taught_order(known, folder / f"{course['notebook']}.ipynb")

    def _add_missing(self, nb: NotebookNode, known: dict[str, KnownCell], seen: set[str], found: list[str]) -> None:
        position = 0
        for grade_id, cell in known.items():
            if grade_id in seen:
                position = 1 + next(index for index, there in enumerate(nb.cells) if _grade_id(there) == grade_id)
            elif cell.counts:
                found.append(f"Cell {grade_id} is missing from the hand-in; the course's was put there.")
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
        return cells_of(gradebook.find_notebook(course["notebook"], course["assignment"]))


def in_taught_order(known: dict[str, KnownCell], source: Path) -> dict[str, KnownCell]:
    """Return cells in the order in which a notebook has them; those that it does not have come last.

    Args:
        known: cells by grade id.
        source: the instructor's notebook; where it cannot be read, the order stays as it is.
    """
    try:
        document = json.loads(source.read_bytes())
        ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in document["cells"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return known
    order = {grade_id: number for number, grade_id in enumerate(ids)}
    return dict(sorted(known.items(), key=lambda item: order.get(item[0], len(ids))))


def cells_of(notebook: Any) -> dict[str, KnownCell]:
    """Return the cells of a notebook of the gradebook in their order, by grade id."""
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


def _restore(cell: NotebookNode, claimed: dict[str, Any], known: KnownCell) -> list[str]:
    """Give a cell the gradebook's metadata, type and, where it is locked, source; say what was otherwise."""
    name, mark = known.mark["grade_id"], known.mark
    wrong = []
    other_text = mark["locked"] and cell.source != known.source
    other_version = other_text and _as_released(cell, claimed)
    if cell.cell_type != mark["cell_type"]:
        wrong.append(f"type {cell.cell_type} instead of {mark['cell_type']}")
        _retype(cell, mark["cell_type"])
    for field in ("points", "grade", "solution", "task", "locked"):
        if field in claimed and claimed[field] != mark.get(field) and (claimed[field] or mark.get(field)):
            wrong.append(f"{field} {str(claimed[field])[:40]} instead of {mark.get(field)}")
    if other_text:
        version = "the text of another version of the lesson"
        wrong.append(version if other_version else "another text, although it is locked")
        cell.source = known.source
    cell.metadata["nbgrader"] = NotebookNode(mark)
    return [f"Cell {name} was handed in with {', '.join(wrong)}; the course's was put back."] if wrong else []


def _as_released(cell: NotebookNode, claimed: dict[str, Any]) -> bool:
    """Whether a cell is as nbgrader once released it: its checksum fits. The course may have changed since."""
    copied = NotebookNode(source=cell.source, cell_type=cell.cell_type, metadata=NotebookNode(nbgrader=claimed))
    try:
        return bool(claimed.get("checksum") == compute_checksum(copied))
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError):
        return False


def _retype(cell: NotebookNode, kind: str) -> None:
    cell.cell_type = kind
    if kind == "code":
        cell.outputs, cell.execution_count = [], None
    else:
        cell.pop("outputs", None), cell.pop("execution_count", None)


def _make_inert(cell: NotebookNode, found: list[str]) -> None:
    """Of text cells; raw cells too, which nbconvert puts into a page as they are."""
    before = cell.source
    if cell.cell_type == "raw":
        _retype(cell, "markdown")
        cell.source = as_text(before)
    elif cell.cell_type == "markdown":
        cell.source = inert(before)
        if cell.source != before:
            found.append("Markup in a text cell that a browser could run or load is shown as text.")


def _wrong_order(nb: NotebookNode, known: list[str]) -> list[str]:
    order = [known.index(grade_id) for cell in nb.cells if (grade_id := _grade_id(cell)) in known]
    return ["The cells were handed in in another order than the course's."] if order != sorted(order) else []


def _grade_id(cell: NotebookNode) -> str | None:
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = NotebookNode()
    mark = cell.metadata.get("nbgrader")
    grade_id = mark.get("grade_id") if isinstance(mark, dict) else None
    return grade_id if isinstance(grade_id, str) else None
