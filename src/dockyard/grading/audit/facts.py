"""What one evidence file says of things that do not repeat by chance: ids, times, the check that judged it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dockyard.grading.handins import Filed, HandIn, parse_time

Layers = tuple[str, ...]
COURSES = re.compile(r"(?:docker\.io/|localhost/)?dockyard/")
LEARNERS = re.compile(r"(?:docker\.io/|localhost/)?(?:library/|dockyard/)?lab-")  # Podman writes the registry too


@dataclass(frozen=True)
class ContainerFacts:
    """A container as an inspect in the evidence shows it. Times are None where the engine gave none."""

    id: str
    name: str
    created: datetime | None
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True)
class ImageFacts:
    """An image as an inspect or a list in the evidence shows it.

    Attributes:
        id: the digest of its configuration, which holds the time of the build.
        name: the tag that the learner gave it.
        created: when it was built.
        layers: the digests of its layers, or nothing where they were not asked for.
    """

    id: str
    name: str
    created: datetime | None
    layers: Layers


@dataclass(frozen=True)
class Facts:
    """What matters to an audit of one evidence file.

    Attributes:
        student: who handed it in.
        path, file: where it lies, and the exercise that the file's name says.
        exercise, recorded_for, check: as the evidence says.
        engine: its id, or "" where none was asked or it gives none.
        recorded: when the run on file took place.
        attempts: times of all attempts on file, in the order in which they stand.
        all_there: whether every attempt that was counted is on file.
        claims: whether the run on file passed while none of its attempts did, or it is not among them.
        changed: whether the checksum does not fit.
        engine_time: the engine's own clock, where the check asked for it.
        containers, images: what the learner made.
        base_layers: layers of images that the learner did not build.
    """

    student: str
    path: Path
    file: str
    exercise: str
    recorded_for: str
    check: str | None
    engine: str
    recorded: datetime
    attempts: tuple[datetime, ...]
    all_there: bool
    claims: bool
    changed: bool
    engine_time: datetime | None
    containers: tuple[ContainerFacts, ...]
    images: tuple[ImageFacts, ...]
    base_layers: frozenset[Layers]


def facts_of(hand_in: HandIn) -> list[Facts]:
    """Return the facts of each readable evidence file of a hand-in."""
    return [_facts(hand_in, filed) for filed in hand_in.filed]


def _facts(hand_in: HandIn, filed: Filed) -> Facts:
    says = filed.evidence
    inspects = list(_answers(says["exchanges"]))
    times = tuple(time for time in (parse_time(attempt["at"]) for attempt in says["attempts"]) if time)
    all_there = says["attempt_count"] == len(says["attempts"])
    runs = {(attempt["at"], attempt["passed"]) for attempt in says["attempts"]}
    recorded = parse_time(says["recorded"])
    assert recorded is not None  # the schema has seen to it
    images, base_layers = _images(inspects)
    clocks = [parse_time(answer.get("SystemTime")) for path, answer in inspects if path == "/info"]
    return Facts(
        student=hand_in.student,
        path=filed.path,
        file=filed.name,
        exercise=says["exercise"],
        recorded_for=says["student"],
        check=says["check"],
        engine=(says["engine"] or {}).get("id", ""),
        recorded=recorded,
        attempts=times,
        all_there=all_there,
        claims=all_there and (says["recorded"], says["passed"]) not in runs,
        changed=filed.changed,
        engine_time=next((time for time in clocks if time), None),
        containers=tuple(_containers(inspects)),
        images=tuple(images),
        base_layers=frozenset(base_layers),
    )


def _answers(exchanges: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object that the engine described, with the path that was asked for; lists are taken apart."""
    for exchange in exchanges:
        path = exchange["request"].split(" ", 1)[1].partition("?")[0]
        answer = exchange.get("json")
        if exchange.get("status") == 200:
            for item in answer if isinstance(answer, list) else [answer]:
                if isinstance(item, dict):
                    yield path, item


def _containers(inspects: list[tuple[str, dict[str, Any]]]) -> Iterator[ContainerFacts]:
    seen = set()
    for path, item in inspects:
        identity, state = item.get("Id"), item.get("State")
        if (
            not path.startswith("/containers/")
            or not _is_id(identity)
            or identity in seen
            or not path.endswith("/json")
        ):
            continue
        times = state if isinstance(state, dict) else {}  # a list says only "running"
        if not times and path != "/containers/json":
            continue
        if times:
            seen.add(identity)
        names = item.get("Names")
        name = item.get("Name") or (names[0] if isinstance(names, list) and names else "")
        yield ContainerFacts(
            str(identity),
            str(name).lstrip("/") or str(identity)[:12],
            parse_time(item.get("Created")),
            parse_time(times.get("StartedAt")),
            parse_time(times.get("FinishedAt")),
        )


def _images(inspects: list[tuple[str, dict[str, Any]]]) -> tuple[list[ImageFacts], set[Layers]]:
    """The images that the learner built, and the layers of all others: those of the course are everybody's."""
    built: dict[str, ImageFacts] = {}
    base: set[Layers] = set()
    for path, item in inspects:
        if path.startswith("/images/") and path.endswith("/json") and _is_id(item.get("Id")):
            listed = item.get("RepoTags")
            tags = [tag for tag in listed if isinstance(tag, str)] if isinstance(listed, list) else []
            own = [tag for tag in tags if is_learners(tag)]
            root = item.get("RootFS")
            found = root.get("Layers") if isinstance(root, dict) else None
            layers = tuple(str(layer) for layer in found) if isinstance(found, list) else ()
            named_anew = any(tag not in own and COURSES.match(tag) for tag in tags)
            if own and not named_anew:
                built[item["Id"]] = ImageFacts(item["Id"], own[0], parse_time(item.get("Created")), layers)
            elif tags and layers:
                base.add(layers)
    for path, item in inspects:  # a container names the image that it was made from, asked for or not
        config, identity = item.get("Config"), item.get("Image")
        if path.startswith("/containers/") and isinstance(config, dict) and _is_id(identity):
            name = config.get("Image")
            if isinstance(name, str) and is_learners(name) and identity not in built:
                built[str(identity)] = ImageFacts(str(identity), name, None, ())
    return list(built.values()), base


def is_learners(tag: str) -> bool:
    """Tell whether an image's name is one that learners give in exercises: `dockyard/lab-…` or `lab-…`."""
    return LEARNERS.match(tag) is not None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 12 <= len(value) <= 200
