"""One object, many names: a request by name and one by ID ask for the same, and evidence of one answers the other.

docker-py asks for a container by the name that a check gives, and for its processes and logs by the ID it was told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

OBJECT = re.compile(
    r"((?:GET|HEAD) /(?:containers|images|networks)/)([^?]+?)"
    r"((?:/(?:json|top|logs|changes|archive|stats|history))?(?:\?.*)?)\Z",
    re.DOTALL,
)
INSPECT = ("", "/json")


def aliases_of(exchanges: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what the inspects among kept answers say of names: start of a request by name → the same by ID."""
    aliases: dict[str, str] = {}
    for exchange in exchanges:
        match, answer = OBJECT.match(exchange["request"]), exchange.get("json")
        if match and match[3] in INSPECT and isinstance(answer, dict) and isinstance(answer.get("Id"), str):
            identity = answer["Id"]
            tags = [tag for tag in answer.get("RepoTags") or () if isinstance(tag, str)]
            names = [identity, identity.removeprefix("sha256:"), str(answer.get("Name", "")).lstrip("/"), *tags]
            names += [tag.removesuffix(":latest") for tag in tags]
            for name in [match[2], *(quote(str(name), safe="/:") for name in names if name)]:
                aliases[match[1] + name] = match[1] + identity
    return aliases


def canonical(key: str, aliases: Mapping[str, str]) -> str:
    """Return a request's key with the object's ID where a name stands, if the name is known."""
    match = OBJECT.match(key)
    if not match:
        return key
    start = match[1] + match[2]
    return aliases.get(start, start) + match[3]
