"""A lesson that was changed after hand-ins came: what the gradebook does not know yet, and entering it.

nbgrader grades by the cells in the gradebook, and they are those of the last `generate_assignment`. `dockyard build`
never opens the gradebook.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockyard import gradebook
from dockyard.course import Course
from dockyard.errors import DockyardError
from dockyard.grading.marksheet import KnownNotebook, Lesson


@dataclass
class Changes:
    """Where source/ says something else than the gradebook.

    Attributes:
        cells: what changed in cells that both have, by grade id, in words: "check", "2 → 5 points", "text".
        added, gone: grade ids, or names of notebooks, that only source/ or only the gradebook has.
    """

    cells: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.cells or self.added or self.gone)

    def __str__(self) -> str:
        lines = [f"{name} ({what})" for name, what in self.cells.items()]
        lines += [f"{name} (new)" for name in self.added] + [f"{name} (taken away)" for name in self.gone]
        return ", ".join(lines[:10]) + (f" and {len(lines) - 10} more" if len(lines) > 10 else "")


def changes(course: Course, lesson: Lesson) -> Changes:
    """Compare a lesson's notebooks in source/ with what the gradebook holds of them, as far as grading depends on it.

    The text around a learner's answer is not compared: nbgrader keeps that of the hand-in.

    Args:
        course: the course; where it has no source of the lesson, there is nothing to compare.
        lesson: what the gradebook knows.

    Raises:
        DockyardError: a notebook in source/ cannot be read.
    """
    result = Changes()
    paths = {path.stem: path for path in sorted((course.source / lesson.name).glob("*.ipynb"))}
    if not paths:
        return result
    result.added += [f"notebook {name}" for name in sorted(paths.keys() - lesson.notebooks.keys())]
    result.gone += [f"notebook {name}" for name in sorted(lesson.notebooks.keys() - paths.keys())]
    for name in sorted(paths.keys() & lesson.notebooks.keys()):
        now = {mark["grade_id"]: (cell, mark) for cell, mark in _marked(paths[name])}
        known = lesson.notebooks[name]
        before = {cell.name: cell for cell in known.source_cells}
        result.added += [grade_id for grade_id in now if grade_id not in before]
        result.gone += [grade_id for grade_id in before if grade_id not in now]
        for grade_id in sorted(now.keys() & before.keys()):
            if what := _difference(*now[grade_id], known, grade_id):
                result.cells[grade_id] = what
    return result


def enter(course: Course, lesson: Lesson, found: Changes, handed_in: bool) -> None:
    """Enter a changed lesson into the gradebook. Points that a person gave stay; so does every hand-in.

    Args:
        course: the course.
        lesson: what the gradebook knows.
        found: what `changes` found.
        handed_in: whether the gradebook holds hand-ins of the lesson.

    Raises:
        DockyardError: exercises came or went, which nbgrader refuses once there are hand-ins; nothing was entered.
    """
    if handed_in and (found.added or found.gone):
        only_changed = Changes(added=found.added, gone=found.gone)
        raise DockyardError(
            f"Cells of {lesson.name} came or went since hand-ins were graded: {only_changed}.",
            "nbgrader neither adds cells to a lesson with hand-ins nor takes any away; nothing was entered or graded.",
            f"In {course.notebooks.name}/{lesson.name} put back what was there; an exercise that shall not count may "
            f"have 0 points. Then type ./dockyard build {lesson.name}",
        )
    gradebook.register(course, lesson.name)


def _marked(path: Path) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The cells of a notebook that nbgrader enters into the gradebook, each with its mark."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DockyardError(
            f"{path} is no notebook: {error}.", next_step=f"Type ./dockyard build {path.parent.name}"
        ) from None
    for cell in cells:
        mark = cell.get("metadata", {}).get("nbgrader") or {}
        if any(mark.get(role) for role in ("grade", "solution", "locked", "task")) and "grade_id" in mark:
            yield cell, mark


def _difference(cell: Mapping[str, Any], mark: Mapping[str, Any], known: KnownNotebook, name: str) -> str:
    """Say what changed in one cell; an empty text where nothing did."""
    before = next(one for one in known.source_cells if one.name == name)
    points = {one.name: one.max_score for one in (*known.grade_cells, *known.task_cells)}.get(name)
    counts = bool(mark.get("grade") or mark.get("task"))
    answered = bool(mark.get("solution"))
    was_answered = name in {one.name for one in known.solution_cells}
    if (counts, answered, cell["cell_type"]) != (points is not None, was_answered, before.cell_type):
        return "another kind of cell"
    words = []
    if not answered and not mark.get("task") and "".join(cell["source"]) != (before.source or ""):
        words.append("check" if counts else "text")
    if points is not None and float(mark["points"]) != points:
        words.append(f"{points:g} → {float(mark['points']):g} points")
    return ", ".join(words)
