"""nbgrader's Validate on the live engine: the instructor's notebooks pass, the learners' do not yet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docker import DockerClient

from dockyard.authoring.cleanup import names_of, remove
from dockyard.authoring.lessons import Notebook
from dockyard.authoring.prove import find_exercises
from dockyard.course import find_course

ROOT = find_course().root
NOTEBOOKS = sorted({exercise.notebook for exercise in find_exercises(find_course())}, key=str)


def validate(notebook: Path, folder: Path, *options: str) -> str:
    """Run `nbgrader validate` on a copy of a notebook and of what lies beside it; return what it says."""
    shutil.copytree(notebook.parent, folder / "lesson")
    shutil.copy(ROOT / "nbgrader_config.py", folder / "lesson")
    command = [sys.executable, "-m", "nbgrader", "validate", *options, notebook.name]
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder / "lesson", env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.engine
@pytest.mark.timeout(900)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=str)
def test_validate(notebook: Notebook, free_engine: DockerClient, tmp_path: Path) -> None:
    named = names_of(notebook)
    try:
        said = validate(notebook.source, tmp_path / "source")
        assert "Success! Your notebook passes all the tests." in said
    finally:
        remove(free_engine, named)
    try:
        said = validate(notebook.release, tmp_path / "release", "--invert")
        assert "Success! The notebook does not pass any tests." in said
    finally:
        remove(free_engine, named)
