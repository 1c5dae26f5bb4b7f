"""Fixtures for all tests: where the engine is, and when its absence is a failure."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_engine import FakeEngine

os.environ.pop("DOCKYARD_GRADEBOOK", None)  # no test writes into an instructor's own


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


@pytest.fixture
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """An engine of canned answers that `connect` finds; its folder's path is short, as a socket's must be."""
    folder = Path(tempfile.mkdtemp(prefix="dy-"))
    engine = FakeEngine(folder / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    yield engine
    engine.close()
    shutil.rmtree(folder, ignore_errors=True)
