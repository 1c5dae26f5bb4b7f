"""The lab images: their names, what each is made from, and how they stand on an engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.errors import ImageError
from dockyard.lab import bases

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

NAME_LABEL = "dev.dockyard.image"
INPUTS_LABEL = "dev.dockyard.inputs"

BAKE_FILE = "docker-bake.hcl"


@dataclass(frozen=True)
class LabImage:
    """One lab image.

    Attributes:
        name: short name, also that of its folder and of its target in the bake file.
        base: the base it stands on itself, None where it stands on other lab images.
        parents: lab images that its build takes from.
    """

    name: str
    base: bases.Base | None = None
    parents: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        return f"dockyard/{self.name}:latest"


IMAGES = {
    image.name: image
    for image in (
        LabImage("busybox", bases.BUSYBOX),
        LabImage("debian", bases.DEBIAN),
        LabImage("vm", parents=("busybox", "debian")),
    )
}
NAMES = tuple(IMAGES)


@dataclass(frozen=True)
class State:
    """How one lab image stands on an engine.

    Attributes:
        name: short name.
        tag: full name.
        current: it is there, and was built from the inputs that lie in images/ now, for the engine's own architecture.
        found: it is there, whatever it was built from.
        size: bytes of all its layers, as `docker image ls` counts; 0 if it is not there.
        own: bytes of the layers that no lab image before it in the list has too.
        architecture: as the engine names it ("amd64").
    """

    name: str
    tag: str
    current: bool
    found: bool
    size: int = 0
    own: int = 0
    architecture: str = ""


def folder() -> Path:
    """Return the folder that holds the bake file and a folder for each image."""
    from dockyard.course import find_course

    path = find_course().root / "images"
    if not (path / BAKE_FILE).is_file():
        raise ImageError(f"{path / BAKE_FILE} is missing.", "It says how each lab image is built.", "Restore images/.")
    return path


def with_parents(names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Return the names and those of the images that their builds take from, in an order to build in.

    Raises:
        ImageError: a name is not that of a lab image.
    """
    wanted: set[str] = set()
    for name in names:
        if name not in IMAGES:
            raise ImageError(f"There is no lab image called {name}.", f"There are: {', '.join(NAMES)}.")
        wanted |= {name, *IMAGES[name].parents}
    return tuple(name for name in NAMES if name in wanted)


def inputs(name: str) -> str:
    """Return the hash of what an image is built from: bake file, its folder, its base's recipe, its parents."""
    image, root = IMAGES[name], folder()
    digest = hashlib.sha256(_normal(root / BAKE_FILE))
    for path in sorted((root / name).rglob("*")):
        if path.is_file():
            digest.update(f"\n{path.relative_to(root).as_posix()}\n".encode())
            digest.update(_normal(path))
    if image.base:
        digest.update(f"{image.base.pulled_from} {bases.RECIPE}".encode())
    for parent in image.parents:
        digest.update(inputs(parent).encode())
    return digest.hexdigest()[:16]


def _normal(path: Path) -> bytes:
    # A checkout on Windows may have other line ends; the images are the same.
    return path.read_bytes().replace(b"\r\n", b"\n")


def states(client: DockerClient, names: tuple[str, ...] = NAMES) -> list[State]:
    """Return how each image stands on the engine, in the order of `names`."""
    from docker.errors import ImageNotFound

    machine = client.version().get("Arch", "")
    result: list[State] = []
    seen: list[Image] = []
    for name in names:
        tag = IMAGES[name].tag
        try:
            image = client.images.get(tag)
        except ImageNotFound:
            result.append(State(name, tag, current=False, found=False))
            continue
        architecture = image.attrs.get("Architecture", "")
        current = image.labels.get(INPUTS_LABEL) == inputs(name) and architecture in (machine, "")
        size = image.attrs.get("Size", 0)
        result.append(State(name, tag, current, True, size, size - _shared(image, seen), architecture))
        seen.append(image)
    return result


def _shared(image: Image, others: list[Image]) -> int:
    """Bytes that an image has in common with that one of the others that it stands on."""
    layers = image.attrs["RootFS"].get("Layers", [])
    below = [other for other in others if layers[: len(_layers(other))] == _layers(other)]
    return max((other.attrs.get("Size", 0) for other in below), default=0)


def _layers(image: Image) -> list[str]:
    return image.attrs["RootFS"].get("Layers", [])
