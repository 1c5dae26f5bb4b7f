"""The step of `nbgrader autograde` that stands where the notebook used to be executed."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from traitlets import Bool, Float

from dockyard.card import Outcome
from dockyard.exercise import INCOMPLETE, replay, run_cell
from dockyard.grading import notes
from dockyard.grading.limits import CHECK_SECONDS, Clock, time_limit
from dockyard.grading.outputs import readable
from dockyard.judge import MANUAL, clean

OUTCOMES = "dockyard_outcomes"  # in nbconvert's resources: grade id → Outcome
REMARKS = "dockyard_remarks"  # likewise: what a person should know of the hand-in
UNREADABLE = "dockyard_unreadable"  # likewise: whether the notebook that was handed in gave nothing


class GradeFromEvidence(NbGraderPreprocessor):
    """Run the locked check cells, and nothing else, each in a namespace of its own, against the evidence.

    The cells come from the gradebook (`RestoreCells`, `OverwriteCells`), not from the hand-in. The verdict is what the
    instructor's check says of the evidence; what the evidence itself claims is not asked.
    """

    check_student = Bool(True, help="Whether evidence must have been recorded under the name that handed it in.").tag(
        config=True
    )
    check_seconds = Float(CHECK_SECONDS, help="How long a check may take on its evidence; then a person grades.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        directory = Path(resources["metadata"]["path"])
        student = resources["nbgrader"]["student"] if self.check_student else None
        outcomes = resources.setdefault(OUTCOMES, {})
        resources[UNREADABLE] = notes.attached(nb)["unreadable"]
        remarks = resources[REMARKS] = notes.lines(nb)
        for cell in nb.cells:
            if is_check(cell):
                outcome = grade_cell(cell, directory, student, self.check_seconds)
                if not outcome.passed and (why := notes.why_refused(nb, outcome.exercise)):
                    outcome = replace(outcome, note=why)
                    cell.outputs = outputs_of(outcome)
                outcomes[outcome.exercise] = outcome
                if not outcome.note and (remark := _remark(outcome, directory)):
                    remarks.append(remark)
                self.log.info("%s: %s", outcome.exercise, outcome.message)
        return nb, resources


class SaveEvidenceGrades(SaveAutoGrades):
    """Save the verdicts of `GradeFromEvidence`: full points, none, or to be graded by a person."""

    def _add_score(self, cell: NotebookNode, resources: ResourcesDict) -> None:
        if not is_check(cell):
            super()._add_score(cell, resources)
            if resources.get(UNREADABLE):  # the answer may well be in the file: a person has to look
                self._leave_to_a_person(cell)
            return
        name = cell.metadata["nbgrader"]["grade_id"]
        outcome = resources[OUTCOMES][name]
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        grade.auto_score = None if outcome.passed is None else float(grade.max_score) * outcome.passed
        grade.needs_manual_grade = grade.manual_score is not None or outcome.passed is None
        self.gradebook.db.commit()

    def _leave_to_a_person(self, cell: NotebookNode) -> None:
        name = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        grade.auto_score, grade.needs_manual_grade = None, True
        self.gradebook.db.commit()


def is_check(cell: NotebookNode) -> bool:
    """Tell whether a cell is a check: graded, locked code."""
    return cell.cell_type == "code" and utils.is_grade(cell) and utils.is_locked(cell)


def grade_cell(cell: NotebookNode, directory: Path, student: str | None, seconds: float = CHECK_SECONDS) -> Outcome:
    """Run one check cell against the evidence, write the card into its outputs, and return the outcome.

    Args:
        cell: a check cell whose source is the instructor's.
        directory: the folder that holds `evidence/`.
        student: who handed in; None takes evidence of anybody.
        seconds: how long the check may take; then a person has to grade.
    """
    name, points = cell.metadata["nbgrader"]["grade_id"], float(cell.metadata["nbgrader"]["points"])
    printed = io.StringIO()
    trouble = f"The check cell holds no exercise named {name}."
    clock = Clock()
    with replay(directory, student) as outcomes:
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), time_limit(seconds) as clock:
                run_cell(cell.source, {"__name__": "__check__"})
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:
            trouble = f"The check cell did not run: {type(error).__name__}: {error}"
    found = [outcome for outcome in outcomes if outcome.exercise == name]
    outcome = found[-1] if found else Outcome(name, points, None, clean(trouble))
    if clock.over:
        outcome = Outcome(name, points, None, f"{MANUAL} The check did not end within {seconds:g} seconds.")
    cell.outputs = outputs_of(outcome, printed.getvalue())
    cell.execution_count = None
    return outcome


def _remark(outcome: Outcome, directory: Path) -> str:
    """Say what a person should know of an outcome: that the learner's work is not what decided it."""
    evidence = directory / "evidence" / f"{outcome.exercise}.json"
    refused = outcome.passed is False and outcome.recorded is None and os.path.lexists(evidence)
    if refused or outcome.passed is None or outcome.message.startswith(INCOMPLETE):
        return f"{outcome.exercise}: {outcome.message}"
    return ""


def outputs_of(outcome: Outcome, printed: str = "") -> list[NotebookNode]:
    """Return a check cell's outputs: what it printed, the card, and for a failure the error that nbgrader looks for."""
    outputs = []
    if printed:
        outputs.append(NotebookNode(output_type="stream", name="stdout", text=readable(printed[:10_000])))
    outputs.append(
        NotebookNode(output_type="display_data", data=NotebookNode(outcome.bundle()), metadata=NotebookNode())
    )
    if outcome.passed is False:
        error = NotebookNode(output_type="error", ename="NotYet", evalue=outcome.message, traceback=["✗ not yet"])
        outputs.append(error)
    return outputs
