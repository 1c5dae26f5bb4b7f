"""The steps of grading, each told which sheet it writes on instead of opening the gradebook for itself.

Each is nbgrader's own step, or the course's, with its own rules and its own configuration; what differs is where it
looks things up. Opening the gradebook anew for every step costs more than all that the steps do.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from jsonschema.validators import validator_for
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.nbgraderformat.common import BaseMetadataValidator
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from traitlets.utils.importstring import import_item

from dockyard.errors import DockyardError
from dockyard.grading.cells import KnownCell, RestoreCells, cells_of
from dockyard.grading.marksheet import MarkSheet
from dockyard.grading.replaying import SaveEvidenceGrades

MAX_KNOWN = 10_000  # marks that were found valid
Converted = tuple[NotebookNode, ResourcesDict]


def sheet_of(step: NbGraderPreprocessor) -> MarkSheet:
    """Return the sheet of the hand-in that is graded just now: the converter above the step's exporter holds it."""
    return step.parent.parent.sheet


class _OnSheet(NbGraderPreprocessor):
    """What nbgrader's steps do before their cells: note who and what this is, and take the gradebook at hand."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Converted:
        course = resources["nbgrader"]
        self.notebook_id, self.assignment_id = course["notebook"], course["assignment"]
        self.student_id, self.db_url = course["student"], course["db_url"]
        self.gradebook = sheet_of(self)
        return NbGraderPreprocessor.preprocess(self, nb, resources)


class SheetRestoreCells(RestoreCells):
    """`RestoreCells` from the lesson as it was read once."""

    def known(self, course: dict[str, str]) -> dict[str, KnownCell]:
        return cells_of(sheet_of(self).find_notebook(course["notebook"], course["assignment"]))


class SheetOverwriteKernelspec(OverwriteKernelspec):
    """`OverwriteKernelspec` from the lesson as it was read once."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Converted:
        import json

        course = resources["nbgrader"]
        kernelspec = sheet_of(self).find_notebook(course["notebook"], course["assignment"]).kernelspec
        if kernelspec is not None and (known := json.loads(kernelspec)):
            nb.metadata["kernelspec"] = known
        return nb, resources


class SheetOverwriteCells(_OnSheet, OverwriteCells):
    """`OverwriteCells` from the lesson as it was read once."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Converted:
        nb, resources = super().preprocess(nb, resources)
        if self.add_missing_cells:
            nb, resources = self.add_missing_grade_cells(nb, resources)
            nb, resources = self.add_missing_task_cells(nb, resources)
        return nb, resources


class SheetSaveAutoGrades(_OnSheet, SaveAutoGrades):
    """`SaveAutoGrades` on the sheet."""


class SheetSaveEvidenceGrades(_OnSheet, SaveEvidenceGrades):
    """`SaveEvidenceGrades` on the sheet."""


class SheetAssignLatePenalties(_OnSheet, AssignLatePenalties):
    """`AssignLatePenalties` on the sheet."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Converted:
        nb, resources = super().preprocess(nb, resources)
        self.init_plugin()
        notebook = self.gradebook.find_submission_notebook(self.notebook_id, self.assignment_id, self.student_id)
        notebook.late_submission_penalty = None
        late = self.gradebook.total_seconds_late
        if late > 0:
            penalty = self.plugin_inst.late_submission_penalty(self.student_id, notebook.score, late)
            if penalty is not None:
                notebook.late_submission_penalty = self._check_late_penalty(notebook, penalty)
        return nb, resources


class _SchemaReadOnce(BaseMetadataValidator):
    """nbgrader checks its schema itself anew for each cell: that takes seven times as long as checking the cell."""

    def __init__(self) -> None:
        super().__init__()
        self.checker = validator_for(self.schema)(self.schema)
        self.known: set[tuple[Any, ...]] = set()

    def validate_cell(self, cell: NotebookNode) -> None:
        mark = cell.metadata.get("nbgrader")
        if mark is None or (mark.get("schema_version") == self.schema_version and self._is_valid(mark)):
            return
        super().validate_cell(cell)  # says what is wrong

    def _is_valid(self, mark: dict[str, Any]) -> bool:
        """After the first hand-in all marks are known: `RestoreCells` has put the lesson's own in place."""
        try:
            key = tuple((name, type(value), value) for name, value in mark.items())
            if key in self.known:
                return True
        except TypeError:  # a value of a kind that cannot be sorted or hashed
            return self.checker.is_valid(mark)
        if valid := self.checker.is_valid(mark):
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            self.known.add(key)
        return valid


class _Validator(MetadataValidatorV3, _SchemaReadOnce):
    """nbgrader's validator, with the schema read once."""


class OnceCheckCellMetadata(CheckCellMetadata):
    """`CheckCellMetadata` with the schema read once; nbgrader's own says what is wrong where something is."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Converted:
        try:
            self.validator.validate_nb(nb)
        except Exception:
            return super().preprocess(nb, resources)
        return nb, resources

    @cached_property
    def validator(self) -> _Validator:
        return _Validator()


ON_SHEET: dict[type, type[NbGraderPreprocessor]] = {
    RestoreCells: SheetRestoreCells,
    OverwriteKernelspec: SheetOverwriteKernelspec,
    OverwriteCells: SheetOverwriteCells,
    SaveAutoGrades: SheetSaveAutoGrades,
    SaveEvidenceGrades: SheetSaveEvidenceGrades,
    AssignLatePenalties: SheetAssignLatePenalties,
    CheckCellMetadata: OnceCheckCellMetadata,
}


def on_sheet(step: Any) -> Any:
    """Return what stands for a configured step: the same with a sheet, or the step itself where it needs none.

    Args:
        step: a class, or its name with its module, as the configuration lists it.

    Raises:
        DockyardError: a step of somebody else's that opens the gradebook for itself.
    """
    step = import_item(step) if isinstance(step, str) else step
    if step in ON_SHEET:
        return ON_SHEET[step]
    if isinstance(step, type) and issubclass(step, tuple(ON_SHEET)):
        raise DockyardError(
            f"nbgrader_config.py lists the step {step.__name__}, which writes to the gradebook in a way of its own.",
            "Grading a class at once knows the steps of nbgrader and of this course.",
            "Grade with: nbgrader autograde",
        )
    return step
