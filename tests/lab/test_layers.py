"""Layers as the engine tells them, and as an image's archive holds them."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from docker.errors import ImageNotFound

from dockyard.errors import ImageError
from dockyard.figures.layers import Change
from dockyard.lab import layers
from dockyard.lab.layers import changes, instruction, read

BUILDKIT = [
    ("the base", "", 1_984_191, False),
    ("env", "ENV A=1", 0, True),
    ("note", "RUN /bin/sh -c echo first > /note # buildkit", 6, False),
    ("rm", "RUN /bin/sh -c rm /cache # buildkit", 0, False),
    ("where", "WORKDIR /srv", 0, False),
    ("cmd", 'CMD ["sh"]', 0, True),
]


def archived(files: dict[str, bytes]) -> bytes:
    """A tar of files in memory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class FakeImage:
    """An image by its history (newest last here, oldest last in the API), with or without an archive."""

    def __init__(self, history: list[tuple[str, str, int, bool]], contents: list[bytes], size: int = 2_000_000) -> None:
        self.steps, self.contents = history, contents
        digests = [f"sha256:{name}" for name, _, _, empty in history if not empty]
        self.attrs: dict[str, Any] = {"RootFS": {"Layers": digests}, "Size": size}

    def history(self) -> list[dict[str, Any]]:
        return [{"CreatedBy": made_by, "Size": size} for _, made_by, size, _ in reversed(self.steps)]

    def save(self, named: bool) -> list[bytes]:
        config = {"history": [{"empty_layer": True} if empty else {} for *_, empty in self.steps]}
        names = [f"blobs/{number}" for number in range(len(self.contents))]
        manifest = [{"Config": "config.json", "Layers": names}]
        files = {"manifest.json": json.dumps(manifest).encode(), "config.json": json.dumps(config).encode()}
        whole = archived(files | dict(zip(names, self.contents, strict=True)))
        return [whole[:700], whole[700:]]


class FakeClient:
    """As much of a DockerClient as is asked for."""

    def __init__(self, image: FakeImage) -> None:
        self.images = self
        self.get = lambda name: image


def client(image: FakeImage) -> Any:
    return FakeClient(image)


@pytest.mark.parametrize(
    ("made_by", "line"),
    [
        ("RUN /bin/sh -c rm /cache # buildkit", "RUN rm /cache"),
        ("RUN |1 TONE=warm /bin/sh -c echo $TONE # buildkit", "RUN echo $TONE"),
        ("COPY etc/ /etc/ # buildkit", "COPY etc/ /etc/"),
        ('/bin/sh -c #(nop)  CMD ["cat" "/note"]', 'CMD ["cat" "/note"]'),
        ("/bin/sh -c echo first > /note", "RUN echo first > /note"),
        ("", "the base, imported as one archive"),
    ],
)
def test_an_entry_reads_as_the_line_of_the_dockerfile(made_by: str, line: str) -> None:
    assert instruction({"CreatedBy": made_by}) == line


def test_layers_without_content_keep_their_place() -> None:
    stack = read(client(FakeImage(BUILDKIT, [])), "image")
    assert [layer.digest for layer in stack.layers] == ["sha256:the base", "sha256:note", "sha256:rm", "sha256:where"]
    assert [layer.size for layer in stack.layers] == [1_984_191, 6, 0, 0]
    assert stack.size == 1_984_197


def test_where_the_history_leaves_it_open_the_config_tells() -> None:
    steps = [*BUILDKIT, ("odd", "a line that no builder writes", 0, False)]
    stack = read(client(FakeImage(steps, [])), "image")
    assert stack.layers[-1].made_by == "a line that no builder writes"


def test_what_cannot_be_matched_keeps_the_digests_alone() -> None:
    image = FakeImage(BUILDKIT, [])
    image.attrs["RootFS"]["Layers"].append("sha256:without history")
    stack = read(client(image), "image")
    assert len(stack.layers) == 5
    assert {layer.size for layer in stack.layers} == {None}


def test_changes_are_read_from_the_layers_themselves() -> None:
    contents = [
        archived({"bin/busybox": b"x"}),
        archived({"note": b"first\n", "cache": b"y" * 4_000}),
        archived({"note": b"second\n", ".wh.cache": b""}),
        archived({}),
    ]
    found = changes(client(FakeImage(BUILDKIT, contents)), "image", ["/note", "/cache"])
    assert found == [
        Change("1 layer of other files", {}),
        Change("RUN echo first > /note", {"/note": '"first"', "/cache": "4 kB"}),
        Change("RUN rm /cache", {"/note": '"second"'}, frozenset({"/cache"})),
        Change("1 layer of other files", {}),
    ]


def test_a_missing_image_is_said() -> None:
    class Empty(FakeClient):
        def __init__(self) -> None:
            self.images = self

        def get(self, name: str) -> FakeImage:
            raise ImageNotFound(name)

    empty: Any = Empty()
    with pytest.raises(ImageError, match="The engine has no image image"):
        read(empty, "image")


def test_a_large_image_is_not_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "LARGEST", 1_000)
    with pytest.raises(ImageError, match="Expected at most 1 kB"):
        changes(client(FakeImage(BUILDKIT, [])), "image", ["/note"])
