"""Keep what a reviewer wants to see of a learner's outputs, and nothing that a browser would run."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

MAX_TEXT = 64 * 1024  # characters an output
MAX_PNG = 2 * 1024 * 1024  # bytes an image
MAX_OUTPUTS = 200  # a cell
PNG = b"\x89PNG\r\n\x1a\n"


class SafeOutputs(NbGraderPreprocessor):
    """Keep text and PNG outputs of the learner's cells; drop HTML, JavaScript, SVG, widgets and everything else."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        nb.metadata.pop("widgets", None)
        return super().preprocess(nb, resources)

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            outputs = cell.get("outputs")
            outputs = outputs[:MAX_OUTPUTS] if isinstance(outputs, list) else []
            cell.outputs = joined([safe for output in outputs if (safe := safe_output(output)) is not None])
        return cell, resources


def safe_output(output: Any) -> NotebookNode | None:
    """Return an output reduced to text and PNG, or None where nothing remains.

    Args:
        output: one entry of a code cell's outputs; of any form, since it comes from a learner.
    """
    if not isinstance(output, dict):
        return None
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return NotebookNode(output_type="stream", name=name, text=_text(output.get("text")))
    if kind == "error":
        traceback = output.get("traceback")
        lines = [_text(line) for line in traceback[:100]] if isinstance(traceback, list) else []
        ename, evalue = _text(output.get("ename")), _text(output.get("evalue"))
        return NotebookNode(output_type="error", ename=ename, evalue=evalue, traceback=lines)
    if kind in ("display_data", "execute_result") and isinstance(output.get("data"), dict):
        data = _safe_data(output["data"])
        if data:
            # A learner's execute_result would need a count; a display says the same.
            return NotebookNode(output_type="display_data", data=NotebookNode(data), metadata=NotebookNode())
    return None


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join what a kernel sent in pieces: neighbouring texts of one stream become one, as JupyterLab shows them."""
    result: list[NotebookNode] = []
    for output in outputs:
        last = result[-1] if result else None
        if last and output.output_type == "stream" == last.output_type and output.name == last.name:
            last.text = _text(last.text + output.text)
        else:
            result.append(output)
    return result


def _safe_data(data: dict[str, Any]) -> dict[str, str]:
    safe = {}
    if "text/plain" in data:
        safe["text/plain"] = _text(data["text/plain"])
    png = data.get("image/png")
    if isinstance(png, str) and len(png) <= MAX_PNG * 4 // 3 + 4:
        try:
            image = base64.b64decode("".join(png.split()), validate=True)
        except (binascii.Error, ValueError):
            image = b""
        if image.startswith(PNG):
            safe["image/png"] = base64.b64encode(image).decode("ascii")
    return safe


def readable(text: str) -> str:
    """Return a text without what files and databases cannot hold: lone surrogates and null bytes."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    text = value if isinstance(value, str) else ""
    return readable(text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "\n… cut here")
