"""Remove from the engine what a notebook names, between two cases of a proof, and nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from docker import DockerClient
from docker.errors import APIError, NotFound

from dockyard.authoring.lessons import Notebook
from dockyard.errors import DockyardError

_NAME = re.compile(r"(?P<image>dockyard/)?(?<![\w-])(?P<name>lab-[a-z0-9]+(?:[._-]+[a-z0-9]+)*)")
_PROJECT = "com.docker.compose.project"
_PATIENCE = 15.0  # seconds to wait for a removal that the engine has already begun (`--rm`)


@dataclass(frozen=True)
class Named:
    """Names that a notebook and its cases mention.

    Attributes:
        objects: `lab-…`, names of containers, volumes, networks and Compose projects.
        images: `dockyard/lab-…`, without tags.
    """

    objects: frozenset[str]
    images: frozenset[str]


def names_in(text: str) -> Named:
    """All names of the course's kind in a text."""
    found = list(_NAME.finditer(text))
    return Named(
        frozenset(match["name"] for match in found if not match["image"]),
        frozenset(match["image"] + match["name"] for match in found if match["image"]),
    )


def names_of(notebook: Notebook) -> Named:
    """All names that a notebook's text and cases mention."""
    texts = [path.read_text(encoding="utf-8") for path in (notebook.text, notebook.cases) if path.is_file()]
    return names_in("\n".join(texts))


def remove(engine: DockerClient, named: Named) -> None:
    """Remove the containers, networks, volumes and images that bear exactly these names, running ones too.

    A container also goes if it was made from one of these images or belongs to a Compose project of that name, and so
    do that project's networks and volumes. An image goes with all its tags.
    """
    api = engine.api
    for container in api.containers(all=True):
        names = {name.lstrip("/") for name in container["Names"] or ()}
        image = container["Image"].rpartition(":")[0] or container["Image"]
        if names & named.objects or image in named.images or _in_project(container, named):
            _gone(partial(api.remove_container, container["Id"], force=True, v=True))
    for network in api.networks():
        if network["Name"] in named.objects or _in_project(network, named):
            _gone(partial(api.remove_network, network["Id"]))
    for volume in api.volumes()["Volumes"] or ():
        if volume["Name"] in named.objects or _in_project(volume, named):
            _gone(partial(api.remove_volume, volume["Name"], force=True))
    for image in api.images():
        for tag in image["RepoTags"] or ():
            if tag.rpartition(":")[0] in named.images:
                _gone(partial(api.remove_image, tag, force=True))


def refuse_if_present(engine: DockerClient, named: Named, lesson: str) -> None:
    """Stop before anything of the learner's own work would be removed.

    Raises:
        DockyardError: the engine holds a container, network, volume or image of one of these names.
    """
    api = engine.api
    names = {name.lstrip("/") for container in api.containers(all=True) for name in container["Names"] or ()}
    names |= {network["Name"] for network in api.networks()}
    names |= {volume["Name"] for volume in api.volumes()["Volumes"] or ()}
    images = {tag.rpartition(":")[0] for image in api.images() for tag in image["RepoTags"] or ()}
    found = sorted((names & named.objects) | (images & named.images))
    if found:
        raise DockyardError(
            f"The engine holds objects of this lesson: {', '.join(found)}.",
            "Expected none of them: they would be removed again and again.",
            f"Remove them with: dockyard reset {lesson}",
        )


def _in_project(described: dict[str, Any], named: Named) -> bool:
    return (described.get("Labels") or {}).get(_PROJECT) in named.objects


def _gone(removal: Callable[[], Any]) -> None:
    """Call a removal until the thing is gone: a removal in progress, or a use that ends, answers 409 at first."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            removal()
            return
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409 or time.monotonic() > deadline:
                raise
        time.sleep(0.1)
