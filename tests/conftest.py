"""Fixtures for all tests: where the engine is, and when its absence is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def engine() -> Iterator[object]:
    """A docker-py client of the real engine. Without one the test is skipped, or fails where `CI` is set."""
    from dockyard.engine import connect
    from dockyard.errors import EngineError

    try:
        client = connect()
    except EngineError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs an engine: {error}")
        pytest.skip(f"no engine: {error.found}")
    yield client
    client.close()
