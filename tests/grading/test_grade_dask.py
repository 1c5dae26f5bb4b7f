"""`dockyard grade --scheduler` on a cluster of real processes that share no folder with the course."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.errors import DockyardError
from dockyard.grading import cluster, on_worker
from dockyard.grading.class_at_once import ClassGrader
from dockyard.grading.converter import STAGING
from dockyard.grading.course import course_config
from dockyard.grading.parcel import Unfit, unpack
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom, solved_class
from tests.grading.dask_site import Deadlier, Deadly, Site, Slow
from tests.grading.test_grade import RIGHT, TABLES, files, furnish, grade, gradebook
from tests.grading.test_grade_trouble import graded_folders, in_gradebook, troubles

STUDENTS = tuple(f"learner-{number}" for number in range(12))


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return solved_class(tmp_path_factory.mktemp("dask") / "course", STUDENTS)


@pytest.fixture
def root(handed_in: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(handed_in, tmp_path / "course"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two workers that live through it: one grades one hand-in at a time, the other two."""
    with contextlib.closing(Site(tmp_path_factory.mktemp("site") / "site", 1, 2)) as site:
        yield site


def grader(root: Path, address: str, *extra_steps: type) -> ClassGrader:
    config = course_config(root, LESSON)
    names = [f"{step.__module__}.{step.__name__}" for step in extra_steps]
    config.Autograde.autograde_preprocessors = names + list(config.Autograde.autograde_preprocessors)
    return ClassGrader(config, 2, address)


def assert_all_graded(root: Path, found: dict[str, str], but: tuple[str, ...] = ()) -> None:
    """All but these, and each with the points that are due."""
    assert {student: why for student, why in found.items() if why} == dict.fromkeys(but, cluster.KILLED)
    assert set(found) == set(STUDENTS) and graded_folders(root) == in_gradebook(root) == set(STUDENTS) - set(but)
    assert {row[4] for row in gradebook(root)["grade"] if row[2] != "why"} == {2.0, 3.0}
    assert not (root / STAGING).exists()


def test_gradebook_and_files_are_those_of_the_local_pool(tmp_path: Path, site: Site) -> None:
    room = Classroom(tmp_path / "here", make=True)
    furnish(room)
    with (room.root / "nbgrader_config.py").open("a") as config:
        config.write("\nc.CourseDirectory.submitted_directory = str(course.root / 'submitted')\n")
    (room.hand_in("linked", RIGHT) / "link").symlink_to("/etc/passwd")
    (room.hand_in("page", RIGHT) / "page.html").write_text("<script>")
    (room.hand_in("large", RIGHT) / "large.bin").write_bytes(bytes(17 * 2**20))
    shutil.copytree(room.root, tmp_path / "there", symlinks=True)
    here, there = grade(room.root), grade(tmp_path / "there", "--scheduler", site.address)
    assert (there.returncode, there.stderr) == (here.returncode, here.stderr)
    assert there.stdout.rpartition("grade:")[0] == here.stdout.rpartition("grade:")[0]
    assert there.stdout.rpartition("grade:")[2].split(" s a hand-in")[0].startswith(" 18 graded, 0 failed"), there
    assert "MiB a worker" in there.stdout
    for table in TABLES:
        assert gradebook(tmp_path / "there")[table] == gradebook(room.root)[table], table
    assert files(tmp_path / "there") == files(room.root)
    assert site.left() == []


def test_a_hand_in_that_kills_two_is_named_and_one_that_killed_once_is_graded(root: Path, site: Site) -> None:
    assert_all_graded(root, troubles(grader(root, site.address, Deadly).grade(STUDENTS)), but=("learner-3",))
    assert site.left() == []
    assert site.count() == 2, "what kills the process that grades leaves the worker alive"


def test_a_worker_that_would_grade_otherwise_is_refused(
    root: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = on_worker.about_here()
    monkeypatch.setattr(on_worker, "about_here", lambda: {**here, "nbgrader": "0.9.4"})
    with pytest.raises(DockyardError, match=f"nbgrader {here['nbgrader']} instead of 0.9.4"):
        list(grader(root, site.address).grade(STUDENTS))
    assert site.left() == [] and not graded_folders(root)


def test_a_configuration_that_workers_cannot_follow_is_named(root: Path, site: Site) -> None:
    (root / "own_penalty.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\nclass Own(LateSubmissionPlugin):\n    pass\n"
    )
    with (root / "nbgrader_config.py").open("a") as config:
        config.write("\nsys.path.insert(0, str(course.root))\nimport own_penalty\n")
        config.write("c.AssignLatePenalties.plugin_class = own_penalty.Own\n")
    done = grade(root, "--scheduler", site.address)
    assert done.returncode == 1 and "No module named 'own_penalty'" in done.stderr, done.stderr
    assert site.left() == []


def test_interrupted_it_ends_what_it_started(root: Path, site: Site) -> None:
    with (root / "nbgrader_config.py").open("a") as config:
        config.write("\nc.Autograde.autograde_preprocessors.insert(0, 'tests.grading.dask_site.Slow')\n")
    command = [sys.executable, "-m", "dockyard.cli", "grade", LESSON, "--course", str(root)]
    surrounding = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [*command, "--scheduler", site.address], env=surrounding, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not graded_folders(root) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1 and errors.strip() == b"Aborted!", errors
    assert site.left() == [] and not (root / STAGING).exists()
    assert 0 < len(graded_folders(root)) < len(STUDENTS)
    assert_all_graded(root, {**dict.fromkeys(STUDENTS, ""), **troubles(grader(root, site.address).grade(STUDENTS))})


def test_a_worker_killed_in_mid_class_costs_nothing_and_a_lost_scheduler_is_named(root: Path, tmp_path: Path) -> None:
    with contextlib.closing(Site(tmp_path / "site", 2, 1)) as site:
        run, found = grader(root, site.address, Slow).grade(STUDENTS), dict[str, str]()
        for one in run:
            found[one.student] = one.trouble
            if len(found) == 2:
                site.kill(site.workers[0])
        assert_all_graded(root, found)
        shutil.rmtree(root / "autograded")
        run = grader(root, site.address, Slow).grade(STUDENTS)
        next(run)
        site.kill(site.scheduler)
        with pytest.raises(DockyardError, match="is lost"):
            list(run)
    assert 0 < len(graded_folders(root)) < len(STUDENTS) and not (root / STAGING).exists()


@pytest.mark.parametrize("nanny", [True, False])
def test_a_hand_in_that_kills_its_worker_takes_no_other_along(root: Path, tmp_path: Path, nanny: bool) -> None:
    with contextlib.closing(Site(tmp_path / "site", 1, 1, nanny=nanny)) as site:
        found = troubles(grader(root, site.address, Deadlier).grade(STUDENTS))
        assert_all_graded(root, found, but=("learner-3",))


def test_without_workers_or_scheduler_it_stops_and_goes_on_from_there(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    with contextlib.closing(Site(tmp_path / "site", 1, 1)) as site:
        run = grader(root, site.address, Slow).grade(STUDENTS)
        first = next(run)
        site.kill(*site.workers)
        with pytest.raises(DockyardError, match="has no worker that can grade") as stopped:
            list(run)
        assert first.student in graded_folders(root) and stopped.value.expected == cluster.STAYS
        with pytest.raises(DockyardError, match="has no worker that can grade"):
            list(grader(root, site.address).grade(STUDENTS))
        assert graded_folders(root) == in_gradebook(root)
        site.kill(site.scheduler)
        with pytest.raises(DockyardError, match="No dask scheduler answers at tcp://127") as stopped:
            list(grader(root, site.address).grade(STUDENTS))
        assert "dask scheduler" in stopped.value.next_step
    assert troubles(ClassGrader(course_config(root, LESSON), 2).grade(STUDENTS)) == dict.fromkeys(STUDENTS, "")


@pytest.mark.parametrize("address", ["nowhere://x", "tcp://127.0.0.1:notaport"])
def test_what_is_no_address_is_named(root: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    with pytest.raises(DockyardError, match="No dask scheduler answers"):
        list(grader(root, address).grade(STUDENTS))


def test_tls_without_certificates_is_named(root: Path) -> None:
    with pytest.raises(DockyardError, match="no certificates"):
        list(grader(root, "tls://127.0.0.1:1").grade(STUDENTS))


def test_without_the_extra_it_says_what_to_type(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DockyardError, match=r"pip install .*\[dask\]"):
        list(grader(root, "tcp://127.0.0.1:1").grade(STUDENTS))


def test_workers_of_this_machine_and_of_a_scheduler_are_not_mixed(root: Path) -> None:
    done = grade(root, "--scheduler", "tcp://127.0.0.1:1", "--workers", "2")
    assert done.returncode == 2 and "a scheduler has workers of its own" in done.stderr


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out", "a//b", "./a"])
def test_no_parcel_is_laid_out_outside_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit):
        unpack({name: b""}, tmp_path / "in", {})
    with pytest.raises(Unfit):
        unpack({f"{NOTEBOOK}.txt": None}, tmp_path / "in", {})
    assert not (tmp_path / "out").exists() and not Path("/tmp/out").exists()
