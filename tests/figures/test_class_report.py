"""The figures of a lesson's report: each can be read, and read aloud, for small and large classes."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from matplotlib.axis import Tick
from matplotlib.figure import Figure
from matplotlib.text import Text

from dockyard.figures import png
from dockyard.figures.class_heat_map import NAMED, STATES, heat_maps
from dockyard.figures.class_report import (
    TopMessage,
    Tries,
    attempts,
    messages,
    points_distribution,
    short,
    times_to_pass,
)
from dockyard.figures.style import SMALL, alt_text

EXERCISES = [f"exercise-{number:02}-of-a-lesson" for number in range(1, 20)] + ["x", "w" * 64]
LONG = "W" * 70 + " $x^2$ and \\frac{} of " + "many words " * 40


def states(learners: int, seed: int = 1) -> list[list[str]]:
    chance = random.Random(seed)
    return [[chance.choice(STATES)[0] for _ in EXERCISES] for _ in range(learners)]


def names(count: int) -> list[str]:
    return ["m" * 60, "a$b$c"][:count] + [f"learner-{number}" for number in range(count - 2)]


def seconds(learners: int, seed: int = 1) -> list[list[float]]:
    chance = random.Random(seed)
    return [[], [0.0] * learners] + [
        [chance.choice([0.0, chance.lognormvariate(5, 2)]) for _ in range(learners)] for _ in EXERCISES[2:]
    ]


def shown(learners: int) -> list[TopMessage]:
    return [TopMessage(name, LONG if number % 2 else "Not yet.", learners, learners * 3, 1) for number, name in
            enumerate(EXERCISES)]  # fmt: skip


def tries(learners: int) -> list[Tries]:
    return [Tries(name, learners * 2, number * 3, number, 2.5) for number, name in enumerate(EXERCISES[:-1])] + [
        Tries(EXERCISES[-1], 0, learners * 9, learners, None)
    ]


FIGURES: dict[str, Callable[[], Figure]] = {}
for size in (1, 3, 30, 300):
    points = [float(random.Random(number).randrange(49)) for number in range(size)]
    FIGURES |= {
        f"points {size}": lambda points=points: points_distribution(points, 48),
        f"map {size}": lambda size=size: heat_maps(names(size), EXERCISES, states(size))[0],
        f"last map {size}": lambda size=size: heat_maps(names(size), EXERCISES, states(size))[-1],
        f"attempts {size}": lambda size=size: attempts(tries(size)),
        f"messages {size}": lambda size=size: messages(shown(size)),
        f"times {size}": lambda size=size: times_to_pass(EXERCISES, seconds(size)),
    }
FIGURES |= {
    "points all equal": lambda: points_distribution([0.0] * 5, 10),
    "points above the most": lambda: points_distribution([2.5, 11.0], 10),
    "nothing to earn": lambda: points_distribution([0.0], 0),
    "one exercise": lambda: heat_maps(["a", "b", "c"], ["x"], [["full"], ["none"], ["missing"]])[0],
    "attempts at one exercise": lambda: attempts([Tries("x", 1, 0, 0, 1)]),
    "one message": lambda: messages([TopMessage("x", "", 1, 1, 1)]),
    "nobody passed": lambda: times_to_pass(["x"], [[]]),
    "months": lambda: times_to_pass(["x"], [[0.001, 9_000_000.0]]),
}


def drawn(figure: Figure) -> list[Text]:
    """Draw a figure and return the texts that are seen on it: ticks outside an axis's limits are not."""
    figure.draw_without_rendering()
    seen = []
    for axes in figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                outside = not min(low, high) <= tick.get_loc() <= max(low, high)
                seen += _texts(tick) if outside or not axes.axison else []
    hidden = {id(text) for text in seen}
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    return [text for text in texts if id(text) not in hidden]


def _texts(tick: Tick) -> list[Text]:
    return [tick.label1, tick.label2]


@pytest.mark.parametrize("name", FIGURES)
def test_texts_are_nine_points_inside_the_edges_and_apart(name: str) -> None:
    figure = FIGURES[name]()
    assert len(alt_text(figure)) > 60
    boxes = []
    for text in drawn(figure):
        assert text.get_fontsize() >= SMALL, text.get_text()
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0, text.get_text()
        assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text.get_text()
        boxes.append((text.get_text(), box))
    clashes = [
        (one, other)
        for index, (one, box) in enumerate(boxes)
        for other, other_box in boxes[index + 1 :]
        if box.overlaps(other_box)
    ]
    assert not clashes
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize(("learners", "pages"), [(3, 1), (NAMED, 1), (NAMED + 1, 3), (150, 4), (300, 7)])
def test_a_large_class_is_one_map_without_names_and_pages_with_all_of_them(learners: int, pages: int) -> None:
    maps = heat_maps(names(learners), EXERCISES, states(learners))
    assert len(maps) == pages
    named = {text.get_text() for figure in maps for text in drawn(figure)}
    assert {short(name) for name in names(learners)} <= named


def test_the_bars_and_boxes_say_what_stands_out() -> None:
    assert "Most runs: wwww" in alt_text(attempts(tries(30)))
    said = [text.get_text() for text in drawn(attempts(tries(30)))]
    assert "nobody passed" in said and "median 2.5" in said and "median 2.5 · 3 not passed" in said
    rows = [text.get_text() for text in drawn(times_to_pass(["a", "b"], [[0.0, 30.0], []]))]
    assert "a (1 of 2 at once)" in rows and "b (nobody yet)" in rows
