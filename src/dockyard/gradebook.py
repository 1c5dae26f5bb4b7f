"""nbgrader's gradebook knows the lessons: their notebooks, exercises and points."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dockyard.database import address_of, parsed, unusable
from dockyard.errors import BuildError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from dockyard.course import Course


def unknown(course: Course) -> list[str]:
    """Return the built lessons that the gradebook does not know as they are now. Costs no import of nbgrader."""
    known, entered = _registered(course), _assignments(course)
    return [name for name in _built(course) if name not in entered or known.get(name) != _digest(course, name)]


def register(course: Course, lesson: str) -> None:
    """Enter a lesson into the gradebook from source/, by nbgrader's own generate_assignment; release/ is not touched.

    Raises:
        BuildError: nbgrader refused, for example because exercises with hand-ins were taken away.
    """
    words = [sys.executable, "-m", "nbgrader", "generate_assignment", lesson, "--force"]
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(
            [*words, f"--CourseDirectory.release_directory={elsewhere}"],
            cwd=course.root,
            env={**os.environ, "DOCKYARD_STUDENT": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise BuildError(
            f"nbgrader could not enter {lesson} into the gradebook:\n" + "\n".join(done.stderr.splitlines()[-8:]),
            next_step="Type ./dockyard build --check",
        )
    known = _registered(course) | {lesson: _digest(course, lesson)}
    course.state.mkdir(exist_ok=True)
    _memory_path(course).write_text(json.dumps(known, indent=1) + "\n")


def _built(course: Course) -> list[str]:
    if not course.source.is_dir():
        return []
    return sorted(folder.name for folder in course.source.iterdir() if any(folder.glob("*.ipynb")))


def _memory_path(course: Course) -> Path:
    return course.state / "gradebook.json"


def _registered(course: Course) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(_memory_path(course).read_text())
        if isinstance(known, dict):
            return known
    return {}


def _assignments(course: Course) -> set[str]:
    """Return the assignments in the gradebook.

    Raises:
        DockyardError: it is no SQLite file, and cannot be reached.
    """
    url = parsed(address_of(course))
    if url.get_backend_name() != "sqlite":
        return _on_server(url)
    file = Path(url.database or course.gradebook)
    if not file.is_file():
        return set()  # connecting would make one
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file)) as database:
        return {name for (name,) in database.execute("select name from assignment")}
    return set()


def _on_server(url: URL) -> set[str]:
    from sqlalchemy import create_engine, inspect, text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                if not inspect(connection).has_table("assignment"):
                    return set()
                return {name for (name,) in connection.execute(text("select name from assignment"))}
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        raise unusable(error) from None


def _digest(course: Course, lesson: str) -> str:
    """Return a hash over the lesson's notebooks in source/."""
    whole = hashlib.sha256()
    for path in sorted((course.source / lesson).glob("*.ipynb")):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()
