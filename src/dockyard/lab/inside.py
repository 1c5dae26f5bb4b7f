"""What is in a container, for checks: its origin, its files, its output. Only reads; nothing runs in the container."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.models.images import Image

ADDED = 1  # `Kind` of a change: GET /containers/{id}/changes of the Engine API


def made_from(container: Container, image: Image) -> bool:
    """Tell whether a container was made from an image, by its ID or, if the image was rebuilt since, by its name."""
    named = container.attrs["Config"]["Image"]
    tagged = named if ":" in named.rpartition("/")[2] else f"{named}:latest"
    return container.attrs["Image"] == image.id or tagged.removeprefix("docker.io/") in image.tags


def added(container: Container) -> set[str]:
    """Return the paths that a container has and its image has not, without what is mounted from outside."""
    mounted = {mount["Destination"] for mount in container.attrs["Mounts"] or []}
    return {change["Path"] for change in container.diff() or [] if change["Kind"] == ADDED} - mounted


def content(container: Container, path: str) -> bytes:
    """Return a file's content without white space around it.

    Args:
        container: running or not.
        path: absolute, inside the container.

    Raises:
        AssertionError: there is nothing, or something else than a file.
    """
    from docker.errors import NotFound

    try:
        archive = io.BytesIO(b"".join(container.get_archive(path)[0]))
    except NotFound:
        raise AssertionError(f"There is no file {path} in {container.name}.") from None
    with tarfile.open(fileobj=archive) as tar:
        member = tar.next()
        if member is None or not member.isfile():
            raise AssertionError(f"{path} in {container.name} is not a plain file.")
        file = tar.extractfile(member)
        return file.read().strip() if file else b""


def printed(container: Container) -> bytes:
    """Return what the main process has printed, with plain line ends: a terminal (`--tty`) adds carriage returns."""
    return container.logs().replace(b"\r\n", b"\n")
