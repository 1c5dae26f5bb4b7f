"""Every exercise on a real engine: unsolved and near-misses fail as meant, the rest passes, and the replay agrees."""

from __future__ import annotations

from functools import cache

import pytest
from docker import DockerClient

from dockyard.authoring.cases import Case, Exercise
from dockyard.authoring.lessons import Notebook
from dockyard.authoring.prove import find_exercises, prove, released_work
from dockyard.course import find_course

RUNS = [(exercise, case) for exercise in find_exercises(find_course()) for case in exercise.all_cases]

stubs = cache(released_work)


def name_of(value: Exercise | Case) -> str:
    return f"{value.notebook}:{value.name}" if isinstance(value, Exercise) else str(value)


@pytest.mark.engine
@pytest.mark.parametrize(("exercise", "case"), RUNS, ids=name_of)
def test_exercise(exercise: Exercise, case: Case, free_engine: DockerClient) -> None:
    notebook: Notebook = exercise.notebook
    assert prove(exercise, case, stubs(notebook).get(exercise.name, ""), free_engine).wrong == ""
