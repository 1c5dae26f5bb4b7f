"""`dockyard pack`: one zip, the same for the same work, that `nbgrader zip_collect` takes."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from dockyard.cli import dockyard
from dockyard.course import Course
from dockyard.errors import DockyardError
from dockyard.exercise import live, run_cell
from dockyard.packing import pack
from tests.grading.classroom import LESSON, NOTEBOOK, check_source, source_notebook


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    course = Course(tmp_path / "a course")
    folder = course.workspace / LESSON
    folder.mkdir(parents=True)
    (folder / f"{NOTEBOOK}.ipynb").write_text(json.dumps(source_notebook()))
    with live(folder, "ada"):
        run_cell(check_source("first-one", 2, "red"), {"first_one": "red"})
    for name in ("timestamp.txt", "evidence/.asked", "evidence/first-one.unreadable-1.txt", "notes.pdf", ".hidden"):
        (folder / name).write_text("x")
    (folder / "link.ipynb").symlink_to("/etc/hostname")
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    monkeypatch.delenv("DOCKYARD_STUDENT", raising=False)
    return course


def test_only_notebooks_and_evidence_are_in_it(course: Course) -> None:
    packed = pack(course, LESSON, "ada")
    assert packed.path == course.workspace / f"ada_{LESSON}.zip"
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.namelist() == [f"{LESSON}/{NOTEBOOK}.ipynb", f"{LESSON}/evidence/first-one.json"]
        assert archive.testzip() is None
    assert [line.exercise for line in packed.missing] == ["second-one"]


def test_the_same_work_gives_the_same_bytes(course: Course, tmp_path: Path) -> None:
    first = pack(course, LESSON, "ada").path.read_bytes()
    for path in (course.workspace / LESSON).rglob("*"):
        if not path.is_symlink():
            os.utime(path, (1, 1))
    assert pack(course, LESSON, "ada", tmp_path / "again.zip").path.read_bytes() == first
    assert not list(tmp_path.rglob(".pack-*"))


def test_the_command_warns_as_submitting_does(course: Course) -> None:
    done = CliRunner().invoke(dockyard, ["pack", LESSON, "--student", "bo"])
    assert done.exit_code == 0, done.output
    assert "These exercises have no evidence" in done.output
    assert "recorded for 'ada'" in done.output, "evidence of another name is worth nothing"
    done = CliRunner().invoke(dockyard, ["pack", LESSON, "--student", "ada"])
    assert "recorded for" not in done.output
    assert f"ada_{LESSON}.zip: notebooks 1, evidence files 1, of ada" in done.output


@pytest.mark.parametrize("lesson", ["99-none", "..", f"../workspace/{LESSON}", ""])
def test_there_is_no_such_lesson(course: Course, lesson: str) -> None:
    with pytest.raises(DockyardError, match="There are no notebooks"):
        pack(course, lesson, "ada")


def test_what_is_no_notebook_is_named(course: Course) -> None:
    (course.workspace / LESSON / "bad.ipynb").write_text("{")
    with pytest.raises(DockyardError, match=r"bad\.ipynb is no notebook"):
        pack(course, LESSON, "ada")
    assert not list(course.workspace.glob("*.zip"))


def test_a_disk_that_refuses_is_named(course: Course) -> None:
    with pytest.raises(DockyardError, match="cannot be written"):
        pack(course, LESSON, "ada", course.root / "no such folder" / "x.zip")
