"""What of the engine's answers a check may see and the evidence may hold: what the course made, and no secrets."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

MASK = "***"
LABELS = "dev.dockyard."
TAG = re.compile(r"(?:docker\.io/|localhost/)?dockyard/")  # Podman and containerd write the registry too
BUILTIN = ("bridge", "host", "none")
LISTS = re.compile(r"/(?:containers|images)/json\Z|/(?:networks|services|tasks|secrets|configs)\Z")
STEP = re.compile(r"(?:/bin/sh -c #\(nop\)\s+)?(?:ENV|ARG)\s|(?:RUN )?\|\d+ ")  # a step that names variables
VARIABLE = re.compile(r"(?<![^\s])([A-Za-z_][\w.-]*)=(.*?)(?=\s+[A-Za-z_][\w.-]*=|\s+/\S+ -\w+ |\s+#|\Z)", re.DOTALL)
PRIVATE_INFO = ("HttpProxy", "HttpsProxy", "NoProxy", "Labels", "RegistryConfig", "Name", "Swarm", "ProductLicense")


def of_course(item: dict[str, Any]) -> bool:
    """Tell whether the course made an object, by its name (`lab-…`), its image (`dockyard/…`) or its label.

    A label says nothing of images and containers: they inherit it from the image that they were made from.
    """
    spec = item.get("Spec") or {}
    container = spec.get("ContainerSpec") or (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    names = item.get("Names") or [item.get("Name") or spec.get("Name") or ""]
    inherited = "RepoTags" in item or "Image" in item
    labels = [] if inherited else [*(item.get("Labels") or ()), *(spec.get("Labels") or ())]
    tags = [*(item.get("RepoTags") or ()), item.get("Image"), container.get("Image")]
    return (
        any(str(name).lstrip("/").startswith("lab-") for name in names)
        or any(TAG.match(tag) for tag in tags if isinstance(tag, str))
        or any(str(label).startswith(LABELS) for label in labels)
    )


def reduce(key: str, answer: Any, named: frozenset[str]) -> Any:
    """Return an answer of the engine without what is not the course's business.

    Args:
        key: the request, as `recording.key_of` writes it.
        answer: the JSON that the engine sent.
        named: names of environment variables whose values stay.
    """
    path = urlsplit(key.split(" ", 1)[1]).path
    if isinstance(answer, list) and LISTS.match(path):
        answer = [item for item in answer if of_course(item) or (path == "/networks" and item.get("Name") in BUILTIN)]
    if path == "/volumes" and isinstance(answer, dict):
        answer = {**answer, "Volumes": [item for item in answer.get("Volumes") or [] if of_course(item)]}
    if path == "/info" and isinstance(answer, dict):
        answer = {name: value for name, value in answer.items() if name not in PRIVATE_INFO}
    if path == "/swarm" and isinstance(answer, dict):
        answer = {name: value for name, value in answer.items() if name != "JoinTokens"}
    return _mask(_no_strangers(answer), named)


def masked(answer: Any) -> set[str]:
    """Return the names of the environment variables whose values are masked anywhere in an answer."""
    return {entry.partition("=")[0] for entry in _environment(answer) if entry.endswith(f"={MASK}")}


def _no_strangers(answer: Any) -> Any:
    """A network lists every container attached to it; keep the course's."""
    items = answer if isinstance(answer, list) else [answer]
    for item in items:
        if isinstance(item, dict) and "IPAM" in item and isinstance(item.get("Containers"), dict):
            item["Containers"] = {
                identity: member
                for identity, member in item["Containers"].items()
                if str(member.get("Name", "")).startswith("lab-")
            }
    return answer


def _mask(answer: Any, named: frozenset[str]) -> Any:
    if isinstance(answer, dict):
        return {name: _masked_field(name, value, named) for name, value in answer.items()}
    if isinstance(answer, list):
        return [_mask(item, named) for item in answer]
    return answer


def _masked_field(field: str, value: Any, named: frozenset[str]) -> Any:
    if field == "Env" and isinstance(value, list):
        return [_masked_entry(entry, named) for entry in value]
    if field == "CreatedBy" and isinstance(value, str) and STEP.match(value):
        return VARIABLE.sub(lambda found: found[0] if found[1] in named else f"{found[1]}={MASK}", value)
    return _mask(value, named)


def _masked_entry(entry: Any, named: frozenset[str]) -> Any:
    name, equals, _ = str(entry).partition("=")
    return f"{name}={MASK}" if equals and name not in named else entry


def _environment(answer: Any) -> list[str]:
    """Every `NAME=value` of an environment in an answer, those in an image's history among them."""
    if isinstance(answer, list):
        return [entry for item in answer for entry in _environment(item)]
    if not isinstance(answer, dict):
        return []
    found: list[str] = []
    for field, value in answer.items():
        if field == "Env" and isinstance(value, list):
            found += [str(entry) for entry in value]
        elif field == "CreatedBy" and isinstance(value, str) and STEP.match(value):
            found += [f"{name}={text}" for name, text in VARIABLE.findall(value)]
        else:
            found += _environment(value)
    return found
