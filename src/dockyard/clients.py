"""What a check is given for `docker` and `http`: true clients, recording or replaying below."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import requests

from dockyard.recording import Recorder, Replayer
from dockyard.wire import Exchange

if TYPE_CHECKING:
    from docker import DockerClient
    from requests.adapters import BaseAdapter

REPLAY_API_VERSION = "1.41"  # for a check that asks for the engine where none was recorded


class Live:
    """Recording clients, made when a check asks for them.

    Args:
        named: names of environment variables whose values the check reads.

    Attributes:
        exchanges: what was asked and answered so far.
    """

    def __init__(self, named: frozenset[str]) -> None:
        self.exchanges: list[Exchange] = []
        self.named = named
        self.client: DockerClient | None = None
        self.direct: BaseAdapter | None = None

    def docker(self) -> DockerClient:
        """Return a client of the engine that the docker command would use.

        Raises:
            EngineError: there is none, or none that can be used.
        """
        from dockyard.engine import connect

        self.client = client = connect()
        self.direct = client.api.get_adapter(client.api.base_url + "/")
        client.api.max_redirects = 0  # as in grading
        client.api.mount(client.api.base_url, Recorder(self.direct, self.exchanges, named=self.named))
        return client

    def http(self) -> requests.Session:
        """Return a session that reaches published ports on this machine."""
        from dockyard.loopback import LoopbackAdapter

        return _session(Recorder(LoopbackAdapter(), self.exchanges, named=self.named, engine=False))

    def ask_around(self) -> None:
        """Add the neighbourhood of what was asked for."""
        if self.client is not None:
            from dockyard.neighbourhood import record_around

            record_around(self.client, self.exchanges)

    def identity(self) -> dict[str, str] | None:
        """Return who the engine is, or None where none was asked or it went away meanwhile."""
        if self.client is None or self.direct is None:
            return None
        self.client.api.mount(self.client.api.base_url, self.direct)
        with contextlib.suppress(Exception):  # no reason to lose what the check has found
            info, version = self.client.info(), self.client.version()
            return {
                "id": str(info.get("ID", ""))[:200],
                "version": str(version.get("Version", ""))[:60],
                "api_version": str(version.get("ApiVersion", "")),
                "os": str(version.get("Os", ""))[:60],
                "architecture": str(version.get("Arch", ""))[:60],
            }
        return None

    def close(self) -> None:
        if self.client is not None:
            self.client.close()


class Replayed:
    """Clients that are answered from the evidence.

    Args:
        filed: the evidence.
        named: names of environment variables whose values the check reads.
    """

    def __init__(self, filed: dict[str, Any], named: frozenset[str]) -> None:
        self.filed, self.named = filed, named
        self.client: DockerClient | None = None

    def docker(self) -> DockerClient:
        """Return a client that opens no connection."""
        import docker

        version = (self.filed["engine"] or {}).get("api_version", REPLAY_API_VERSION)
        self.client = client = docker.DockerClient(base_url="unix:///nowhere", version=version)
        client.api.max_redirects = 0  # no engine sends any, and docker-py would follow one past the adapter below
        client.api.trust_env = False  # no proxy stands before a file, and looking for one takes longer than the answer
        client.api.mount("http+docker://", Replayer(self.filed["exchanges"], named=self.named))
        return client

    def http(self) -> requests.Session:
        """Return a session that opens no connection."""
        return _session(Replayer(self.filed["exchanges"], named=self.named, engine=False))

    def close(self) -> None:
        if self.client is not None:
            self.client.close()


def _session(adapter: BaseAdapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
