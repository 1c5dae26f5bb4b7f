"""From MyST text to a notebook, always the same one from the same text.

Jupytext draws random cell ids at each conversion and keeps them only with `--update`, that is, as long as the old
notebook is at hand. Here an id follows from the cell itself, so that a build from scratch gives the same bytes too.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
import yaml
from jupytext.myst import MystMetadataParsingError, myst_to_notebook
from nbformat import NotebookNode

from dockyard.errors import BuildError

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_METADATA = ("nbgrader", "tags")
# nbgrader fills these in when it writes a release; they are no part of what an author says.
COMPUTED = ("checksum",)

_HEADER = re.compile(r"\A---\n(.*?)^---\n", re.MULTILINE | re.DOTALL)
_CELL_BLOCK = re.compile(r"^(`{3,}\{code-cell\}[^\n]*\n)---\n(.*?)^---\n", re.MULTILINE | re.DOTALL)


def read_text(path: Path) -> NotebookNode:
    """Convert a text notebook.

    Args:
        path: the MyST Markdown file.

    Returns:
        The notebook: no outputs, the kernel as its only metadata, of each cell only what CELL_METADATA names,
        and cell ids that follow from the cells.

    Raises:
        BuildError: the text is no MyST notebook.
    """
    try:
        notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    except (MystMetadataParsingError, UnicodeDecodeError) as error:
        raise BuildError(
            f"{path} cannot be read: {error}", "MyST Markdown with the header that other lessons have."
        ) from error
    return clean(notebook)


def clean(notebook: NotebookNode) -> NotebookNode:
    """Return a copy with everything taken out that the text does not say."""
    cells = [_clean_cell(cell) for cell in notebook.cells]
    for cell, cell_id in zip(cells, cell_ids(cells), strict=True):
        cell["id"] = cell_id
    kernelspec = notebook.metadata.get("kernelspec", {})
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": dict(kernelspec)})


def _clean_cell(cell: NotebookNode) -> NotebookNode:
    metadata = {key: copy.deepcopy(cell.metadata[key]) for key in CELL_METADATA if key in cell.metadata}
    for key in COMPUTED:
        metadata.get("nbgrader", {}).pop(key, None)
    new_cell = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")
    return new_cell(source=cell.source, metadata=metadata)


def cell_ids(cells: list[NotebookNode]) -> list[str]:
    """Ids for the cells: the grade id where there is one, else a digest of kind and content.

    A change in one cell leaves the ids of all others alone. Equal cells are told apart by counting.
    """
    seen: Counter[str] = Counter()
    ids = []
    for cell in cells:
        content = f"{cell.cell_type}\0{cell.source}".encode()
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or hashlib.sha256(content).hexdigest()[:8]
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return ids


def to_json(notebook: NotebookNode) -> str:
    """The notebook as the text of an .ipynb file."""
    return nbformat.writes(notebook, version=4) + "\n"


def cell_lines(path: Path) -> list[int]:
    """The line (from 1) on which each cell of a text notebook begins, in the order of the cells."""
    source_map = myst_to_notebook(path.read_text(encoding="utf-8"), add_source_map=True).metadata["source_map"]
    return [line + 1 for line in source_map]


def same_cells(one: NotebookNode, other: NotebookNode) -> bool:
    """Whether two notebooks say the same: kinds, content and kept metadata of all cells."""
    return _said(one) == _said(other)


def _said(notebook: NotebookNode) -> list[tuple[str, str, dict]]:
    return [(cell.cell_type, cell.source.strip(), dict(cell.metadata)) for cell in clean(notebook).cells]


def tidy(text: str) -> str:
    """Put the header's entries and each cell's metadata on one line each.

    Jupytext spreads them over many lines when JupyterLab saves; an author wants to see what the cell says.

    Args:
        text: a MyST text notebook.

    Returns:
        The text of the same notebook.

    Raises:
        BuildError: the notebook would not be the same.
    """
    tidied = _HEADER.sub(lambda match: f"---\n{_one_line_each(match[1])}---\n", text, count=1)
    tidied = _CELL_BLOCK.sub(lambda match: f"{match[1]}{_one_line_each(match[2], mark=':')}\n", tidied)
    before, after = (jupytext.reads(version, fmt="md:myst") for version in (text, tidied))
    if before.metadata != after.metadata or not same_cells(before, after):
        raise BuildError("The metadata of this text cannot be put on one line each.", "", "Please do it by hand.")
    return tidied


def _one_line_each(block: str, mark: str = "") -> str:
    entries = (yaml.safe_load(block) or {}).items()
    return "".join(f"{mark}{key}: {_flow(value)}\n" for key, value in entries)


def _flow(value: object) -> str:
    """YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...")
