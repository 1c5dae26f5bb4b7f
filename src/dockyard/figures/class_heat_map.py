"""Exercise × learner: who has the points of what, for 3 to 300 learners."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from dockyard.figures.class_report import WIDTH, inches, page_axes, short
from dockyard.figures.style import (
    BLUE,
    FAINT,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    SKY,
    SMALL,
    TEXT,
    YELLOW,
    describe,
    new_figure,
)

NAMED = 50  # learners whose names fit beside a heat map that is still one screen high
STATES = (
    ("full", "full points", BLUE),
    ("part", "part of the points", SKY),
    ("none", "no points", ORANGE),
    ("open", "waits for a person", YELLOW),
    ("missing", "not graded", FAINT),
)
MARKS = {"part": "_", "none": "x", "open": "o", "missing": "."}  # matplotlib's; where rows are high enough for them


def heat_maps(learners: Sequence[str], exercises: Sequence[str], states: Sequence[Sequence[str]]) -> list[Figure]:
    """Draw exercise × learner: one map with names, or for a large class one without and then pages with names.

    Args:
        learners, exercises: their names, in the order in which they are drawn.
        states: for each learner and each exercise one of the words in `STATES`.
    """
    if len(learners) <= NAMED:
        return [_heat_map(learners, exercises, states, "Exercise by learner, most points on top")]
    whole = f"The whole class of {len(learners)}, most points on top"
    figures = [_heat_map([], exercises, states, whole)]
    pages = math.ceil(len(learners) / NAMED)
    size = math.ceil(len(learners) / pages)
    for start in range(0, len(learners), size):
        names = learners[start : start + size]
        title = f"Learners {start + 1} to {start + len(names)} of {len(learners)}, by points"
        figures.append(_heat_map(names, exercises, states[start : start + size], title))
    return figures


def _heat_map(learners: Sequence[str], exercises: Sequence[str], states: Sequence[Sequence[str]], title: str) -> Figure:
    number = len(states)
    row = 0.19 if learners else min(0.19, 6.0 / number)
    figure = new_figure(WIDTH, 1.1 + row * number + max(inches(short(name)) for name in exercises))
    axes = page_axes(figure, title, "", "")
    order = [word for word, _, _ in STATES]
    values = [[order.index(word) for word in line] for line in states]
    colours = ListedColormap([colour for _, _, colour in STATES])
    limits = (-0.5, len(order) - 0.5)
    axes.pcolormesh(values, cmap=colours, clim=limits, edgecolors=PAPER, linewidth=1.0 if learners else 0.0)
    for word, mark in MARKS.items() if learners else ():
        places = [(x + 0.5, y + 0.5) for y, line in enumerate(states) for x, one in enumerate(line) if one == word]
        axes.plot([x for x, _ in places], [y for _, y in places], **_drawn(mark))
    axes.set_ylim(number, 0)
    axes.set_xticks([place + 0.5 for place in range(len(exercises))], [short(name) for name in exercises])
    axes.tick_params(axis="x", labelrotation=90, length=0)
    if learners:
        axes.set_yticks([place + 0.5 for place in range(number)], [short(name) for name in learners])
        axes.tick_params(axis="y", length=0)
    else:
        axes.set_ylabel("learners", fontsize=TEXT)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_parse_math(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    used = {word for line in states for word in line}
    shown = [state for state in STATES if state[0] in used]
    keys = [_key(colour, MARKS.get(word) if learners else None) for word, _, colour in shown]
    words = [text for _, text, _ in shown]
    figure.legend(handles=keys, labels=words, loc="outside lower left", ncols=5, fontsize=SMALL, frameon=False)
    full = sum(word == "full" for line in states for word in line)
    return describe(
        figure,
        f"Heat map of {number} learners and {len(exercises)} exercises. {title}. Full points in {full} of "
        f"{number * len(exercises)} fields.",
    )


def _key(colour: str, mark: str | None) -> tuple[Artist, ...]:
    """What stands in the legend: the colour, and the mark that tells states apart without colours."""
    patch = Patch(facecolor=colour, edgecolor=MUTED)
    return (patch,) if mark is None else (patch, Line2D([], [], **_drawn(mark)))


def _drawn(mark: str) -> dict[str, Any]:
    open_circle = {"markerfacecolor": "none"} if mark == "o" else {}
    return {"linestyle": "none", "marker": mark, "markersize": 5, "color": INK, **open_circle}
