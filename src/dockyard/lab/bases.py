"""The two bases that the lab images stand on.

Where a registry answers they are pulled. Where none does, they are made from the machine's own packages: busybox from
its static build, the distribution by debootstrap. Either way they end as `dockyard/base-…` on the engine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.errors import ImageError
from dockyard.lab import base_busybox, base_debian, packages

if TYPE_CHECKING:
    from docker import DockerClient

RECIPE = "1"
"""Rises when a base made here would come out differently; older ones are then made anew."""

RECIPE_LABEL = "dev.dockyard.recipe"

ANSWER_SECONDS = 12
"""How long a registry may stay silent before the bases are made from packages instead."""

Say = Callable[[str], None]
Ask = Callable[[str], bool]


@dataclass(frozen=True)
class Base:
    """One base: its name on the engine, the image to pull, and how to make it otherwise."""

    name: str
    pulled_from: str

    @property
    def tag(self) -> str:
        return f"dockyard/base-{self.name}:latest"


BUSYBOX = Base("busybox", "busybox:stable-musl")
DEBIAN = Base("debian", "debian:trixie-slim")


def ensure(client: DockerClient, base: Base, *, say: Say, ask: Ask, fresh: bool = False) -> str:
    """Make sure that a base is on the engine, and return its tag.

    Args:
        client: the engine.
        base: which one.
        say: gets one short line for each step.
        ask: is asked before anything runs as another user than now (sudo).
        fresh: get it again even if it is there.

    Raises:
        ImageError: neither a registry nor the machine's packages can give it.
    """
    if not fresh and _is_there(client, base):
        return base.tag
    refusal = pull(client, base, say)
    if refusal is None:
        return base.tag
    if not packages.have_apt():
        raise ImageError(
            f"No registry gave {base.pulled_from}: {refusal}",
            "Where no registry answers, the bases are made from packages of Debian or Ubuntu; this machine is neither.",
            "On another machine: dockyard images save FILE — then here: dockyard images load FILE",
        )
    with tempfile.TemporaryDirectory(prefix="dockyard-base-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        archive = base_busybox.make(folder, say) if base is BUSYBOX else base_debian.make(folder, say, ask)
        say("handing the base to the engine")
        import_archive(client, archive, base.tag)
    return base.tag


def _is_there(client: DockerClient, base: Base) -> bool:
    from docker.errors import ImageNotFound

    try:
        image = client.images.get(base.tag)
    except ImageNotFound:
        return False
    # A pulled base carries no label of ours, and needs none: it is the registry's.
    return image.labels.get(RECIPE_LABEL, RECIPE) == RECIPE


def pull(client: DockerClient, base: Base, say: Say) -> str | None:
    """Pull a base and give it the course's own name.

    Returns:
        None when it is there, else the reason why not, in the engine's words.
    """
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    say(f"asking the registry for {base.pulled_from}")
    repository, _, tag = base.pulled_from.rpartition(":")
    usual = client.api.timeout
    try:
        client.images.get(base.pulled_from)
        had_it = True
    except ImageNotFound:
        had_it = False
    try:
        client.api.timeout = ANSWER_SECONDS
        for line in client.api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in line:
                return str(line["error"])
            say(f"{line.get('status', 'pulling')} {line.get('progress', '')}".strip())
        image = client.images.get(base.pulled_from)
    except (DockerException, RequestException) as error:
        return str(getattr(error, "explanation", None) or error)
    finally:
        client.api.timeout = usual
    image.tag(base.tag)
    if not had_it:
        client.images.remove(base.pulled_from, noprune=True)
    return None


def import_archive(client: DockerClient, archive: Path, tag: str) -> None:
    """Turn a tar archive of a root folder into an image of one layer, as `docker image import` does."""
    repository, version = tag.rsplit(":", 1)
    with archive.open("rb") as stream:
        reply = client.api.import_image_from_file(
            stream.name, repository=repository, tag=version, changes=[f"LABEL {RECIPE_LABEL}={RECIPE}"]
        )
    if '"error"' in reply:
        raise ImageError(f"The engine did not take {tag}: {reply.strip()}")
