"""Read a learner's notebook, whatever it is, into one that nbgrader can work with.

nbformat and nbgrader expect a notebook that a Jupyter program wrote. A hand-in is a file that anybody may have written:
only what is named here is taken over from it, each field by its own rule, and nothing in it makes reading fail.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import mmap
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode

from dockyard.grading.limits import MAX_CELLS, MAX_NOTEBOOK, MAX_PARSED, MAX_PARTS, MAX_SOURCE, MIB
from dockyard.grading.outputs import MAX_OUTPUTS, joined, readable, safe_output
from dockyard.grading.slimming import without_outputs

CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
MARKS = ("grade_id", "points", "grade", "solution", "task", "locked", "cell_type", "checksum")


class Unreadable(Exception):
    """The file is no notebook; the message says why, as the end of a sentence."""


@dataclass
class HandIn:
    """A notebook as it was read.

    Attributes:
        notebook: of nbformat 4.5, with nothing but cells, each with nothing but what is known to be harmless.
        notes: what was found wrong, for the reviewer.
        unreadable: whether the file gave nothing at all.
    """

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)
    unreadable: bool = False


def read_notebook(path: Path) -> HandIn:
    """Read a notebook that was handed in. Never fails: what cannot be read is an empty notebook with a note."""
    notes: list[str] = []
    try:
        document = _parsed(_content(path, notes))
        return HandIn(_rebuilt(document, notes), notes)
    except Unreadable as error:
        notes.append(
            f"The notebook could not be read: {error}. Its cells are the course's; the evidence was graded all the "
            "same. The file as it was handed in is still in the folder of submissions."
        )
        return HandIn(_notebook([]), notes, unreadable=True)


def _content(path: Path, notes: list[str]) -> bytes:
    """The file's bytes; of a large one those without outputs. No link is followed and no pipe waited for."""
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, flag, 0)
    try:
        if path.is_symlink():
            raise Unreadable("it is a link")
        if not stat.S_ISREG(os.lstat(path).st_mode):  # opening some devices has effects
            raise Unreadable("it is not a regular file")
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise Unreadable("there is no file of its name") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"it cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    with open(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("it is not a regular file")
        if size <= MAX_PARSED and _parts(content := file.read(MAX_PARSED)) <= MAX_PARTS:
            return content
        if size > MAX_NOTEBOOK:
            raise Unreadable(f"it has {size // MIB:,} MiB, and at most {MAX_NOTEBOOK // MIB} are looked at")
        return _slimmed(descriptor, size, notes)


def _slimmed(descriptor: int, size: int, notes: list[str]) -> bytes:
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as content:
        try:
            slim = without_outputs(content)  # type: ignore[arg-type]
        except ValueError as error:
            raise Unreadable(f"it has {size // MIB} MiB and {error}") from None
    if len(slim) > MAX_PARSED:
        raise Unreadable(f"it has {len(slim) // MIB} MiB without its outputs, more than {MAX_PARSED // MIB}")
    if (parts := _parts(slim)) > MAX_PARTS:
        raise Unreadable(f"it has {parts:,} parts without its outputs, more than {MAX_PARTS:,}")
    much = (
        f"{size // MIB} MiB, more than {MAX_PARSED // MIB}" if size > MAX_PARSED else f"more than {MAX_PARTS:,} parts"
    )
    notes.append(f"The notebook has {much}: its outputs were left out.")
    return slim


def _parts(content: bytes) -> int:
    """At least as many as there are lists, objects and strings in a JSON text."""
    return content.count(b"[") + content.count(b"{") + content.count(b'"') // 2


def _parsed(content: bytes) -> dict[str, Any]:
    if not content.strip():
        raise Unreadable("it is empty")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not text in UTF-8 (byte {error.start})") from None
    try:
        with _uncollected():
            document = json.loads(text, strict=False, parse_int=_integer, parse_constant=lambda _: None)
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"it is not JSON ({str(error)[:80]})") from None
    if not isinstance(document, dict):
        raise Unreadable("its JSON is not that of a notebook")
    if not isinstance(document.get("cells"), list):
        version = repr(document.get("nbformat"))[:20]
        raise Unreadable(f"it has no list of cells (it says that it is of notebook format {version}; expected 4)")
    return document


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which takes most of the time where JSON is millions of empty lists."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _integer(text: str) -> int:
    return int(text) if len(text) < 20 else 0  # Python refuses thousands of digits, and no field here needs twenty


def _rebuilt(document: dict[str, Any], notes: list[str]) -> NotebookNode:
    version = document.get("nbformat")
    if version != 4 or isinstance(version, bool):
        notes.append(f"The notebook says that it is of format {readable(repr(version))[:20]}; it was read as format 4.")
    found = document["cells"]
    if len(found) > MAX_CELLS:
        notes.append(f"The notebook has {len(found):,} cells; the first {MAX_CELLS:,} were kept.")
    cells: list[NotebookNode] = []
    taken: set[str] = set()
    for number, cell in enumerate(found[:MAX_CELLS], 1):
        if isinstance(cell, dict):
            cells.append(_cell(cell, number, taken, notes))
        else:
            notes.append(f"Cell {number} is not of the form of a cell; it was left out.")
    return _notebook(cells)


def _cell(cell: dict[str, Any], number: int, taken: set[str], notes: list[str]) -> NotebookNode:
    kind = cell.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        notes.append(f"Cell {number} is of no known type; it was read as text.")
        kind = "raw"
    name = cell.get("id")
    if not isinstance(name, str) or not CELL_ID.match(name) or name in taken:
        name = next(free for extra in range(MAX_CELLS + 1) if (free := f"hand-in-{number + extra}") not in taken)
    taken.add(name)
    read = NotebookNode(id=name, cell_type=kind, metadata=NotebookNode(), source=_source(cell, number, notes))
    metadata = cell.get("metadata", {})
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if isinstance(mark, dict):
        read.metadata["nbgrader"] = NotebookNode({key: _plain(mark[key]) for key in MARKS if key in mark})
    if not isinstance(metadata, dict) or not isinstance(mark, dict | None):
        notes.append(f"Cell {number} has metadata of the wrong form; they were left out.")
    if kind == "code":
        outputs = cell.get("outputs")
        outputs = outputs[:MAX_OUTPUTS] if isinstance(outputs, list) else []
        read.outputs = joined([safe for output in outputs if (safe := safe_output(output)) is not None])
        read.execution_count = None
    return read


def _source(cell: dict[str, Any], number: int, notes: list[str]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        notes.append(f"The text of cell {number} is not text; it was left out.")
        return ""
    text = readable(source)
    if text != source:
        notes.append(f"Cell {number} has characters that no text can hold; they were replaced.")
    if len(text) > MAX_SOURCE:
        notes.append(f"Cell {number} has {len(text):,} characters; the first {MAX_SOURCE:,} were kept.")
        text = text[:MAX_SOURCE]
    return text


def _plain(value: object) -> object:
    if isinstance(value, str):
        return readable(value[:200])
    if isinstance(value, float) and not math.isfinite(value):  # 1e999; no JSON could hold it again
        return str(value)
    return value if isinstance(value, bool | int | float | None) else f"a {type(value).__name__}"


def _notebook(cells: list[NotebookNode]) -> NotebookNode:
    language = NotebookNode(name="python", pygments_lexer="ipython3")
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=NotebookNode(language_info=language), cells=cells)
