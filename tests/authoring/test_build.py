"""Text → source → release: repeatable, whole or not at all, and never over somebody's work."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from dockyard.authoring import command
from dockyard.authoring.build import fresh_build
from dockyard.authoring.lessons import Lesson, Notebook
from dockyard.authoring.release import CODE_STUB, TEXT_STUB
from dockyard.cli.build import build as build_command
from dockyard.course import Course
from dockyard.errors import BuildError


def tree(course: Course) -> dict[str, bytes]:
    """All built files of a course, by their path."""
    paths = [path for top in (course.source, course.release) for path in top.rglob("*") if path.is_file()]
    return {str(path.relative_to(course.root)): path.read_bytes() for path in paths}


def by_id(path: Path) -> dict[str, str]:
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


def later(path: Path) -> None:
    """Make a file look as if it had been saved just now, after everything else."""
    stamp = time.time() + 60
    os.utime(path, (stamp, stamp))


def test_build_makes_source_and_release(course: Course, lesson: Lesson) -> None:
    command.build(course)
    assert set(tree(course)) == {
        f"{top}/00-sample/{name}" for top in ("source", "release") for name in ("sample.ipynb", "files/greeting.txt")
    }
    source, release = by_id(lesson.notebooks[0].source), by_id(lesson.notebooks[0].release)
    assert list(source) == list(release)
    assert "sleep infinity" in source["keep-running-work"]
    assert release["keep-running-work"] == f"%%bash\n{CODE_STUB}"
    assert release["read-greeting-work"] == f'greeting = ""\n{CODE_STUB}'
    assert release["why-it-ends"] == TEXT_STUB


def test_no_gradebook_is_made(course: Course) -> None:
    command.build(course)
    assert not list(course.root.rglob("*.db"))


def test_rebuild_writes_nothing_and_from_scratch_gives_the_same_bytes(course: Course) -> None:
    command.build(course)
    first = tree(course)
    assert command.build(course)[0].report.written == []
    for path in first:
        (course.root / path).unlink()
    command.build(course)
    assert tree(course) == first


def test_source_takes_the_time_of_its_text(course: Course, lesson: Lesson) -> None:
    command.build(course)
    notebook = lesson.notebooks[0]
    assert notebook.source.stat().st_mtime_ns == notebook.text.stat().st_mtime_ns


def test_nbgrader_itself_makes_the_same_release(course: Course) -> None:
    """The formgrader's Generate button and `dockyard build` must not take turns in changing release/."""
    command.build(course)
    built = tree(course)
    stubs = f"c.ClearSolutions.code_stub = {{'python': {CODE_STUB!r}}}\nc.ClearSolutions.text_stub = {TEXT_STUB!r}\n"
    (course.root / "nbgrader_config.py").write_text(f"c = get_config()\n{stubs}")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    line = [sys.executable, "-m", "nbgrader", "generate_assignment", "00-sample", "--force"]
    done = subprocess.run(line, cwd=course.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert tree(course) == built


def test_check_names_each_file_and_the_command(
    course: Course, edit: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    run = CliRunner().invoke
    assert run(build_command, []).exit_code == 0
    assert run(build_command, ["--check"]).exit_code == 0
    edit("# A sample lesson", "# Another sample lesson")
    before = tree(course)
    error = run(build_command, ["--check", "00-sample"]).exception
    assert isinstance(error, BuildError)
    assert "source/00-sample/sample.ipynb differs from a fresh build." in error.found
    assert "release/00-sample/sample.ipynb differs from a fresh build." in error.found
    assert "./dockyard build 00-sample" in error.next_step
    assert tree(course) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("### END SOLUTION\n```\n\n```{code-cell} ipython3\n:nbgrader: {cell_type: code, grade: true, grade_id: keep",
         "```\n\n```{code-cell} ipython3\n:nbgrader: {cell_type: code, grade: true, grade_id: keep",
         "its solution does not end"),
        ("solution: true, task: false}\n:tags:", "solution: false, task: false}\n:tags:", "not marked as one"),
        ("grade_id: keep-running,", "grade_id: read-greeting,", "is taken by the cell"),
        ("{cell_type: code, grade: false, grade_id: which", "{: , grade: false, grade_id: which", "Invalid YAML"),
    ],
)  # fmt: skip
def test_a_failure_leaves_the_old_files(
    course: Course, edit: Callable[..., None], old: str, new: str, message: str
) -> None:
    command.build(course)
    before = tree(course)
    edit(old, new)
    with pytest.raises(BuildError) as error:
        command.build(course)
    assert message in str(error.value)
    assert tree(course) == before


def test_nothing_is_written_that_gives_a_solution_away(course: Course, edit: Callable[..., None]) -> None:
    command.build(course)
    before = tree(course)
    edit('greeting = ""', 'greeting = Path("files/greeting.txt").read_text().strip()')
    with pytest.raises(BuildError, match="The release holds a line of a solution"):
        command.build(course)
    assert tree(course) == before


def test_an_edited_source_is_not_overwritten(course: Course, lesson: Lesson) -> None:
    command.build(course)
    notebook = lesson.notebooks[0]
    change_in_source(notebook)
    before = tree(course)
    with pytest.raises(BuildError, match="is newer than its text") as error:
        command.build(course)
    assert tree(course) == before
    keep = error.value.expected.partition(": ")[2]
    typed = keep.replace(".venv/bin/jupytext", f"{sys.executable} -m jupytext")
    subprocess.run(typed, shell=True, cwd=course.root, check=True, capture_output=True)
    assert "A word by the instructor." in notebook.text.read_text(encoding="utf-8")
    command.build(course)
    command.tidy_texts(course)
    assert command.check(course) == ([], [])


def test_an_edited_source_can_be_dropped(course: Course, lesson: Lesson) -> None:
    command.build(course)
    before = tree(course)
    change_in_source(lesson.notebooks[0])
    later(lesson.notebooks[0].text)
    command.build(course)
    assert tree(course) == before


def test_a_newer_source_that_says_the_same_is_no_obstacle(course: Course, lesson: Lesson) -> None:
    """A fresh clone gives files any order of times, and opening a notebook saves outputs into it."""
    command.build(course)
    before = tree(course)
    path = lesson.notebooks[0].source
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="CONTAINER ID")]
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)
    later(path)
    command.build(course)
    assert tree(course) == before


def change_in_source(notebook: Notebook) -> None:
    content = nbformat.read(notebook.source, as_version=4)
    content.cells[0].source += "\n\nA word by the instructor."
    nbformat.write(content, notebook.source)
    later(notebook.source)


def test_files_of_unknown_origin_are_set_aside(course: Course, lesson: Lesson) -> None:
    command.build(course)
    evidence = lesson.source / "evidence" / "keep-running.json"
    evidence.parent.mkdir()
    evidence.write_text("{}")
    assert any("evidence/keep-running.json is made from nothing" in line for line in command.check(course)[0])
    aside = command.build(course)[0].report.set_aside
    assert not evidence.parent.exists()
    assert [(course.root / path).read_text() for path in aside] == ["{}"]
    assert command.check(course) == ([], [])


def test_one_notebook_can_be_built_alone(course: Course, lesson: Lesson) -> None:
    toml = lesson.folder / "lesson.toml"
    toml.write_text(toml.read_text().replace('["sample"]', '["sample", "second"]'))
    (lesson.folder / "second.md").write_text(lesson.notebooks[0].text.read_text(encoding="utf-8"), encoding="utf-8")
    outcome = command.build(course, "00-sample/second")[0]
    assert [notebook.name for notebook in outcome.fresh.notebooks] == ["second"]
    assert not lesson.notebooks[0].source.exists()


def test_unknown_names_are_answered_with_the_known_ones(course: Course) -> None:
    with pytest.raises(BuildError, match="Lessons of this course: 00-sample"):
        command.build(course, "01-sample")
    with pytest.raises(BuildError, match="It has: sample"):
        command.build(course, "00-sample/simple")


def test_fresh_build_touches_nothing(course: Course, lesson: Lesson) -> None:
    fresh_build(lesson)
    assert tree(course) == {}
