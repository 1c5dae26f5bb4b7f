"""The whole corpus, graded once: one part by stock nbgrader first, then all of it by `dockyard grade`."""

from __future__ import annotations

import re
import resource
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dockyard.grading.limits import MIB
from tests.fake_engine import FakeEngine
from tests.grading.classroom import LESSON, Classroom
from tests.hostile.corpus import lay_all
from tests.hostile.room import Case, Honest, set_up

STOCK = "dir-*"  # the hand-ins that nbgrader's own command grades too: those whose files are the trouble
ADDRESS_SPACE = 1536 * MIB  # a process; Python with nbgrader takes about 500 MiB of it before any hand-in
FILE_SIZE = 64 * MIB  # what a process may write into one file
SECONDS = 240  # all hand-ins, on a machine that has other things to do

Grades = dict[str, dict[str, tuple[float | None, bool]]]
Things = dict[str, Counter[bytes]]


@dataclass
class Graded:
    """The corpus after grading.

    Attributes:
        before, after: what lay where, by hand-in; under "" what is no part of the submissions.
        stock: what nbgrader's own command gave, where it was asked.
        grades: what `dockyard grade` gave.
        peak: most memory of a worker, in MiB.
    """

    room: Classroom
    honest: Honest
    cases: list[Case]
    before: Things = field(default_factory=dict)
    after: Things = field(default_factory=dict)
    stock: Grades = field(default_factory=dict)
    grades: Grades = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    peak: int = 0


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    root = tmp_path_factory.mktemp("hostile")
    engine = FakeEngine(root / "engine.sock")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine.url)
        room, honest = set_up(root, engine)
    engine.close()
    (root / "engine.sock").unlink(missing_ok=True)
    result = Graded(room, honest, lay_all(room.root / "submitted", honest))
    result.before = things(root)
    _run(result, "stock", [sys.executable, "-m", "nbgrader", "autograde", LESSON, f"--student={STOCK}"])
    result.stock = grades(room.root)
    command = [sys.executable, "-m", "dockyard.cli", "grade", LESSON, "--force", "--course", str(room.root)]
    _run(result, "class", command)
    result.grades = grades(room.root)
    result.after = things(root)
    if found := re.search(r"(\d+) MiB a worker", result.logs["class"]):
        result.peak = int(found[1])
    return result


def _run(result: Graded, name: str, command: list[str]) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))

    log = result.room.root.parent / f"{name}.log"
    started = time.monotonic()
    with log.open("w") as file:
        done = subprocess.run(
            command,
            cwd=result.room.root,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            timeout=SECONDS,
            preexec_fn=limit,
        )
    result.codes[name] = done.returncode
    result.logs[name] = f"{log.read_text(errors='replace')}\n{time.monotonic() - started:.1f} s"


def things(root: Path) -> Things:
    """Everything below a folder but what grading makes: kind, size, target and time of change, by hand-in.

    `find` walks through folders that Python's own walk cannot follow.
    """
    made = ["course/autograded", "course/gradebook.db*", "course/.dockyard", "course/submitted/.*", "*.log"]
    without = [
        word for path in made for word in ("-not", "-path", f"{root}/{path}", "-not", "-path", f"{root}/{path}/*")
    ]
    show = r"%y %s %l %T@ %P\0"
    command = ["find", str(root), *without, "-not", "-type", "d", "-printf", show]
    result: Things = defaultdict(Counter)
    for entry in subprocess.run(command, capture_output=True, check=True).stdout.split(b"\0"):
        about, _, path = entry.rpartition(b" course/submitted/")
        if about:  # a file may move within its hand-in
            result[path.split(b"/")[0].decode()][about] += 1
        elif entry:
            result[""][entry] += 1
    return dict(result)


def grades(root: Path) -> Grades:
    """Auto score and whether a person is needed: student → cell."""
    query = """SELECT student_id, base_cell.name, auto_score, needs_manual_grade FROM grade
        JOIN base_cell ON base_cell.id = grade.cell_id
        JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
        JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"""
    result: Grades = defaultdict(dict)
    with sqlite3.connect(root / "gradebook.db") as connection:
        for student, cell, score, person in connection.execute(query):
            result[student][cell] = (score, bool(person))
    return dict(result)
