"""Figures of the course: one module a topic, functions from data to a matplotlib Figure. They know no engine."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

from dockyard.figures.style import alt_text


def png(figure: Figure) -> bytes:
    """Return the figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def show(figure: Figure) -> None:
    """Display a figure in the notebook as PNG, with its alternative text for screen readers.

    Raises:
        ValueError: the figure has no alternative text (see `style.describe`).
    """
    from IPython.display import Image, display

    alt = alt_text(figure)
    if not alt:
        raise ValueError("This figure has no alternative text. Give it one with dockyard.figures.style.describe().")
    display(Image(png(figure), format="png", alt=alt))
