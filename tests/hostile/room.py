"""A course with an exercise that asks an engine, and honest hand-ins of it to start from."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell

from dockyard import evidence
from dockyard.exercise import live, run_cell
from tests.fake_engine import FakeEngine, frame
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom, check_source, mark

FULL = {"first-one": 2.0, "second-one": 3.0, "box-runs": 5.0}
ANSWER = "Because the kernel is shared."
SECRET = "the instructor's secret: 5f3c9d"
BOX_CHECK = """from dockyard import exercise

@exercise("box-runs", points=5)
def check(docker):
    box = docker.containers.get("lab-box")
    assert box.status == "running", f"lab-box is {box.status}."
    assert b"hello" in box.logs(), "lab-box did not say hello."
    parts, about = box.get_archive("/etc/motd")
    assert b"welcome" in b"".join(parts), "There is no welcome in /etc/motd."
"""

Document = dict[str, Any]
Lay = Callable[[Path, "Honest", Random], None]


@dataclass(frozen=True)
class Case:
    """One hand-in.

    Attributes:
        name: who hands it in.
        lay: makes an honest hand-in, in its folder, into this one.
        earns: points that it must get, by exercise, where they are not the full ones; None: a person grades.
        says: what the notes or cards must say (a regular expression), or an empty text where there is nothing to say.
        answered: whether the written answer must wait for a person.
    """

    name: str
    lay: Lay
    earns: dict[str, float | None] = field(default_factory=dict)
    says: str = ""
    answered: bool = True


class Honest:
    """What an honest learner hands in: full points in every exercise, and a written answer.

    Attributes:
        notebook: the document, answered.
        canary: a file that any code of a learner writes to.
        secret: a file outside the hand-ins.
    """

    def __init__(self, notebook: Document, filed: dict[str, Document], canary: Path, secret: Path) -> None:
        self._notebook, self._filed, self.canary, self.secret = notebook, filed, canary, secret

    @property
    def notebook(self) -> Document:
        return deepcopy(self._notebook)

    def evidence(self, exercise: str, student: str) -> Document:
        return {**deepcopy(self._filed[exercise]), "student": student}

    def lay(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / f"{NOTEBOOK}.ipynb").write_text(json.dumps(self._notebook), encoding="utf-8")
        (folder / "evidence").mkdir()
        for exercise in self._filed:
            place = evidence.path_of(folder, exercise)
            place.write_bytes(evidence.dump(self.evidence(exercise, student_of(folder))))


def student_of(folder: Path) -> str:
    return folder.parent.name


def set_up(root: Path, engine: FakeEngine) -> tuple[Classroom, Honest]:
    """Release the lesson and record honest evidence of it; `DOCKER_HOST` must lead to the engine."""
    room = Classroom(root / "course", make=True)
    source = room.root / "source" / LESSON / f"{NOTEBOOK}.ipynb"
    document = nbformat.read(source, as_version=4)
    grading = mark("box-runs", grade=True, locked=True, points=5, cell_type="code")
    document.cells.insert(-1, new_code_cell(BOX_CHECK, metadata=grading, id="box"))
    nbformat.write(document, source)
    room.nbgrader("generate_assignment", LESSON, "--force")

    engine.container("lab-box", log=frame(b"hello\n"))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        about = tarfile.TarInfo("motd")
        about.size = 8
        tar.addfile(about, io.BytesIO(b"welcome\n"))
    headers = {"X-Docker-Container-Path-Stat": "eyJuYW1lIjoibW90ZCJ9"}
    for name in ("lab-box", json.loads(engine.answers["/containers/lab-box/json"][2])["Id"]):
        engine.raw(f"/containers/{name}/archive", archive.getvalue(), "application/x-tar", headers=headers)

    recorded = root / "recorded"
    with live(recorded, "honest") as outcomes:
        run_cell(check_source("first-one", 2, "red"), {"first_one": "red"})
        run_cell(check_source("second-one", 3, "blue"), {"second_one": "blue"})
        run_cell(BOX_CHECK, {})
    assert all(outcome.passed for outcome in outcomes), outcomes
    filed = {name: evidence.read(evidence.path_of(recorded, name)) for name in FULL}

    canary, secret = root / "canary", root / "secret"
    secret.mkdir()
    (secret / "secret.json").write_text(SECRET)
    (secret / f"{NOTEBOOK}.ipynb").write_text(json.dumps({"cells": [{"cell_type": "raw", "source": SECRET}]}))
    released = json.loads((room.root / "release" / LESSON / f"{NOTEBOOK}.ipynb").read_text())
    for cell in released["cells"]:
        nbgrader = cell["metadata"].get("nbgrader", {})
        if nbgrader.get("grade_id") == "why":
            cell["source"] = ANSWER
        elif nbgrader.get("solution"):
            cell["source"] = f"open({os.fspath(canary)!r}, 'a').write('ran')"
    return room, Honest(released, filed, canary, secret)
