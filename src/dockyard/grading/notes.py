"""Remarks on a hand-in: carried in the notebook's metadata between the steps, shown in its first cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_markdown_cell

from dockyard.grading.limits import MAX_NOTES
from dockyard.judge import clean

KEY = "dockyard"
NOTE_ID = "dockyard-notes"


def attach(notebook: NotebookNode, notes: list[str], refused: dict[str, str], unreadable: bool) -> None:
    """Put into a notebook's metadata what was found when the hand-in was read.

    Args:
        notebook: as `reading.read_notebook` returns it.
        notes: remarks for the reviewer.
        refused: files that were put aside, path in the hand-in → why.
        unreadable: whether nothing of the notebook could be read.
    """
    notebook.metadata[KEY] = NotebookNode(notes=list(notes), refused=dict(refused), unreadable=unreadable)


def attached(notebook: NotebookNode) -> NotebookNode:
    """Return what `attach` put there; empty where nothing was."""
    found = notebook.metadata.get(KEY)
    return found if found else NotebookNode(notes=[], refused={}, unreadable=False)


def add(notebook: NotebookNode, notes: list[str]) -> None:
    """Add remarks to those that are attached, each one once."""
    found = attached(notebook)
    both = dict.fromkeys([*found["notes"], *notes])
    attach(notebook, list(both), found["refused"], found["unreadable"])


def why_refused(notebook: NotebookNode, exercise: str) -> str:
    """Return why an exercise's evidence was put aside, as a sentence, or an empty text."""
    # Not by attribute: NotebookNode gives a dict's own methods first.
    refused: dict[str, Any] = attached(notebook)["refused"]
    why = refused.get(f"evidence/{exercise}.json") or refused.get("evidence")
    return f"The evidence that was handed in was put aside: it {why}." if why else ""


def lines(notebook: NotebookNode) -> list[str]:
    """Return the remarks, and what was put aside."""
    found = attached(notebook)
    return [*found["notes"], *(f"{name} was put aside: it {why}." for name, why in found["refused"].items())]


def bounded(remarks: Iterable[str]) -> tuple[str, ...]:
    """Return the first remarks, as one line each that a terminal can show; of what is left out, the number."""
    found = [" ".join(clean(remark).split()) for remark in remarks]
    more = [f"… and {len(found) - MAX_NOTES} more."] if len(found) > MAX_NOTES else []
    return (*found[:MAX_NOTES], *more)


def show(notebook: NotebookNode) -> None:
    """Put the remarks into a cell before all others; without remarks, do nothing."""
    found = lines(notebook)
    if not found:
        return
    text = "Notes on this hand-in\n\n" + "\n".join(f"- {line}" for line in bounded(found))
    # Indented, so that nothing in the names and texts of a learner is markup.
    cell = new_markdown_cell("\n".join(f"    {line}" for line in text.splitlines()))
    taken = {there.get("id") for there in notebook.cells}
    cell["id"] = next(name for n in range(len(taken) + 1) if (name := f"{NOTE_ID}-{n}") not in taken)
    notebook.cells.insert(0, cell)
