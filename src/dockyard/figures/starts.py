"""Charts of notebook 1a: what a start costs with and without a guest OS."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from dockyard.figures.style import GREEN, INK, PAPER, PINK, SKY, SMALL, describe, new_figure
from dockyard.figures.virtualization import HARDWARE

ROWS = (PINK, GREEN, SKY)  # a guest OS and a container keep the colours they have in the stacks


def start_costs(
    seconds: Mapping[str, Sequence[float]],
    memory: Mapping[str, float],
    disk: Mapping[str, float],
    own: Mapping[str, float] | None = None,
) -> Figure:
    """Plot what a start took and what it occupies, one row a kind of start, on logarithmic axes.

    Args:
        seconds: kind → duration of each start, in seconds; one dot each.
        memory: kind → memory in use once started, in MiB; 0 where the engine does not say.
        disk: kind → size of the image, in MB (10^6 bytes).
        own: kind → the part of `disk` that is what starts, without what it starts with; hollow where it is a part only.

    Raises:
        ValueError: a kind has no start, or a start that took no time.
    """
    if any(not runs or min(runs) <= 0 for runs in seconds.values()):
        raise ValueError("Each kind needs at least one start, and each start must have taken some time.")
    kinds, own = list(seconds), own or disk
    figure = new_figure(9.0, 3.2)
    figure.set_layout_engine("constrained", w_pad=0.1)
    grid = figure.subplots(1, 3, sharey=True, width_ratios=(1.3, 1, 1))
    _dots(grid[0], "start-up time", [seconds[kind] for kind in kinds], _duration, "median ")
    _dots(grid[1], "memory (MiB)", [[memory[kind]] for kind in kinds], _amount)
    _dots(grid[2], "image on disk (MB)", [[disk[kind]] for kind in kinds], _amount)
    for row, kind in enumerate(kinds):
        if 0 < own[kind] < disk[kind]:
            grid[2].plot(own[kind], row, "o", color=PAPER, markeredgecolor=INK, markersize=8)
            _note(grid[2], own[kind], row, _amount(own[kind]), below=True)
    grid[0].set_yticks(range(len(kinds)), kinds, fontsize=10)
    grid[0].set_ylim(len(kinds) - 0.4, -0.6)
    typical = "; ".join(
        f"{kind}: {_duration(median(seconds[kind]))}, {_amount(memory[kind])} MiB, {_amount(disk[kind])} MB"
        + (f" of which {_amount(own[kind])} MB are its own" if own[kind] < disk[kind] else "")
        for kind in kinds
    )
    return describe(figure, f"Start-up time, memory and image size on logarithmic axes. Medians: {typical}.")


def _dots(
    axes: Axes, title: str, rows: Sequence[Sequence[float]], words: Callable[[float], str], prefix: str = ""
) -> None:
    for row, values in enumerate(rows):
        known = [value for value in values if value > 0]
        axes.plot(known, [row] * len(known), "o", color=ROWS[row % len(ROWS)], markeredgecolor=INK, markersize=8)
        if known:
            _note(axes, median(known), row, prefix + words(median(known)))
    all_known = [value for values in rows for value in values if value > 0] or [1.0]
    axes.set_xscale("log")
    axes.set_xlim(10 ** (math.log10(min(all_known)) - 0.8), 10 ** (math.log10(max(all_known)) + 0.8))
    axes.xaxis.set_major_locator(LogLocator(numticks=4))  # more labels would touch
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    axes.grid(axis="x", color=HARDWARE)
    axes.tick_params(axis="y", left=False)
    _plain(axes, title)


def _note(axes: Axes, x: float, row: int, text: str, *, below: bool = False) -> None:
    place = (0, -11) if below else (0, 11)
    axes.annotate(text, (x, row), place, textcoords="offset points", ha="center", va="center", fontsize=SMALL)


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=SMALL)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def while_one_boots(guest: float, container: float) -> Figure:
    """Draw how many containers would start, one after the other, while one guest boots: a calculation, no record.

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
    axes.annotate(f" room for {whole}, one after the other (computed)", (0, 1.55), va="center", fontsize=SMALL)
    axes.set_xlim(0, guest * 1.02)
    axes.set_xlabel("seconds", fontsize=SMALL)
    _plain(axes, "")
    return describe(
        figure,
        f"Two rows on one time axis of {guest:.1f} seconds: one bar for the boot of a guest OS, and below it, "
        f"computed, {whole} short bars, as many starts of a container as would fit, {_duration(container)} each.",
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _amount(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
