"""A small course for the tests: one assignment, hand-ins made of evidence that no engine was needed for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dockyard.exercise import live, run_cell

ROOT = Path(__file__).resolve().parents[2]
LESSON, NOTEBOOK = "01-sample", "sample"

RIGHT = {"first-one": "red", "second-one": "blue"}  # answers that pass

CHECK = """from dockyard import exercise

@exercise("{name}", points={points})
def check({name_}):
    assert {name_} == "{answer}", f"{{{name_}}} is not it."
"""


def check_source(name: str, points: int, answer: str) -> str:
    return CHECK.format(name=name, name_=name.replace("-", "_"), points=points, answer=answer)


def mark(grade_id: str, **changes: Any) -> dict[str, Any]:
    base = {
        "grade_id": grade_id,
        "schema_version": 3,
        "task": False,
        "grade": False,
        "locked": False,
        "solution": False,
    }
    return {"nbgrader": {**base, **changes}}


def source_notebook() -> NotebookNode:
    """Two exercises (2 and 3 points) and a written answer (4 points)."""
    cells = [new_markdown_cell("# Sample")]
    for name, points, answer in (("first-one", 2, "red"), ("second-one", 3, "blue")):
        variable = name.replace("-", "_")
        work = f'### BEGIN SOLUTION\n{variable} = "{answer}"\n### END SOLUTION'
        cells.append(new_code_cell(work, metadata=mark(f"{name}-work", solution=True, cell_type="code")))
        grading = mark(name, grade=True, locked=True, points=points, cell_type="code")
        cells.append(new_code_cell(check_source(name, points, answer), metadata=grading))
    written = mark("why", grade=True, solution=True, points=4, cell_type="markdown")
    cells.append(new_markdown_cell("### BEGIN SOLUTION\nBecause.\n### END SOLUTION", metadata=written))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


class Classroom:
    """A course root with the project's own configuration, driven by nbgrader's commands."""

    def __init__(self, root: Path, make: bool = False) -> None:
        if make:
            root.mkdir()
        self.root = root
        shutil.copy(ROOT / "nbgrader_config.py", root / "nbgrader_config.py")
        source = root / "source" / LESSON / f"{NOTEBOOK}.ipynb"
        source.parent.mkdir(parents=True)
        nbformat.write(source_notebook(), source)
        self.nbgrader("generate_assignment", LESSON)

    def nbgrader(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nbgrader", *words]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=300)
        if check and done.returncode:
            raise AssertionError(f"nbgrader {' '.join(words)}:\n{done.stdout}\n{done.stderr}")
        return done

    def hand_in(
        self,
        student: str,
        answers: dict[str, str] | None = None,
        mutate: Callable[[NotebookNode], None] | None = None,
        recorded_as: str | None = None,
    ) -> Path:
        """Lay a hand-in of the released notebook into submitted/, with evidence of the answers given."""
        folder = self.root / "submitted" / student / LESSON
        folder.mkdir(parents=True)
        notebook = nbformat.read(self.root / "release" / LESSON / f"{NOTEBOOK}.ipynb", as_version=4)
        if mutate:
            mutate(notebook)
        (folder / f"{NOTEBOOK}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        for name, answer in (answers or {}).items():
            points, right = {"first-one": (2, "red"), "second-one": (3, "blue")}[name]
            with live(folder, recorded_as or student):
                run_cell(check_source(name, points, right), {name.replace("-", "_"): answer})
        return folder

    def autograde(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.nbgrader("autograde", LESSON, *words, check=check)

    def grades(self, student: str) -> dict[str, tuple[float | None, bool]]:
        """Return cell name → (auto score, needs manual grade)."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.root / 'gradebook.db'}", "dockyard") as gradebook:
            submission = gradebook.find_submission_notebook(NOTEBOOK, LESSON, student)
            return {grade.cell.name: (grade.auto_score, bool(grade.needs_manual_grade)) for grade in submission.grades}

    def autograded(self, student: str) -> NotebookNode:
        return nbformat.read(self.root / "autograded" / student / LESSON / f"{NOTEBOOK}.ipynb", as_version=4)


def solved_class(root: Path, students: Iterable[str]) -> Path:
    """Make a course in a folder, with hand-ins of these learners who solved everything; returns the folder."""
    room = Classroom(root, make=True)
    for student in students:
        room.hand_in(student, RIGHT)
    return room.root


def cell_of(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def outputs_text(cells: Iterable[NotebookNode]) -> str:
    return json.dumps([cell.get("outputs", []) for cell in cells])
