"""The report: what it counts, what the page may hold, and what it says where there is nothing to draw."""

from __future__ import annotations

import base64
import re
import sqlite3
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from dockyard.cli import dockyard
from dockyard.course import Course
from dockyard.database import address_of
from dockyard.errors import DockyardError
from dockyard.grading.report import PAGE, write_report
from dockyard.grading.report.gradebook import read_grades
from dockyard.grading.report.page import html
from dockyard.grading.report.standing import Standing, read_standing, runs_of
from tests.grading.evidence_class import LESSON, PASSED, START, enter_grades, filed, hand_in, make_course, play

EXERCISES = {"second-one": 3, "first-one": 2, "third-one": 4}
NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)> $HOME"


def runs(*seconds_and_messages: tuple[float, str]) -> list:
    return [(START + timedelta(seconds=at), said == PASSED, said) for at, said in seconds_and_messages]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Three learners with known runs and grades, and one who is not graded yet."""
    course = make_course(tmp_path_factory.mktemp("course"), EXERCISES)
    ada = [
        filed("ada", "second-one", runs=runs((0, "not it"), (30, "nearly"), (90, PASSED), (99, "gone"))),
        filed("ada", "first-one", runs=runs((5, PASSED))),
        filed("ada", "third-one", runs=runs((5, "no"))),
    ]
    hand_in(course, "ada", *ada)
    hand_in(course, "ben", filed("ben", "second-one", runs=runs((7, "not it"), (9, "not it"))))
    hand_in(course, "<script", filed("<script", "second-one", runs=runs((8, NASTY))))
    copied = filed("ada", "first-one")
    hand_in(course, "ben", copied)
    hand_in(course, "eve", filed("eve", "first-one", runs=runs((1, PASSED))))
    (course.submitted / "ben" / LESSON / "evidence" / "third-one.json").write_text("{")
    scores = {
        "ada": {"second-one": 3.0, "first-one": 2.0, "third-one": None},
        "ben": {"second-one": 0.0, "first-one": 1.0, "third-one": 0.0},
        "<script": {"second-one": 0.0},
    }
    enter_grades(course, EXERCISES, scores)
    return course


@pytest.fixture(scope="module")
def standing(course: Course) -> Standing:
    return read_standing(course, LESSON)


def test_exercises_stand_as_taught_and_learners_by_points(standing: Standing) -> None:
    assert standing.exercises == list(EXERCISES)
    assert (standing.learners, standing.points, standing.most) == (["ada", "ben", "<script"], [5, 1, 0], 9)
    assert standing.states == [
        ["full", "full", "open"],
        ["none", "part", "none"],
        ["none", "missing", "missing"],
    ]
    assert (standing.waiting, standing.ungraded) == (1, ["eve"])


def test_runs_messages_and_times_come_from_evidence_that_counts(standing: Standing) -> None:
    assert standing.checked == list(EXERCISES)
    second, first, third = standing.tries
    assert (second.passed, second.open, second.waiting, second.typical) == (3, 3, 2, 3)
    assert (first.passed, first.open, first.typical) == (2, 0, 1)  # ada and eve; ben's is ada's
    assert (third.passed, third.open, third.typical) == (0, 1, None)
    assert standing.seconds == [[90.0], [0.0, 0.0], []]
    assert standing.unread == 2
    most = standing.messages[0]
    assert (most.message, most.shown, most.failures, most.learners) == ("not it", 3, 6, 2)
    assert [one.exercise for one in standing.messages] == ["second-one", "third-one"]


def test_attempts_that_were_dropped_from_the_file_are_counted() -> None:
    assert runs_of({**filed("a", "x", runs=runs((0, "no"), (9, PASSED))), "attempt_count": 300}).until == 300
    assert runs_of({**filed("a", "x", runs=runs((0, PASSED), (9, "no"))), "attempt_count": 300}).until == 1
    assert runs_of({**filed("a", "x", runs=runs((0, "no"), (9, "no"))), "attempt_count": 300}).until == 300
    assert runs_of(filed("a", "x", runs=runs((9, "no"), (0, PASSED)))).seconds is None


def test_grades_are_nbgraders_with_late_penalties_and_a_persons_marks(tmp_path: Path) -> None:
    course = make_course(tmp_path, EXERCISES)
    enter_grades(course, EXERCISES, {"ada": {"first-one": 2.0, "second-one": None}, "ben": {"first-one": 1.0}})
    with sqlite3.connect(course.gradebook) as database:
        second = "where cell_id in (select id from base_cell where name = 'second-one')"
        database.execute(f"update grade set manual_score = 1.5, extra_credit = 1, needs_manual_grade = 0 {second}")
        database.execute("update submitted_notebook set late_submission_penalty = 1.25")
    grades = read_grades(course, LESSON)
    assert (grades.total("ada"), grades.total("ben")) == (2 + 1.5 + 1 - 1.25, 0.0)
    from nbgrader.api import Student, SubmittedAssignment
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    with Session(create_engine(f"sqlite:///{course.gradebook}")) as session:
        submission = session.query(SubmittedAssignment).join(Student).filter(Student.id == "ada").one()
        assert grades.total("ada") == submission.score - submission.late_submission_penalty


class Page(HTMLParser):
    """What a browser would see of tags, and of what they fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_stands_alone_and_runs_nothing(course: Course, tmp_path: Path) -> None:
    written = write_report(course, LESSON, tmp_path / "out")
    text = (tmp_path / "out" / PAGE).read_text()
    tags = Page(text).tags
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert not re.findall(r"(?:https?:)?//\w", re.sub(r"base64,[^\"]*", "", text))
    for tag, attributes in tags:
        assert not [name for name in attributes if name.startswith("on") or name == "href"], tag
    pictures = [attributes for tag, attributes in tags if tag == "img"]
    assert len(pictures) == len(written) - 1 == 5
    for path, picture in zip(written[1:], pictures, strict=True):
        assert len(picture["alt"] or "") > 60
        assert base64.b64decode((picture["src"] or "").partition(",")[2]) == path.read_bytes()
        assert path.read_bytes().startswith(b"\x89PNG")
    policy = next(attributes["content"] for _, attributes in tags if attributes.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "not graded yet: 1 (eve)" in text and "Waiting for a person: 1 answer," in text


def test_what_learners_wrote_is_text(standing: Standing) -> None:
    from dockyard.figures.class_report import TopMessage

    standing = Standing(**{**vars(standing), "messages": [TopMessage("x", NASTY, 1, 1, 1)], "ungraded": [NASTY]})
    text = html(standing, [("04-messages", b"", f'" onload="{NASTY}')])
    assert {tag for tag, _ in Page(text).tags}.isdisjoint({"script"}) and text.count("&lt;script&gt;alert(1)") == 3


def test_an_old_report_is_replaced_and_other_files_are_left(course: Course, tmp_path: Path) -> None:
    (tmp_path / "09-heat-map.png").write_bytes(b"old")
    (tmp_path / "notes.txt").write_text("mine")
    written = write_report(course, LESSON, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", *(path.name for path in written)}


def test_without_evidence_the_grades_are_drawn(tmp_path: Path) -> None:
    course = make_course(tmp_path, EXERCISES)
    enter_grades(course, EXERCISES, {"ada": {"first-one": 2.0}})
    written = write_report(course, LESSON, tmp_path / "out")
    assert [path.name for path in written] == [PAGE, "01-points.png", "02-heat-map.png"]
    assert "no evidence in submitted/" in (tmp_path / "out" / PAGE).read_text()


def test_a_large_class(tmp_path: Path) -> None:
    course = make_course(tmp_path, EXERCISES)
    play(course, EXERCISES, 60)
    names = [path.name for path in write_report(course, LESSON, tmp_path / "out")]
    assert [name.partition("-")[2] for name in names[1:]] == [
        *("points.png", "heat-map.png", "heat-map.png", "heat-map.png"),
        *("attempts.png", "messages.png", "time-to-pass.png"),
    ]
    assert names[1:] == sorted(names[1:])


def test_nothing_graded_is_said_and_no_gradebook_is_made(tmp_path: Path) -> None:
    course = make_course(tmp_path, EXERCISES)
    hand_in(course, "ada", filed("ada", "first-one"))
    with pytest.raises(DockyardError, match=r"no gradebook yet[\s\S]*\./dockyard grade 01-sample"):
        write_report(course, LESSON, tmp_path / "out")
    assert not course.gradebook.exists() and not (tmp_path / "out").exists()
    enter_grades(course, EXERCISES, {})
    with pytest.raises(DockyardError, match=r"Nothing of 01-sample is graded yet"):
        write_report(course, LESSON, tmp_path / "out")


def test_a_gradebook_that_cannot_be_read_is_named_without_its_password(tmp_path: Path) -> None:
    course = make_course(tmp_path, EXERCISES)
    course.gradebook.write_bytes(b"no database" * 100)
    with pytest.raises(DockyardError, match=r"gradebook\.db.* cannot be read: .*not a database"):
        read_grades(course, LESSON)
    config = "c.CourseDirectory.db_url = 'postgresql://teacher:geheim@db.example/grades?connect_timeout=1'"
    (course.root / "nbgrader_config.py").write_text(f"c = get_config()\n{config}\n")
    assert address_of(course).startswith("postgresql://")
    with pytest.raises(DockyardError) as caught:
        read_grades(course, LESSON)
    assert "db.example" in str(caught.value) and "geheim" not in str(caught.value)


def test_reading_never_changes_the_gradebook(course: Course) -> None:
    before = course.gradebook.read_bytes()
    course.gradebook.chmod(0o444)
    read_grades(course, LESSON)
    course.gradebook.chmod(0o644)
    assert course.gradebook.read_bytes() == before


def test_the_command(course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    done = CliRunner().invoke(dockyard, ["report", LESSON])
    assert done.exit_code == 0 and "report: 1 page, 5 pictures" in done.output
    assert (course.root / "report" / LESSON / PAGE).is_file()
    assert CliRunner().invoke(dockyard, ["report", LESSON, "--to", str(tmp_path / "x")]).exit_code == 0
    assert (tmp_path / "x" / PAGE).is_file()
    unknown = CliRunner().invoke(dockyard, ["report", "no-such-lesson"])
    assert unknown.exit_code == 2 and "no lesson no-such-lesson" in unknown.output
