"""Who the engine is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineIdentity:
    """What an engine says about itself (GET /version and GET /info of the Docker Engine API).

    Args:
        id: the engine's own random ID, or "" where it gives none (Podman).
        name: host name of the machine that the engine runs on.
        version: the engine's version, such as "26.1.5".
        api_version: the newest API version that it speaks.
        os: "linux" or "windows".
        architecture: as the engine names it, such as "x86_64".
        operating_system: the host's name of itself, such as "Docker Desktop".
        kernel: version of the host's kernel.
        storage_driver: such as "overlay2".
        cgroup_version: "1" or "2".
        cpus: number of processors that containers may use.
        memory: bytes of memory that containers may use.
        rootless: whether the daemon runs without root.
        podman: whether it is Podman that answers.
        desktop: whether it is Docker Desktop.
    """

    id: str
    name: str
    version: str
    api_version: str
    os: str
    architecture: str
    operating_system: str
    kernel: str
    storage_driver: str
    cgroup_version: str
    cpus: int
    memory: int
    rootless: bool
    podman: bool
    desktop: bool

    @property
    def product(self) -> str:
        """Name and version, as "Docker Engine 26.1.5"."""
        kind = "Podman" if self.podman else "Docker Desktop, Engine" if self.desktop else "Docker Engine"
        return f"{kind} {self.version}"
