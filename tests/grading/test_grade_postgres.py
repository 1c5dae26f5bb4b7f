"""A gradebook in PostgreSQL holds what one in SQLite holds, whoever writes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import create_engine, text

from dockyard.database import VARIABLE, address
from tests.grading.classroom import LESSON, Classroom
from tests.grading.postgres import Server
from tests.grading.test_grade import TABLES, enter_class, files, furnish

SQLITE, STOCK, OURS = "sqlite", "stock", "ours"


@dataclass
class Rooms:
    """Three courses, equal but for their place and their gradebook."""

    folders: dict[str, Path]
    addresses: dict[str, str]

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run nbgrader or dockyard in a course, as somebody with `DOCKYARD_GRADEBOOK` set would."""
        env = dict(os.environ)
        if name != SQLITE:
            env[VARIABLE] = self.addresses[name]
        module = "dockyard.cli" if words[0] == "dockyard" else words[0]
        command = [sys.executable, "-m", module, *words[1:]]
        return subprocess.run(command, cwd=self.folders[name], capture_output=True, text=True, env=env, timeout=300)

    def book(self, name: str) -> Gradebook:
        return Gradebook(address(self.addresses[name]), "dockyard")

    def gradebook(self, name: str) -> dict[str, list[tuple[Any, ...]]]:
        return gradebook(address(self.addresses[name]))


def gradebook(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that grading writes, in an order of its own, as Python's values."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            table: sorted((_row(row) for row in connection.execute(text(query))), key=repr)
            for table, query in TABLES.items()
        }
    engine.dispose()
    return found


def _row(row: Any) -> tuple[Any, ...]:
    """SQLite has no times, no lengths of time and no truth values of its own."""
    plain = []
    for value in row:
        if isinstance(value, str) and value[:4].isdecimal() and value[4:5] == "-":
            value = datetime.fromisoformat(value)
            value = value - datetime(1970, 1, 1) if value.year < 2000 else value
        plain.append(int(value) if isinstance(value, bool) else value)
    return tuple(plain)


@pytest.fixture(scope="module")
def rooms(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Rooms:
    base = tmp_path_factory.mktemp("postgres")
    folders = {name: base / name for name in (SQLITE, STOCK, OURS)}
    addresses = {SQLITE: f"sqlite:///{base / SQLITE / 'gradebook.db'}"}
    for name in (STOCK, OURS):
        addresses[name] = postgres.new_database()
    rooms = Rooms(folders, addresses)
    room = Classroom(base / SQLITE, make=True)
    furnish(room)
    for name in (STOCK, OURS):
        shutil.copytree(room.root, folders[name])
        (folders[name] / "gradebook.db").unlink()
        done = rooms.run(name, "nbgrader", "generate_assignment", LESSON, "--force")
        assert done.returncode == 0, done.stderr
        enter_class(address(addresses[name]))
    return rooms


def test_all_three_end_alike(rooms: Rooms) -> None:
    done = {name: rooms.run(name, "nbgrader", "autograde", LESSON) for name in (SQLITE, STOCK)}
    done[OURS] = rooms.run(OURS, "dockyard", "grade", LESSON, "--course", str(rooms.folders[OURS]))
    assert "a hand-in" in done[OURS].stdout, done[OURS].stdout + done[OURS].stderr
    assert done[SQLITE].returncode == done[STOCK].returncode
    assert not [path for name in (STOCK, OURS) for path in rooms.folders[name].glob("*.db")]
    assert_alike(rooms)


def assert_alike(rooms: Rooms) -> None:
    lite = rooms.gradebook(SQLITE)
    assert len(lite["submission"]) > 10 and any(row[3] for row in lite["submission"])
    for name in (STOCK, OURS):
        book = rooms.gradebook(name)
        for table in TABLES:
            assert book[table] == lite[table], (name, table)
        assert files(rooms.folders[name]) == files(rooms.folders[SQLITE]), name
