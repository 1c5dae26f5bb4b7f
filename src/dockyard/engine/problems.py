"""What can be wrong with an engine, one error each: found, expected, what to type."""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from typing import TYPE_CHECKING

from dockyard.errors import EngineError

if TYPE_CHECKING:
    from dockyard.engine.endpoint import Endpoint

OLDEST_API = (1, 41)  # Docker Engine 20.10


class NoEngine(EngineError):
    """Nothing answers as an engine anywhere, and nothing says that one is installed."""


class DaemonStopped(EngineError):
    """An engine is installed, but does not run."""


class NotPermitted(EngineError):
    """The engine's socket is there, but closed to this user."""


class ContextElsewhere(EngineError):
    """A docker context names a place where no engine answers, or does not exist."""


class RemoteUnreachable(EngineError):
    """An engine on another machine does not answer."""


class UnsupportedAddress(EngineError):
    """An address of a kind that the course cannot use, such as ssh://."""


class ApiTooOld(EngineError):
    """The engine's API is older than the course needs."""


class WindowsContainers(EngineError):
    """The engine runs Windows containers."""


class NotAnEngine(EngineError):
    """Something answers, but not as Docker's API does."""


class TlsFailed(EngineError):
    """The engine and this side do not accept each other's certificates."""


class EngineSilent(EngineError):
    """Somebody accepts the connection, but gives no answer in time."""


def start_words() -> str:
    """What to type or do to start an installed engine on this machine."""
    if sys.platform in ("darwin", "win32"):
        return "Start Docker Desktop and wait until its whale stands still."
    return "Type: ./dockyard engine start"


def no_engine(places: list[str]) -> EngineError:
    """No socket anywhere: not installed, or installed and stopped."""
    if shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/sbin"):
        return DaemonStopped(
            "Docker Engine is installed, but it is not running: none of its sockets exists.",
            f"One of these was expected: {', '.join(places)}.",
            start_words(),
        )
    install = "Type: ./dockyard engine install" if sys.platform == "linux" else "Install Docker Desktop and start it."
    return NoEngine("There is no Docker Engine on this machine.", f"Looked for: {', '.join(places)}.", install)


def unknown_context(name: str, named_by: str) -> EngineError:
    """The context's files do not exist."""
    return ContextElsewhere(
        f"The Docker context {name}, named by {named_by}, does not exist.",
        "A context that `docker context ls` lists was expected.",
        "Type: " + ("unset DOCKER_CONTEXT" if named_by == "DOCKER_CONTEXT" else "docker context use default"),
    )


def broken_context(name: str, error: Exception) -> EngineError:
    """The context's file cannot be read or names no docker endpoint."""
    return ContextElsewhere(
        f"The Docker context {name} cannot be read: {type(error).__name__}: {error}",
        "Its meta.json should name the host of an endpoint called docker.",
        "Type: docker context use default",
    )


def refused(endpoint: Endpoint, error: Exception, others: list[Endpoint]) -> EngineError:
    """Nobody answers at `endpoint`.

    Args:
        endpoint: where an engine was expected.
        error: what the connection ended with.
        others: other known places where somebody does listen.
    """
    elsewhere = f"An engine does answer at {others[0].address}." if others else ""
    leave = "unset DOCKER_HOST" if endpoint.source == "DOCKER_HOST" else "docker context use default"
    if os.environ.get("DOCKER_CONTEXT") and endpoint.context:
        leave = "unset DOCKER_CONTEXT"
    if endpoint.remote:
        return RemoteUnreachable(
            f"The engine at {endpoint.url} (from {endpoint.source}) cannot be reached: {reason(error)}.",
            elsewhere or "An engine on another machine has to be running and reachable from here.",
            f"Check that machine and the network, or use an engine on this one. Type: {leave}",
        )
    if endpoint.context or endpoint.source == "DOCKER_HOST":
        named = f"The Docker context {endpoint.context}" if endpoint.context else "DOCKER_HOST"
        return ContextElsewhere(
            f"{named} points to {endpoint.address}, where no engine answers ({reason(error)}).",
            elsewhere or "The engine that it names has to be running.",
            f"Type: {leave}" if others else f"Start that engine, or leave it. Type: {leave}",
        )
    return DaemonStopped(
        f"The socket {endpoint.address} is there, but nobody listens: the Docker daemon has stopped.",
        "A running daemon was expected.",
        start_words(),
    )


def not_permitted(endpoint: Endpoint) -> EngineError:
    """The socket is there, but this user may not open it."""
    user = getpass.getuser()
    join = f"Type: sudo usermod -aG docker {user}   then log out and in again, or use rootless Docker."
    return NotPermitted(
        f"The user {user} may not open {endpoint.address} (permission denied).",
        "The socket belongs to root and to the group docker; membership gives full power over the machine.",
        "You are a member, but this login is older than that. Log out and in again, or type: newgrp docker"
        if member_of_docker(user)
        else join,
    )


def member_of_docker(user: str) -> bool:
    """Whether the group database lists a user in the group docker, be it that the present login does not know yet."""
    try:
        import grp
    except ImportError:  # not on Windows
        return False
    try:
        return user in grp.getgrnam("docker").gr_mem
    except KeyError:
        return False


def api_too_old(version: str, api: str) -> EngineError:
    """The engine speaks an API older than the course needs."""
    oldest = ".".join(map(str, OLDEST_API))
    return ApiTooOld(
        f"The engine is version {version} with API {api}.",
        f"API {oldest} or newer was expected: Docker Engine 20.10 of December 2020, or later.",
        "Update Docker Engine or Docker Desktop.",
    )


def windows_containers(version: str) -> EngineError:
    """Docker Desktop is switched to Windows containers."""
    return WindowsContainers(
        f"The engine {version} runs Windows containers.",
        "Linux containers were expected.",
        "In Docker Desktop's menu choose: Switch to Linux containers.",
    )


def not_an_engine(endpoint: Endpoint, error: Exception | str) -> EngineError:
    """The other side does not speak Docker's API."""
    return NotAnEngine(
        f"What answers at {endpoint.address} (from {endpoint.source}) is not a Docker Engine: {error}",
        "An answer to GET /version with ApiVersion and Os was expected.",
        "Type: docker context ls   and: echo $DOCKER_HOST",
    )


def tls_failed(endpoint: Endpoint, error: Exception) -> EngineError:
    """The TLS handshake failed."""
    return TlsFailed(
        f"The engine at {endpoint.url} (from {endpoint.source}) refuses TLS: {reason(error)}.",
        "ca.pem, cert.pem and key.pem that belong to this engine were expected"
        + (f" in the context {endpoint.context}." if endpoint.context else " in $DOCKER_CERT_PATH."),
        "Ask whoever runs that engine for its certificates, or type: docker context use default",
    )


def silent(endpoint: Endpoint, seconds: float) -> EngineError:
    """The connection was accepted, but no answer came."""
    return EngineSilent(
        f"The engine at {endpoint.address} accepts connections, but gave no answer within {seconds:g} s.",
        "It should answer GET /version at once; it may be starting, or hang.",
        "Wait a moment and try again; if it stays so, restart the engine.",
    )


def unsupported(endpoint: Endpoint) -> EngineError:
    """The address is of a kind that needs more than the course brings."""
    scheme = endpoint.url.partition("://")[0]
    return UnsupportedAddress(
        f"The engine's address {endpoint.url} (from {endpoint.source}) starts with {scheme}://.",
        "The course speaks to an engine by unix:// or tcp://.",
        "Forward the socket: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock USER@HOST   "
        "and type: export DOCKER_HOST=unix:///tmp/docker.sock",
    )


def reason(error: BaseException) -> str:
    """The innermost cause of a connection error, in the system's words."""
    seen: BaseException = error
    while True:
        inner = seen.__cause__ or seen.__context__ or next((a for a in seen.args if isinstance(a, BaseException)), None)
        if inner is None:
            inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException) or inner is seen:
            break
        seen = inner
    if isinstance(seen, OSError) and seen.strerror:
        return seen.strerror.lower()
    return str(seen) or type(seen).__name__
