"""Read an image's layers from the engine: digests, sizes, the instruction of each, and what it does to files."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from itertools import groupby
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from dockyard.errors import ImageError
from dockyard.figures.layers import Change, Layer, Stack, readable
from dockyard.lab.inside import MAKES_LAYER

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

WHITEOUT = ".wh."  # a layer hides NAME by an empty file .wh.NAME: OCI image-spec, layer.md, "Whiteouts"
LARGEST = 200_000_000  # bytes of an image that is read whole
SHORT = 24  # bytes of a file that is quoted instead of measured


def read(client: DockerClient, name: str) -> Stack:
    """Return an image as a stack of layers.

    `RootFS.Layers` has the digests, `/history` the sizes and instructions. History also holds entries without a layer
    (CMD, ENV, …), and the API does not tell which; where that stays open, the image's own config is read, which does.

    Args:
        client: connected to the engine.
        name: of the image.

    Raises:
        ImageError: there is no such image, or it is too large to be read where that is needed.
    """
    image = _image(client, name)
    digests = image.attrs["RootFS"].get("Layers") or []
    history = list(reversed(image.history()))
    makers = [step for step in history if step["Size"] or MAKES_LAYER.match(step["CreatedBy"] or "")]
    if len(makers) != len(digests):
        makers = [step for step in history if step["Size"]]
    if len(makers) != len(digests):
        steps = _config(client, name).get("history", [])
        if len(steps) == len(history):
            makers = [step for step, told in zip(history, steps, strict=True) if not told.get("empty_layer")]
    if len(makers) != len(digests):
        return Stack(name, tuple(Layer(digest, None, "") for digest in digests))
    layers = (Layer(digest, step["Size"], instruction(step)) for digest, step in zip(digests, makers, strict=True))
    return Stack(name, tuple(layers))


def instruction(step: dict[str, Any]) -> str:
    """Return the Dockerfile's line that made an entry of the history, without what the builder adds to it."""
    text = str(step.get("CreatedBy") or "the base, imported as one archive")
    text = re.sub(r"\s*# buildkit\Z", "", text)
    text = re.sub(r"\A/bin/sh -c #\(nop\)\s+", "", text)
    text = re.sub(r"\A(RUN )?(\|\d+ .*? )?/bin/sh -c ", "RUN ", text)
    return " ".join(text.split())


def changes(client: DockerClient, name: str, watched: Collection[str]) -> list[Change]:
    """Return what each layer of an image does to some files, from the bottom up, read from the layers themselves.

    Layers side by side that do nothing to the watched files become one change without files, "2 layers of other files".

    Args:
        client: connected to the engine.
        name: of the image; it is read whole, as `docker image save` would.
        watched: absolute paths of files.

    Raises:
        ImageError: there is no such image, or it is too large to be read whole.
    """
    stack = read(client, name)
    with _saved(client, name) as archive:
        paths = _manifest(archive)["Layers"]
        found = [
            _change(*pair, watched)
            for pair in zip(stack.layers, (_member(archive, path) for path in paths), strict=True)
        ]
    told: list[Change] = []
    for touched, run in groupby(found, key=lambda change: bool(change.files or change.removed)):
        several = [*run]
        count = "1 layer" if len(several) == 1 else f"{len(several)} layers"
        told += several if touched else [Change(f"{count} of other files", {})]
    return told


def _change(layer: Layer, content: IO[bytes], watched: Collection[str]) -> Change:
    files: dict[str, str] = {}
    removed: set[str] = set()
    with tarfile.open(fileobj=content, mode="r:*") as archive:
        for member in archive:
            path = PurePosixPath("/") / member.name
            if str(path) in watched:
                files[str(path)] = _told(archive, member)
            elif path.name.startswith(WHITEOUT) and str(path.with_name(path.name.removeprefix(WHITEOUT))) in watched:
                removed.add(str(path.with_name(path.name.removeprefix(WHITEOUT))))
    return Change(layer.made_by, files, frozenset(removed))


def _told(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """Return a short file's text in quotes, a long one's size."""
    content = archive.extractfile(member) if member.isfile() and member.size <= SHORT else None
    return f'"{content.read().decode(errors="replace").strip()}"' if content else readable(member.size)


def _image(client: DockerClient, name: str) -> Image:
    from docker.errors import ImageNotFound

    try:
        return client.images.get(name)
    except ImageNotFound:
        raise ImageError(
            f"The engine has no image {name}.", next_step="Run the cell that builds it, then this one again."
        ) from None


def _config(client: DockerClient, name: str) -> dict[str, Any]:
    with _saved(client, name) as archive:
        return json.load(_member(archive, _manifest(archive)["Config"]))


def _manifest(archive: tarfile.TarFile) -> dict[str, Any]:
    return json.load(_member(archive, "manifest.json"))[0]


def _member(archive: tarfile.TarFile, path: str) -> IO[bytes]:
    return archive.extractfile(path) or io.BytesIO()


@contextlib.contextmanager
def _saved(client: DockerClient, name: str) -> Iterator[tarfile.TarFile]:
    image = _image(client, name)
    if image.attrs["Size"] > LARGEST:
        raise ImageError(
            f"{name} has {readable(image.attrs['Size'])}.",
            f"Expected at most {readable(LARGEST)}, since it is read whole.",
            "Take a smaller image, such as dockyard/busybox.",
        )
    with tempfile.TemporaryFile() as file:
        for chunk in image.save(named=True):
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            yield archive
