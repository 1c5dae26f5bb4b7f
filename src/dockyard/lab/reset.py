"""Remove from the engine what the exercises created, by name and label, and nothing else.

Theirs are containers, volumes and networks named `lab-…`, images named `dockyard/lab-…`, and containers that carry the
label `dev.dockyard.exercise`. What somebody else's container still uses stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockyard.errors import DockyardError

if TYPE_CHECKING:
    from docker import DockerClient

    from dockyard.course import Course

EXERCISE_LABEL = "dev.dockyard.exercise"
PROJECT_LABEL = "com.docker.compose.project"
PREFIX = "lab-"
IMAGE_PREFIX = "dockyard/lab-"

_NAME = re.compile(r"(?<![\w./-])(?:dockyard/)?lab-[a-z0-9]+(?:[._-]+[a-z0-9]+)*")


@dataclass(frozen=True)
class Thing:
    """One thing on the engine.

    Attributes:
        kind: "container", "volume", "network" or "image".
        name: as the person knows it.
        reference: by which the engine finds it.
        note: what there is to say of it: a container's state, or why it stays.
    """

    kind: str
    name: str
    reference: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.note})" if self.note else "")


@dataclass
class Plan:
    """What a reset would remove, in the order to remove it in, and what it would leave, with the reason as note."""

    remove: list[Thing] = field(default_factory=list)
    leave: list[Thing] = field(default_factory=list)


@dataclass(frozen=True)
class Scope:
    """Which of the course's things are meant.

    Attributes:
        names: the only names that count, `lab-…` and `dockyard/lab-…`; None for all.
        words: all words of the lesson, to tell the exercises that are its own; None for all.
    """

    names: frozenset[str] | None = None
    words: frozenset[str] | None = None

    def covers(self, name: str, labels: dict[str, str] | None = None) -> bool:
        """Say whether a name is meant, by itself or by the Compose project that it belongs to."""
        if not name.startswith((PREFIX, IMAGE_PREFIX)):
            return False
        project = (labels or {}).get(PROJECT_LABEL, "")
        return self.names is None or name in self.names or project in self.names

    def covers_exercise(self, exercise: str | None) -> bool:
        """Say whether a label that names an exercise is meant."""
        return exercise is not None and (self.words is None or exercise in self.words)


def scope_of(course: Course, lesson: str | None) -> Scope:
    """Return the scope of one lesson: the names that its released notebooks mention, or its text if there are none.

    Args:
        course: where the lessons lie.
        lesson: name of its folder; None for the whole course.

    Raises:
        DockyardError: there is no such lesson.
    """
    if lesson is None:
        return Scope()
    known = {path.name for root in (course.release, course.notebooks) if root.is_dir() for path in root.iterdir()}
    if lesson not in known or lesson.startswith("."):
        raise DockyardError(
            f"There is no lesson called {lesson}.",
            f"There are: {', '.join(sorted(name for name in known if not name.startswith('.')))}.",
            "Or leave the name out, for all lessons",
        )
    text = _text(course.release / lesson, "*.ipynb") or _text(course.notebooks / lesson, "*.md")
    return Scope(frozenset(names_in(text)), frozenset(re.findall(r"[\w-]+", text)) | {lesson})


def names_in(text: str) -> set[str]:
    """Return all names of the course's kind that a text mentions: `lab-…` and `dockyard/lab-…`."""
    return set(_NAME.findall(text))


def _text(folder: Path, pattern: str) -> str:
    parts = []
    for path in sorted(folder.rglob(pattern)):
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            # In JSON a line's end is the letter n after a backslash, which would hide the name after it.
            for cell in json.loads(content)["cells"]:
                source = cell["source"]
                parts.append(source if isinstance(source, str) else "".join(source))
                parts.append(str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")))
        else:
            parts.append(content)
    return "\n".join(parts)


def plan(client: DockerClient, scope: Scope | None = None) -> Plan:
    """Look at the engine and return what a reset would do; nothing is changed."""
    scope = scope or Scope()
    result = Plan()
    described = client.api.containers(all=True)
    mine = [one for one in described if _is_ours(one, scope)]
    others = [one for one in described if one not in mine]
    kept = []
    for one in mine:
        thing = Thing("container", _name(one), one["Id"], one.get("State", ""))
        # A container that joined this one's network could not be started again.
        users = [other for other in others if _joined(other) in (one["Id"], thing.name)]
        if users:
            kept.append(one)
        _sort_in(result, thing, users)
    others += kept
    _plan_networks(client, scope, others, result)
    _plan_volumes(client, scope, others, result)
    _plan_images(client, scope, others, result)
    return result


def _plan_networks(client: DockerClient, scope: Scope, others: list[dict[str, Any]], result: Plan) -> None:
    for network in client.api.networks():
        if scope.covers(network["Name"], network.get("Labels")):
            users = [one for one in others if _uses_network(one, network)]
            _sort_in(result, Thing("network", network["Name"], network["Id"]), users)


def _plan_volumes(client: DockerClient, scope: Scope, others: list[dict[str, Any]], result: Plan) -> None:
    for volume in client.api.volumes()["Volumes"] or ():
        name = volume["Name"]
        if scope.covers(name, volume.get("Labels")):
            users = [one for one in others if any(mount.get("Name") == name for mount in one.get("Mounts") or ())]
            _sort_in(result, Thing("volume", name, name), users)


def _plan_images(client: DockerClient, scope: Scope, others: list[dict[str, Any]], result: Plan) -> None:
    for image in client.api.images():
        tags = image.get("RepoTags") or ()
        ours = [tag for tag in tags if tag.startswith(IMAGE_PREFIX) and scope.covers(tag.rpartition(":")[0])]
        users = [one for one in others if one.get("ImageID") == image["Id"]]
        for tag in ours:
            # While the image keeps another name, a container only misses the one that it was created by.
            by_tag = [one for one in users if one.get("Image") in (tag, tag.removesuffix(":latest"))]
            _sort_in(result, Thing("image", tag, tag), by_tag if len(ours) < len(tags) else users)


def _sort_in(result: Plan, thing: Thing, users: Iterable[dict[str, Any]]) -> None:
    names = ", ".join(sorted(_name(one) for one in users))
    if names:
        result.leave.append(Thing(thing.kind, thing.name, thing.reference, f"in use by container {names}"))
    else:
        result.remove.append(thing)


def _is_ours(described: dict[str, Any], scope: Scope) -> bool:
    labels = described.get("Labels") or {}
    return scope.covers(_name(described), labels) or scope.covers_exercise(labels.get(EXERCISE_LABEL))


def _name(described: dict[str, Any]) -> str:
    # Links of other containers are listed as names too: "/other/alias".
    names = [name.lstrip("/") for name in described.get("Names") or ()]
    return next((name for name in names if "/" not in name), described["Id"][:12])


def _joined(described: dict[str, Any]) -> str:
    return str((described.get("HostConfig") or {}).get("NetworkMode", "")).removeprefix("container:")


def _uses_network(described: dict[str, Any], network: dict[str, Any]) -> bool:
    """Say whether a container, running or not, is attached to a network."""
    attached = (described.get("NetworkSettings") or {}).get("Networks") or {}
    return any(
        end.get("NetworkID") == network["Id"] or (not end.get("NetworkID") and name == network["Name"])
        for name, end in attached.items()
    )


def carry_out(client: DockerClient, todo: Plan, told: Callable[[Thing], None] | None = None) -> Plan:
    """Remove what a plan says, and return what was removed and what was left.

    What is gone already counts as removed; what the engine refuses to remove is left, with its words as the reason.

    Args:
        client: the engine.
        todo: what `plan` returned.
        told: is told of each thing that is gone.
    """
    from docker.errors import APIError, NotFound

    api = client.api
    removals: dict[str, Callable[[str], Any]] = {
        # Anonymous volumes belong to their container alone; named ones stay.
        "container": lambda reference: api.remove_container(reference, force=True, v=True),
        "network": api.remove_network,
        "volume": api.remove_volume,
        "image": api.remove_image,
    }
    done = Plan(leave=list(todo.leave))
    for thing in todo.remove:
        try:
            removals[thing.kind](thing.reference)
        except NotFound:
            pass
        except APIError as error:
            done.leave.append(Thing(thing.kind, thing.name, thing.reference, str(error.explanation or error)))
            continue
        done.remove.append(thing)
        if told:
            told(thing)
    return done
