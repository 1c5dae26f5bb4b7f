"""Every lesson keeps the rules, and what is committed is what its text says. No engine needed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache

import pytest

from dockyard.authoring import rules
from dockyard.authoring.build import Fresh, differences, fresh_build
from dockyard.authoring.cases import read_exercises
from dockyard.authoring.lessons import Lesson, lesson_names, load_lesson
from dockyard.course import find_course

COURSE = find_course()
LESSONS = lesson_names(COURSE)
ALL_RULES = [*rules.PAGE_RULES, *rules.LESSON_RULES, *rules.RELEASE_RULES]
AT_LEAST = {"01-foundations": (16, 30)}  # lesson → exercises, points


@cache
def lesson(name: str) -> Lesson:
    return load_lesson(COURSE, name)


@cache
def fresh(name: str) -> Fresh:
    return fresh_build(lesson(name))


@cache
def violations(name: str) -> list[rules.Violation]:
    return rules.broken(fresh(name))


@pytest.mark.parametrize("name", LESSONS)
def test_all_listed_notebooks_have_a_text(name: str) -> None:
    assert [notebook.name for notebook in lesson(name).notebooks] == list(lesson(name).notebook_names)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", LESSONS)
def test_rule_is_kept(name: str, rule: Callable[..., object]) -> None:
    found = [str(violation) for violation in violations(name) if violation.rule == rule.__name__]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", LESSONS)
def test_source_and_release_are_what_the_text_says(name: str) -> None:
    lines = differences(fresh(name))
    assert not lines, "\n".join([*lines, f"Type: ./dockyard build {name}"])


@pytest.mark.parametrize("name", LESSONS)
def test_building_twice_gives_the_same_bytes(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # not even the place of the build may show
    assert fresh_build(lesson(name)).files == fresh(name).files


@pytest.mark.parametrize("name", AT_LEAST)
def test_the_lesson_is_worth_its_time(name: str) -> None:
    exercises = [exercise for notebook in lesson(name).notebooks for exercise in read_exercises(notebook)]
    assert (len(exercises), sum(exercise.points for exercise in exercises)) >= AT_LEAST[name]
    assert sum(exercise.points for exercise in exercises) >= AT_LEAST[name][1]
    assert [exercise.name for exercise in exercises if exercise.by_hand], "no written answer"
