"""`dockyard grade` killed at any moment: the same command again ends as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dockyard.grading import placing
from dockyard.grading.class_at_once import ClassGrader
from dockyard.grading.converter import STAGING
from dockyard.grading.course import course_config, due
from tests.grading.classroom import LESSON, Classroom
from tests.grading.test_grade import RIGHT, TABLES, files, furnish, grade, gradebook

SEED = 20260302
CLASS = 40
CHAINS = (1, 2, 2, 3, 3, 4, 5)  # kills of one course before it is graded to the end
Rows = dict[str, set[tuple[Any, ...]]]
Files = dict[str, tuple[int, object]]


@dataclass(frozen=True)
class Undisturbed:
    """A class that nothing happened to.

    Attributes:
        fresh: before it was graded.
        root: afterwards.
        code: exit status of the command.
        start: seconds from the start of the command to the first thing that it writes.
        work: seconds from there to the end.
    """

    fresh: Path
    root: Path
    code: int
    start: float
    work: float


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    base = tmp_path_factory.mktemp("killed")
    room = Classroom(base / "fresh", make=True)
    furnish(room)
    for number in range(CLASS - len(list((room.root / "submitted").iterdir()))):
        room.hand_in(f"learner-{number}", RIGHT if number % 2 else {"first-one": "green"})
    root = Path(shutil.copytree(room.root, base / "undisturbed"))
    started = time.monotonic()
    process = command(root)
    first = wait_for_first_write(root, process, time.time_ns())
    code = process.wait()
    return Undisturbed(room.root, root, code, first - started, time.monotonic() - first)


def command(root: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "dockyard.cli", "grade", LESSON, "--course", str(root), "--workers", "2"]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(words, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)


def wait_for_first_write(root: Path, process: subprocess.Popen[bytes], started: int) -> float:
    """The folder for staging is made anew by each run; one that was killed may have left one."""
    staging = root / STAGING
    while process.poll() is None:
        try:
            if staging.stat().st_ctime_ns > started:
                break
        except FileNotFoundError:
            pass
        time.sleep(0.001)
    return time.monotonic()


def kill(root: Path, moment: float, undisturbed: Undisturbed, group: bool) -> bool:
    """Run the command, and kill it when this share of what was left to do is done; tells whether it still ran."""
    there = graded_folders(root)
    wanted = there + (CLASS - there) * moment
    started = time.time_ns()
    process = command(root)
    if moment < 0:
        time.sleep(undisturbed.start * (1 + moment))
    else:
        wait_for_first_write(root, process, started)
        while graded_folders(root) < int(wanted) and process.poll() is None:
            time.sleep(0.001)
        time.sleep(wanted % 1 * undisturbed.work / CLASS)
    if process.poll() is None:
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
    code = process.wait()
    deadline = time.monotonic() + 5
    while left := running(process.pid):
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.02)
    return code == -signal.SIGKILL


def graded_folders(root: Path) -> int:
    return len(os.listdir(root / "autograded")) if (root / "autograded").exists() else 0


def running(group: int) -> list[int]:
    """Processes of a group that run: workers stay in their parent's. One that has ended may wait to be reaped."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = stat.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(pgrp) == group and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def rows(root: Path) -> Rows:
    return {table: set(found) for table, found in gradebook(root).items()}


def files_by_student(root: Path) -> dict[str, Files]:
    found: dict[str, Files] = defaultdict(dict)
    for path, file in files(root).items():
        if "/." not in path:  # what is being moved
            found[path.split("/")[1]][path] = file
    return found


def assert_nothing_half_done(root: Path, before: Rows, after: Rows, *wholes: dict[str, Files]) -> int:
    """Every row is as it was or as it must be in the end, and every hand-in's files are all there or none."""
    for table, found in rows(root).items():
        assert found <= before[table] | after[table], table
    there = files_by_student(root)
    for student, found_files in there.items():
        assert found_files in [whole.get(student) for whole in wholes], student
    return len(there)


def assert_as_undisturbed(root: Path, undisturbed: Path) -> None:
    found, expected = gradebook(root), gradebook(undisturbed)
    for table in TABLES:
        assert found[table] == expected[table], table
    assert files(root) == files(undisturbed)
    assert due(course_config(root, LESSON), force=False) == due(course_config(undisturbed, LESSON), force=False)
    assert {path.name for path in (root / ".dockyard").iterdir()} <= {"grading.lock"}
    assert not list((root / "autograded").glob("*/.*"))


def test_killed_twenty_times(undisturbed: Undisturbed, tmp_path: Path) -> None:
    chance, count = Random(SEED), sum(CHAINS)
    parts = range(count - 2)  # of the run; and a moment before the first write, and one after the last
    moments = [-0.1, *((number + chance.random()) / len(parts) for number in parts), 1.0]
    chance.shuffle(moments)
    before, after, whole = rows(undisturbed.fresh), rows(undisturbed.root), files_by_student(undisturbed.root)
    killed, graded = 0, []
    for number, kills in enumerate(CHAINS):
        root = Path(shutil.copytree(undisturbed.fresh, tmp_path / f"course-{number}"))
        for _ in range(kills):
            killed += kill(root, moments.pop(), undisturbed, group=chance.random() < 0.4)
            graded.append(assert_nothing_half_done(root, before, after, whole))
        done = grade(root)
        assert done.returncode == undisturbed.code, done.stdout + done.stderr
        assert_as_undisturbed(root, undisturbed.root)
        shutil.rmtree(root)
    assert count == 20 and not moments
    assert killed >= count - 5, f"only {killed} were killed while they ran"
    assert len({number for number in graded if 0 < number < CLASS}) >= 3, graded


def in_a_process(work: Callable[[], None]) -> int:
    """Do something in a process of its own; returns the signal that ended it."""
    if (pid := os.fork()) == 0:
        try:
            work()
        finally:
            os._exit(1)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("step", range(7))
def test_killed_between_gradebook_and_files(undisturbed: Undisturbed, tmp_path: Path, step: int) -> None:
    """Handed in anew: the old files are there, and must not be taken for the new ones."""
    fresh = Path(shutil.copytree(undisturbed.root, tmp_path / "fresh"))
    students = ("early", "extended", "late")
    for student in students:
        folder = fresh / "submitted" / student / LESSON
        shutil.rmtree(folder / "evidence")
        (folder / "timestamp.txt").write_text("2026-03-05 12:00:00 UTC")
    root, other = (Path(shutil.copytree(fresh, tmp_path / name)) for name in ("course", "other"))

    def grade_in_order(root: Path) -> None:
        config = course_config(root, LESSON)
        found = list(ClassGrader(config).grade(due(config, force=False).students, serial=True))
        assert {one.student for one in found} >= set(students)

    calls = 0

    def deadly(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **more: Any) -> Any:
            nonlocal calls
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            return real(*words, **more)

        return call

    def work() -> None:
        for name in ("_move", "_taken_away"):
            setattr(placing, name, deadly(getattr(placing, name)))
        placing.os = Deadly(os, rename=deadly(os.rename))  # type: ignore[attr-defined]
        placing.shutil = Deadly(shutil, rmtree=deadly(shutil.rmtree))  # type: ignore[attr-defined]
        grade_in_order(root)

    grade_in_order(other)
    assert in_a_process(work) == signal.SIGKILL
    assert_nothing_half_done(root, rows(fresh), rows(other), files_by_student(fresh), files_by_student(other))
    grade_in_order(root)
    assert_as_undisturbed(root, other)


class Deadly:
    """A module as another one sees it, with one function replaced."""

    def __init__(self, module: Any, **replaced: Any) -> None:
        self.__dict__.update(vars(module))
        self.__dict__.update(replaced)
