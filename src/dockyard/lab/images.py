"""Build the lab images, and only those that are not there or no longer what images/ says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from dockyard.errors import ImageError
from dockyard.lab import bases
from dockyard.lab.bake import Progress, bake, check_buildx
from dockyard.lab.inventory import IMAGES, NAME_LABEL, NAMES, folder, inputs, states, with_parents

if TYPE_CHECKING:
    from docker import DockerClient


def ensure(
    client: DockerClient,
    names: Sequence[str] = NAMES,
    *,
    yes: bool = False,
    ask: bases.Ask | None = None,
    progress: Progress | None = None,
    fresh: bool = False,
) -> list[str]:
    """Make sure that lab images are on the engine; three requests if they are.

    Args:
        client: the engine.
        names: short names; all lab images if left out.
        yes: agree in advance to what would be asked.
        ask: puts a question to the person; without it every answer is no.
        progress: is told what is being done; without it bars are shown in the terminal.
        fresh: get the bases again and build every step anew.

    Returns:
        The short names of the images that were built.

    Raises:
        ImageError: an image cannot be built; the message says which, at which step, and what it said last.
    """
    wanted = with_parents(list(names))
    before = states(client, wanted)
    if not fresh and all(state.current for state in before if state.name in names):
        return []
    todo = wanted if fresh else with_parents([state.name for state in before if not state.current])
    if progress is None:
        from dockyard.lab.bars import bars

        with bars("Lab images", todo) as shown:
            _build(client, todo, lambda question: yes or bool(ask and ask(question)), shown, fresh)
    else:
        _build(client, todo, lambda question: yes or bool(ask and ask(question)), progress, fresh)
    return list(todo)


def _build(client: DockerClient, names: Sequence[str], ask: bases.Ask, progress: Progress, fresh: bool) -> None:
    _refuse_podman(client)
    check_buildx()
    variables = {f"INPUTS_{name.upper()}": inputs(name) for name in IMAGES}
    for name in names:
        if base := IMAGES[name].base:

            def say(step: str, name: str = name) -> None:
                progress(name, 0.0, step)

            variables[f"BASE_{name.upper()}"] = bases.ensure(client, base, say=say, ask=ask, fresh=fresh)
    old = {_identity(client, IMAGES[name].tag) for name in names} - {""}
    bake(folder(), names, variables, progress, cache=not fresh)
    for identity in old - {_identity(client, IMAGES[name].tag) for name in names}:
        _remove_replaced(client, identity)


def _identity(client: DockerClient, tag: str) -> str:
    from docker.errors import ImageNotFound

    try:
        return client.images.get(tag).id or ""
    except ImageNotFound:
        return ""


def _remove_replaced(client: DockerClient, identity: str) -> None:
    """Remove an image whose name has moved to its successor, unless something still uses it or names it."""
    from docker.errors import APIError

    with suppress(APIError):
        image = client.images.get(identity)
        if not image.tags and NAME_LABEL in image.labels:
            client.images.remove(identity)


def _refuse_podman(client: DockerClient) -> None:
    components = client.version().get("Components") or []
    if any("podman" in component.get("Name", "").lower() for component in components):
        raise ImageError(
            "This engine is Podman, which docker buildx cannot build on.",
            "The lab images can be carried to it from a machine with Docker.",
            "There: dockyard images save FILE — here: dockyard images load FILE",
        )
