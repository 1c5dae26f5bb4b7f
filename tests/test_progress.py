"""The table at the end of a notebook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dockyard import evidence, progress
from dockyard.progress import as_html, as_text, graded_cells, lines_of
from tests.cells import cell, run_live


def graded(name: str, points: float = 2, **changes: Any) -> dict[str, Any]:
    mark = {"grade_id": name, "grade": True, "locked": True, "solution": False, "points": points, **changes}
    return {"cell_type": "code", "source": "", "metadata": {"nbgrader": mark}}


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = [
        {"cell_type": "markdown", "source": "# One", "metadata": {}},
        {"cell_type": "code", "source": "", "metadata": {"nbgrader": None}},
        graded("passed"),
        graded("a-work", grade=False, locked=False, solution=True),
        graded("failed", 3),
        graded("untouched", 1.5),
        {"cell_type": "markdown", "source": ["## Exercise 4 · Why?\n", "Say it."], "metadata": {}},
        {**graded("why", grade=True, locked=False, solution=True), "cell_type": "markdown"},
    ]
    path = tmp_path / "one.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    run_live(tmp_path, cell("pass", "", name="passed"))
    run_live(tmp_path, cell("assert False, 'lab-a is exited.'", "", name="failed"))
    run_live(tmp_path, cell("pass", "", name="of-another-notebook"))
    return path


def test_a_notebooks_exercises_are_listed_in_order(notebook: Path) -> None:
    wanted = [(line.exercise, line.title, line.points, line.by_hand) for line in graded_cells(notebook)]
    assert wanted == [
        ("passed", "passed", 2, False),
        ("failed", "failed", 3, False),
        ("untouched", "untouched", 1.5, False),
        ("why", "Exercise 4 · Why?", 2, True),
    ]
    lines = lines_of(notebook, notebook.parent)
    assert [(line.exercise, line.passed) for line in lines] == [
        ("passed", True),
        ("failed", False),
        ("untouched", None),
        ("why", None),
    ]
    assert [line.exercise for line in lines if line.lacks_evidence] == ["untouched"]
    assert lines[1].note == "lab-a is exited." and lines[2].note == "There is no evidence."
    text = as_text(lines)
    assert text.splitlines()[0].startswith("✓ passed") and text.splitlines()[2].startswith("– untouched")
    assert text.endswith("2 of 6.5 points are on file. 2 more are given by a person.")
    assert "? Exercise 4 · Why?" in text


def test_without_a_notebook_the_evidence_is_listed(notebook: Path) -> None:
    lines = lines_of(None, notebook.parent)
    assert [line.exercise for line in lines] == ["failed", "of-another-notebook", "passed"]
    assert lines_of(notebook.parent / "gone.ipynb", notebook.parent) == lines
    assert lines_of(None, notebook.parent / "nowhere") == []


def test_damaged_evidence_is_said_and_earns_nothing(notebook: Path) -> None:
    evidence.path_of(notebook.parent, "passed").write_text("{")
    line = lines_of(notebook, notebook.parent)[0]
    assert line.passed is None and line.note.startswith("The evidence cannot be read")
    (notebook.parent / "evidence" / "Odd Name.json").write_text("{}")
    assert any("no name" in line.note for line in lines_of(None, notebook.parent))


def test_texts_from_files_are_no_markup_and_steer_nothing(notebook: Path) -> None:
    path = evidence.path_of(notebook.parent, "failed")
    evidence.write(path, {**evidence.read(path), "message": "<script>alert(1)</script>\x1b[31m\u202e"})
    lines = lines_of(notebook, notebook.parent)
    assert "<script>" not in as_html(lines) and "&lt;script&gt;" in as_html(lines)
    assert "\x1b" not in as_text(lines) and "\u202e" not in as_text(lines)


def test_it_prints_where_there_is_no_notebook(notebook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress(notebook)
    assert capsys.readouterr().out.startswith("✓ passed")


def test_it_finds_its_notebook_and_shows_html(notebook: Path) -> None:
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\nimport json\n"
        "shell = InteractiveShell.instance()\npublished = []\n"
        "shell.display_pub.publish = lambda data, **rest: published.append(data)\n"
        "shell.run_cell('from dockyard import progress; progress()')\nprint(json.dumps(published))"
    )
    environment = {**os.environ, "JPY_SESSION_NAME": str(notebook)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    (bundle,) = json.loads(done.stdout.splitlines()[-1])
    assert "untouched" in bundle["text/html"] and bundle["text/plain"].startswith("✓ passed")
