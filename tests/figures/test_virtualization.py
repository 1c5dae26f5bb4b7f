from __future__ import annotations

from functools import partial

import ipywidgets
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from dockyard.figures import png, starts, virtualization
from dockyard.figures.style import SMALL, alt_text
from dockyard.widgets.bar import progress_bar
from dockyard.widgets.stacks import FACTS, choose_stack

SECONDS = {"guest OS": [4.4, 4.6], "container": [0.41, 0.38, 0.45]}
MEMORY = {"guest OS": 223.0, "container": 0.9}
DISK = {"guest OS": 180.0, "container": 2.0}
OWN = {"guest OS": 13.0, "container": 2.0}

FIGURES = {
    "stacks": virtualization.stacks,
    **{f"way down, {kind}": partial(virtualization.way_down, kind) for kind in virtualization.KINDS},
    "blurred line": virtualization.blurred_line,
    "kernels": lambda: virtualization.kernels("6.1.0-37-amd64", "6.1.0-37-amd64", "6.12.48+deb13-cloud-amd64"),
    "start costs": lambda: starts.start_costs(SECONDS, MEMORY, DISK, OWN),
    "start costs, memory not told": lambda: starts.start_costs(SECONDS, dict.fromkeys(SECONDS, 0), DISK),
    "while one boots": lambda: starts.while_one_boots(4.4, 0.41),
    "delivery": virtualization.delivery,
}


@pytest.fixture(params=FIGURES.values(), ids=FIGURES.keys())
def figure(request: pytest.FixtureRequest) -> Figure:
    return request.param()


def texts(figure: Figure) -> list[Text]:
    """Draw the figure and return the texts to be seen: matplotlib keeps tick labels that it does not draw."""
    png(figure)
    ticks = [
        (label, low <= tick.get_loc() <= high)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for low, high in (sorted(axis.get_view_interval()),)
        for tick in (*axis.majorTicks, *axis.minorTicks)
        for label in (tick.label1, tick.label2)
    ]
    undrawn = {label for label, inside in ticks if not inside or not label.get_visible()}
    found = (text for text in figure.findobj(Text) if text.get_text().strip() and text not in undrawn)
    return [text for text in found if text.get_window_extent().width > 1]


def test_a_figure_speaks_and_its_text_can_be_read(figure: Figure) -> None:
    assert len(alt_text(figure)) > 60
    assert min(text.get_fontsize() for text in texts(figure)) >= SMALL


def test_no_text_leaves_the_figure(figure: Figure) -> None:
    width, height = figure.canvas.get_width_height()
    for text in texts(figure):
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text.get_text()


def test_no_two_texts_overlap(figure: Figure) -> None:
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for index, (text, box) in enumerate(boxes):
        for other, other_box in boxes[index + 1 :]:
            assert not box.overlaps(other_box), f"{text!r} lies on {other!r}"


def test_only_a_kind_has_a_way_down() -> None:
    with pytest.raises(ValueError, match="hosted, hypervisor, container"):
        virtualization.way_down("metal")


def test_equal_kernels_get_one_colour() -> None:
    def shades(host: str, container: str, guest: str) -> list[tuple[float, ...]]:
        figure = virtualization.kernels(host, container, guest)
        return [tuple(patch.get_facecolor()) for patch in figure.axes[0].patches]

    different, equal = shades("1", "1", "2"), shades("1", "1", "1")
    assert sum(one != other for one, other in zip(different, equal, strict=True)) == 1


def test_start_costs_plots_each_start_on_a_logarithmic_axis() -> None:
    times = starts.start_costs(SECONDS, MEMORY, DISK).axes[0]
    assert times.get_xscale() == "log"
    assert [list(line.get_xdata()) for line in times.lines] == list(SECONDS.values())


def test_start_costs_tells_the_guest_from_what_it_starts_with() -> None:
    figure = starts.start_costs(SECONDS, MEMORY, DISK, OWN)
    assert [list(line.get_xdata()) for line in figure.axes[2].lines] == [[180.0], [2.0], [13.0]]
    assert "180 MB of which 13 MB are its own" in alt_text(figure)


@pytest.mark.parametrize("runs", [[], [0.4, 0.0]])
def test_start_costs_needs_starts_that_took_time(runs: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one start"):
        starts.start_costs({"container": runs}, {"container": 1}, {"container": 1})


def test_while_one_boots_counts_whole_containers_only() -> None:
    figure = starts.while_one_boots(2.0, 0.6)
    assert len(figure.axes[0].patches) == 1 + 3
    assert "computed, 3 short bars" in alt_text(figure)


def test_the_chooser_shows_the_kind_that_is_chosen() -> None:
    buttons, shown = choose_stack().children
    picture, facts = shown.children
    assert FACTS["hosted"][0] in facts.value
    assert "lie: guest OS, VirtualBox, host OS." in picture.value
    before = picture.value
    buttons.value = "container"
    assert FACTS["container"][0] in facts.value
    assert "lie: host OS." in picture.value
    assert picture.value != before


def test_the_progress_bar_says_what_is_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[ipywidgets.HBox] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    tell = progress_bar()
    tell(0.5, "Booting a guest")
    bar, words = shown[0].children
    assert (bar.value, words.value, bar.bar_style) == (0.5, "Booting a guest", "info")
    tell(1.0, "Measured")
    assert bar.bar_style == "success"
