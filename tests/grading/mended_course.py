"""A copy of the course with a small lesson of its own, whose evidence comes from the real engine."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from docker import DockerClient
from docker.errors import NotFound
from nbgrader.api import Gradebook

from dockyard.exercise import live, run_cell
from tests.grading.classroom import ROOT, cell_of

LESSON, NOTEBOOK = "02-mended", "nets"
HEAD = """---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

# Nets

## Exercise 1 · Inside
## Exercise 2 · Beside
## Exercise 3 · Kept
"""
CELL = """
```{{code-cell}} ipython3
:nbgrader: {{cell_type: code, grade: {grade}, grade_id: {name}, locked: {grade}, {points}schema_version: 3, \
solution: {solution}, task: false}}

{source}
```
"""
WRITTEN = """
+++ {"nbgrader": {"cell_type": "markdown", "grade": true, "grade_id": "why", "locked": false, "points": 4, \
"schema_version": 3, "solution": true, "task": false}}

### BEGIN SOLUTION
A bridge is a switch.
### END SOLUTION
"""
CHECK = """from dockyard import exercise

@exercise("{name}", points={points})
def check(docker):
{body}"""
RUNS = """    container = docker.containers.get("lab-mended")
    assert container.status == "running", f"lab-mended is {container.status}." """.rstrip()
CHECKS = {"inside": (2, RUNS), "beside": (2, RUNS), "kept": (2, RUNS)}  # name → points, the function's body
WORK = '### BEGIN SOLUTION\nprint("docker container run …")\n### END SOLUTION'


def check_of(name: str, points: float, body: str) -> str:
    return CHECK.format(name=name, points=points, body=body)


def text_of(checks: dict[str, tuple[int, str]]) -> str:
    """The lesson's text with these checks."""
    parts = [HEAD]
    for name, (points, body) in checks.items():
        parts.append(CELL.format(name=f"{name}-work", grade="false", solution="true", points="", source=WORK))
        checked = {"grade": "true", "solution": "false", "points": f"points: {points}, "}
        parts.append(CELL.format(name=name, source=check_of(name, points, body), **checked))
    return "".join(parts) + WRITTEN


class CourseCopy:
    """A copy of the checkout, driven by the project's own commands. The checkout itself is not touched."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("nbgrader_config.py", "jupytext.toml", "pyproject.toml"):
            shutil.copy(ROOT / name, root / name)
        folder = root / "notebooks" / LESSON
        folder.mkdir(parents=True)
        (folder / "lesson.toml").write_text(f'title = "Nets"\nnotebooks = ["{NOTEBOOK}"]\n')
        self.write(CHECKS)
        self.run("dockyard", "build", LESSON)
        self.run("nbgrader", "generate_assignment", LESSON, "--force")

    def write(self, checks: dict[str, tuple[int, str]]) -> None:
        (self.root / "notebooks" / LESSON / f"{NOTEBOOK}.md").write_text(text_of(checks))

    def mend(self, **checks: tuple[int, str]) -> None:
        """Change checks in the text and build, as an author does."""
        self.write(CHECKS | checks)
        self.run("dockyard", "build", LESSON)

    def run(self, *words: str, status: int = 0) -> str:
        """Run `dockyard …` or `nbgrader …` in the copy, with the copy's own package; returns what it printed."""
        module = {"dockyard": "dockyard.cli"}.get(words[0], words[0])
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DOCKYARD_", "NBGRADER_"))}
        environment = {**kept, "PYTHONPATH": str(self.root / "src"), "COLUMNS": "200"}
        command = [sys.executable, "-m", module, *words[1:]]
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == status, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def hand_in(self, student: str, answered: bool = True) -> Path:
        """Lay a hand-in of the released lesson into submitted/, with evidence of what stands on the engine now."""
        folder = self.root / "submitted" / student / LESSON
        shutil.copytree(self.root / "release" / LESSON, folder)
        (folder / "timestamp.txt").write_text("2026-01-15 12:00:00 UTC")
        for name, (points, body) in CHECKS.items():
            with live(folder, student):
                run_cell(check_of(name, points, body), {})
        if answered:
            path = folder / f"{NOTEBOOK}.ipynb"
            notebook = nbformat.read(path, as_version=4)
            cell_of(notebook, "why").source = "It carries frames."
            nbformat.write(notebook, path)
        return folder

    def book(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self.root / 'gradebook.db'}", "dockyard")

    def grades(self) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Learner and cell → auto score, manual score, points to be had, whether a person is needed."""
        with self.book() as book:
            return {
                (submission.student.id, grade.cell.name): (
                    grade.auto_score,
                    grade.manual_score,
                    grade.max_score,
                    bool(grade.needs_manual_grade),
                )
                for submission in book.assignment_submissions(LESSON)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }

    def card(self, student: str, name: str) -> str:
        """What the graded notebook shows below a check."""
        path = self.root / "autograded" / student / LESSON / f"{NOTEBOOK}.ipynb"
        return str(cell_of(nbformat.read(path, as_version=4), name).outputs)


def put_up(engine: DockerClient, internal: bool) -> None:
    """What a learner would do: a network, and a container in it."""
    take_down(engine)
    engine.networks.create("lab-mended-net", internal=internal)
    engine.containers.run(
        "dockyard/busybox", "sleep infinity", name="lab-mended", network="lab-mended-net", detach=True, init=True
    )


def take_down(engine: DockerClient) -> None:
    with contextlib.suppress(NotFound):
        engine.containers.get("lab-mended").remove(force=True)
    with contextlib.suppress(NotFound):
        engine.networks.get("lab-mended-net").remove()
