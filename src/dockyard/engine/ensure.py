"""Have an engine: the one that is there, or, if the user agrees, one installed and started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockyard.engine.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker


def ensure_engine(yes: bool = False, ask: Callable[[str], bool] | None = None) -> docker.DockerClient:
    """Connect to the engine."""
    return connect()
