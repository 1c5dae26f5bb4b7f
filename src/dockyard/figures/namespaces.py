"""Figures of Linux namespaces: who shares which, and one process with two numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dockyard.figures.style import (
    INK,
    MUTED,
    PAPER,
    SMALL,
    arrow,
    canvas,
    container_box,
    describe,
    host_box,
    label,
    new_figure,
)

# What each kind keeps apart: namespaces(7). Order: the year from which it could be used, see clone(2). (The first user
# namespaces are of 2007, but were of use only from Linux 3.8, 2013.)
KINDS = {
    "mnt": "mounts: the file tree",
    "uts": "host name",
    "ipc": "System V memory, queues",
    "pid": "process numbers",
    "net": "interfaces, ports",
    "user": "user numbers",
    "cgroup": "root of the cgroups",
    "time": "clocks since boot",
}
# One tint for each place, light enough for dark text; the first (grey) is always the host's.
TINTS = ("#d5d9df", "#9fd3f2", "#f6c667", "#8fd4bd", "#e6bcd3")


class Seen(NamedTuple):
    """One process, seen from two sides: its container, its command, its numbers inside and on the host."""

    container: str
    command: str
    inside: int
    outside: int


def namespace_map(places: Mapping[str, Mapping[str, int]]) -> Figure:
    """Draw a grid of namespace inodes in which equal ones have one colour.

    Args:
        places: for each place ("host" first, then containers) the inode of each namespace, by its name in
            /proc/PID/ns. Kinds that the kernel lacks are left out of the grid. Without a host the map says so.

    Raises:
        ValueError: there are more places than tints.
    """
    tints = TINTS if "host" in places else TINTS[1:]
    if len(places) > len(tints):
        raise ValueError(f"{len(places)} places were given; the map has room for {len(tints)}.")
    kinds = [kind for kind in KINDS if any(kind in inodes for inodes in places.values())]
    left, width, height = 4.6, 2.5, 0.55
    top = height * len(kinds) + 0.2
    note = "" if "host" in places else "This engine does not let a container look at its host, so the host is left out."
    page = left + (width + 0.1) * max(len(places), 3) + 0.1
    figure = new_figure(8.6, 0.72 * (top + (1.5 if note else 1.0)))
    axes = canvas(figure, page, top + 0.8)
    if note:
        axes.set_ylim(-0.5, top + 0.8)
        label(axes, page / 2, -0.25, note, size=SMALL, color=MUTED)
    for column, place in enumerate(places):
        label(axes, left + column * (width + 0.1) + width / 2, top + 0.35, place, weight="bold")
    shared: list[str] = []
    for row, kind in enumerate(kinds):
        y = top - (row + 1) * height
        label(axes, 0.1, y + height / 2, kind, ha="left", weight="bold", family="monospace")
        label(axes, 1.35, y + height / 2, KINDS[kind], ha="left", size=SMALL, color=MUTED)
        owners: dict[int, int] = {}
        for column, inodes in enumerate(places.values()):
            if kind not in inodes:
                continue
            owner = owners.setdefault(inodes[kind], column)
            x = left + column * (width + 0.1)
            axes.add_patch(Rectangle((x, y + 0.03), width, height - 0.06, facecolor=tints[owner], edgecolor=PAPER))
            label(axes, x + width / 2, y + height / 2, str(inodes[kind]), size=SMALL, family="monospace")
        shared += [f"{kind} ({len(owners)} different)"]
    return describe(
        figure,
        f"A grid of namespace inodes for {', '.join(places)}; equal inodes have one colour. {', '.join(shared)}."
        + f" {note}".rstrip(),
    )


def two_numbers(processes: Sequence[Seen]) -> Figure:
    """Draw a process of each container with its number inside and its number on the host."""
    width = 12.6
    figure = new_figure(8.6, 3.1)
    axes = canvas(figure, width, 4.5)
    host_box(axes, 0.1, 0.1, width - 0.2, 4.3)
    label(axes, 0.4, 0.45, "host (or the VM in which the Engine runs)", ha="left", size=SMALL, color=MUTED)
    room = (width - 0.6) / max(len(processes), 1)
    for number, seen in enumerate(processes):
        x = 0.3 + number * room
        middle = x + room / 2
        container_box(axes, x + 0.15, 2.0, room - 0.3, 1.9, color=TINTS[1 + number % (len(TINTS) - 1)])
        label(axes, middle, 3.5, seen.container, size=SMALL, color=INK, weight="bold")
        label(axes, middle, 3.05, seen.command, size=SMALL, family="monospace")
        label(axes, middle, 2.5, f"PID {seen.inside}", size=13, weight="bold")
        arrow(axes, (middle, 2.05), (middle, 1.35))
        label(axes, middle, 1.05, f"PID {seen.outside}", size=13, weight="bold")
    told = "; ".join(
        f"{seen.container}: PID {seen.inside} inside, PID {seen.outside} on the host" for seen in processes
    )
    return describe(figure, f"The host as outer box, in it a box for each container. {told}.")
