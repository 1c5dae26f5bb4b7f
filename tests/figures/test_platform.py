"""The figures of notebook 1b: each can be drawn, read aloud and read at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from dockyard.figures import png
from dockyard.figures.anatomy import conversation, process_tree
from dockyard.figures.platform import command_path, engine_homes, licence_path, platform_map
from dockyard.figures.style import SMALL, alt_text
from dockyard.lab.anatomy import Process

SYSTEMD = [
    Process(1, 0, "systemd"),
    Process(700, 1, "containerd", "daemon"),
    Process(812, 1, "dockerd", "daemon"),
    Process(4012, 1, "containerd-shim", "shim"),
    Process(4033, 4012, "sleep", "container", "lab-p-tree"),
]
RUN = [
    ("HEAD", "/_ping"),
    ("POST", "/v1.45/containers/create?name=lab-p-once"),
    ("POST", "/v1.45/containers/ba33/start"),
]
FIGURES: dict[str, Callable[[], Figure]] = {
    "platform map": platform_map,
    "engine homes": engine_homes,
    "licence path": licence_path,
    "command path": command_path,
    "conversation": lambda: conversation("docker container run dockyard/busybox", RUN),
    "silence": lambda: conversation("docker --version", []),
    "process tree": lambda: process_tree(SYSTEMD),
}


def drawn(figure: Figure) -> list[Text]:
    """Draw a figure and return the texts on it."""
    figure.draw_without_rendering()
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_has_alt_text_and_text_of_nine_points_inside_its_edges(name: str) -> None:
    figure = FIGURES[name]()
    assert len(alt_text(figure)) > 60
    for text in drawn(figure):
        assert text.get_fontsize() >= SMALL, text.get_text()
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0, text.get_text()
        assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height, text.get_text()
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", FIGURES)
def test_no_two_texts_overlap(name: str) -> None:
    texts = drawn(FIGURES[name]())
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    clashes = [
        (one, other)
        for index, (one, box) in enumerate(boxes)
        for other, other_box in boxes[index + 1 :]
        if box.overlaps(other_box)
    ]
    assert not clashes


def test_the_map_names_all_parts_and_neighbours() -> None:
    said = " ".join(text.get_text() for text in drawn(platform_map()))
    for name in ("Engine", "CLI", "Docker Desktop", "Compose", "Hub", "dockerd", "containerd", "runc"):
        assert name in said
    for name in ("ECS", "GKE", "ECR", "Artifact Registry", "Kubernetes", "Podman", "WSL", "Lima"):
        assert name in said


def test_the_tree_shows_each_process_with_its_pid_and_says_so() -> None:
    figure = process_tree(SYSTEMD)
    said = [text.get_text() for text in drawn(figure)]
    assert {f"PID {process.pid}" for process in SYSTEMD} <= set(said)
    assert "PID 1 inside lab-p-tree" in said
    assert "sleep has PID 4033, its parent is containerd-shim; inside lab-p-tree it is PID 1." in alt_text(figure)


def test_a_tree_may_have_several_roots() -> None:
    figure = process_tree([Process(5, 3, "dockerd", "daemon"), Process(9, 0, "sleep", "container", "lab-p-a")])
    assert {"PID 5", "PID 9"} <= {text.get_text() for text in drawn(figure)}


def test_a_tree_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no process"):
        process_tree([])


def test_a_conversation_keeps_the_order_and_cuts_what_is_too_long() -> None:
    figure = conversation("docker " + "x" * 200, [("GET", "/first"), ("GET", "/" + "second" * 40)])
    texts = {text.get_text(): text.get_window_extent().y0 for text in drawn(figure)}
    second = next(text for text in texts if text.startswith("GET /second"))
    assert second.endswith("…") and texts["GET /first"] > texts[second]


def test_a_command_that_says_nothing_is_drawn_too() -> None:
    figure = conversation("docker --version", [])
    assert "not one request" in [text.get_text() for text in drawn(figure)]
    assert alt_text(figure).endswith("in order: none.")
