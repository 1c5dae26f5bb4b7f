"""The picker of two images: what it offers, what it draws."""

from __future__ import annotations

from typing import Any

from dockyard.widgets.layers import compare_layers


class FakeImage:
    """An image of one layer more than its base."""

    def __init__(self, name: str, *digests: str) -> None:
        self.tags = [f"{name}:latest"]
        self.attrs: dict[str, Any] = {"RootFS": {"Layers": list(digests)}, "Size": 10}

    def history(self) -> list[dict[str, Any]]:
        return [{"CreatedBy": "COPY x / # buildkit", "Size": 1_000_000} for _ in self.attrs["RootFS"]["Layers"]]


class FakeClient:
    """As much of a DockerClient as is asked for."""

    def __init__(self) -> None:
        self.known = {
            "dockyard/web": FakeImage("dockyard/web", "a", "b"),
            "dockyard/worker": FakeImage("dockyard/worker", "a", "c"),
            "dockyard/base-busybox": FakeImage("dockyard/base-busybox", "a"),
            "dockyard/vm": FakeImage("dockyard/vm", "v"),
            "other": FakeImage("other", "z"),
        }
        self.images = self

    def list(self) -> list[FakeImage]:
        return [*self.known.values()]

    def get(self, name: str) -> FakeImage:
        return self.known[name]


def client() -> Any:
    return FakeClient()


def test_it_shows_the_two_that_are_asked_for_and_then_the_two_that_are_picked() -> None:
    widget = compare_layers(client(), "dockyard/web", "dockyard/worker")
    pickers, picture = widget.children
    assert [picker.value for picker in pickers.children] == ["dockyard/web", "dockyard/worker"]
    assert pickers.children[0].options == ("dockyard/web", "dockyard/worker", "other")
    assert "1 layer shared" in picture.value
    pickers.children[1].value = "other"
    assert "0 layers shared" in picture.value


def test_an_image_that_is_not_there_leaves_the_choice_open() -> None:
    pickers, picture = compare_layers(client(), "dockyard/gone", "other").children
    assert pickers.children[0].value is None
    assert "Pick two images" in picture.value
