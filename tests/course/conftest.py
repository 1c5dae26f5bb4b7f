"""Before the exercises are proven: nothing of a learner's own work may be in the way, for it would be removed."""

from __future__ import annotations

import pytest
from docker import DockerClient

from dockyard.authoring.cleanup import names_of, refuse_if_present
from dockyard.authoring.prove import find_exercises
from dockyard.course import find_course


@pytest.fixture(scope="session")
def free_engine(engine: DockerClient) -> DockerClient:
    """The engine, with none of the lessons' objects in it.

    Raises:
        DockyardError: with what is there, and how to remove it.
    """
    for notebook in {exercise.notebook for exercise in find_exercises(find_course())}:
        refuse_if_present(engine, names_of(notebook), notebook.lesson.name)
    return engine
