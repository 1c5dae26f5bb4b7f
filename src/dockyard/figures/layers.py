"""Figures of image layers: two stacks with their common part, and a file tree seen through a stack."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dockyard.figures.style import (
    FAINT,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    RED,
    SKY,
    SMALL,
    YELLOW,
    arrow,
    canvas,
    describe,
    label,
    new_figure,
)

_GREY = "#d5d9df"
_SHARED = "#8fd4bd"  # GREEN, light enough for dark text
_HEIGHT, _LINE = 0.62, 0.34  # of a layer with one line, and of each line more


@dataclass(frozen=True)
class Layer:
    """One layer of an image.

    Attributes:
        digest: its diff ID, the SHA-256 of its unpacked archive.
        size: bytes of the files it holds, or None where the engine does not say.
        made_by: the instruction that made it, as far as the engine knows it.
    """

    digest: str
    size: int | None
    made_by: str


@dataclass(frozen=True)
class Stack:
    """An image as its layers, from the bottom up."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def size(self) -> int:
        """Bytes of all layers together, as far as they are known."""
        return _total(self.layers)


@dataclass(frozen=True)
class Change:
    """What one layer does to files: those it holds (path to a short content), and those it hides."""

    name: str
    files: dict[str, str]
    removed: frozenset[str] = frozenset()


def _total(layers: Iterable[Layer]) -> int:
    return sum(layer.size or 0 for layer in layers)


def common(left: Stack, right: Stack) -> int:
    """Return how many layers two images share: equal digests counted from the bottom, the first difference ends it."""
    count = 0
    for ours, theirs in zip(left.layers, right.layers, strict=False):
        if ours.digest != theirs.digest:
            break
        count += 1
    return count


def readable(size: int | None) -> str:
    """Return a size in bytes as docker prints it: decimal units, three digits."""
    if size is None:
        return "unknown"
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


def _wrapped(text: str, length: int, lines: int = 3) -> list[str]:
    """Break a command into lines, between words if it can be; what is longer than the last ends in an ellipsis."""
    found = textwrap.wrap(" ".join(text.split()), length, break_on_hyphens=False) or [""]
    return found if len(found) <= lines else [*found[: lines - 1], found[lines - 1][: length - 1] + "…"]


def _draw(axes: Axes, x: float, y: float, width: float, layer: Layer, color: str) -> float:
    """Draw one layer, as high as its instruction needs; return the y above it."""
    lines = _wrapped(layer.made_by, int((width - 1.3) * 8.4))
    height = _HEIGHT + _LINE * (len(lines) - 1)
    axes.add_patch(Rectangle((x, y), width, height, facecolor=color, edgecolor=INK, linewidth=1.0))
    _write(axes, x + 0.15, y + height / 2, lines)
    label(axes, x + width - 0.15, y + height / 2, readable(layer.size), ha="right", size=SMALL, weight="bold")
    return y + height


def _write(axes: Axes, x: float, middle: float, lines: Sequence[str]) -> None:
    """Write lines of code one below the other; a single text could not be told apart from what lies beside it."""
    for number, line in enumerate(lines):
        y = middle + _LINE * ((len(lines) - 1) / 2 - number)
        label(axes, x, y, line, ha="left", size=SMALL, family="monospace")


def two_stacks(left: Stack, right: Stack) -> Figure:
    """Draw two images as stacks; layers that both have lie below, once, across the whole width."""
    shared = common(left, right)
    half, full = 6.2, 12.6
    figure = new_figure(8.6, 1.0)
    axes = canvas(figure, full, 1.0)
    level = 0.6
    for layer in left.layers[:shared]:
        level = _draw(axes, 0.05, level, full - 0.1, layer, _SHARED)
    level += 0.15 if shared else 0
    highest = level
    for x, stack, color in ((0.05, left, SKY), (full - half - 0.05, right, ORANGE)):
        above = level
        for layer in stack.layers[shared:]:
            above = _draw(axes, x, above, half, layer, color)
        label(axes, x + half / 2, above + 0.65, stack.name, weight="bold")
        label(axes, x + half / 2, above + 0.25, f"{readable(stack.size)} on its own", size=SMALL, color=MUTED)
        highest = max(highest, above)
    axes.set_ylim(0, highest + 1.2)
    figure.set_size_inches(8.6, 0.69 * (highest + 1.3))
    story = _story(left, right, shared)
    label(axes, full / 2, 0.22, story, size=SMALL, color=INK)
    return describe(
        figure,
        f"{left.name} with {len(left.layers)} layers and {right.name} with {len(right.layers)}; from below {story}.",
    )


def _story(left: Stack, right: Stack, shared: int) -> str:
    if shared == len(left.layers) == len(right.layers):
        return f"all layers are the same: {readable(left.size)}, unpacked once"
    apart = left.size + right.size
    together = apart - _total(left.layers[:shared])
    count = "1 layer" if shared == 1 else f"{shared} layers"
    return f"{count} shared: {readable(apart)} if each image is counted alone, {readable(together)} unpacked"


def through_the_stack(changes: Sequence[Change]) -> Figure:
    """Draw a table of layers and files, and above it what a container sees.

    Args:
        changes: what each layer does, from the bottom up; a grey bar is what does nothing to the files.
    """
    paths = list(dict.fromkeys(path for change in changes for path in (*change.files, *sorted(change.removed))))
    left, top = 5.5, 0.1
    width = (12.5 - left) / max(len(paths), 1)
    rows = len(changes)
    figure = new_figure(8.6, 1.0)
    axes = canvas(figure, 12.6, 1.0)
    seen: dict[str, str | None] = {}
    for row, change in enumerate(changes):
        lines = _wrapped(change.name, int((left - 0.3) * 8.4))
        y, height = top, 0.75 + 0.28 * (len(lines) - 1)
        top += height
        color = FAINT if change.files or change.removed else _GREY
        axes.add_patch(Rectangle((0.05, y), 12.5, height - 0.1, facecolor=color, edgecolor=INK, linewidth=1.0))
        _write(axes, 0.2, y + height / 2 - 0.05, lines)
        y += height / 2 - 0.375  # the cells lie in the middle
        for column, path in enumerate(paths):
            x = left + column * width
            if path in change.files:
                hidden = any(path in later.files or path in later.removed for later in changes[row + 1 :])
                _cell(axes, x, y, width, change.files[path], PAPER if hidden else YELLOW, MUTED if hidden else INK)
                seen[path] = change.files[path]
            elif path in change.removed:
                _cell(axes, x, y, width, "whiteout", RED, INK)
                seen[path] = None
    axes.set_ylim(0, top + 2.3)
    figure.set_size_inches(8.6, 0.69 * (top + 2.5))
    for column, path in enumerate(paths):
        x = left + column * width
        label(axes, x + width / 2, top + 2.0, path, weight="bold", family="monospace")
        arrow(axes, (x + width / 2, top), (x + width / 2, top + 0.75))
        content = seen[path]
        _cell(axes, x, top + 0.8, width, "no such file" if content is None else content, PAPER, INK)
    label(axes, 0.2, top + 1.15, "what the container sees", ha="left", weight="bold")
    told = "; ".join(f"{path}: {'no such file' if seen[path] is None else seen[path]}" for path in paths)
    return describe(figure, f"{rows} bars, each with the files it holds or hides. The container sees {told}.")


def _cell(axes: Axes, x: float, y: float, width: float, text: str, color: str, ink: str) -> None:
    axes.add_patch(Rectangle((x + 0.1, y + 0.08), width - 0.2, 0.49, facecolor=color, edgecolor=ink, linewidth=0.8))
    label(axes, x + width / 2, y + 0.325, text, size=SMALL, color=ink)
