"""What of the engine's answers a check may see and the evidence may hold: what the course made, and no secrets."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

MASK = "***"
LABELS = "dev.dockyard."
PRIVATE_INFO = ("HttpProxy", "HttpsProxy", "NoProxy", "Labels", "RegistryConfig", "Name", "Swarm", "ProductLicense")


def of_course(item: dict[str, Any]) -> bool:
    """Tell whether the course made an object, by its name (`lab-…`), its image (`dockyard/…`) or its label."""
    names = item.get("Names") or [item.get("Name") or item.get("Spec", {}).get("Name") or ""]
    labels = item.get("Labels") or {}
    tags = item.get("RepoTags") or []
    image = item.get("Image") if isinstance(item.get("Image"), str) else ""
    return (
        any(str(name).lstrip("/").startswith("lab-") for name in names)
        or any(str(tag).startswith("dockyard/") for tag in [*tags, image])
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
    if isinstance(answer, list) and re.match(r"/(containers|images)/json\Z|/(networks|services)\Z", path):
        builtin = ("bridge", "host", "none")
        answer = [item for item in answer if of_course(item) or (path == "/networks" and item.get("Name") in builtin)]
    if path == "/volumes" and isinstance(answer, dict):
        answer = {**answer, "Volumes": [item for item in answer.get("Volumes") or [] if of_course(item)]}
    if path == "/info" and isinstance(answer, dict):
        answer = {name: value for name, value in answer.items() if name not in PRIVATE_INFO}
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
        return {
            name: [_masked_entry(entry, named) for entry in value]
            if name == "Env" and isinstance(value, list)
            else _mask(value, named)
            for name, value in answer.items()
        }
    if isinstance(answer, list):
        return [_mask(item, named) for item in answer]
    return answer


def _masked_entry(entry: Any, named: frozenset[str]) -> Any:
    name, equals, _ = str(entry).partition("=")
    return f"{name}={MASK}" if equals and name not in named else entry


def _environment(answer: Any) -> list[str]:
    if isinstance(answer, dict):
        found: list[str] = []
        for name, value in answer.items():
            if name == "Env" and isinstance(value, list):
                found += [str(entry) for entry in value]
            else:
                found += _environment(value)
        return found
    if isinstance(answer, list):
        return [entry for item in answer for entry in _environment(item)]
    return []
