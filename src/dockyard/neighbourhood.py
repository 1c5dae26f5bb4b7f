"""What lies around the objects that a check touched, so that a check mended after hand-in can still be answered."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dockyard.aliases import aliases_of, canonical
from dockyard.privacy import of_course
from dockyard.recording import engine_key
from dockyard.wire import Exchange

if TYPE_CHECKING:
    from docker import DockerClient

LOGS = "?stderr=1&stdout=1&timestamps=0&follow=0&tail=50"  # as docker-py asks, but for the last lines only


def record_around(client: DockerClient, exchanges: list[Exchange]) -> None:
    """Ask, through a recording client, for the neighbourhood of each object that the exchanges touched.

    Of a container that the course named: inspect, top, last log lines and changes, its image's inspect and history, the
    inspect of its networks and volumes. Of an image: inspect and history. Answers that do not come are no error.

    Args:
        client: a client whose transport is a `Recorder` over `exchanges`.
        exchanges: what the check was answered.
    """
    for reference in _touched(exchanges, "containers"):
        with contextlib.suppress(Exception):
            _around_container(client, reference, exchanges)
    for reference in _touched(exchanges, "images"):
        with contextlib.suppress(Exception):
            _image(client, reference, exchanges)
    for kind in ("networks", "volumes"):
        for reference in _touched(exchanges, kind):
            _get(client, f"/{kind}/{reference}", exchanges)


def _around_container(client: DockerClient, reference: str, exchanges: list[Exchange]) -> None:
    inspect = _get(client, f"/containers/{reference}/json", exchanges)
    if not inspect or not of_course({**inspect, "Image": inspect["Config"]["Image"]}):
        return
    if inspect["State"]["Running"]:
        _get(client, f"/containers/{reference}/top", exchanges)
    _get(client, f"/containers/{reference}/changes", exchanges)
    logs = re.compile(rf"GET /containers/({re.escape(reference)}|{inspect['Id']})/logs\?")
    if not any(logs.match(kept["request"]) for kept in exchanges):
        _get(client, f"/containers/{reference}/logs", exchanges, LOGS)
    _image(client, inspect["Image"], exchanges)
    _get(client, f"/images/{inspect['Config']['Image']}/json", exchanges)
    for network in inspect["NetworkSettings"]["Networks"] or {}:
        _get(client, f"/networks/{network}", exchanges)
    for mount in inspect["Mounts"] or []:
        if mount.get("Type") == "volume":
            _get(client, f"/volumes/{mount['Name']}", exchanges)


def _image(client: DockerClient, reference: str, exchanges: list[Exchange]) -> None:
    _get(client, f"/images/{reference}/json", exchanges)
    _get(client, f"/images/{reference}/history", exchanges)


def _get(client: DockerClient, path: str, exchanges: list[Exchange], query: str = "") -> Any:
    """Ask once; what is on record already is not asked again. Whatever goes wrong, this is only the neighbourhood."""
    url = client.api._url("{0}", path) + query
    aliases = aliases_of(exchanges)
    wanted = canonical(engine_key("GET", url), aliases)
    for kept in exchanges:
        if canonical(kept["request"], aliases) == wanted:
            return kept.get("json") if kept.get("status") == 200 else None
    before = len(exchanges)
    with contextlib.suppress(Exception):
        answer = client.api._get(url)
        if answer.status_code == 200:
            return exchanges[-1].get("json")
    del exchanges[before:]  # that nobody answered this time is no answer to a later question
    return None


def _touched(exchanges: list[Exchange], kind: str) -> list[str]:
    found = {}
    for kept in exchanges:
        match = re.match(
            rf"GET /{kind}/([^?]+?)(?:/(?:json|top|logs|changes|archive|history|stats))?(?:\?|\Z)", kept["request"]
        )
        if match and match.group(1) != "json":
            found[unquote(match.group(1))] = True
    return list(found)
