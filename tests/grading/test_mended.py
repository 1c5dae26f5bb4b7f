"""A check that is mended after hand-in: `dockyard build`, `dockyard grade --force`, and the evidence answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from tests.grading.mended_course import LESSON, NOTEBOOK, RUNS, CourseCopy, put_up, take_down

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

# The old check asked for the container alone; network, history and changes are its neighbourhood.
NEIGHBOURS = f"""{RUNS}
    net = docker.networks.get("lab-mended-net")
    assert container.id in net.attrs["Containers"], "lab-mended is not in lab-mended-net."
    assert docker.images.get(container.attrs["Config"]["Image"]).history(), "The image has no history."
    assert container.top()["Processes"], "Nothing runs in it."
    assert net.attrs["Internal"], "lab-mended-net leads out into the world." """.rstrip()
ELSEWHERE = f"""{RUNS}
    assert docker.volumes.get("lab-mended-disk").name, "There is no disk." """.rstrip()


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory, engine: DockerClient) -> Iterator[CourseCopy]:
    """Three hand-ins, graded by the checks as they were first: two passed all, one did nothing."""
    course = CourseCopy(tmp_path_factory.mktemp("mended") / "course")
    try:
        put_up(engine, internal=True)
        course.hand_in("inner")
        put_up(engine, internal=False)
        course.hand_in("outer")
    finally:
        take_down(engine)
    course.hand_in("idle", answered=False)
    course.run("dockyard", "grade", LESSON)
    yield course


@pytest.fixture
def course(handed_in: CourseCopy, tmp_path: Path) -> CourseCopy:
    """A course of its own for each test, as it was after the first grading."""
    copied = object.__new__(CourseCopy)
    copied.root = tmp_path / "course"
    shutil.copytree(handed_in.root, copied.root)
    return copied


def test_before(handed_in: CourseCopy) -> None:
    grades = handed_in.grades()
    assert [grades[name, "inside"] for name in ("inner", "outer", "idle")] == [
        *((2, None, 2, False), (2, None, 2, False), (0, None, 2, False))
    ]
    assert grades["inner", "why"] == (None, None, 4, True)


def test_answered_from_the_neighbourhood(course: CourseCopy) -> None:
    course.mend(inside=(2, NEIGHBOURS))
    said = course.run("dockyard", "grade", LESSON, "--force")
    assert f"Entered {LESSON} into the gradebook anew: inside (check)." in said
    assert "Cell inside was handed in with the text of another version of the lesson" in said
    assert "although it is locked" not in said  # nobody is told of what the author changed as if it were the learner's
    grades = course.grades()
    assert grades["inner", "inside"] == (2, None, 2, False)
    assert grades["outer", "inside"] == (0, None, 2, False)
    assert grades["idle", "inside"] == (0, None, 2, False)
    assert "lab-mended-net leads out into the world." in course.card("outer", "inside")
    assert "There is no container named lab-mended yet." in course.card("idle", "inside")
    assert grades["outer", "beside"] == (2, None, 2, False)  # the other checks are as they were


def test_what_the_evidence_does_not_hold_needs_a_person(course: CourseCopy) -> None:
    course.mend(beside=(2, ELSEWHERE))
    course.run("dockyard", "grade", LESSON, "--force")
    grades = course.grades()
    for student in ("inner", "outer"):
        assert grades[student, "beside"] == (None, None, 2, True)
        assert "Manual grading needed." in course.card(student, "beside")
        assert "GET /volumes/lab-mended-disk" in course.card(student, "beside")
    assert grades["idle", "beside"] == (0, None, 2, False)  # what it asks for first is on file: there was nothing


def test_a_variable_that_no_check_asked_for_needs_a_person(course: CourseCopy) -> None:
    course.mend()
    text = course.root / "notebooks" / LESSON / f"{NOTEBOOK}.md"
    before = 'points=2)\ndef check(docker):\n    container = docker.containers.get("lab-mended")'
    assert text.read_text().count(before) == 3
    text.write_text(text.read_text().replace(before, before.replace("(docker)", "(docker, driver)"), 1))
    course.run("dockyard", "build", LESSON)
    course.run("dockyard", "grade", LESSON, "--force")
    assert course.grades()["inner", "inside"] == (None, None, 2, True)
    assert "no variable named driver" in course.card("inner", "inside")


def test_other_points(course: CourseCopy) -> None:
    course.mend(kept=(5, RUNS))
    assert "kept (check, 2 → 5 points)" in course.run("dockyard", "grade", LESSON, "--force")
    grades = course.grades()
    assert grades["inner", "kept"] == (5, None, 5, False) and grades["idle", "kept"] == (0, None, 5, False)
    with course.book() as book:
        assert book.find_assignment(LESSON).max_score == 2 + 2 + 5 + 4


def test_what_a_person_gave_stays(course: CourseCopy) -> None:
    with course.book() as book:
        for cell, score, extra in (("why", 3.5, None), ("beside", 1.0, 0.5)):
            given = book.find_grade(cell, NOTEBOOK, LESSON, "inner")
            given.manual_score, given.extra_credit, given.needs_manual_grade = score, extra, False
        book.find_comment("why", NOTEBOOK, LESSON, "inner").manual_comment = "Well said."
        book.db.commit()
    course.mend(beside=(3, ELSEWHERE))
    course.run("dockyard", "grade", LESSON, "--force")
    grades = course.grades()
    assert grades["inner", "why"][:3] == (None, 3.5, 4)
    assert grades["inner", "beside"] == (None, 1.0, 3, True)
    with course.book() as book:
        assert book.find_comment("why", NOTEBOOK, LESSON, "inner").manual_comment == "Well said."
        assert book.find_submission(LESSON, "inner").score == 2 + 1 + 0.5 + 2 + 3.5


def test_autograde_gives_the_same(course: CourseCopy) -> None:
    course.mend(inside=(3, NEIGHBOURS), beside=(2, ELSEWHERE))
    stock = object.__new__(CourseCopy)
    stock.root = course.root.with_name("stock")
    shutil.copytree(course.root, stock.root)
    course.run("dockyard", "grade", LESSON, "--force")
    stock.run("nbgrader", "generate_assignment", LESSON, "--force")
    stock.run("nbgrader", "autograde", LESSON, "--force")
    ours = course.grades()
    assert ours == stock.grades() and ours["inner", "inside"] == (3, None, 3, False)
    assert course.card("outer", "inside") == stock.card("outer", "inside")
    course.run("nbgrader", "autograde", LESSON, "--force")  # and on the gradebook that `dockyard grade` left
    assert course.grades() == ours


def test_without_force_nothing_changes_and_it_is_said(course: CourseCopy) -> None:
    before = course.grades()
    course.mend(inside=(3, NEIGHBOURS))
    shutil.copytree(course.root / "submitted" / "inner", course.root / "submitted" / "inner-too")
    said = course.run("dockyard", "grade", LESSON)
    assert f"{LESSON} in source/ differs from the gradebook: inside (check, 2 → 3 points)." in said
    assert f"./dockyard grade {LESSON} --force" in said and "3 were graded already" in said
    after = course.grades()
    assert {place: after[place] for place in before} == before
    assert after["inner-too", "kept"] == (0, None, 2, False)  # a new hand-in, of somebody else's evidence
    course.run("dockyard", "grade", LESSON, "--force")
    assert "differs" not in course.run("dockyard", "grade", LESSON)


def test_while_nothing_is_graded_the_lesson_is_brought_up_to_date(course: CourseCopy) -> None:
    for name in ("gradebook.db", "autograded"):
        path = course.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    course.run("nbgrader", "generate_assignment", LESSON, "--force")
    course.mend(inside=(3, NEIGHBOURS))
    course.run("dockyard", "grade", LESSON)
    assert course.grades()["inner", "inside"] == (3, None, 3, False)


def test_one_learner_alone_leaves_the_others_and_says_so(course: CourseCopy) -> None:
    course.mend(inside=(2, NEIGHBOURS))
    said = course.run("dockyard", "grade", LESSON, "--force", "--student", "outer")
    assert "2 graded before are not graded now and keep their points" in said
    grades = course.grades()
    assert grades["outer", "inside"][0] == 0 and grades["inner", "inside"][0] == 2


def test_an_exercise_that_was_taken_away_is_refused_and_nothing_is_changed(course: CourseCopy) -> None:
    before, book = course.grades(), (course.root / "gradebook.db").read_bytes()
    text = course.root / "notebooks" / LESSON / f"{NOTEBOOK}.md"
    text.write_text(text.read_text().replace("kept", "held"))
    course.run("dockyard", "build", LESSON)
    said = course.run("dockyard", "grade", LESSON, "--force", status=1)
    assert "held (new)" in said and "kept (taken away)" in said and f"./dockyard build {LESSON}" in said
    assert course.grades() == before and (course.root / "gradebook.db").read_bytes() == book
