"""Pages made of hand-ins with some of the walls taken away, to see that each stands without the others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat.notebooknode import NotebookNode, from_dict
from nbformat.v4.rwbase import rejoin_lines
from traitlets.config import Config

from dockyard.grading import pages
from dockyard.grading.pages import FeedbackExporter

SVG = "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnLz4="
CDN = ("cdnjs.cloudflare.com", "cdn.jsdelivr.net", "unpkg.com")  # what nbconvert's own templates load


def exported(notebook: Path, page: Path, template: str) -> Path:
    """An autograded notebook as nbconvert's own templates show it."""
    read = nbformat.read(notebook, as_version=4)
    return _written(HTMLExporter(template_name=template), read, page)


def unprotected(handed_in: Path, page: Path, without: str = "refresh|<base") -> Path:
    """A hand-in as it is, as nbgrader's own feedback, without the cells that would lead away at once."""
    config = Config()
    config.HTMLExporter.template_name = "feedback"
    config.HTMLExporter.extra_template_basedirs = [str(pages.NBGRADER_TEMPLATES)]
    config.HTMLExporter.extra_template_paths = [str(pages.NBGRADER_STYLES)]
    notebook = _as_it_is(handed_in)
    notebook.cells = [cell for cell in notebook.cells if not re.search(without, cell.source)]
    return _written(HTMLExporter(config=config), notebook, page)


def feedback_alone(handed_in: Path, page: Path, policy: bool = True) -> Path:
    """A hand-in as it is, as this course's feedback; without the Content-Security-Policy, if wanted."""
    config = Config()
    config.FeedbackExporter.template_name = "dockyard-feedback"
    config.FeedbackExporter.extra_template_basedirs = [str(pages.TEMPLATES), str(pages.NBGRADER_TEMPLATES)]
    config.FeedbackExporter.extra_template_paths = [str(pages.NBGRADER_TEMPLATES), str(pages.NBGRADER_STYLES)]
    exporter = FeedbackExporter(
        config=config,
        sanitize_html=True,
        filters={"markdown2html": "dockyard.grading.pages.text", "clean_html": "dockyard.grading.pages.harmless"},
    )
    made = _written(exporter, _as_it_is(handed_in), page)
    if not policy:
        made.write_text(made.read_text().replace('http-equiv="Content-Security-Policy"', "", 1))
    return made


def _as_it_is(handed_in: Path) -> NotebookNode:
    notebook = rejoin_lines(from_dict(json.loads(handed_in.read_text())))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":  # nbconvert ends at one that is missing
            cell["attachments"] = {name: {"image/svg+xml": SVG} for name in ("x.svg", "missing.png")}
        for output in cell.get("outputs", []):
            if "execution_count" in output:
                output["execution_count"] = 1  # nbconvert validates it
        if isinstance(cell.metadata.get("nbgrader"), dict):
            cell.metadata["nbgrader"].update(score=0, points=0)
    return notebook


def _written(exporter: HTMLExporter, notebook: NotebookNode, page: Path) -> Path:
    title = "<img src=x onerror=window.canary_title=1>"
    about = {"notebook": title, "score": 1, "max_score": 1, "late_penalty": 0}
    html, _ = exporter.from_notebook_node(notebook, {"nbgrader": about, "metadata": {"name": "x", "path": ""}})
    page.write_text(html)
    return page
