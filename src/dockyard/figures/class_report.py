"""How a class did in a lesson: points, attempts, messages, time to the first pass.

Each function takes plain numbers and texts and returns a figure that can be read for 3 to 300 learners.
"""

from __future__ import annotations

import math
import textwrap
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median, quantiles

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from dockyard.figures.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    PAPER,
    RED,
    SKY,
    SMALL,
    TEXT,
    TITLE,
    describe,
    new_figure,
)

WIDTH = 9.5  # inches, of every page
ROW = 0.3  # inches, of a bar and the room around it
FEW = 8  # times that are drawn one by one
BESIDE = 2.2  # inches of a name beside an axis


@dataclass(frozen=True)
class Tries:
    """How often an exercise's check ran until it first passed, over the class.

    Attributes:
        exercise: its name.
        passed: runs of learners who passed at last, until and with the first pass.
        open: runs of learners who have not passed yet.
        waiting: how many learners those are.
        typical: the median number of runs until the first pass; None where nobody passed.
    """

    exercise: str
    passed: int
    open: int
    waiting: int
    typical: float | None


@dataclass(frozen=True)
class TopMessage:
    """The message that an exercise's check showed most often when it failed.

    Attributes:
        exercise: its name.
        message: the text.
        shown: how often it was shown.
        failures: how many runs failed in all.
        learners: how many learners saw it.
    """

    exercise: str
    message: str
    shown: int
    failures: int
    learners: int


def points_distribution(points: Sequence[float], most: float) -> Figure:
    """Draw how many learners have how many points.

    Args:
        points: of each learner.
        most: what can be earned.
    """
    figure = new_figure(WIDTH, 3.6)
    axes = page_axes(figure, "How the points are distributed", "points", "learners")
    width = max(1, math.ceil(most / 20))
    edges = [width * number - 0.5 for number in range(math.ceil((max([most, *points]) + 0.5) / width) + 1)]
    axes.hist(points, bins=edges, color=BLUE, edgecolor=PAPER, linewidth=1.2)
    middle = median(points)
    axes.axvline(middle, color=RED, linewidth=2, linestyle="--", label=f"median {middle:g} of {most:g}")
    axes.set_xlim(edges[0], edges[-1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0, max(axes.get_ylim()[1], 1) * 1.05)
    _legend_above(axes)
    return describe(
        figure,
        f"Histogram of points of {len(points)} learners: from {min(points):g} to {max(points):g} of {most:g}, "
        f"median {middle:g}.",
    )


def attempts(tries: Sequence[Tries]) -> Figure:
    """Draw where attempts pile up: runs of each check until it first passed, over the class."""
    figure = new_figure(WIDTH, 1.3 + ROW * len(tries))
    axes = page_axes(
        figure, "Where attempts pile up", "runs in all; beside each bar, the median until the first pass", ""
    )
    places = range(len(tries))
    axes.barh(places, [one.passed for one in tries], color=BLUE, height=0.7, label="until the first pass")
    left = [one.passed for one in tries]
    axes.barh(places, [one.open for one in tries], left=left, color=ORANGE, height=0.7, label="not passed yet")
    longest = max([1, *(one.passed + one.open for one in tries)])
    for place, one in zip(places, tries, strict=True):
        said = "nobody passed" if one.typical is None else f"median {one.typical:g}"
        said += f" · {one.waiting} not passed" if one.waiting and one.typical is not None else ""
        said = said if one.passed + one.open else "no runs on file"
        axes.text(one.passed + one.open + longest * 0.01, place, said, va="center", fontsize=SMALL, color=INK)
    _rows(axes, [short(one.exercise) for one in tries])
    axes.set_xlim(0, longest * 1.45)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend_above(axes)
    hardest = max(tries, key=lambda one: one.passed + one.open)
    return describe(
        figure,
        f"Bars of how often each of {len(tries)} checks ran until it first passed. Most runs: {hardest.exercise}, "
        f"{hardest.passed + hardest.open}, with {hardest.waiting} learners who have not passed yet.",
    )


def messages(shown: Sequence[TopMessage]) -> Figure:
    """Draw the message that each exercise showed most, and how large a part of its failures that is.

    Args:
        shown: exercises that failed at least once.
    """
    texts = [_wrapped(one.message) for one in shown]
    heights = [1.45 + len(lines) for lines in texts]
    figure = new_figure(WIDTH, 0.9 + 0.185 * sum(heights))
    axes = page_axes(figure, "The message that each exercise showed most", "", "")
    axes.set_axis_off()
    axes.set(xlim=(0, 100), ylim=(sum(heights), -0.2))
    top = 0.0
    for one, lines, height in zip(shown, texts, heights, strict=True):
        axes.text(0, top, short(one.exercise, 5.0), fontsize=TEXT, fontweight="bold", va="top", color=INK)
        axes.text(0, top + 1.1, "\n".join(lines), fontsize=SMALL, va="top", color=INK, parse_math=False)
        part = one.shown / one.failures
        axes.barh(top + 0.5, 14, left=70, height=0.8, color=FAINT)
        axes.barh(top + 0.5, 14 * part, left=70, height=0.8, color=ORANGE)
        axes.text(85, top + 0.5, f"{one.shown} of {one.failures} failures", fontsize=SMALL, va="center", color=INK)
        top += height
    first = max(shown, key=lambda one: one.shown)
    return describe(
        figure,
        f"The most frequent message of each of {len(shown)} exercises. Most often of all: “{first.message[:160]}”, "
        f"shown {first.shown} times in {first.exercise}. The table below the picture has all of them.",
    )


def times_to_pass(exercises: Sequence[str], seconds: Sequence[Sequence[float]]) -> Figure:
    """Draw the time from the first run of each check to the first that passed.

    Args:
        exercises: their names.
        seconds: for each exercise the times of learners who passed, in seconds; 0 for a pass at the first run.
    """
    figure = new_figure(WIDTH, 1.6 + ROW * len(exercises))
    axes = page_axes(
        figure,
        "From the first run to the first pass",
        "time of those who did not pass at once\nbox: middle half · line: 5 % to 95 % · red: median",
        "",
    )
    axes.set_xscale("log")
    later = [[time for time in times if time > 0] for times in seconds]
    boxes = [(place, times) for place, times in enumerate(later) if times]
    for place, times in boxes:
        _spread(axes, place, times)
    longest = max([3600.0, *(time for times in later for time in times)])
    ticks = [(1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (36000, "10 h")]
    ticks += [(86400 * days, f"{days} days") for days in (3, 30)]
    shown = [tick for tick in ticks if tick[0] <= longest * 1.2]
    axes.set_xticks([place for place, _ in shown], [text for _, text in shown], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xlim(min([0.8, *(time * 0.8 for times in later for time in times)]), longest * 1.3)
    _rows(axes, [_at_once(name, times) for name, times in zip(exercises, seconds, strict=True)])
    slow = max(boxes, key=lambda box: median(box[1]), default=None)
    said = f" Longest median: {exercises[slow[0]]}, {median(slow[1]) / 60:.1f} minutes." if slow else ""
    return describe(
        figure,
        f"The time from first to first passed run for {len(exercises)} exercises, drawn on a logarithmic scale; "
        f"beside each name, how many passed at once.{said}",
    )


def short(name: str, most: float = BESIDE) -> str:
    """Return a name cut to so many inches of the smallest letters; what was cut ends in …

    Letters that break the line or turn the writing round are drawn as ·
    """
    name = "".join(letter if letter.isprintable() else "·" for letter in name)
    if inches(name) <= most:
        return name
    fits = bisect_left(range(len(name)), True, key=lambda length: inches(name[: length + 1] + "…") > most)
    return name[:fits] + "…"


@lru_cache(4096)
def inches(text: str) -> float:
    """Return how long a text is in the smallest letters."""
    font = FontProperties(size=SMALL)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def page_axes(figure: Figure, title: str, across: str, up: str) -> Axes:
    """Return the axes of a page with its title and the words beside both axes."""
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=TITLE, loc="left", color=INK)
    axes.set_xlabel(across, fontsize=TEXT)
    axes.set_ylabel(up, fontsize=TEXT)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=SMALL, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", color=FAINT)
    axes.set_axisbelow(True)


def _legend_above(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=5, fontsize=SMALL, frameon=False, borderaxespad=0.2)


def _spread(axes: Axes, place: int, times: Sequence[float]) -> None:
    """Draw a dot for each time where there are few, else a box from quartile to quartile; a line at the median."""
    if len(times) <= FEW:
        axes.plot(times, [place] * len(times), "o", color=BLUE, markersize=5, zorder=3)
    else:
        parts = quantiles(times, n=20, method="inclusive")
        axes.plot([parts[0], parts[-1]], [place, place], color=INK, linewidth=1)
        axes.barh(place, parts[14] - parts[4], left=parts[4], height=0.6, color=SKY, edgecolor=INK, linewidth=1)
    if len(times) > 1:
        axes.plot([median(times)] * 2, [place - 0.33, place + 0.33], color=RED, linewidth=2.5)


def _wrapped(message: str) -> list[str]:
    """Break a message into at most three lines that fit across a page, whatever letters it has."""
    for most in (140, 120, 100, 80, 60):
        lines = textwrap.wrap(message, most) or [""]
        lines = lines if len(lines) <= 3 else [*lines[:2], short(" ".join(lines[2:]), WIDTH - 0.5)]
        if max(inches(line) for line in lines) < WIDTH - 0.4:
            break
    return lines


def _at_once(name: str, times: Sequence[float]) -> str:
    if not times:
        return f"{short(name)} (nobody yet)"
    return f"{short(name)} ({sum(time <= 0 for time in times)} of {len(times)} at once)"
