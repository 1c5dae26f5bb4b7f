"""The same text always gives the same notebook."""

from __future__ import annotations

from collections.abc import Callable

import jupytext
import nbformat
import pytest

from dockyard.authoring.lessons import Lesson
from dockyard.authoring.text import KERNELSPEC, cell_lines, read_text, same_cells, tidy, to_json
from dockyard.errors import BuildError


def test_same_text_same_bytes(lesson: Lesson) -> None:
    text = lesson.notebooks[0].text
    assert to_json(read_text(text)) == to_json(read_text(text))


def test_notebook_is_valid_and_says_only_what_the_text_says(lesson: Lesson) -> None:
    notebook = read_text(lesson.notebooks[0].text)
    nbformat.validate(notebook)
    assert notebook.metadata == {"kernelspec": KERNELSPEC}
    assert {key for cell in notebook.cells for key in cell.metadata} == {"nbgrader", "tags"}
    assert all(cell.outputs == [] for cell in notebook.cells if cell.cell_type == "code")


def test_ids_are_unique_and_name_graded_cells(lesson: Lesson) -> None:
    ids = [cell.id for cell in read_text(lesson.notebooks[0].text).cells]
    assert len(set(ids)) == len(ids)
    assert {"keep-running", "keep-running-work", "why-it-ends"} <= set(ids)


def test_an_edit_leaves_the_other_ids_alone(lesson: Lesson, edit: Callable[..., None]) -> None:
    text = lesson.notebooks[0].text
    before = [cell.id for cell in read_text(text).cells]
    edit("have ended too.", "have ended, too.\n\n+++\n\nA cell more.")
    after = [cell.id for cell in read_text(text).cells]
    assert len(after) == len(before) + 1
    assert len(set(before) - set(after)) == 1


def test_equal_cells_get_different_ids(lesson: Lesson, edit: Callable[..., None]) -> None:
    edit("+++\n\n## Summary", "+++\n\nAgain.\n\n+++\n\nAgain.\n\n+++\n\n## Summary")
    cells = read_text(lesson.notebooks[0].text).cells
    again = [cell.id for cell in cells if cell.source == "Again."]
    assert again[1] == f"{again[0]}-2"


def test_lines_are_those_of_the_text(lesson: Lesson) -> None:
    path = lesson.notebooks[0].text
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = cell_lines(path)
    assert len(starts) == len(read_text(path).cells)
    assert "keep-running-work" in "".join(lines[starts[4] - 1 : starts[4] + 1])


def test_bad_metadata_is_named_with_its_file(lesson: Lesson, edit: Callable[..., None]) -> None:
    edit(":nbgrader: {cell_type: code, grade: true, grade_id: which-code,", ":nbgrader: {cell_type: [code, ")
    with pytest.raises(BuildError, match=r"sample\.md cannot be read.*Invalid YAML"):
        read_text(lesson.notebooks[0].text)


def test_tidy_undoes_what_jupytext_spreads(lesson: Lesson) -> None:
    text = lesson.notebooks[0].text.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="md:myst")
    notebook.metadata.pop("jupytext")
    spread = jupytext.writes(notebook, fmt="md:myst")
    assert "grade_id: keep-running\n" in spread
    tidied = tidy(spread)
    assert ":nbgrader: {cell_type: code, grade: true, grade_id: keep-running, locked: true, points: 2," in tidied
    assert same_cells(jupytext.reads(tidied, fmt="md:myst"), notebook)
    assert tidy(text) == text
