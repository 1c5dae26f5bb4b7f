"""nbconvert's exporter without the copies that guard a caller who goes on using the notebook: here nobody does."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import nbformat.validator
from nbconvert.exporters import Exporter
from nbformat.notebooknode import NotebookNode


class _WithoutCopies(Exporter):
    """Stands just before nbconvert's `Exporter` in the order of classes; see `lean`."""

    def from_notebook_node(
        self, nb: NotebookNode, resources: Any = None, **options: Any
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Convert a notebook that was just read from its file."""
        resources = self._init_resources(resources)
        if "language" in nb["metadata"]:
            resources["language"] = nb["metadata"]["language"].lower()
        return self._preprocess(nb, resources)

    def _preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        _, nb = nbformat.validator.normalize(nb)  # a copy
        resources = copy.deepcopy(resources)
        for step in self._preprocessors:
            nb, resources = step(nb, resources)
        if self._preprocessors:  # once after all, not after each
            self._validate_preprocessor(nb, self._preprocessors[-1])
        return nb, resources


@cache
def lean(exporter: type[Exporter]) -> type[Exporter]:
    """Return a class that exports as this one does, and copies and validates the notebook once."""
    return type(f"Lean{exporter.__name__}", (exporter, _WithoutCopies), {})
