"""The proof finds what is wrong with an exercise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from docker import DockerClient

from dockyard.authoring.lessons import Lesson
from dockyard.authoring.prove import find_exercises, released_work
from dockyard.authoring.prove import prove as prove_case
from dockyard.cli.prove import prove as prove_command
from dockyard.course import Course
from dockyard.errors import BuildError

pytestmark = pytest.mark.engine


def wrongs(course: Course, engine: DockerClient, exercise_name: str) -> dict[str, str]:
    """What the proof of an exercise finds, by case; cases that are as they should be are left out."""
    (exercise,) = find_exercises(course, f"00-sample/sample:{exercise_name}")
    stub = released_work(exercise.notebook)[exercise_name]
    results = [prove_case(exercise, case, stub, engine) for case in exercise.all_cases]
    return {str(result.case): result.wrong for result in results if result.wrong}


def test_command_proves_the_sample(course: Course, engine: DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    result = CliRunner().invoke(prove_command, ["00-sample"])
    assert "14 of 14 runs are as they should be." in result.output
    assert result.exit_code == 0
    assert not engine.containers.list(all=True, filters={"name": "^/lab-sample$"})


def test_command_fails_and_says_what_is_wrong(
    course: Course, edit: Callable[..., None], engine: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit('code = "137"', 'code = "136"')
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    result = CliRunner().invoke(prove_command, ["00-sample/sample:which-code"])
    assert "fails: 136 is another exit code." in result.output
    assert result.exit_code == 1


def test_a_check_that_lets_a_near_miss_pass(course: Course, edit: Callable[..., None], engine: DockerClient) -> None:
    edit('assert greeting == "hello from the sample"', 'assert "hello" in greeting')
    assert wrongs(course, engine, "read-greeting") == {"miss: with the line end": "passes, and must not."}


def test_a_check_that_passes_unsolved(course: Course, edit: Callable[..., None], engine: DockerClient) -> None:
    edit('    assert code, "code is still empty."', '    if code == "": return')
    assert wrongs(course, engine, "which-code") == {"unsolved": "passes, and must not."}


def test_a_near_miss_with_another_message(course: Course, edit: Callable[..., None], engine: DockerClient) -> None:
    edit('message = "lab-sample is created"', 'message = "lab-sample is missing"', file="sample.cases.toml")
    wrong = wrongs(course, engine, "keep-running")
    assert wrong == {"miss: only created": "fails with 'lab-sample is created.', not with 'lab-sample is missing'."}


def test_a_case_that_cannot_be_set_up(course: Course, edit: Callable[..., None], engine: DockerClient) -> None:
    edit("dockyard/busybox true", "dockyard/busybox false", file="sample.cases.toml")
    wrong = wrongs(course, engine, "keep-running")
    assert wrong == {"miss: its process ends at once": "could not be set up: bash ended with 1: "}


def test_a_check_that_the_evidence_does_not_carry(
    course: Course, edit: Callable[..., None], engine: DockerClient
) -> None:
    edit('assert greeting, "greeting is still empty."', 'import time; assert greeting, f"{time.monotonic_ns()} empty"')
    assert "the evidence gives passed=False" in wrongs(course, engine, "read-greeting")["unsolved"]


def test_unknown_exercises_are_answered_with_the_known_ones(lesson: Lesson) -> None:
    with pytest.raises(BuildError, match="It has: keep-running, read-greeting, which-code"):
        find_exercises(lesson.course, "00-sample/sample:running")
