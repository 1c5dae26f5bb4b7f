"""Figures of notebook 1a: where a virtualization layer sits, and what a start costs with and without a guest OS."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dockyard.figures.style import (
    FAINT,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PINK,
    SKY,
    SMALL,
    TITLE,
    YELLOW,
    arrow,
    canvas,
    container_box,
    describe,
    host_box,
    label,
    layer,
    new_figure,
)

KINDS = ("hosted", "hypervisor", "container")
EXAMPLES = {
    "hosted": "VirtualBox, VMware Fusion",
    "hypervisor": "ESXi, Xen, Hyper-V, KVM",
    "container": "Docker, Podman, containerd",
}
HARDWARE = "#d9dde3"  # a grey that is darker than a host's, lighter than text
PALE = "#f7f8fa"
ROWS = (PINK, GREEN, SKY)  # a guest OS and a container keep the colours they have in the stacks


def stacks(highlight: str | None = None) -> Figure:
    """Draw the three kinds of server virtualization side by side.

    Args:
        highlight: one of `KINDS`, to draw the other two pale; None draws all three alike.

    Raises:
        ValueError: `highlight` is no kind.
    """
    if highlight is not None and highlight not in KINDS:
        raise ValueError(f"There is no kind {highlight!r}; the kinds are {', '.join(KINDS)}.")
    figure = new_figure(9.0, 4.2)
    axes = canvas(figure, 18.6, 8.6)
    for index, (kind, draw) in enumerate(zip(KINDS, (_hosted, _hypervisor, _container), strict=True)):
        x = 0.3 + index * 6.2
        label(axes, x + 2.8, 8.2, kind.capitalize(), size=TITLE, weight="bold")
        label(axes, x + 2.8, 7.5, EXAMPLES[kind], size=SMALL, color=MUTED)
        host_box(axes, x, 0.3, 5.6, 6.6, color=PALE)
        layer(axes, x + 0.2, 0.5, 5.2, 1.1, "hardware", color=HARDWARE)
        draw(axes, x)
        if highlight not in (None, kind):
            axes.fill_between([x - 0.1, x + 5.7], 0.2, 8.6, color="#ffffff", alpha=0.75, zorder=5, linewidth=0)
    return describe(
        figure,
        "Three stacks on the same hardware. Hosted: a host OS, on it a browser, an editor and VirtualBox, which "
        "carries two guest OSes with one application each. Hypervisor: the hypervisor directly on the hardware, on it "
        "two guest OSes with one application each. Container: a host OS, on it the container engine and, beside it, "
        "three containers with one application each and no guest OS."
        + (f" The {highlight} stack is emphasised." if highlight else ""),
    )


def _hosted(axes: Axes, x: float) -> None:
    layer(axes, x + 0.2, 1.7, 5.2, 1.1, "host OS", color=SKY)
    layer(axes, x + 0.2, 2.9, 1.6, 1.1, "browser", color=GREEN)
    layer(axes, x + 1.9, 2.9, 3.5, 1.1, "VirtualBox", color=ORANGE)
    _guests(axes, (x + 1.9, x + 3.7), 4.1, 1.7)


def _hypervisor(axes: Axes, x: float) -> None:
    layer(axes, x + 0.2, 1.7, 5.2, 1.1, "hypervisor", color=ORANGE)
    _guests(axes, (x + 0.2, x + 2.85), 2.9, 2.55)


def _guests(axes: Axes, xs: Sequence[float], y: float, width: float) -> None:
    for x, application in zip(xs, ("mail", "PHP"), strict=True):
        layer(axes, x, y, width, 1.1, "guest OS", color=PINK)
        layer(axes, x, y + 1.2, width, 1.1, application, color=GREEN)


def _container(axes: Axes, x: float) -> None:
    layer(axes, x + 0.2, 1.7, 5.2, 1.1, "host OS", color=SKY)
    layer(axes, x + 0.2, 2.9, 1.6, 1.1, "engine", color=ORANGE)
    for offset, application in ((1.9, "mail"), (3.08, "PHP"), (4.26, "SQL")):
        container_box(axes, x + offset, 2.9, 1.12, 1.1, application, color=GREEN, size=SMALL)


def blurred_line() -> Figure:
    """Draw the two products that do not fit the three stacks: Hyper-V under Windows, and KVM inside Linux."""
    figure = new_figure(9.0, 3.4)
    axes = canvas(figure, 18.6, 7.0)
    for index, title in enumerate(("Hyper-V, as it looks", "Hyper-V, as it is", "KVM")):
        x = 0.3 + index * 6.2
        label(axes, x + 2.8, 6.4, title, size=TITLE, weight="bold")
        host_box(axes, x, 0.3, 5.6, 5.3, color=PALE)
        layer(axes, x + 0.2, 0.5, 5.2, 1.1, "hardware", color=HARDWARE)
    layer(axes, 0.5, 1.7, 5.2, 1.1, "Windows", color=SKY)
    layer(axes, 0.5, 2.9, 5.2, 1.1, "Hyper-V", color=ORANGE)
    layer(axes, 0.5, 4.1, 5.2, 1.1, "guest OS", color=PINK)
    layer(axes, 6.7, 1.7, 5.2, 1.1, "Hyper-V", color=ORANGE)
    layer(axes, 6.7, 2.9, 2.55, 1.6, "Windows\n(root partition)", color=SKY)
    layer(axes, 9.35, 2.9, 2.55, 1.6, "guest OS\n(child partition)", color=PINK)
    layer(axes, 12.9, 1.7, 3.3, 1.1, "Linux kernel", color=SKY)
    layer(axes, 16.2, 1.7, 1.9, 1.1, "+ KVM", color=ORANGE)
    layer(axes, 12.9, 2.9, 1.6, 2.3, "browser", color=GREEN)
    layer(axes, 14.6, 2.9, 3.5, 1.1, "QEMU (a process)", color=FAINT)
    layer(axes, 14.6, 4.1, 3.5, 1.1, "guest OS", color=PINK)
    return describe(
        figure,
        "Three stacks. Hyper-V as it looks: hardware, Windows, Hyper-V on Windows, a guest OS on Hyper-V. Hyper-V as "
        "it is: hardware, Hyper-V on it, and side by side on Hyper-V Windows in the root partition and a guest OS in "
        "a child partition. KVM: hardware, a Linux kernel of which KVM is a part, and on it a browser and the process "
        "QEMU with a guest OS inside.",
    )


def kernels(host: str, container: str, guest: str) -> Figure:
    """Draw which kernel serves an application in a container and one in a virtual machine.

    Args:
        host, container, guest: what `uname -r` printed in each. Equal releases get one colour.
    """
    shades = {host: SKY}
    for release in (container, guest):
        shades.setdefault(release, (SKY, PINK, YELLOW)[len(shades)])
    figure = new_figure(9.0, 4.6)
    axes = canvas(figure, 18.0, 9.3)
    host_box(axes, 0.2, 0.2, 17.6, 8.9, color=PALE)
    layer(axes, 0.5, 0.5, 17.0, 1.0, "hardware", color=HARDWARE)
    layer(axes, 0.5, 1.9, 17.0, 1.4, f"kernel of the host\n{host}", color=shades[host])
    container_box(axes, 0.9, 4.4, 7.0, 3.7, color=PALE)
    label(axes, 4.4, 7.65, "container", weight="bold")
    layer(axes, 1.4, 5.6, 6.0, 1.5, f"application\nuname -r: {container}", color=GREEN)
    arrow(axes, (4.4, 5.55), (4.4, 3.35))
    label(axes, 4.65, 3.9, "system calls", size=SMALL, ha="left")
    layer(axes, 9.2, 3.7, 7.9, 5.0, color=FAINT)
    label(axes, 13.15, 8.25, "virtual machine", weight="bold")
    layer(axes, 10.15, 6.4, 6.0, 1.5, f"application\nuname -r: {guest}", color=GREEN)
    arrow(axes, (13.15, 6.35), (13.15, 5.45))
    label(axes, 13.4, 5.9, "system calls", size=SMALL, ha="left")
    layer(axes, 9.6, 4.0, 7.1, 1.4, f"kernel of the guest\n{guest}", color=shades[guest])
    return describe(
        figure,
        f"Hardware, on it the kernel of the host, {host}. A container on the left: its application makes system calls "
        f"directly to the host's kernel and sees the release {container}. A virtual machine on the right: its "
        f"application makes system calls to the guest's own kernel, {guest}, inside the machine.",
    )


def start_costs(
    seconds: Mapping[str, Sequence[float]], memory: Mapping[str, float], disk: Mapping[str, float]
) -> Figure:
    """Plot what a start took and what it occupies, one row a kind of start.

    Args:
        seconds: kind → duration of each start, in seconds; one dot each, on a logarithmic axis.
        memory: kind → memory in use once started, in MiB.
        disk: kind → size of the image, in MB (10^6 bytes).

    Raises:
        ValueError: a kind has no start, or a start that took no time.
    """
    if any(not runs or min(runs) <= 0 for runs in seconds.values()):
        raise ValueError("Each kind needs at least one start, and each start must have taken some time.")
    kinds = list(seconds)
    figure = new_figure(9.0, 3.2)
    grid = figure.subplots(1, 3, sharey=True, width_ratios=(2.2, 1, 1))
    _dots(grid[0], [seconds[kind] for kind in kinds])
    grid[0].set_yticks(range(len(kinds)), kinds, fontsize=10)
    grid[0].set_ylim(len(kinds) - 0.4, -0.6)
    for axes, title, values, unit in ((grid[1], "memory", memory, "MiB"), (grid[2], "image on disk", disk, "MB")):
        _bars(axes, title, [values[kind] for kind in kinds], unit)
    typical = "; ".join(
        f"{kind}: {_duration(median(seconds[kind]))}, {_amount(memory[kind])} MiB, {_amount(disk[kind])} MB"
        for kind in kinds
    )
    return describe(figure, f"Start-up time on a logarithmic axis, memory and image size. Medians: {typical}.")


def _dots(axes: Axes, rows: Sequence[Sequence[float]]) -> None:
    for row, runs in enumerate(rows):
        axes.plot(runs, [row] * len(runs), "o", color=ROWS[row % len(ROWS)], markeredgecolor=INK, markersize=8)
        middle = median(runs)
        axes.annotate(
            _duration(middle), (middle, row), (0, 11), textcoords="offset points", ha="center", fontsize=SMALL
        )
    low, high = min(map(min, rows)), max(map(max, rows))
    axes.set_xscale("log")
    axes.set_xlim(10 ** math.floor(math.log10(low / 1.5)), 10 ** math.ceil(math.log10(high * 1.5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _duration(value)))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    axes.grid(axis="x", color=HARDWARE)
    _plain(axes, "start-up time (each step is × 10)")


def _bars(axes: Axes, title: str, values: Sequence[float], unit: str) -> None:
    colors = [ROWS[row % len(ROWS)] for row in range(len(values))]
    axes.barh(range(len(values)), values, height=0.45, color=colors, edgecolor=INK)
    for row, value in enumerate(values):
        axes.annotate(
            f"{_amount(value)} {unit}", (value, row), (4, 0), textcoords="offset points", va="center", fontsize=SMALL
        )
    axes.set_xlim(0, max(values) * 1.6 or 1)
    axes.set_xticks([])
    axes.tick_params(left=False)
    _plain(axes, title)


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=SMALL)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def while_one_boots(guest: float, container: float) -> Figure:
    """Draw how many containers start, one after the other, while one guest boots.

    Args:
        guest: seconds from the start of the virtual machine until its guest OS answered.
        container: seconds from the request for a container until it answered.
    """
    whole = int(guest // container)
    figure = new_figure(9.0, 2.3)
    axes = figure.subplots()
    axes.barh(0, guest, height=0.5, color=PINK, edgecolor=INK)
    axes.annotate("one guest OS boots", (guest / 2, 0), ha="center", va="center", fontsize=10)
    edges = [container * number for number in range(whole + 1)]
    for start, end in pairwise(edges):
        thin = 0.8 if whole < 60 else 0.2  # else the outlines would hide the bars
        axes.barh(1, end - start, left=start, height=0.5, color=GREEN, edgecolor=INK, linewidth=thin)
    axes.set_yticks((0, 1), ("virtual machine", "containers"), fontsize=10)
    axes.set_ylim(1.9, -0.5)
    number = f"{whole} container{'' if whole == 1 else 's'}"
    axes.annotate(f" {number} started, one after the other", (0, 1.55), va="center", fontsize=SMALL)
    axes.set_xlim(0, guest * 1.02)
    axes.set_xlabel("seconds", fontsize=SMALL)
    _plain(axes, "")
    return describe(
        figure,
        f"Two rows on one time axis of {guest:.1f} seconds: one bar for the boot of a guest OS, and below it {whole} "
        f"short bars, each the start of a container, {_duration(container)}.",
    )


def delivery() -> Figure:
    """Draw the way of one image from a laptop through a registry to the places that run it."""
    figure = new_figure(9.0, 3.0)
    axes = canvas(figure, 18.6, 6.2)
    host_box(axes, 0.3, 1.1, 4.2, 4.0, "laptop", color=FAINT)
    container_box(axes, 0.9, 3.6, 3.0, 1.2, "test run", color=GREEN)
    host_box(axes, 7.2, 1.1, 4.2, 4.0, "registry", color=FAINT)
    for x in (0.9, 7.8):
        for number in range(3):
            layer(axes, x, 1.75 + number * 0.5, 3.0, 0.5, "image" if number == 1 else "", color=YELLOW)
    label(axes, 9.3, 4.2, "Docker Hub, ECR,\nArtifact Registry", size=SMALL)
    arrow(axes, (4.6, 2.5), (7.1, 2.5), "push")
    for index, place in enumerate(("ECS", "GKE", "your own Kubernetes")):
        y = 4.3 - index * 1.75
        host_box(axes, 14.0, y, 4.3, 1.55, color=FAINT)
        container_box(axes, 14.3, y + 0.2, 3.7, 1.15, place, color=GREEN, size=SMALL)
        arrow(axes, (11.5, 2.9), (13.9, y + 0.75))
    label(axes, 12.1, 4.6, "pull", size=SMALL)
    return describe(
        figure,
        "An image is built and tried on a laptop, pushed to a registry (Docker Hub, ECR, Artifact Registry) and pulled "
        "from there by ECS, GKE or your own Kubernetes, which run containers from the same image.",
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _amount(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
