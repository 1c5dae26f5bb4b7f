"""A notebook that was handed in: read whatever it is, slimmed without a change, and the course's cells put back."""

from __future__ import annotations

import json
import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from dockyard.grading.cells import KnownCell, RestoreCells
from dockyard.grading.limits import MAX_CELLS, MAX_SOURCE
from dockyard.grading.outputs import MAX_OUTPUTS, MAX_TEXT, SafeOutputs
from dockyard.grading.reading import read_notebook
from dockyard.grading.slimming import without_outputs
from tests.fuzz.guard import nothing_outside
from tests.fuzz.mutation import MutateBytes, mutated
from tests.grading.classroom import source_notebook
from tests.hostile.notebooks import ACTIVE, MARKUP

LIMITS = ("-timeout=10", "-rss_limit_mb=700", "-max_len=60000")
WORDS = (
    *("code", "markdown", "raw", "outputs", "attachments", "cells", "metadata", "nbgrader", "grade_id", "first-one"),
    *("second-one", "why", "points", "locked", "grade", "solution", "task", "source", "id", "cell_type", "output_type"),
    *("stream", "error", "display_data", "execute_result", "data", "text/plain", "image/png", "traceback", "name"),
    *("stdout", "stderr", "iVBORw0KGgo=", 4, 5, "nbformat", "update", "keys", "pop", "__class__", "items", "dockyard"),
    *(
        '"outputs"',
        '\\"',
        "[",
        "]",
        "{",
        "}",
        '"outputs":[',
        "NaN",
        {"outputs": [1]},
        {"nbgrader": {"grade_id": "why"}},
    ),
)
RAW = 0.25
KINDS = {"text/plain", "image/png"}
KNOWN = {
    cell.metadata["nbgrader"]["grade_id"]: KnownCell({"task": False, **cell.metadata["nbgrader"]}, cell.source)
    for cell in source_notebook().cells
    if "nbgrader" in cell.metadata
}


class Restored(RestoreCells):
    """The step with its cells from here instead of a gradebook."""

    def known(self, course: dict[str, str]) -> dict[str, KnownCell]:
        return KNOWN


@cache
def donors() -> list[Any]:
    """Notebooks with outputs and markup of every kind."""
    plain: Any = json.loads(nbformat.writes(source_notebook()))
    shown = deepcopy(plain)
    png = {"image/png": "iVBORw0KGgo=", "text/plain": ["a\n", "b"]}
    outputs: list[Any] = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two"]},
        {"output_type": "stream", "name": "stdout", "text": "three"},
        {"output_type": "display_data", "metadata": {}, "data": {**ACTIVE, **png}},
        {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": png},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mline"]},
    ]
    for cell in shown["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = outputs
    texts = [
        {"cell_type": kind, "metadata": {}, "source": text, "attachments": {"x.svg": {"image/svg+xml": "<svg/>"}}}
        for kind, text in zip(("markdown", "raw", "heading") * 20, MARKUP.values(), strict=False)
    ]
    return [plain, shown, {**plain, "cells": texts[:4]}, {**plain, "cells": [*shown["cells"], *texts[4:8]]}]


def seeds() -> list[bytes]:
    written = [json.dumps(donor, indent=indent).encode() for donor in donors() for indent in (None, 1)]
    return [*written, b"", b"[]", b'{"cells": []}', b'{"cells":[{"outputs":[', b"\xef\xbb\xbf" + written[0]]


def mutate(data: bytes, chance: Random, mutate_bytes: MutateBytes) -> bytes:
    if chance.random() < RAW:
        return mutate_bytes(data)
    return mutated(data, chance, mutate_bytes, WORDS, donors())


@cache
def place() -> Path:
    return Path(tempfile.mkdtemp()) / "sample.ipynb"


def one_input(data: bytes) -> None:
    with nothing_outside():
        slimmed(data)
    place().write_bytes(data)
    with nothing_outside():
        hand_in = read_notebook(place())
        notebook = hand_in.notebook
        assert hand_in.notes or not hand_in.unreadable, "unreadable, and nobody is told"
        assert all(note and note.encode() for note in hand_in.notes)
        harmless(notebook)
        resources: Any = {"nbgrader": {"student": "eve", "db_url": "sqlite://"}}
        for step in (SafeOutputs(), Restored()):
            notebook, resources = step.preprocess(notebook, resources)
        restored(notebook)
        harmless(notebook, extra=len(KNOWN) + 1)


def harmless(notebook: NotebookNode, extra: int = 0) -> None:
    """It is a notebook by nbformat's own schema, of bounded size, with text and pictures for outputs."""
    nbformat.validate(nbformat.from_dict(json.loads(json.dumps(notebook, allow_nan=False))))
    assert len(notebook.cells) <= MAX_CELLS + extra
    for cell in notebook.cells:
        cell.source.encode()
        assert len(cell.source) <= 6 * MAX_SOURCE and "attachments" not in cell
        for output in cell.get("outputs", ()):
            assert output.output_type != "display_data" or set(output.data) <= KINDS, output
            assert output.output_type != "stream" or len(output.text) <= MAX_TEXT + 20
        assert len(cell.get("outputs", ())) <= MAX_OUTPUTS


def restored(notebook: NotebookNode) -> None:
    """Every graded cell of the course is there once, as the gradebook has it; no other cell claims to be one."""
    marks: dict[str, list[NotebookNode]] = {}
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            marks.setdefault(cell.metadata["nbgrader"]["grade_id"], []).append(cell)
    assert set(marks) <= set(KNOWN), "a cell that the course does not know is marked"
    for name, known in KNOWN.items():
        cells = marks.get(name, [])
        assert len(cells) == 1 or not (cells or known.counts), f"{name} is there {len(cells)} times"
        for cell in cells:
            assert dict(cell.metadata["nbgrader"]) == known.mark and cell.cell_type == known.mark["cell_type"]
            assert cell.source == known.source or not known.mark["locked"], f"{name} has another text"


def slimmed(data: bytes) -> None:
    """Where the bytes are JSON, slimming empties outputs and changes nothing else."""
    slim = without_outputs(data)
    assert len(slim) <= len(data) + 2
    try:
        document = parsed(data)
    except (ValueError, RecursionError):
        return
    emptied = [value if name not in ("outputs", "attachments") else None for name, value in _pairs(document)]
    again = parsed(slim)
    assert [value if name not in ("outputs", "attachments") else None for name, value in _pairs(again)] == emptied
    if b"\\u" not in data:  # a name may be written in escapes, which slimming leaves
        assert again == _emptied(document, 1), "something of the outputs was left"


def parsed(data: bytes) -> Any:
    return json.loads(data.decode("utf-8-sig"), strict=False, object_pairs_hook=Pairs, parse_constant=str)


class Pairs(list[tuple[str, Any]]):
    """An object with its fields in order, twice where they stand twice."""


def _pairs(value: Any, depth: int = 1) -> list[tuple[str, Any]]:
    """Every field of every object and every item of every list, without what slimming may take away."""
    found: list[tuple[str, Any]] = []
    fields = value if isinstance(value, Pairs) else [("", item) for item in value] if isinstance(value, list) else ()
    for name, inside in fields:
        if depth == 3 and isinstance(value, Pairs) and name in ("outputs", "attachments"):
            found.append((name, None))
        elif isinstance(inside, list):
            found += [(name, type(inside).__name__), *_pairs(inside, depth + 1)]
        else:
            found.append((name, inside))
    return found


def _emptied(value: Any, depth: int) -> Any:
    if isinstance(value, Pairs):
        dropped = ("outputs", "attachments") if depth == 3 else ()
        return Pairs(
            (name, type(inside)() if name in dropped and isinstance(inside, list) else _emptied(inside, depth + 1))
            for name, inside in value
        )
    return [_emptied(item, depth + 1) for item in value] if isinstance(value, list) else value
