"""Connect to an engine and ask who it is; everything that can be wrong on the way becomes an error with words."""

from __future__ import annotations

import errno
import os
import ssl
from typing import TYPE_CHECKING, Any

from dockyard.engine import problems
from dockyard.engine.endpoint import DEFAULT_SOCKET, Endpoint, find, listens, places_known
from dockyard.engine.identity import EngineIdentity

if TYPE_CHECKING:
    import docker


def connect(endpoint: Endpoint | None = None, timeout: float = 20) -> docker.DockerClient:
    """Connect to the engine that the docker command would use; costs one request (GET /version).

    Args:
        endpoint: where; what `find` finds, if not given.
        timeout: seconds to wait for each answer, now and later.

    Raises:
        EngineError: see `dockyard.engine.problems`; each kind has its class.
    """
    import docker

    endpoint = endpoint or find()
    version = ask_version(endpoint, timeout)
    client = docker.DockerClient(version=version["ApiVersion"], **_arguments(endpoint, timeout))
    client.api.trust_env = not endpoint.tls
    return client


def ask_version(endpoint: Endpoint, timeout: float = 20) -> dict[str, Any]:
    """The engine's answer to GET /version, checked: old APIs and Windows containers are refused.

    Args:
        endpoint: where to ask.
        timeout: seconds to wait.

    Raises:
        EngineError: see `dockyard.engine.problems`.
    """
    import docker.errors
    import requests.exceptions

    arguments = _arguments(endpoint, timeout)
    try:
        api = docker.APIClient(version="1.44", **arguments)  # naming a version saves a request; /version takes none
        # requests would prefer REQUESTS_CA_BUNDLE to the engine's own ca.pem
        api.trust_env = not endpoint.tls
        try:
            version = api.version(api_version=False)
        finally:
            api.close()
    except requests.exceptions.Timeout as error:
        if isinstance(error, requests.exceptions.ConnectTimeout):
            raise problems.refused(endpoint, error, _others(endpoint)) from error
        raise problems.silent(endpoint, timeout) from error
    except (docker.errors.DockerException, ValueError) as error:
        raise problems.not_an_engine(endpoint, error) from error
    except OSError as error:  # requests' own errors are OSErrors too
        raise _connection_problem(endpoint, error) from error
    if not isinstance(version, dict) or not isinstance(version.get("ApiVersion"), str):
        raise problems.not_an_engine(endpoint, "its answer to /version names no ApiVersion")
    if str(version.get("Os", "linux")).lower() == "windows":
        raise problems.windows_containers(version.get("Version", ""))
    if not _recent(version["ApiVersion"]):
        raise problems.api_too_old(version.get("Version", ""), version["ApiVersion"])
    return version


def identify(client: docker.DockerClient) -> EngineIdentity:
    """Ask an engine who it is (GET /version and GET /info).

    Raises:
        EngineError: the engine does not answer any more.
    """
    import docker.errors
    import requests.exceptions

    try:
        version, info = client.version(), client.info()
    except (requests.exceptions.RequestException, docker.errors.DockerException) as error:
        raise problems.EngineSilent(
            f"The engine does not answer: {problems.reason(error)}.", "", "Type: ./dockyard doctor"
        ) from error
    options = info.get("SecurityOptions") or []
    system = str(info.get("OperatingSystem") or "")
    return EngineIdentity(
        id=str(info.get("ID") or ""),
        name=str(info.get("Name") or ""),
        version=str(version.get("Version") or info.get("ServerVersion") or ""),
        api_version=str(version.get("ApiVersion") or ""),
        os=str(version.get("Os") or info.get("OSType") or ""),
        architecture=str(info.get("Architecture") or version.get("Arch") or ""),
        operating_system=system,
        kernel=str(info.get("KernelVersion") or ""),
        storage_driver=str(info.get("Driver") or ""),
        cgroup_version=str(info.get("CgroupVersion") or ""),
        cpus=int(info.get("NCPU") or 0),
        memory=int(info.get("MemTotal") or 0),
        rootless=bool(info.get("Rootless")) or any("rootless" in option for option in options),
        podman=any("podman" in str(part.get("Name", "")).lower() for part in version.get("Components") or []),
        desktop="Docker Desktop" in system,
    )


def remarks(endpoint: Endpoint, identity: EngineIdentity) -> list[str]:
    """Sentences about an engine that works, but is not what the lessons were written on."""
    said = []
    if endpoint.remote:
        said.append(
            f"The engine is on another machine ({endpoint.url}, from {endpoint.source}): "
            "published ports open there, and bind mounts show that machine's files."
        )
    if identity.podman:
        said.append(f"Podman {identity.version} answers as Docker: most works, some details and messages differ.")
    if not endpoint.by_cli:
        said.append(
            f"The docker command would look elsewhere than {endpoint.address} ({endpoint.source}). "
            f"In a terminal type: export DOCKER_HOST={endpoint.url}"
        )
    return said


def _arguments(endpoint: Endpoint, timeout: float) -> dict[str, Any]:
    import docker.tls

    if endpoint.url.partition("://")[0] not in ("unix", "http+unix", "tcp", "http", "https", "npipe"):
        raise problems.unsupported(endpoint)
    arguments: dict[str, Any] = {"base_url": endpoint.url, "timeout": timeout}
    if endpoint.tls:
        tls = endpoint.tls
        pair = (str(tls.cert), str(tls.key)) if tls.cert and tls.key else None
        arguments["tls"] = docker.tls.TLSConfig(
            client_cert=pair, ca_cert=str(tls.ca) if tls.ca else None, verify=tls.verify
        )
    return arguments


def _connection_problem(endpoint: Endpoint, error: Exception) -> problems.EngineError:
    seen: BaseException | None = error
    while seen:
        if isinstance(seen, ssl.SSLError):
            return problems.tls_failed(endpoint, error)
        if endpoint.socket and isinstance(seen, OSError) and seen.errno in (errno.EACCES, errno.EPERM):
            return problems.not_permitted(endpoint)
        seen = seen.__cause__ or seen.__context__
    if endpoint.socket and not os.access(endpoint.socket.parent, os.X_OK):
        return problems.not_permitted(endpoint)
    if "RemoteDisconnected" in repr(error) or "BadStatusLine" in repr(error):
        return problems.not_an_engine(endpoint, problems.reason(error))
    return problems.refused(endpoint, error, _others(endpoint))


def _others(endpoint: Endpoint) -> list[Endpoint]:
    places = places_known(os.environ, DEFAULT_SOCKET)
    return [place for place in places if place.socket and place.socket != endpoint.socket and listens(place)]


def _recent(api_version: str) -> bool:
    try:
        return tuple(int(part) for part in api_version.split(".")) >= problems.OLDEST_API
    except ValueError:
        return False
