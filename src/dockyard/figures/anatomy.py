"""Figures of notebook 1b made from live data: what a command said to the Engine, and who is whose parent process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dockyard.figures.platform import CLIENT, ENGINE
from dockyard.figures.style import (
    BLUE,
    FAINT,
    INK,
    MUTED,
    PAPER,
    SMALL,
    arrow,
    canvas,
    container_box,
    describe,
    label,
    layer,
    new_figure,
)


class Node(Protocol):
    """What `process_tree` needs to know of a process (`dockyard.lab.anatomy.Process` is one)."""

    @property
    def pid(self) -> int: ...
    @property
    def parent(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def container(self) -> str: ...


def conversation(command: str, requests: Sequence[tuple[str, str]]) -> Figure:
    """Draw what a command said to the Engine, as a sequence from top to bottom.

    Args:
        command: the command line, for the heading.
        requests: method and path of each request, in order.
    """
    rows = max(len(requests), 1)
    figure = new_figure(8.6, 1.5 + 0.42 * rows)
    height = 3.0 + 0.84 * rows
    axes = canvas(figure, 17.2, height)
    for x, name, color in ((0.2, "CLI", CLIENT), (14.8, "Engine", ENGINE)):
        layer(axes, x, height - 1.9, 2.2, 0.9, name, color=color)
        axes.plot([x + 1.1, x + 1.1], [0.3, height - 1.9], color=MUTED, linewidth=1.2, linestyle=":")
    label(axes, 8.6, height - 0.4, _cut(command, 90), family="monospace")
    for index, (method, path) in enumerate(requests):
        y = height - 2.8 - index * 0.84
        arrow(axes, (1.35, y), (15.85, y), color=BLUE)
        label(axes, 8.6, y + 0.26, _cut(f"{method} {path}", 84), size=SMALL, family="monospace")
    if not requests:
        label(axes, 8.6, height - 2.6, "not one request", size=SMALL, color=MUTED)
    said = "; ".join(f"{method} {path}" for method, path in requests) or "none"
    return describe(figure, f"Requests from the CLI to the Engine for the command {command}, in order: {said}.")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def process_tree(nodes: Sequence[Node]) -> Figure:
    """Draw a tree of processes, parents on the left, each with its PID on the Engine's host.

    Args:
        nodes: the processes; a process whose parent is not among them is a root.

    Raises:
        ValueError: there is no process to draw.
    """
    places = _places(nodes)
    if not places:
        raise ValueError("There is no process to draw.")
    depth = 1 + max(column for column, _ in places.values())
    rows = 1 + max(row for _, row in places.values())
    width, height = 4.9 * depth + 0.4, 1.9 * rows + 1.3
    figure = new_figure(max(7.0, width / 2), height / 2)
    axes = canvas(figure, max(14.0, width), height)
    colors = {"daemon": ENGINE, "shim": ENGINE, "container": PAPER}
    for node in nodes:
        column, row = places[node.pid]
        x, y = 0.2 + column * 4.9, height - 1.9 * (row + 1) - 0.1
        if node.parent in places:
            _branch(axes, places[node.parent], (column, row), height)
        box = container_box if node.kind == "container" else layer
        box(axes, x, y, 3.8, 1.4, color=colors.get(node.kind, FAINT))
        label(axes, x + 1.9, y + 0.95, node.name, weight="bold")
        label(axes, x + 1.9, y + 0.42, f"PID {node.pid}", size=SMALL)
        if node.container:
            label(axes, x + 1.9, y - 0.3, f"PID 1 inside {node.container}", size=SMALL)
    note = "PIDs as the Engine's host counts them; other containers and daemons are left out"
    label(axes, 0.2, 0.3, note, size=SMALL, color=MUTED, ha="left")
    return describe(figure, f"Tree of processes on the Engine's host. {_in_words(nodes)}")


def _places(nodes: Sequence[Node]) -> dict[int, tuple[int, int]]:
    """Return column and row of each process: a parent stands in the row of its first child."""
    known = {node.pid for node in nodes}
    places: dict[int, tuple[int, int]] = {}
    free_row = 0

    def place(node: Node, column: int) -> None:
        nonlocal free_row
        places[node.pid] = (column, free_row)
        children = [child for child in nodes if child.parent == node.pid]
        for index, child in enumerate(children):
            free_row += bool(index)
            place(child, column + 1)

    for root in (node for node in nodes if node.parent not in known):
        free_row += bool(places)
        place(root, 0)
    return places


def _branch(axes: Axes, parent: tuple[int, int], child: tuple[int, int], height: float) -> None:
    x, bend, end = 0.2 + parent[0] * 4.9 + 3.8, 0.2 + child[0] * 4.9 - 0.55, 0.2 + child[0] * 4.9
    from_y, to_y = (height - 1.9 * (row + 1) + 0.6 for _, row in (parent, child))
    axes.plot([x, bend, bend, end], [from_y, from_y, to_y, to_y], color=INK, linewidth=1.3, zorder=0)


def _in_words(nodes: Sequence[Node]) -> str:
    names = {node.pid: node.name for node in nodes}
    return " ".join(
        f"{node.name} has PID {node.pid}"
        + (f", its parent is {names[node.parent]}" if node.parent in names else "")
        + (f"; inside {node.container} it is PID 1." if node.container else ".")
        for node in nodes
    )
