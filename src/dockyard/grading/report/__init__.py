"""A lesson's report: pictures as PNG, and one HTML page that holds them all."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from dockyard.course import Course
from dockyard.errors import DockyardError
from dockyard.figures import class_report as draw
from dockyard.figures import png
from dockyard.figures.class_heat_map import heat_maps
from dockyard.figures.style import alt_text
from dockyard.grading.report.page import html
from dockyard.grading.report.standing import Standing, read_standing

PAGE = "report.html"


Bar = Callable[[str], Callable[[Sequence[Any]], Iterable[Any]]]
"""Words → what hands on items one by one, for example with a bar that shows how far it is."""


def write_report(course: Course, lesson: str, folder: Path, bar: Bar = lambda words: iter) -> list[Path]:
    """Draw a lesson's report and write it; an older report in the folder is replaced.

    Args:
        course: the course; gradebook and hand-ins are read only.
        lesson: the lesson's name.
        folder: where the files go; it is made.
        bar: is told whose hand-in is read, and which picture is drawn.

    Returns:
        The files that were written, the HTML page first.

    Raises:
        DockyardError: nothing is graded yet, the gradebook cannot be read, or the folder cannot be written to.
    """
    standing = read_standing(course, lesson, bar("reading"))
    with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box; the page's text has it
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        pictures = [
            (name, png(figure), alt_text(figure)) for name, figure in bar("drawing")(list(figures_of(standing)))
        ]
    page = html(standing, pictures)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("[0-9][0-9]-*.png"):
            old.unlink()
        written = [_write(folder / PAGE, page.encode())]
        written += [_write(folder / f"{name}.png", content) for name, content, _ in pictures]
    except OSError as error:
        raise DockyardError(f"The report cannot be written: {error.strerror}.", f"Its place is {folder}.") from None
    return written


def figures_of(standing: Standing) -> Iterator[tuple[str, Figure]]:
    """Yield every picture of a report with the name of its file; none that would have nothing to show."""
    figures = [("points", draw.points_distribution(standing.points, standing.most))]
    maps = heat_maps(standing.learners, standing.exercises, standing.states)
    figures += [("heat-map", figure) for figure in maps]
    if standing.checked:
        figures.append(("attempts", draw.attempts(standing.tries)))
        if standing.messages:
            figures.append(("messages", draw.messages(standing.messages)))
        figures.append(("time-to-pass", draw.times_to_pass(standing.checked, standing.seconds)))
    for number, (name, figure) in enumerate(figures, 1):
        yield f"{number:02}-{name}", figure


def _write(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)
    return path
