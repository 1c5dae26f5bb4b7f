"""Cases files: what is read, and what an author is told about a wrong one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockyard.authoring.cases import read_cases, read_exercises
from dockyard.authoring.cells import split_solution
from dockyard.authoring.lessons import Lesson
from dockyard.errors import BuildError


def test_exercises_have_statement_work_check_and_cases(lesson: Lesson) -> None:
    exercises = {exercise.name: exercise for exercise in read_exercises(lesson.notebooks[0])}
    assert list(exercises) == ["keep-running", "read-greeting", "which-code", "why-it-ends"]
    running = exercises["keep-running"]
    assert running.points == 2
    assert running.statement.startswith("## Exercise 1 · Keep one running")
    assert "BEGIN SOLUTION" in running.work
    assert running.check.startswith("from dockyard import exercise")
    kinds = [case.kind for case in running.all_cases]
    assert kinds == ["unsolved", "miss", "miss", "solution", "also"]


def test_a_written_answer_has_no_cases(lesson: Lesson) -> None:
    written = read_exercises(lesson.notebooks[0])[-1]
    assert written.by_hand
    assert written.all_cases == ()


def test_no_cases_file_means_no_cases(lesson: Lesson) -> None:
    lesson.notebooks[0].cases.unlink()
    assert read_cases(lesson.notebooks[0]) == {}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('message = "lab-sample is exited"', "", "lacks message"),
        ('name = "SIGTERM"', "", "lacks name"),
        ("python = 'code = \"9\"'", "", "has neither bash nor python"),
        ("python = 'code = \"9\"'", "pyhton = 'code = \"9\"'", "has the unknown key pyhton"),
        ('name = "docker-py"', 'name = "docker-py"\nmessage = "no"', "has a message, though it must pass"),
        ("[[read-greeting.also]]", "[[read-greeting.too]]", "has too"),
        ("[keep-running]", "[keep-running", "is no TOML"),
    ],
)
def test_a_wrong_cases_file_is_named(lesson: Lesson, edit: Callable[..., None], old: str, new: str, says: str) -> None:
    edit(old, new, file="sample.cases.toml")
    with pytest.raises(BuildError) as error:
        read_cases(lesson.notebooks[0])
    assert "notebooks/00-sample/sample.cases.toml" in error.value.found
    assert says in error.value.found


def test_solution_and_given_lines_are_told_apart() -> None:
    source = 'a = ""\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\nb = 2'
    assert split_solution(source) == (["a = 1"], ['a = ""', "b = 2"])
