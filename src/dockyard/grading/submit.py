"""Submitting: nbgrader's own, with a word about exercises that have no evidence."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from nbgrader.exchange.default import ExchangeSubmit
from nbgrader.utils import get_username
from traitlets.config import Application

from dockyard.errors import DockyardError
from dockyard.progress import Line, lines_of

ASKED = ".asked"  # below evidence/: what the learner was warned of last


class NotSubmittedYet(DockyardError):
    """Shown by JupyterLab's Assignment List, which has no other way to show a warning."""


class EvidenceSubmit(ExchangeSubmit):
    """Submit as nbgrader does, and warn of exercises without evidence: they would be worth 0 points.

    The command warns and submits. The Assignment List shows nothing that is logged, only what is raised: there, the
    first try says what is missing, and a second try with the same gaps submits.
    """

    def copy_files(self) -> None:
        assignment = Path(self.src_path)
        missing = without_evidence(assignment, self._student())
        names = [line.exercise for lines in missing.values() for line in lines]
        by_command = isinstance(self.parent, Application)
        if missing and not by_command and not _was_asked(assignment, names):
            raise NotSubmittedYet(
                f"NOT SUBMITTED YET. {len(names)} exercises have no evidence that counts, and would be worth 0 points:",
                _listed(missing),
                "Run the check cell of each, then submit. To hand in as it is, press Submit again.",
            )
        super().copy_files()
        if missing:
            self.log.warning(
                "Handed in without evidence, and so worth 0 points: %s. Run their checks and submit again.",
                ", ".join(names),
            )

    def _student(self) -> str:
        """Return the name that the hand-in will bear, as nbgrader decides it."""
        return self.coursedir.student_id if self.coursedir.student_id != "*" else get_username()


def without_evidence(assignment: Path, student: str) -> dict[str, list[Line]]:
    """Return, by notebook, the exercises whose evidence is missing, unreadable, or not of this student; in order."""
    missing = {}
    for path in sorted(assignment.glob("*.ipynb")):
        if lines := [line for line in lines_of(path, path.parent, student) if line.lacks_evidence]:
            missing[path.stem] = lines
    return missing


def _listed(missing: dict[str, list[Line]]) -> str:
    """Write a paragraph a notebook, short enough for a dialog."""
    return "\n".join(
        textwrap.fill(
            f"{notebook}: {'; '.join(_named(line) for line in lines)}",
            width=88,
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
        for notebook, lines in missing.items()
    )


def _named(line: Line) -> str:
    return line.title if line.note == "There is no evidence." else f"{line.title} ({line.note.rstrip('.')})"


def _was_asked(assignment: Path, missing: list[str]) -> bool:
    """Tell whether the learner was warned of just these exercises before, and remember that it happens now."""
    marker = assignment / "evidence" / ASKED
    text = json.dumps(missing)
    if marker.is_file() and marker.read_text(encoding="utf-8") == text:
        return True
    marker.parent.mkdir(exist_ok=True)
    marker.write_text(text, encoding="utf-8")
    return False
