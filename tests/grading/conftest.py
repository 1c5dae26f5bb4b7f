"""Fixtures of the tests of grading."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.grading.postgres import Server, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for all tests; each takes a database of its own from it."""
    with running() as server:
        yield server
