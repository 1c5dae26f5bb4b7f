"""`dockyard grade` on disks that are full or must not be written: one clear error, nothing half done."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grading.classroom import LESSON, Classroom
from tests.grading.test_grade import RIGHT, files, grade, gradebook
from tests.grading.test_grade_killed import assert_as_undisturbed, assert_nothing_half_done, files_by_student, rows

STUDENTS = tuple(f"learner-{number:02}" for number in range(12))
PICTURE = 300 * 1024  # bytes that each hands in beside the notebook: what fills the disk
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    room = Classroom(tmp_path_factory.mktemp("disk") / "fresh", make=True)
    for student in STUDENTS:
        (room.hand_in(student, RIGHT) / "picture.png").write_bytes(bytes(PICTURE))
    return room.root


@pytest.fixture(scope="module")
def undisturbed(fresh: Path) -> Path:
    root = Path(shutil.copytree(fresh, fresh.with_name("undisturbed")))
    assert grade(root).returncode == 0
    return root


def mount(place: Path, *words: str) -> None:
    done = subprocess.run(["mount", *words, str(place)], capture_output=True, text=True)
    if done.returncode:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs to mount: {done.stderr}")
        pytest.skip(f"cannot mount: {done.stderr}")


@contextlib.contextmanager
def mounted(place: Path, *words: str) -> Iterator[Path]:
    """Mount something at a place, for as long as the block takes."""
    mount(place, *words)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextlib.contextmanager
def read_only(place: Path) -> Iterator[Path]:
    with mounted(place, "--bind", str(place)):
        mount(place, "-o", "remount,bind,ro")
        yield place


@contextlib.contextmanager
def on_small_disk(fresh: Path, place: Path, free: int) -> Iterator[Path]:
    """The class on a disk of its own, on which so many bytes are left."""
    place.mkdir()
    with mounted(place, "-t", "tmpfs", "-o", "size=32m", "tmpfs"):
        root = Path(shutil.copytree(fresh, place / "course"))
        fill(root, free)
        yield root


def fill(root: Path, free: int) -> None:
    """Leave so many bytes of the disk, in place of what the last call left."""
    ballast = root.parent / "ballast"
    ballast.unlink(missing_ok=True)
    about = os.statvfs(root)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, about.f_bavail * about.f_bsize - free))


def clear(done: subprocess.CompletedProcess[str], reason: str) -> None:
    """Whether the run has ended with one error that says what was found and what to do, and no traceback."""
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1, said
    assert "Traceback" not in said and reason in said, said
    assert done.stderr.count("✗") == 1 and "type the same again" in said, said


def assert_sound(root: Path, fresh: Path, undisturbed: Path) -> int:
    """Nothing is half written; returns how many hand-ins have their files."""
    found = assert_nothing_half_done(root, rows(fresh), rows(undisturbed), files_by_student(undisturbed))
    entered = {row[0] for row in gradebook(root)["submission"]}
    assert entered >= {path.split("/")[1] for path in files(root)}
    assert len(entered) <= found + 1  # the one at work
    return found


def assert_ends_well(root: Path, undisturbed: Path) -> None:
    done = grade(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_as_undisturbed(root, undisturbed)


@pytest.mark.parametrize("free", [64 * 1024, 900 * 1024, 2 * MIB])
def test_disk_full_while_files_are_staged(fresh: Path, undisturbed: Path, tmp_path: Path, free: int) -> None:
    with on_small_disk(fresh, tmp_path / "disk", free) as root:
        done = grade(root)
        clear(done, "No space left on device")
        graded = assert_sound(root, fresh, undisturbed)
        assert graded < len(STUDENTS) and (graded or free < MIB), done.stdout
        assert f"grade: {graded} graded" in done.stdout
        clear(grade(root), "No space left on device")
        fill(root, 16 * MIB)
        assert_ends_well(root, undisturbed)


@pytest.mark.parametrize("free", [4096, 12 * 1024])
def test_disk_full_while_the_gradebook_commits(fresh: Path, undisturbed: Path, tmp_path: Path, free: int) -> None:
    """The gradebook is on a disk of its own, all other files on one with room."""
    root = Path(shutil.copytree(fresh, tmp_path / "course"))
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=4m", "tmpfs"):
        shutil.move(root / "gradebook.db", disk / "gradebook.db")
        os.symlink(disk / "gradebook.db", root / "gradebook.db")
        fill(disk / "gradebook.db", free)
        done = grade(root)
        clear(done, "The gradebook cannot be used")
        assert assert_sound(root, fresh, undisturbed) < len(STUDENTS)
        fill(disk / "gradebook.db", MIB)
        assert_ends_well(root, undisturbed)


def test_gradebook_that_must_not_be_written(fresh: Path, undisturbed: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fresh, tmp_path / "course"))
    with read_only(root / "gradebook.db"):
        clear(grade(root), "readonly database")
        assert assert_sound(root, fresh, undisturbed) == 0
    assert_ends_well(root, undisturbed)


def test_autograded_that_must_not_be_written(fresh: Path, undisturbed: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fresh, tmp_path / "course"))
    (root / "autograded").mkdir(exist_ok=True)
    with read_only(root / "autograded"):
        clear(grade(root), "Read-only file system")
        assert assert_sound(root, fresh, undisturbed) == 0
    assert_ends_well(root, undisturbed)


def test_course_that_must_not_be_written(fresh: Path, undisturbed: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fresh, tmp_path / "course"))
    with read_only(root):
        clear(grade(root), "Read-only file system")
    assert files(root) == {} and gradebook(root)["submission"] == []
    assert_ends_well(root, undisturbed)


def test_submissions_that_must_not_be_written(fresh: Path, undisturbed: Path, tmp_path: Path) -> None:
    """Honest ones need not be written. What must be put aside first is not graded, and says so."""
    root = Path(shutil.copytree(fresh, tmp_path / "course"))
    os.mkfifo(root / "submitted" / "learner-03" / LESSON / "pipe")
    with read_only(root / "submitted"):
        done = grade(root)
        assert done.returncode == 1 and "11 graded, 1 failed" in done.stdout, done.stdout + done.stderr
        assert "✗ learner-03: What must not be copied could not be put aside (Read-only file system" in " ".join(
            done.stdout.split()
        )
        assert_sound(root, fresh, undisturbed)
        theirs = Classroom.nbgrader(Bare(root), "autograde", LESSON, "--force", check=False)
        assert theirs.returncode == 1 and "could not be put aside" in theirs.stderr
        assert "student_id_exclude=" in theirs.stderr and "Traceback" not in theirs.stderr
    done = grade(root)
    assert done.returncode == 0 and "1 graded, 0 failed, 11 were graded already" in done.stdout, done.stdout
    assert "! learner-03: pipe was put aside: it is a pipe." in done.stdout
    assert gradebook(root) == gradebook(undisturbed)


class Bare(Classroom):
    """A course that is there already."""

    def __init__(self, root: Path) -> None:
        self.root = root


def test_autograded_on_a_disk_of_its_own(fresh: Path, undisturbed: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(fresh, tmp_path / "course"))
    (root / "autograded").mkdir(exist_ok=True)
    with mounted(root / "autograded", "-t", "tmpfs", "-o", "size=2m", "tmpfs"):
        clear(grade(root), "No space left on device")
        assert 0 < assert_sound(root, fresh, undisturbed) < len(STUDENTS)
        mount(root / "autograded", "-o", "remount,size=16m")
        assert_ends_well(root, undisturbed)
