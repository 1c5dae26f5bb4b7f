"""Where the engine is: the address that the docker command would use, then other known places.

The order is the CLI's own (docker/cli, `resolveContextName`): DOCKER_HOST, DOCKER_CONTEXT, `currentContext` in
config.json, default socket. docker-py's ContextAPI is not used: it passes over a context that does not exist, and
without a config.json it looks for contexts below the working directory.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dockyard.engine import problems

DEFAULT_SOCKET = Path("/var/run/docker.sock")


@dataclass(frozen=True)
class Tls:
    """Paths of the certificates that an endpoint needs; `verify` is False where the context says SkipTLSVerify."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    verify: bool = True


@dataclass(frozen=True)
class Endpoint:
    """The address of an engine.

    Args:
        url: `unix:///…`, `tcp://host:port`, `ssh://…`, `npipe://…`.
        source: what named it, in words: "DOCKER_HOST", "context desktop-linux", "default socket", …
        tls: certificates, for `tcp` with TLS.
        context: name of the docker context, where one named the address.
        by_cli: whether the docker command would use it too, without being told.
    """

    url: str
    source: str
    tls: Tls | None = None
    context: str = ""
    by_cli: bool = True

    @property
    def socket(self) -> Path | None:
        """Path of the UNIX socket, or None for other addresses."""
        scheme, _, rest = self.url.partition("://")
        return Path(rest) if scheme in ("unix", "http+unix") else None

    @property
    def address(self) -> str:
        """The address as a person would name it: the path of a socket, or the URL."""
        return str(self.socket or self.url)

    @property
    def remote(self) -> bool:
        """Whether the engine may be on another machine: neither a socket, nor a pipe, nor loopback."""
        if self.socket or self.url.startswith("npipe:"):
            return False
        host = urlsplit(self.url).hostname or ""
        try:
            return not ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host not in ("localhost", "")

    def environment(self) -> dict[str, str]:
        """Variables by which a child's docker command uses this endpoint too; empty where it does so anyway."""
        return {} if self.by_cli else {"DOCKER_HOST": self.url}


def config_directory(env: Mapping[str, str] = os.environ) -> Path:
    """The docker command's configuration: $DOCKER_CONFIG, else ~/.docker."""
    return Path(env.get("DOCKER_CONFIG") or home(env) / ".docker")


def home(env: Mapping[str, str] = os.environ) -> Path:
    """The home directory as `env` has it."""
    return Path(env.get("HOME") or env.get("USERPROFILE") or Path.home())


def find(env: Mapping[str, str] | None = None, default: Path = DEFAULT_SOCKET) -> Endpoint:
    """Find the engine's address without speaking to it.

    Args:
        env: environment to read; the process's own if not given.
        default: path of the default socket.

    Returns:
        The endpoint that the docker command would use. Where neither a variable nor a context names one and nobody
        listens at the default socket, the first known other place where somebody does.

    Raises:
        EngineError: no address at all (`NoEngine`), or a context that does not exist (`UnknownContext`).
    """
    env = os.environ if env is None else env
    named = _from_host(env) or _from_context(env)
    if named:
        return named
    places = list(places_known(env, default))
    present = [place for place in places if exists(place)]
    for place in present:
        if listens(place):
            return place
    if present:
        return present[0]
    raise problems.no_engine([str(place.socket) for place in places])


def places_known(env: Mapping[str, str], default: Path = DEFAULT_SOCKET) -> list[Endpoint]:
    """The default socket, then those of rootless Docker, Docker Desktop and Podman, in this order."""
    if os.name == "nt":
        return [Endpoint("npipe:////./pipe/docker_engine", "default pipe")]
    runtime = Path(env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    others = [
        (runtime / "docker.sock", "rootless socket"),
        (home(env) / ".docker/run/docker.sock", "Docker Desktop's socket"),
        (home(env) / ".docker/desktop/docker.sock", "Docker Desktop's socket"),
        (runtime / "podman/podman.sock", "Podman socket"),
        (Path("/run/podman/podman.sock"), "Podman socket"),
    ]
    places = [Endpoint(f"unix://{default}", "default socket")]
    return places + [Endpoint(f"unix://{path}", source, by_cli=False) for path, source in others]


def exists(place: Endpoint) -> bool:
    """Whether a known place is there at all, be it stale or closed to this user."""
    if place.socket is None:
        return os.name == "nt"
    try:
        return place.socket.is_socket()
    except PermissionError:
        return True


def listens(place: Endpoint) -> bool:
    """Whether somebody accepts a connection at a socket; for other addresses, assumed."""
    if place.socket is None:
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(place.socket))
        except OSError:
            return False
    return True


def _from_host(env: Mapping[str, str]) -> Endpoint | None:
    url = env.get("DOCKER_HOST")
    if not url:
        return None
    if "://" not in url:
        url = f"tcp://{url}"
    tls = None
    verify = bool(env.get("DOCKER_TLS_VERIFY"))
    if url.startswith("tcp:") and (verify or env.get("DOCKER_TLS")):
        certificates = Path(env.get("DOCKER_CERT_PATH") or config_directory(env))
        tls = _tls(certificates, verify)
    return Endpoint(url, "DOCKER_HOST", tls)


def _from_context(env: Mapping[str, str]) -> Endpoint | None:
    name, named_by = env.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
    directory = config_directory(env)
    if not name:
        name, named_by = _current_context(directory), str(directory / "config.json")
    if not name or name == "default":
        return None
    folder = hashlib.sha256(name.encode()).hexdigest()
    try:
        meta = json.loads((directory / "contexts/meta" / folder / "meta.json").read_text())
        target = meta["Endpoints"]["docker"]
        url = target["Host"]
    except FileNotFoundError:
        raise problems.unknown_context(name, named_by) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise problems.broken_context(name, error) from error
    certificates = directory / "contexts/tls" / folder / "docker"
    tls = _tls(certificates, not target.get("SkipTLSVerify")) if certificates.is_dir() else None
    return Endpoint(url, f"context {name}", tls, context=name)


def _current_context(directory: Path) -> str:
    try:
        return str(json.loads((directory / "config.json").read_text()).get("currentContext") or "")
    except (OSError, ValueError, AttributeError):
        return ""  # the docker command warns about a damaged config.json and goes on without it


def _tls(directory: Path, verify: bool) -> Tls:
    ca, cert, key = (
        path if path.is_file() else None for path in (directory / f"{n}.pem" for n in ("ca", "cert", "key"))
    )
    return Tls(ca, cert, key, verify)
