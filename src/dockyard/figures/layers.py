"""Figures of image layers: two stacks with their common part, and a file tree seen through a stack."""

from __future__ import annotations

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

_SHARED = "#8fd4bd"  # GREEN, light enough for dark text


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


def _shorten(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def _draw(axes: Axes, x: float, y: float, width: float, layer: Layer, color: str) -> None:
    height = 0.62
    axes.add_patch(Rectangle((x, y), width, height, facecolor=color, edgecolor=INK, linewidth=1.0))
    room = int((width - 1.3) * 8.4)
    label(axes, x + 0.15, y + height / 2, _shorten(layer.made_by, room), ha="left", size=SMALL, family="monospace")
    label(axes, x + width - 0.15, y + height / 2, readable(layer.size), ha="right", size=SMALL, weight="bold")


def two_stacks(left: Stack, right: Stack) -> Figure:
    """Draw two images as stacks; layers that both have lie below, once, across the whole width."""
    shared = common(left, right)
    tops = (left.layers[shared:], right.layers[shared:])
    height, half, full = 0.62, 6.2, 12.6
    level = 0.6 + shared * height + (0.15 if shared else 0)
    highest = level + height * max(len(top) for top in tops)
    figure = new_figure(8.6, 0.69 * (highest + 1.3))
    axes = canvas(figure, full, highest + 1.2)
    for number in range(shared):
        _draw(axes, 0.05, 0.6 + number * height, full - 0.1, left.layers[number], _SHARED)
    for x, stack, top, color in ((0.05, left, tops[0], SKY), (full - half - 0.05, right, tops[1], ORANGE)):
        for number, layer in enumerate(top):
            _draw(axes, x, level + number * height, half, layer, color)
        above = level + len(top) * height
        label(axes, x + half / 2, above + 0.65, stack.name, weight="bold")
        label(axes, x + half / 2, above + 0.25, f"{readable(stack.size)} on its own", size=SMALL, color=MUTED)
    apart = left.size + right.size
    together = apart - _total(left.layers[:shared])
    count = "1 layer" if shared == 1 else f"{shared} layers"
    story = f"{count} shared: {readable(apart)} if each image is counted alone, {readable(together)} on disk"
    label(axes, full / 2, 0.22, story, size=SMALL, color=INK)
    return describe(
        figure,
        f"{left.name} with {len(left.layers)} layers and {right.name} with {len(right.layers)}; from below {story}.",
    )


def through_the_stack(changes: Sequence[Change]) -> Figure:
    """Draw a table of layers and files, and above it what a container sees.

    Args:
        changes: what each layer does, from the bottom up.
    """
    paths = list(dict.fromkeys(path for change in changes for path in (*change.files, *sorted(change.removed))))
    left, height = 4.1, 0.75
    width = (12.5 - left) / max(len(paths), 1)
    rows = len(changes)
    figure = new_figure(8.6, 0.69 * (rows * height + 2.6))
    axes = canvas(figure, 12.6, rows * height + 2.4)
    seen: dict[str, str | None] = {}
    for row, change in enumerate(changes):
        y = 0.1 + row * height
        axes.add_patch(Rectangle((0.05, y), 12.5, height - 0.1, facecolor=FAINT, edgecolor=INK, linewidth=1.0))
        label(axes, 0.2, y + height / 2 - 0.05, _shorten(change.name, 26), ha="left", size=SMALL, family="monospace")
        for column, path in enumerate(paths):
            x = left + column * width
            if path in change.files:
                hidden = any(path in later.files or path in later.removed for later in changes[row + 1 :])
                _cell(axes, x, y, width, change.files[path], PAPER if hidden else YELLOW, MUTED if hidden else INK)
                seen[path] = change.files[path]
            elif path in change.removed:
                _cell(axes, x, y, width, "whiteout", RED, INK)
                seen[path] = None
    top = 0.1 + rows * height
    for column, path in enumerate(paths):
        x = left + column * width
        label(axes, x + width / 2, top + 2.0, path, weight="bold", family="monospace")
        arrow(axes, (x + width / 2, top), (x + width / 2, top + 0.75))
        content = seen[path]
        _cell(axes, x, top + 0.8, width, "no such file" if content is None else content, PAPER, INK)
    label(axes, 0.2, top + 1.15, "what the container sees", ha="left", weight="bold")
    told = "; ".join(f"{path}: {'no such file' if seen[path] is None else seen[path]}" for path in paths)
    return describe(figure, f"{rows} layers, each with the files it holds or hides. The container sees {told}.")


def _cell(axes: Axes, x: float, y: float, width: float, text: str, color: str, ink: str) -> None:
    axes.add_patch(Rectangle((x + 0.1, y + 0.08), width - 0.2, 0.49, facecolor=color, edgecolor=ink, linewidth=0.8))
    label(axes, x + width / 2, y + 0.325, text, size=SMALL, color=ink)
