"""Check cells for tests: make one, run it live, run it on its evidence."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from dockyard import evidence
from dockyard.card import Outcome
from dockyard.exercise import live, replay, run_cell

NAME, STUDENT = "try-it", "ada"


def cell(body: str, parameters: str = "docker", beside: str = "", name: str = NAME) -> str:
    """Return the source of a check cell; `beside` stands above the function."""
    head = f"from dockyard import exercise\n{textwrap.dedent(beside)}\n@exercise({name!r}, points=2)\n"
    return head + f"def check({parameters}):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"


def run_live(directory: Path, source: str, student: str = STUDENT, **variables: Any) -> Outcome:
    with live(directory, student) as outcomes:
        run_cell(source, dict(variables))
    return outcomes[-1]


def run_replay(directory: Path, source: str, student: str | None = STUDENT) -> Outcome:
    with replay(directory, student) as outcomes:
        run_cell(source, {})
    return outcomes[-1]


def agree(directory: Path, source: str, **variables: Any) -> Outcome:
    """Run a cell live and on its evidence; both must say the same."""
    first = run_live(directory, source, **variables)
    again = run_replay(directory, source)
    assert first.recorded, first
    assert (again.passed, again.message, again.points) == (first.passed, first.message, first.points)
    return first


def filed(directory: Path, name: str = NAME) -> evidence.Evidence:
    return evidence.read(evidence.path_of(directory, name))
