"""The audit of hand-ins that were recorded on the real engine: what it must find, and what it must not."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from docker import DockerClient
from docker.errors import ImageNotFound, NotFound

from dockyard import evidence
from dockyard.cli import dockyard
from dockyard.course import Course
from dockyard.exercise import live, run_cell
from dockyard.grading.audit import Finding, audit
from dockyard.grading.handins import parse_time
from tests.grading.evidence_class import LESSON, stamp, unique

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

CHECK = """from dockyard import exercise

@exercise("{name}", points=2)
def check(docker):
    {body}
"""
BODIES = {
    "box": 'assert docker.containers.get("lab-audit").status == "running", "It does not run."',
    "listed": 'assert docker.containers.list(filters={"name": "lab-audit"}), "There is none."',
    "built": 'assert docker.images.get("dockyard/lab-audit").history(), "No history."',
    "named": 'assert docker.images.get("dockyard/lab-audit-label").labels, "No label."',
    "base": 'assert docker.images.get("dockyard/busybox"), "No base."',
    "report": 'assert docker.info()["KernelVersion"], "No kernel."',
}
DOCKERFILES = {
    "dockyard/lab-audit": "FROM dockyard/busybox\nRUN echo hello > /hello\n",
    "dockyard/lab-audit-label": "FROM dockyard/busybox\nLABEL owner=me\n",
}
HONEST = ("ada", "ben", "cleo")


class Lab:
    """Learners who work on this machine's engine, one after the other, each with containers and builds of their own."""

    def __init__(self, course: Course, engine: DockerClient) -> None:
        self.course, self.engine = course, engine

    def clean(self) -> None:
        with contextlib.suppress(NotFound):
            self.engine.containers.get("lab-audit").remove(force=True)
        for tag in DOCKERFILES:
            with contextlib.suppress(ImageNotFound):
                self.engine.images.remove(tag, force=True)

    def work(self, student: str, recorded_as: str = "", cached: bool = True, pause: float = 0) -> Path:
        """Do the exercises and record the evidence; what was put up is taken down again."""
        folder = self.course.submitted / student / LESSON
        try:
            for tag, text in DOCKERFILES.items():
                self.engine.images.build(fileobj=io.BytesIO(text.encode()), tag=tag, nocache=not cached, rm=True)
            self.engine.containers.run("dockyard/lab-audit", "sleep 1000", name="lab-audit", detach=True, init=True)
            for name, body in BODIES.items():
                with live(folder, recorded_as or student) as outcomes:
                    run_cell(CHECK.format(name=name, body=body), {})
                assert outcomes[-1].passed, outcomes[-1].message
                time.sleep(pause)
        finally:
            self.clean()
        self.submit(student)
        return folder

    def submit(self, student: str, later: float = 60) -> None:
        folder = self.course.submitted / student / LESSON
        last = max(filter(None, (parse_time(one["recorded"]) for one in self.filed(student))))
        submitted = last + timedelta(seconds=later)
        (folder / "timestamp.txt").write_text(f"{submitted:%Y-%m-%d %H:%M:%S.%f} UTC")

    def filed(self, student: str) -> list[evidence.Evidence]:
        folder = self.course.submitted / student / LESSON / "evidence"
        return [evidence.read(path) for path in sorted(folder.glob("*.json"))]

    def change(self, student: str, how: Callable[[evidence.Evidence], object], of: str = "") -> None:
        """Change a learner's evidence and seal it anew, or make it from somebody else's."""
        folder = self.course.submitted / student / LESSON
        for says in self.filed(of or student):
            how(says)
            evidence.write(evidence.path_of(folder, says["exercise"]), says)
        self.submit(student)

    def found(self) -> list[Finding]:
        return audit(self.course, LESSON).findings


@pytest.fixture
def lab(tmp_path: Path, engine: DockerClient) -> Iterator[Lab]:
    (tmp_path / "source" / LESSON).mkdir(parents=True)
    lab = Lab(Course(tmp_path), engine)
    lab.clean()
    yield lab
    lab.clean()


def own_engine(student: str) -> Callable[[evidence.Evidence], object]:
    """There is one engine on this machine; give a learner's evidence the identity of another, as /info has it too."""

    def change(says: evidence.Evidence) -> None:
        assert says["engine"]
        before, after = says["engine"]["id"], unique("engine", student)[: len(says["engine"]["id"])]
        fresh = json.loads(json.dumps(says).replace(before, after))
        says.update(fresh)

    return change


def test_a_lab_machine_that_all_share_is_one_remark(lab: Lab) -> None:
    """Builds come from one cache, so images are equal; containers never are."""
    for student in HONEST:
        lab.work(student)
    kinds = {one.kind: one for one in lab.found()}
    assert set(kinds) <= {"shared-engine", "shared-image"} and {one.weight for one in kinds.values()} == {1}
    assert kinds["shared-engine"].learners == HONEST
    assert "All 3 hand-ins were recorded on one engine" in kinds["shared-engine"].found


def test_honest_learners_on_engines_of_their_own_have_no_finding(lab: Lab) -> None:
    """They share the course's images, and one built without a layer of its own, whose id may be equal everywhere."""
    for student in HONEST:
        lab.work(student, cached=False)
        lab.change(student, own_engine(student))
    assert lab.found() == []


def test_who_copied_stands_first_and_nobody_honest_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for student in HONEST:
        lab.work(student, cached=False, pause=1.05 if student == "ada" else 0)
        lab.change(student, own_engine(student))
    lab.change("copier", lambda says: says.update(student="copier"), of="ada")
    lab.change("mover", moved(timedelta(minutes=7, milliseconds=3)), of="ada")
    lab.work("late", cached=False)
    lab.change("late", own_engine("late"))
    lab.submit("late", later=-900)
    lab.work("friend", recorded_as="somebody", cached=False)
    lab.change("friend", own_engine("friend"))
    lab.work("editor", cached=False)
    lab.change("editor", own_engine("editor"))
    edited = evidence.path_of(lab.course.submitted / "editor" / LESSON, "box")
    edited.write_text(edited.read_text().replace('"passed": true', '"passed": false', 1))
    clock_set_back(lab, monkeypatch)

    findings = lab.found()
    by_kind: dict[str, list[tuple[str, ...]]] = {}
    for one in findings:
        by_kind.setdefault(one.kind, []).append(one.learners)
    first, second = findings[:2]
    assert first.learners == second.learners == ("ada", "copier")
    assert {first.kind, second.kind} == {"shared-container", "same-times"}
    assert by_kind == {
        "shared-container": [("ada", "copier")],
        "same-times": [("ada", "copier")],
        "shared-image": [("ada", "copier")],
        "shared-engine": [("ada", "copier")],
        "same-gaps": [("ada", "copier", "mover")],
        "other-learner": [("friend",)],
        "checksum": [("editor",)],
        "after-submission": [("late",)],
        "attempts": [("editor",)],
        "clock": [("back",)],
    }
    named = {name for one in findings for name in one.learners}
    assert named & {"ben", "cleo"} == set()
    words = " ".join(f"{one.title} {one.found} {one.explanation}" for one in findings).lower()
    for accusing in ("cheat", "plagiar", "fraud", "dishonest", "guilty", "suspect"):
        assert accusing not in words

    monkeypatch.setattr("dockyard.course.find_course", lambda: lab.course)
    once, again = (CliRunner().invoke(dockyard, ["audit", LESSON, "--json"]) for _ in range(2))
    assert once.exit_code == 0 and once.stdout == again.stdout
    says = json.loads(once.stdout)
    assert set(says) == {"lesson", "hand_ins", "evidence_files", "without_submission_time", "findings"}
    assert {tuple(one) for one in says["findings"]} == {
        ("rank", "kind", "title", "weight", "weight_means", "learners", "found", "exercises", "files", "explanation")
    }
    table = CliRunner().invoke(dockyard, ["audit", LESSON], env={"COLUMNS": "110"}).stdout
    assert table.index("Same container") < table.index("Evidence recorded under another name")


def moved(by: timedelta) -> Callable[[evidence.Evidence], object]:
    """A copy with other ids and all times moved: only the pauses between the runs are left to tell."""

    def change(says: evidence.Evidence) -> None:
        says["student"] = "mover"
        says["engine"] = None
        says["exchanges"] = []
        says["recorded"] = shifted(says["recorded"])
        for attempt in says["attempts"]:
            attempt["at"] = shifted(attempt["at"])

    def shifted(text: str) -> str:
        at = parse_time(text)
        assert at
        return stamp(at + by)

    return change


def clock_set_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A learner whose clock was set back by an hour between two runs."""
    lab.work("back", cached=False)
    behind = datetime.now(UTC) - timedelta(hours=1)
    folder = lab.course.submitted / "back" / LESSON
    with monkeypatch.context() as patched:
        patched.setattr(evidence, "now", lambda: stamp(behind))
        with live(folder, "back"):
            run_cell(CHECK.format(name="base", body=BODIES["base"]), {})
    lab.change("back", own_engine("back"))
