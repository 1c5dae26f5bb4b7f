"""The workspace gets the lessons and keeps the learner's work; the exchange is nbgrader's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockyard import workspace
from dockyard.course import COURSE_ID, Course
from dockyard.errors import DockyardError

ROOT = Path(__file__).resolve().parents[1]
LESSON = "01-foundations"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.delenv("DOCKYARD_EXCHANGE", raising=False)
    monkeypatch.delenv("DOCKYARD_STUDENT", raising=False)
    course = Course(tmp_path / "a course")
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    write(course.release / LESSON / "one.ipynb", json.dumps(notebook))
    write(course.release / LESSON / "two.ipynb", json.dumps(notebook))
    write(course.release / LESSON / "data" / "page.html", "<p>1</p>")
    write(course.release / LESSON / ".ipynb_checkpoints" / "one.ipynb", "rubbish")
    return course


def test_lessons_are_put_once(course: Course) -> None:
    files = ["data/page.html", "one.ipynb", "two.ipynb"]
    assert workspace.sync(course).put == [f"{LESSON}/{name}" for name in files]
    assert workspace.sync(course) == workspace.Sync()
    assert not list(course.workspace.rglob(".ipynb_checkpoints"))


def test_untouched_file_follows_the_release(course: Course) -> None:
    workspace.sync(course)
    write(course.release / LESSON / "data" / "page.html", "<p>2</p>")
    assert workspace.sync(course).updated == [f"{LESSON}/data/page.html"]
    assert (course.workspace / LESSON / "data" / "page.html").read_text() == "<p>2</p>"


def test_changed_file_is_kept_and_said_until_it_is_fresh(course: Course) -> None:
    workspace.sync(course)
    mine = course.workspace / LESSON / "one.ipynb"
    mine.write_text("my work")
    assert workspace.sync(course) == workspace.Sync(), "work in progress is no news"
    write(course.release / LESSON / "one.ipynb", "a newer one")
    for _ in range(2):
        assert workspace.sync(course).kept == [f"{LESSON}/one.ipynb"]
        assert mine.read_text() == "my work"
    aside = workspace.fresh(course, LESSON)
    assert aside is not None
    assert aside.name.startswith(f"{LESSON}.old-")
    assert (aside / "one.ipynb").read_text() == "my work"
    assert len(workspace.sync(course).put) == 3
    assert mine.read_text() == "a newer one"


def test_fresh_twice_in_a_second_keeps_both(course: Course) -> None:
    aside = set()
    for _ in range(3):
        workspace.sync(course)
        aside.add(workspace.fresh(course, LESSON))
    assert len(aside) == 3
    assert workspace.fresh(course, LESSON) is None


def test_fresh_of_an_unknown_lesson_names_those_there_are(course: Course) -> None:
    with pytest.raises(DockyardError, match=LESSON):
        workspace.fresh(course, "99-nothing")
    with pytest.raises(DockyardError):
        workspace.fresh(course, "../release")


def test_deleted_file_comes_back(course: Course) -> None:
    workspace.sync(course)
    (course.workspace / LESSON / "two.ipynb").unlink()
    assert workspace.sync(course).put == [f"{LESSON}/two.ipynb"]


def test_file_no_longer_released_goes_unless_it_was_changed(course: Course) -> None:
    workspace.sync(course)
    (course.workspace / LESSON / "one.ipynb").write_text("my work")
    for name in ("one.ipynb", "data/page.html"):
        (course.release / LESSON / name).unlink()
    assert workspace.sync(course).removed == [f"{LESSON}/data/page.html"]
    assert (course.workspace / LESSON / "one.ipynb").read_text() == "my work"


def test_nothing_goes_while_release_is_empty(course: Course) -> None:
    workspace.sync(course)
    moved = course.release.rename(course.root / "elsewhere")
    assert workspace.sync(course) == workspace.Sync()
    moved.rename(course.release)
    assert workspace.sync(course) == workspace.Sync()
    assert (course.workspace / LESSON / "one.ipynb").is_file()


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"../../outside": "x", "01-foundations/one.ipynb": 7}'])
def test_damaged_manifest_costs_no_work(course: Course, damage: str) -> None:
    workspace.sync(course)
    outside = course.root / "outside"
    write(outside, "x")
    (course.workspace / LESSON / "one.ipynb").write_text("my work")
    (course.workspace / ".dockyard" / "released.json").write_text(damage)
    workspace.sync(course)
    assert (course.workspace / LESSON / "one.ipynb").read_text() == "my work"
    assert outside.exists()


def test_exchange_has_nbgraders_layout_and_permissions(course: Course) -> None:
    old = os.umask(0o077)
    try:
        assert workspace.publish(course) == [LESSON]
    finally:
        os.umask(old)
    folder = course.own_exchange / COURSE_ID

    def mode(path: Path) -> int:
        return path.stat().st_mode & 0o7777

    assert mode(course.own_exchange) == 0o777
    assert mode(folder) == mode(folder / "outbound") == mode(folder / "outbound" / LESSON / "data") == 0o755
    assert mode(folder / "inbound") == 0o2733
    assert mode(folder / "outbound" / LESSON / "one.ipynb") == 0o644
    assert workspace.publish(course) == []
    write(course.release / LESSON / "one.ipynb", "a newer one")
    assert workspace.publish(course) == [LESSON]
    assert (folder / "outbound" / LESSON / "one.ipynb").read_text() == "a newer one"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_foreign_exchange_is_left_alone(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKYARD_EXCHANGE", str(tmp_path / "shared"))
    assert workspace.publish(course) == []
    assert not (tmp_path / "shared").exists()
    assert not course.own_exchange.exists()


def test_student_is_remembered(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "login")
    assert workspace.student(course) == "login"
    assert workspace.student(course, "ada") == "ada"
    assert workspace.student(course) == "ada"
    monkeypatch.setenv("DOCKYARD_STUDENT", "from-a-hub")
    assert workspace.student(course) == "from-a-hub"
    for bad in ("a+b", "*", "a b", "../x", ".x"):
        with pytest.raises(DockyardError, match="student"):
            workspace.student(course, bad)


def test_nbgrader_fetches_and_submits_through_the_exchange(course: Course) -> None:
    (course.root / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    workspace.sync(course)
    workspace.publish(course)
    env = {**os.environ, "JUPYTER_CONFIG_PATH": str(course.root), "DOCKYARD_STUDENT": "ada"}

    def nbgrader(*words: str) -> str:
        command = [sys.executable, "-m", "nbgrader", *words]
        done = subprocess.run(command, cwd=course.workspace, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert "already downloaded" in nbgrader("list")
    nbgrader("submit", LESSON)
    (handed_in,) = (course.own_exchange / COURSE_ID / "inbound").iterdir()
    assert handed_in.name.startswith(f"ada+{LESSON}+")
    assert list((course.state / "nbgrader_cache" / COURSE_ID).iterdir())
