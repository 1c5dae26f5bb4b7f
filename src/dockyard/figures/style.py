"""One look for every figure of the course: palette, sizes, and the shapes that always mean the same.

Host = outer box with square corners; container = rounded box; image = stack of layers. Colours are those of
Okabe and Ito (https://jfly.uni-koeln.de/color/), which remain distinct for colour-blind readers.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

INK = "#1b1f24"
PAPER = "#ffffff"
MUTED = "#6b7280"
FAINT = "#eef1f4"
ORANGE = "#e69f00"
SKY = "#56b4e9"
GREEN = "#009e73"
YELLOW = "#f0e442"
BLUE = "#0072b2"
RED = "#d55e00"
PINK = "#cc79a7"
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW)

TEXT = 10.0  # points; nothing smaller than SMALL anywhere
SMALL = 9.0
TITLE = 12.0


def new_figure(width: float = 8.0, height: float = 4.0) -> Figure:
    """Return an empty figure that belongs to no pyplot state.

    Args:
        width, height: size in inches.
    """
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def canvas(figure: Figure, width: float, height: float) -> Axes:
    """Return axes for a drawing: no ticks, x from 0 to `width`, y from 0 to `height`, one unit the same both ways."""
    axes = figure.add_subplot()
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axes.axis("off")
    return axes


def describe(figure: Figure, alt: str) -> Figure:
    """Attach the alternative text that a screen reader speaks, and return the figure."""
    figure.set_label(alt)
    return figure


def alt_text(figure: Figure) -> str:
    """Return the alternative text of a figure, or an empty text."""
    return str(figure.get_label() or "")


def label(axes: Axes, x: float, y: float, text: str, *, size: float = TEXT, color: str = INK, **kwargs: object) -> None:
    """Write `text` centred at (x, y)."""
    options: dict = {"ha": "center", "va": "center", **kwargs}
    axes.text(x, y, text, fontsize=size, color=color, **options)


def host_box(
    axes: Axes, x: float, y: float, width: float, height: float, text: str = "", *, color: str = FAINT, edge: str = INK
) -> None:
    """Draw a host (square corners), its name inside at the bottom."""
    axes.add_patch(Rectangle((x, y), width, height, facecolor=color, edgecolor=edge, linewidth=1.4))
    if text:
        label(axes, x + width / 2, y + 0.22, text, size=SMALL, color=edge)


def container_box(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str = "",
    *,
    color: str = SKY,
    edge: str = INK,
    size: float = TEXT,
) -> None:
    """Draw a container (rounded corners) with its name in the middle."""
    pad = min(width, height) * 0.12
    axes.add_patch(
        FancyBboxPatch(
            (x + pad, y + pad),
            width - 2 * pad,
            height - 2 * pad,
            boxstyle=f"round,pad={pad},rounding_size={pad * 1.6}",
            facecolor=color,
            edgecolor=edge,
            linewidth=1.2,
        )
    )
    if text:
        label(axes, x + width / 2, y + height / 2, text, size=size)


def layer(
    axes: Axes, x: float, y: float, width: float, height: float, text: str = "", *, color: str = FAINT, edge: str = INK
) -> None:
    """Draw one layer (or one level of a stack): a flat box with its name in the middle."""
    axes.add_patch(Rectangle((x, y), width, height, facecolor=color, edgecolor=edge, linewidth=1.0))
    if text:
        label(axes, x + width / 2, y + height / 2, text, size=SMALL)


def layer_stack(
    axes: Axes, x: float, y: float, width: float, height: float, layers: Sequence[tuple[str, str]]
) -> float:
    """Draw layers from the bottom up, each (text, colour) and `height` high; return the y above the topmost."""
    for text, color in layers:
        layer(axes, x, y, width, height, text, color=color)
        y += height
    return y


def arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str = "", *, color: str = INK
) -> None:
    """Draw an arrow from start to end, its text above the middle."""
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=13, color=color, linewidth=1.3))
    if text:
        label(axes, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.2, text, size=SMALL, color=color)
