"""The figures of notebook core-concepts: they draw, they are described, and no text is small, cut or covered."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from dockyard.figures import png
from dockyard.figures.concepts import GRAMMAR, HOWS, grammar, run_steps, three_things
from dockyard.figures.layers import Change, Layer, Stack, common, readable, through_the_stack, two_stacks
from dockyard.figures.namespaces import KINDS, TINTS, Seen, namespace_map, two_numbers
from dockyard.figures.style import SMALL, alt_text

HOST = {kind: 4026531835 + number for number, kind in enumerate(KINDS)}
RED = {**HOST, **{kind: 4026532200 + number for number, kind in enumerate(("mnt", "uts", "ipc", "pid", "net"))}}
TEAL = {**HOST, **{kind: 4026532300 + number for number, kind in enumerate(("mnt", "uts", "ipc", "pid", "net"))}}

BASE = (Layer("sha256:a", 1_984_191, "the base, imported as one archive"), Layer("sha256:b", 280, "COPY etc/ /etc/"))
WEB = Stack("dockyard/lab-web", (*BASE, Layer("sha256:c", 1_000_000, "RUN head -c 1000000 /dev/urandom > /srv/web")))
WORKER = Stack(
    "dockyard/lab-worker", (*BASE, Layer("sha256:d", None, "RUN " + "long " * 40), Layer("sha256:c", 0, "RUN true"))
)
CHANGES = [
    Change("2 layers of other files", {}),
    Change("RUN echo first > /note && head -c 4000000 /dev/urandom > /cache", {"/note": '"first"', "/cache": "4 MB"}),
    Change("RUN echo second > /note", {"/note": '"second"'}),
    Change("RUN rm /cache", {}, frozenset({"/cache"})),
]

FIGURES = {
    "three things": three_things,
    "run steps": run_steps,
    "grammar": grammar,
    "namespaces of three": lambda: namespace_map({"host": HOST, "lab-sky": RED, "lab-amber": TEAL}),
    "namespaces of five": lambda: namespace_map(
        {"host": HOST, "lab-sky": RED, "lab-amber": TEAL, "lab-shop": RED, "lab-till": {**TEAL, "net": RED["net"]}}
    ),
    "namespaces without a host": lambda: namespace_map({"lab-sky": RED, "lab-amber": TEAL}),
    "two numbers": lambda: two_numbers(
        [Seen("lab-sky", "sleep infinity", 1, 2_101_234), Seen("lab-amber", "sleep 1000", 1, 77)]
    ),
    "two stacks": lambda: two_stacks(WEB, WORKER),
    "two strangers": lambda: two_stacks(WEB, Stack("other", (Layer("sha256:z", 78_738_269, ""),))),
    "through the stack": lambda: through_the_stack(CHANGES),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_draws_and_is_described(name: str) -> None:
    figure = FIGURES[name]()
    assert png(figure).startswith(b"\x89PNG")
    assert len(alt_text(figure)) > 40


@pytest.mark.parametrize("name", FIGURES)
def test_text_is_large_enough_inside_the_page_and_apart(name: str) -> None:
    figure = FIGURES[name]()
    boxes = _text_boxes(figure)
    page = figure.bbox
    for text, box in boxes:
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1, text
    for number, (text, box) in enumerate(boxes):
        for other, another in boxes[number + 1 :]:
            assert not box.overlaps(another), f"{text!r} lies on {other!r}"


def test_equal_inodes_have_one_colour_and_others_another() -> None:
    till = {**TEAL, "net": RED["net"]}
    figure = namespace_map({"host": HOST, "lab-sky": RED, "lab-till": till})
    colours = [patch.get_facecolor() for patch in figure.axes[0].patches]
    rows = dict(zip(KINDS, [colours[start : start + 3] for start in range(0, len(colours), 3)], strict=True))
    assert rows["net"][1] == rows["net"][2] != rows["net"][0]
    assert len(set(rows["pid"])) == 3
    assert len(set(rows["user"])) == 1


def test_the_map_leaves_out_what_the_kernel_lacks_and_refuses_a_crowd() -> None:
    old = {kind: inode for kind, inode in HOST.items() if kind != "time"}
    assert "time" not in alt_text(namespace_map({"host": old}))
    with pytest.raises(ValueError, match="room for 5"):
        namespace_map({"host": HOST} | {f"place {number}": HOST for number in range(len(TINTS))})


def test_without_a_host_nothing_is_grey_and_the_map_says_so() -> None:
    figure = namespace_map({"lab-sky": RED, "lab-amber": TEAL})
    assert "the host is left out" in alt_text(figure)
    assert to_rgba(TINTS[0]) not in {patch.get_facecolor() for patch in figure.axes[0].patches}


def test_layers_are_common_only_from_the_bottom() -> None:
    assert common(WEB, WORKER) == 2
    assert common(WEB, WEB) == 3
    assert common(WEB, Stack("moved", WEB.layers[1:])) == 0
    assert "2 layers shared: 4.97 MB if each image is counted alone, 2.98 MB unpacked" in alt_text(
        two_stacks(WEB, WORKER)
    )
    assert "all layers are the same: 2.98 MB, unpacked once" in alt_text(two_stacks(WEB, WEB))


def test_a_command_is_broken_into_lines_and_only_a_very_long_one_is_cut() -> None:
    texts = [text.get_text() for text in two_stacks(WEB, WORKER).axes[0].texts]
    assert {"RUN head -c 1000000 /dev/urandom >", "/srv/web"} <= set(texts)
    assert sum(text.endswith("…") for text in texts) == 1


def test_what_the_container_sees_is_told() -> None:
    alt = alt_text(through_the_stack(CHANGES))
    assert '/note: "second"' in alt
    assert "/cache: no such file" in alt


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (280, "280 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (78_738_269, "78.7 MB"),
        (2e9, "2 GB"),
        (None, "unknown"),
    ],
)
def test_sizes_read_as_docker_prints_them(size: int | None, text: str) -> None:
    assert readable(size) == text


def test_the_grammar_names_no_row_that_the_figure_lacks() -> None:
    assert all(set(commands) <= set(HOWS) for commands in GRAMMAR.values())


def _text_boxes(figure: Figure) -> list:
    figure.draw_without_rendering()
    found = []
    for axes in figure.axes:
        for text in axes.texts:
            assert text.get_fontsize() >= SMALL, text.get_text()
            if text.get_text():
                found.append((text.get_text(), text.get_window_extent()))
    return found
