"""The whole corpus, graded twice at the same time: by nbgrader's own command, and in a copy by `dockyard grade`."""

from __future__ import annotations

import re
import resource
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dockyard.grading.limits import MIB
from tests.fake_engine import FakeEngine
from tests.grading.classroom import LESSON, Classroom
from tests.hostile.corpus import lay_all
from tests.hostile.room import Case, Honest, set_up

ADDRESS_SPACE = 1536 * MIB  # a process; Python with nbgrader takes about 500 MiB of it before any hand-in
FILE_SIZE = 64 * MIB  # what a process may write into one file
SECONDS = 540  # all hand-ins, on a machine that has other things to do

Grades = dict[str, dict[str, tuple[float | None, bool]]]
Things = dict[str, Counter[bytes]]


@dataclass
class Graded:
    """The corpus after grading.

    Attributes:
        room, stock: the course that `dockyard grade` graded, and the one of nbgrader's own command.
        before, after: what lay where, by hand-in; under "" what is no part of the submissions.
        stock_after: likewise, in nbgrader's course.
        grades: what `dockyard grade` gave.
        logs, codes: what the commands said, and their exit status: "class" and "stock".
        peak: most memory of a worker, in MiB.
    """

    room: Classroom
    stock: Path
    honest: Honest
    cases: list[Case]
    before: Things = field(default_factory=dict)
    after: Things = field(default_factory=dict)
    stock_after: Things = field(default_factory=dict)
    grades: Grades = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    peak: int = 0


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    root = tmp_path_factory.mktemp("hostile")
    engine = FakeEngine(root / "engine.sock")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine.url)
        room, honest = set_up(root, engine)
    engine.close()
    (root / "engine.sock").unlink(missing_ok=True)
    stock = tmp_path_factory.mktemp("hostile-stock") / "course"
    result = Graded(room, stock, honest, lay_all(room.root / "submitted", honest))
    subprocess.run(["cp", "-a", str(room.root), str(stock)], check=True)  # Python's own copy opens pipes
    result.before = things(root)
    theirs = Command("stock", stock, "nbgrader", "autograde", LESSON)
    Command("class", room.root, "dockyard.cli", "grade", LESSON, "--course", str(room.root)).wait(result)
    theirs.wait(result)
    result.grades = grades(room.root)
    result.after, result.stock_after = things(root), things(stock.parent)
    if found := re.search(r"(\d+) MiB a worker", result.logs["class"]):
        result.peak = int(found[1])
    yield result
    remove(root, stock.parent)


def remove(*roots: Path) -> None:
    """Remove folders that hold hand-ins: some lie in one another deeper than Python's own removal can follow."""
    subprocess.run(["rm", "-rf", "--", *map(str, roots)], check=True)


class Command:
    """A command that runs, with limits on what it may take."""

    def __init__(self, name: str, course: Path, *words: str) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))

        self.name, self.log, self.started = name, course.parent / f"{name}.log", time.monotonic()
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=course,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                preexec_fn=limit,
            )

    def wait(self, result: Graded) -> None:
        try:
            result.codes[self.name] = self.process.wait(SECONDS)
        finally:
            self.process.kill()
        result.logs[self.name] = f"{self.log.read_text(errors='replace')}\n{time.monotonic() - self.started:.1f} s"


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
