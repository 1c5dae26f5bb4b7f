"""A class for the tests of what instructors need: hand-ins whose evidence is written here, without an engine."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dockyard import evidence
from dockyard.course import Course
from dockyard.judge import cell_hash
from tests.grading.classroom import check_source, mark

LESSON = "01-sample"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MESSAGES = (
    "There is no container named lab-{name} yet.",
    "lab-{name} is exited; it must keep running.",
    "5 of 8 are right. Look again at: KVM, containers, an emulator, $HOME, and at what the kernel's name says of it.",
)
PASSED = "Everything that was asked for is there."


def make_course(root: Path, exercises: Mapping[str, int]) -> Course:
    """Lay out a course whose lesson has these exercises (name → points); only what audit and report read of it."""
    cells = []
    for name, points in exercises.items():
        cells.append(new_markdown_cell(f"## Exercise · {name.replace('-', ' ').capitalize()}"))
        metadata = mark(name, grade=True, locked=True, points=points, cell_type="code")
        cells.append(new_code_cell(check_source(name, points, "red"), metadata=metadata))
    path = root / "source" / LESSON / "sample.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells), path)
    return Course(root)


def stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unique(*words: object) -> str:
    """A hex id that only these words have."""
    return hashlib.sha256(repr(words).encode()).hexdigest()


def filed(student: str, exercise: str, points: int = 2, **changes: Any) -> evidence.Evidence:
    """Evidence of one passed run by a learner, at a time that no other learner has."""
    chance = random.Random(f"{student} {exercise}")
    at = changes.pop("at", START + timedelta(milliseconds=chance.randrange(3_000_000)))
    runs = changes.pop("runs", [(at, True, PASSED)])
    return {
        "format": evidence.FORMAT,
        "version": evidence.VERSION,
        "exercise": exercise,
        "points": points,
        "student": student,
        "check": cell_hash(check_source(exercise, points, "red")),
        "engine": engine(student),
        "recorded": stamp(runs[-1][0]),
        "passed": runs[-1][1],
        "message": runs[-1][2],
        "attempt_count": len(runs),
        "attempts": [{"at": stamp(time), "passed": passed, "message": message} for time, passed, message in runs],
        "answers": {},
        "exchanges": [container(f"lab-{exercise}", unique(student, exercise), START - timedelta(minutes=5))],
        **changes,
    }


def engine(of: str) -> dict[str, str]:
    """The identity of somebody's own engine."""
    return {
        "id": unique("engine", of)[:36],
        "version": "26.1.5",
        "api_version": "1.45",
        "os": "linux",
        "architecture": "x",
    }


def container(
    name: str, identity: str, created: datetime, started: datetime | None = None, image: str = "dockyard/busybox"
) -> dict[str, Any]:
    """What the engine answers to an inspect."""
    state = {"Status": "running", "StartedAt": stamp(started or created), "FinishedAt": "0001-01-01T00:00:00Z"}
    says = {"Id": identity, "Name": f"/{name}", "Created": stamp(created), "State": state}
    says |= {"Image": f"sha256:{unique('image', image)}", "Config": {"Image": image}}
    return answer(f"/containers/{name}/json", says)


def image(tag: str, identity: str, layers: list[str], created: datetime = START - timedelta(hours=1)) -> dict[str, Any]:
    says = {"Id": f"sha256:{identity}", "RepoTags": [tag], "Created": stamp(created), "RootFS": {"Layers": layers}}
    return answer(f"/images/{tag}/json", says)


def answer(path: str, says: object) -> dict[str, Any]:
    return {"request": f"GET {path}", "status": 200, "headers": {"Content-Type": "application/json"}, "json": says}


def hand_in(course: Course, student: str, *files: evidence.Evidence, at: datetime | None = None) -> Path:
    """Lay a hand-in with this evidence into submitted/; returns its folder."""
    folder = course.submitted / student / LESSON
    folder.mkdir(parents=True, exist_ok=True)
    submitted = at or START + timedelta(hours=2)
    (folder / "timestamp.txt").write_text(f"{submitted:%Y-%m-%d %H:%M:%S.%f} UTC")
    for one in files:
        evidence.write(evidence.path_of(folder, one["exercise"]), one)
    return folder


def enter_grades(
    course: Course, exercises: Mapping[str, int], scores: Mapping[str, Mapping[str, float | None]]
) -> None:
    """Make a gradebook: learner → exercise → points, None where a person has to grade it."""
    from nbgrader import api
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    engine = create_engine(f"sqlite:///{course.gradebook}")
    api.Base.metadata.create_all(engine)
    with Session(engine) as session:
        assignment = api.Assignment(name=LESSON, course=api.Course(id="dockyard"))
        notebook = api.Notebook(name="sample", assignment=assignment)
        cells = {
            name: api.GradeCell(name=name, notebook=notebook, max_score=points, cell_type="code")
            for name, points in exercises.items()
        }
        session.add(assignment)
        for student, marks in scores.items():
            submission = api.SubmittedAssignment(student=api.Student(id=student), assignment=assignment)
            page = api.SubmittedNotebook(notebook=notebook, assignment=submission)
            for name, score in marks.items():
                waits = score is None
                grade = api.Grade(cell=cells[name], notebook=page, auto_score=score, needs_manual_grade=waits)
                session.add(grade)
        session.commit()
    engine.dispose()


def play(course: Course, exercises: Mapping[str, int], count: int, seed: int = 1) -> None:
    """Let a class of this size work, hand in and be graded; the same seed plays the same class."""
    chance = random.Random(seed)
    scores: dict[str, dict[str, float | None]] = {}
    hard = {name: chance.uniform(0.3, 0.95) for name in exercises}
    for number in range(count):
        student, at, files = f"learner-{number + 1:03}", START, []
        scores[student] = {}
        skill = chance.uniform(-0.3, 0.4)
        for name, points in exercises.items():
            at += timedelta(seconds=chance.uniform(20, 400))
            runs: list[tuple[datetime, bool, str]] = []
            while not runs or (not runs[-1][1] and len(runs) < 9 and chance.random() < 0.85):
                at += timedelta(seconds=chance.lognormvariate(4, 1.2))
                passed = chance.random() < hard[name] + skill
                runs.append((at, passed, PASSED if passed else chance.choice(MESSAGES).format(name=name)))
            files.append(filed(student, name, points, runs=runs))
            scores[student][name] = points if runs[-1][1] else 0
        files = files[: len(files) - (number % 5 == 4)]
        hand_in(course, student, *files, at=at + timedelta(hours=1))
    enter_grades(course, exercises, scores)
