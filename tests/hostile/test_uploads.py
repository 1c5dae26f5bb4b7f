"""No upload does harm: each is refused with a reason, nothing leaves its own folder, the others are collected."""

from __future__ import annotations

import os
import re
import resource
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from dockyard.grading.sorting import Owner, Sorter
from dockyard.grading.unpacking import Unpacking
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom
from tests.grading.lms import Files, files_of, zipped
from tests.hostile.uploads import MIB, uploads

SEED = 20261124
UPLOADS = {one.name: one for one in uploads()}
ADDRESS_SPACE = 900 * MIB  # of which Python with nbgrader takes about 500 before it opens an archive
FILE_SIZE = 128 * MIB
SECONDS = 120


@dataclass
class Collected:
    """What one `nbgrader zip_collect` of all of them came to."""

    root: Path
    honest: Files
    before: set[str]
    log: str
    code: int
    seconds: float


def everything(root: Path) -> set[str]:
    return {os.path.join(folder, name) for folder, folders, names in os.walk(root) for name in [*folders, *names]}


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    root = tmp_path_factory.mktemp("hostile-uploads") / "course"
    room = Classroom(root, make=True)
    honest = files_of(room.hand_in("honest", {"first-one": "red", "second-one": "blue"}))
    honest = {name: text for name, text in honest.items() if name.endswith((".ipynb", ".json"))}
    (root / "submitted").rename(root / "made")
    archive = root / "downloaded" / LESSON / "archive"
    archive.mkdir(parents=True)
    for one in uploads():
        (archive / f"{one.name}{one.ending}").write_bytes(one.make(honest, Random(f"{SEED} {one.name}")))
    for name in ("honest", "zz-honest"):
        (archive / f"{name}.zip").write_bytes(zipped(honest))
    (archive / "dir-link").symlink_to(root / "made")
    (archive / "file-link.ipynb").symlink_to(root / "nbgrader_config.py")
    os.mkfifo(archive / "pipe.zip")
    before = everything(root.parent)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))

    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "zip_collect", LESSON],
        cwd=root,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        preexec_fn=limit,
    )
    seconds = time.monotonic() - started
    return Collected(root, honest, before, done.stdout + done.stderr, done.returncode, seconds)


def test_it_ends_well_with_bounded_memory_and_time(collected: Collected) -> None:
    assert collected.code == 0, collected.log[-3000:]
    assert collected.seconds < SECONDS / 2
    assert len(UPLOADS) >= 60


@pytest.mark.parametrize("name", ["honest", "zz-honest"])
def test_the_others_are_collected(collected: Collected, name: str) -> None:
    assert files_of(collected.root / "submitted" / name / LESSON) == collected.honest


@pytest.mark.parametrize("name", UPLOADS)
def test_each_is_refused_with_a_reason_and_what_is_clear_is_taken(collected: Collected, name: str) -> None:
    one = UPLOADS[name]
    said = "\n".join(line for line in collected.log.splitlines() if "WARNING" in line and name in line)
    assert re.search(one.says, said), said or collected.log[-2000:]
    found = files_of(collected.root / "submitted" / name / LESSON)
    if one.taken:
        assert collected.honest.items() <= found.items(), said
    else:
        assert found == {}


def test_nothing_is_written_outside_of_its_own_folder(collected: Collected) -> None:
    fresh = everything(collected.root.parent) - collected.before
    own = [collected.root / "downloaded" / LESSON / "extracted", collected.root / "submitted"]
    assert [path for path in fresh if not any(Path(path).is_relative_to(folder) for folder in own)] == []
    names = set(UPLOADS) | {"honest", "zz-honest"}
    for folder in own:
        assert {path.name for path in folder.iterdir()} <= names
    assert not Path("/tmp/escaped.ipynb").exists()


def test_only_plain_files_with_plain_rights_are_made(collected: Collected) -> None:
    for path in everything(collected.root / "downloaded" / LESSON / "extracted") | everything(
        collected.root / "submitted"
    ):
        mode = os.lstat(path).st_mode
        assert stat.S_ISDIR(mode) or (stat.S_ISREG(mode) and not mode & 0o7111), path


def test_the_log_steers_no_terminal(collected: Collected) -> None:
    assert all(letter.isprintable() or letter in "\n\t" for letter in re.sub(r"\x1b\[[\d;]*m", "", collected.log))


def test_links_in_the_folder_of_downloads_are_not_followed(collected: Collected) -> None:
    assert "Refused dir-link: it is a link" in collected.log
    assert "Refused file-link.ipynb: it is a link" in collected.log
    assert "Refused pipe.zip: it is a device" in collected.log


def test_the_same_ones_in_the_archive_of_a_class(collected: Collected, tmp_path: Path) -> None:
    """As they come from a system that zips all uploads: one bomb costs the class nothing."""
    made, into = tmp_path / "archive", tmp_path / "extracted"
    made.mkdir()
    into.mkdir()
    inner = {
        f"{one.name}{one.ending}": one.make(collected.honest, Random(f"{SEED} {one.name}"))
        for one in UPLOADS.values()
        if len(one.name) % 3 == 0 or one.name.startswith("bomb")
    }
    content = zipped({**inner, "zz-honest.zip": zipped(collected.honest)})
    (made / "class.zip").write_bytes(content)
    unpacking = Unpacking([".ipynb", ".json"], [".zip", ".gz", ".tar"])
    unpacking.run(made, into)
    assert files_of(into / "class" / "zz-honest") == collected.honest
    found = Sorter(into, LESSON, [f"{NOTEBOOK}.ipynb"]).sort(lambda upload, file: Owner(upload.path.name))
    assert {one.student for one in found.taken.values()} >= {"zz-honest"}
    told = {name.split("/")[1].partition(".")[0] for name, _ in unpacking.refused}
    assert {name.partition(".")[0] for name in inner if UPLOADS[name.partition(".")[0]].says} <= told


@pytest.mark.parametrize("kind", ["bomb-overlap", "bomb-directory", "broken-cut-0", "tar-bomb"])
def test_the_archive_of_a_class_can_be_a_bomb_itself(collected: Collected, tmp_path: Path, kind: str) -> None:
    made, into = tmp_path / "archive", tmp_path / "extracted"
    made.mkdir()
    into.mkdir()
    one = UPLOADS[kind]
    (made / f"class{one.ending}").write_bytes(one.make(collected.honest, Random(SEED)))
    unpacking = Unpacking([".ipynb", ".json"], [".zip", ".gz", ".tar"])
    unpacking.run(made, into)
    assert [name for name, _ in unpacking.refused] == [f"class{one.ending}"]
    assert everything(into) == set()
