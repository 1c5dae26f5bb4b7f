"""The Docker Engine: find it, connect to it, say what is wrong with it, install and start one."""

from __future__ import annotations

from dockyard.engine.client import connect, identify
from dockyard.engine.endpoint import Endpoint, find
from dockyard.engine.ensure import ensure_engine
from dockyard.engine.identity import EngineIdentity

__all__ = ["Endpoint", "EngineIdentity", "connect", "ensure_engine", "find", "identify"]
