"""What of a notebook's exercises is on file, in one table."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from dockyard import evidence as evidence_file
from dockyard.errors import EvidenceError
from dockyard.judge import clean


@dataclass(frozen=True)
class Line:
    """One exercise of a notebook.

    Attributes:
        exercise: its name.
        title: its heading in the notebook, or its name where no notebook is known.
        points: what it is worth.
        passed: what is on file: True passed, False not yet, None nothing.
        note: what the check said, or why nothing is on file.
        by_hand: a person grades it; no evidence is needed.
    """

    exercise: str
    title: str
    points: float
    passed: bool | None = None
    note: str = ""
    by_hand: bool = False

    @property
    def lacks_evidence(self) -> bool:
        """Whether it would be worth 0 points for want of evidence."""
        return self.passed is None and not self.by_hand


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


def lines_of(notebook: Path | None, directory: Path, student: str | None = None) -> list[Line]:
    """Return a line for each graded cell of a notebook, or for each evidence file where the notebook is unknown.

    Args:
        notebook: an .ipynb file, or None.
        directory: the folder that holds `evidence/`.
        student: whose evidence counts; None takes anybody's.
    """
    if notebook is not None and notebook.is_file():
        wanted = graded_cells(notebook)
    else:
        wanted = [Line(path.stem, path.stem, 0.0) for path in sorted((directory / "evidence").glob("*.json"))]
    return [line if line.by_hand else _filed(line, directory, student) for line in wanted]


def graded_cells(notebook: Path) -> list[Line]:
    """Return the graded cells of a notebook in their order, each with the heading that it stands under."""
    title, lines = "", []
    for cell in json.loads(notebook.read_text(encoding="utf-8")).get("cells", []):
        mark = cell.get("metadata", {}).get("nbgrader") or {}
        source = cell.get("source", "")
        source = source if isinstance(source, str) else "".join(source)
        is_text = cell.get("cell_type") == "markdown"
        headings = re.findall(r"^#{2,3} +(.+)$", source, re.MULTILINE) if is_text and not mark.get("grade") else []
        title = headings[-1].strip() if headings else title
        if mark.get("grade") and (mark.get("locked") or is_text):
            name = str(mark.get("grade_id"))
            note = "A person reads your answer." if is_text else ""
            lines.append(Line(name, title or name, float(mark.get("points", 0)), note=note, by_hand=is_text))
            title = ""
    return lines


def _filed(line: Line, directory: Path, student: str | None) -> Line:
    try:
        path = evidence_file.path_of(directory, line.exercise)
        filed = evidence_file.read(path, exercise=line.exercise, student=student)
    except EvidenceError as error:
        return replace(line, note=error.found)
    points = line.points or filed["points"]
    return replace(line, points=points, passed=filed["passed"], note=clean(filed["message"]))


def _summary(lines: list[Line]) -> str:
    earned = sum(line.points for line in lines if line.passed)
    said = f"{earned:g} of {sum(line.points for line in lines if not line.by_hand):g} points are on file."
    by_hand = sum(line.points for line in lines if line.by_hand)
    return said + (f" {by_hand:g} more are given by a person." if by_hand else "")


def _mark(line: Line) -> str:
    return "?" if line.by_hand else {True: "✓", False: "✗", None: "–"}[line.passed]


def as_text(lines: list[Line]) -> str:
    """Return the table as plain text."""
    rows = [f"{_mark(line)} {line.title:<44} {line.points:>4g}  {line.note}" for line in lines]
    return "\n".join([*rows, _summary(lines)])


def as_html(lines: list[Line]) -> str:
    """Return the table as HTML without scripts."""
    rows = "".join(
        f"<tr><td>{_mark(line)}</td><td style='text-align:left'>{escape(line.title)}</td>"
        f"<td>{line.points:g}</td><td style='text-align:left'>{escape(line.note)}</td></tr>"
        for line in lines
    )
    left = "<th style='text-align:left'>"
    head = f"<tr><th></th>{left}Exercise</th><th>Points</th>{left}On file</th></tr>"
    return f"<table>{head}{rows}</table><p>{escape(_summary(lines))}</p>"
