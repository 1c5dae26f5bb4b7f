"""Where nbgrader opens a learner's notebook: `Autograde.exporter_class`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode

from dockyard.grading import notes
from dockyard.grading.intake import refused
from dockyard.grading.reading import read_notebook
from dockyard.grading.receiving import receive_class


class HandInExporter(NotebookExporter):
    """Opens what was handed in with `read_notebook`, and what grading itself wrote as nbconvert does.

    Made by `nbgrader autograde`, it first receives the hand-ins.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if getattr(self.parent, "assignments", None):
            receive_class(self.parent)

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[NotebookNode, dict[str, Any]]:
        resources = ResourcesDict() if resources is None else resources
        path = Path(filename)
        if self._is_ours(path, resources):
            return super().from_filename(filename, resources=resources, **options)
        hand_in = read_notebook(path)
        for note in hand_in.notes:
            self.log.warning("%s: %s", filename, note)
        notes.attach(hand_in.notebook, hand_in.notes, refused(path.parent), hand_in.unreadable)
        resources["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        return self.from_notebook_node(hand_in.notebook, resources=resources, **options)

    def _is_ours(self, path: Path, resources: dict[str, Any]) -> bool:
        coursedir = getattr(self.parent, "coursedir", None)
        about = resources.get("nbgrader", {})
        if coursedir is None or "student" not in about:
            return False
        folder = coursedir.format_path(coursedir.autograded_directory, about["student"], about["assignment"])
        return path.absolute().parent == Path(folder).absolute()
