"""Hand-ins that hold every trick, by kind, beside an honest one; graded, with feedback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.browser.shown import OUTPUTS, STREAMS, TEXTS
from tests.browser.tricks import CELLS
from tests.browser.watch import named
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom, cell_of

RIGHT = {"first-one": "red", "second-one": "blue"}
SOLVED = "solved"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

# Whoever hands in chooses the folder's name, which nbgrader takes for who it is; it cannot hold a slash.
NAMES = {
    "name-image": named("name-image", "<img src=x onerror=RUN>"),
    "name-attribute": named("name-attribute", "'\"><svg onload=RUN>"),
    "name-string": named("name-string", '";RUN;"'),
}
"""Who hands in texts, by trick."""
WRITERS = dict(zip([*NAMES.values(), "texts"], zip(*[iter(TEXTS)] * 2, strict=True), strict=True))
"""Who hands in which two of the texts."""


def make(root: Path) -> Classroom:
    """Lay all hand-ins into a new course's folder."""
    room = Classroom(root, make=True)
    room.hand_in(SOLVED, RIGHT, _solved)
    for kind, tricks in CELLS.items():
        room.hand_in(kind, RIGHT, lambda notebook, tricks=tricks: _write(notebook, tricks))
    room.hand_in("outputs", RIGHT, _show)
    room.hand_in("streams", RIGHT, _print)
    for student, names in WRITERS.items():
        texts = [named(name, TEXTS[name]) for name in names]
        answers = dict(zip(RIGHT, texts, strict=True))
        folder = room.hand_in(student, answers, lambda notebook, texts=texts: _fields(notebook, " ".join(texts)))
        for text in texts:
            (folder / "evidence" / text.replace("/", "-").replace("\n", " ")).write_text(text)
    _files(room.hand_in("files", RIGHT, recorded_as=named("text-other", TEXTS["text-image"])))
    return room


def students() -> list[str]:
    """Return who hands in, in order."""
    return [SOLVED, *CELLS, "outputs", "streams", "files", *WRITERS]


def autograded(room: Classroom, student: str) -> Path:
    return room.root / "autograded" / student / LESSON / f"{NOTEBOOK}.ipynb"


def feedback(room: Classroom, student: str) -> Path:
    return room.root / "feedback" / student / LESSON / f"{NOTEBOOK}.html"


def submitted(room: Classroom, student: str) -> Path:
    return room.root / "submitted" / student / LESSON / f"{NOTEBOOK}.ipynb"


def _solved(notebook: NotebookNode) -> None:
    work = cell_of(notebook, "first-one-work")
    work.source = "%%bash\n# two containers\ndocker container run --detach --name lab-blue dockyard/busybox\necho $HOME"
    figure = NotebookNode(output_type="display_data", metadata=NotebookNode(), data={"image/png": PNG})
    log = NotebookNode(output_type="stream", name="stdout", text="\x1b[32mlab-blue\x1b[0m is up\n")
    work.outputs = [log, figure]
    cell_of(notebook, "why").source = (
        "Because **the kernel** is shared: `docker run <image>`.\n\n"
        "| what | bytes |\n|:-----|------:|\n| image | 2 |\n\n"
        "```python\nprint('one')  # two\n```\n\n1. See [the documentation](https://docs.docker.com/)\n2. $x^2$"
    )


def _write(notebook: NotebookNode, tricks: dict[str, str]) -> None:
    """A text cell for each trick, and all of them in a raw cell and in the answer."""
    svg = {"x.svg": {"image/svg+xml": named("attachment", "<svg xmlns='http://www.w3.org/2000/svg' onload='RUN'/>")}}
    for name, text in tricks.items():
        notebook.cells.append(_with_id(new_markdown_cell(f"Trick {name}:\n\n{text}", attachments=svg), name))
    raw = {"cell_type": "raw", "metadata": {"raw_mimetype": "text/html", "format": "text/html"}}
    notebook.cells.append(_with_id(NotebookNode(raw, source="\n\n".join(tricks.values())), "raw"))
    cell_of(notebook, "why").source = "\n\n".join(tricks.values())


def _show(notebook: NotebookNode) -> None:
    cells = [_with_id(new_code_cell("show()"), name) for name in OUTPUTS]
    for cell, (name, (kind, value)) in zip(cells, OUTPUTS.items(), strict=True):
        value = json.loads(named(name, json.dumps(value)))
        metadata = {kind: {"isolated": True}, "width": named(name, '"onload=RUN'), "needs_background": "RUN"}
        shown = {"output_type": "display_data", "metadata": metadata, "data": {kind: value}}
        plain = {**shown, "metadata": {}}
        result = {**plain, "output_type": "execute_result", "execution_count": f"<script>{name}</script>"}
        cell.outputs = [NotebookNode(output) for output in (plain, shown, result)]
    notebook.cells += cells
    state = {"model": {"model_name": "HTMLModel", "state": {"value": "<script>x</script>"}}}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": state}}


def _print(notebook: NotebookNode) -> None:
    for name, text in STREAMS.items():
        text = named(name, text)
        cell = _with_id(new_code_cell(text), name)
        error = {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]}
        streams = [{"output_type": "stream", "name": kind, "text": text} for kind in ("stdout", "stderr", text)]
        plain = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text}}
        cell.outputs = [NotebookNode(output) for output in (*streams, error, plain)]
        notebook.cells.append(cell)
        cell_of(notebook, "second-one").outputs += cell.outputs  # of the check's own cell


def _fields(notebook: NotebookNode, text: str) -> None:
    """A text wherever a notebook has a field that is not a cell's source."""
    info = {"name": text, "mimetype": text, "file_extension": text, "pygments_lexer": text, "codemirror_mode": text}
    kernel = {"name": text, "display_name": text, "language": text}
    about: dict[str, Any] = {"title": text, "authors": [{"name": text}], "kernelspec": kernel, "language_info": info}
    notebook.metadata.update(about)
    claims = {"comment": text, "score": text, "points": text, "checksum": text, "cell_type": text, "locked": text}
    for cell in notebook.cells:
        cell.metadata.setdefault("nbgrader", {}).update(claims)
        cell.metadata.update(tags=[text], name=text, collapsed=text, jupyter={"source_hidden": text}, alt=text)
        cell["id"] = text
    for field in ("cell_type", "execution_count", "source"):
        cell = new_code_cell("pass", metadata={"nbgrader": {"grade_id": text}, "tags": [text]})
        cell[field] = text
        notebook.cells.append(cell)


def _files(folder: Path) -> None:
    """Files whose names are markup, and those that a server or a browser would take for programs."""
    image = named("file-image", "<img src=x onerror=RUN>")
    (folder / image).write_text("x")
    (folder / f"{image}.txt").write_text("x")
    shutil.copy(folder / f"{NOTEBOOK}.ipynb", folder / f"{image}.ipynb")
    string = named("file-string", '";RUN;"')
    shutil.copy(folder / f"{NOTEBOOK}.ipynb", folder / f"{string}.ipynb")
    page = named("file-page", "<script>RUN</script>")
    for name in ("page.html", "page.HTM", "page.svg", "page.xhtml", "page", f"{NOTEBOOK}.html"):
        (folder / name).write_text(page)


def _with_id(cell: NotebookNode, name: str) -> NotebookNode:
    cell["id"] = name[:64]
    return cell
