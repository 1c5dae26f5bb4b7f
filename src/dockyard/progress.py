"""What of a notebook's exercises is on file, in one table."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

from dockyard import evidence as evidence_file
from dockyard.errors import EvidenceError
from dockyard.judge import clean


@dataclass(frozen=True)
class Line:
    """One exercise: its name, points, and what is on file (True passed, False not yet, None nothing)."""

    exercise: str
    points: float
    passed: bool | None
    note: str


def progress(notebook: Path | str | None = None) -> None:
    """Show, for each exercise of a notebook, whether its evidence is on file and passed.

    Args:
        notebook: the notebook; by default the one that runs this.
    """
    from dockyard.exercise import notebook_directory

    session = os.environ.get("JPY_SESSION_NAME", "")
    path = Path(notebook) if notebook else Path(session) if session.endswith(".ipynb") else None
    lines = lines_of(path, path.parent if path else notebook_directory())
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import display

        display({"text/html": as_html(lines), "text/plain": as_text(lines)}, raw=True)
    else:
        print(as_text(lines))


def lines_of(notebook: Path | None, directory: Path) -> list[Line]:
    """Return a line for each automatically graded cell of a notebook, or for each evidence file where it is unknown.

    Args:
        notebook: an .ipynb file, or None.
        directory: the folder that holds `evidence/`.
    """
    if notebook is not None and notebook.is_file():
        wanted = graded_cells(notebook)
    else:
        wanted = {path.stem: 0.0 for path in sorted((directory / "evidence").glob("*.json"))}
    return [_line(directory, name, points) for name, points in wanted.items()]


def graded_cells(notebook: Path) -> dict[str, float]:
    """Return the names and points of a notebook's automatically graded cells, in order."""
    cells = json.loads(notebook.read_text(encoding="utf-8")).get("cells", [])
    marks = [cell.get("metadata", {}).get("nbgrader") or {} for cell in cells if cell.get("cell_type") == "code"]
    return {
        mark["grade_id"]: float(mark.get("points", 0)) for mark in marks if mark.get("grade") and mark.get("locked")
    }


def _line(directory: Path, name: str, points: float) -> Line:
    try:
        filed = evidence_file.read(evidence_file.path_of(directory, name), exercise=name)
    except EvidenceError as error:
        return Line(name, points, None, error.found)
    return Line(name, points or filed["points"], filed["passed"], clean(filed["message"]))


def _summary(lines: list[Line]) -> str:
    earned = sum(line.points for line in lines if line.passed)
    return f"{earned:g} of {sum(line.points for line in lines):g} points are on file."


def _mark(line: Line) -> str:
    return {True: "✓", False: "✗", None: "–"}[line.passed]


def as_text(lines: list[Line]) -> str:
    """Return the table as plain text."""
    rows = [f"{_mark(line)} {line.exercise:<30} {line.points:>4g}  {line.note}" for line in lines]
    return "\n".join([*rows, _summary(lines)])


def as_html(lines: list[Line]) -> str:
    """Return the table as HTML without scripts."""
    rows = "".join(
        f"<tr><td>{_mark(line)}</td><td style='text-align:left'>{escape(line.exercise)}</td>"
        f"<td>{line.points:g}</td><td style='text-align:left'>{escape(line.note)}</td></tr>"
        for line in lines
    )
    left = "<th style='text-align:left'>"
    head = f"<tr><th></th>{left}Exercise</th><th>Points</th>{left}On file</th></tr>"
    return f"<table>{head}{rows}</table><p>{escape(_summary(lines))}</p>"
