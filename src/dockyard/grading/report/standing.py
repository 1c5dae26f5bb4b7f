"""How a class stands in a lesson, from gradebook and evidence: the numbers that the report draws."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from dockyard.course import Course
from dockyard.errors import BuildError
from dockyard.figures.class_report import TopMessage, Tries
from dockyard.grading.handins import Follow, HandIn, parse_time, read_hand_ins
from dockyard.grading.report.gradebook import Cell, Grades, read_grades
from dockyard.judge import clean
from dockyard.progress import graded_cells


@dataclass
class Standing:
    """A class in a lesson.

    Attributes:
        lesson: the lesson's name.
        exercises: the names of all graded cells, in the order in which they are taught.
        learners: whose hand-ins are graded, by points, the most first.
        points: of each learner; late penalties are taken off.
        most: what can be earned.
        states: learner × exercise, in the words of `figures.class_heat_map.STATES`.
        waiting: how many cells wait for a person.
        checked: exercises of which there is evidence.
        tries, messages: of each exercise in `checked`; messages only where a run failed.
        seconds: of each exercise in `checked`, the time from first to first passed run of each learner who passed.
        ungraded: whose hand-ins lie in submitted/ without a grade.
        unread: how many pieces of evidence could not be used.
    """

    lesson: str
    exercises: list[str]
    learners: list[str]
    points: list[float]
    most: float
    states: list[list[str]]
    waiting: int
    checked: list[str] = field(default_factory=list)
    tries: list[Tries] = field(default_factory=list)
    messages: list[TopMessage] = field(default_factory=list)
    seconds: list[list[float]] = field(default_factory=list)
    ungraded: list[str] = field(default_factory=list)
    unread: int = 0


@dataclass
class Runs:
    """What one learner's evidence of an exercise says of the runs of its check.

    Attributes:
        until: how many runs until and with the first pass, or all where none passed.
        passed: whether one passed.
        seconds: from the first run to the first that passed; None where none did or the times run backwards.
        failures: the messages of failed runs.
    """

    until: int
    passed: bool
    seconds: float | None
    failures: list[str]


def read_standing(course: Course, lesson: str, follow: Follow = iter) -> Standing:
    """Gather what the report shows.

    Raises:
        DockyardError: nothing is graded yet, or the gradebook cannot be read.
    """
    grades = read_grades(course, lesson)
    cells = in_order(course, lesson, grades.cells)
    learners = sorted(grades.marks, key=lambda name: (-grades.total(name), name))
    standing = Standing(
        lesson=lesson,
        exercises=[cell.name for cell in cells],
        learners=learners,
        points=[grades.total(name) for name in learners],
        most=sum(cell.points for cell in cells),
        states=[[_state(grades, name, cell) for cell in cells] for name in learners],
        waiting=sum(mark.waiting for marks in grades.marks.values() for mark in marks.values()),
    )
    runs: dict[str, list[Runs]] = defaultdict(list)
    for hand_in in read_hand_ins(course.submitted, lesson, follow):
        if hand_in.student not in grades.marks:
            standing.ungraded.append(hand_in.student)
        _add_runs(standing, hand_in, runs)
    standing.checked = [name for name in dict.fromkeys(standing.exercises) if runs[name]]
    for name in standing.checked:
        standing.tries.append(_tries(name, runs[name]))
        standing.seconds.append([one.seconds for one in runs[name] if one.seconds is not None])
        standing.messages += _top_message(name, runs[name])
    return standing


def in_order(course: Course, lesson: str, cells: Iterable[Cell]) -> list[Cell]:
    """Return cells as they are taught: notebooks as lesson.toml lists them, cells as the notebook has them."""
    from dockyard.authoring.lessons import load_lesson

    try:
        taught: tuple[str, ...] = load_lesson(course, lesson).notebook_names
    except BuildError:
        taught = ()
    place: dict[tuple[str, str], int] = {}
    names = [*taught, *sorted({cell.notebook for cell in cells} - set(taught))]
    for notebook in names:
        path = course.source / lesson / f"{notebook}.ipynb"
        if path.is_file():
            for line in graded_cells(path):
                place.setdefault((notebook, line.exercise), len(place))
    last = len(place)
    return sorted(
        cells, key=lambda cell: (names.index(cell.notebook), place.get((cell.notebook, cell.name), last), cell.name)
    )


def runs_of(says: dict[str, Any]) -> Runs:
    """Return what evidence says of the runs of a check. Attempts that were dropped from the file count as failed."""
    attempts = says["attempts"]
    first = next((place for place, attempt in enumerate(attempts) if attempt["passed"]), None)
    failures = [clean(attempt["message"]) for attempt in attempts if not attempt["passed"]]
    dropped = max(0, says["attempt_count"] - len(attempts))  # after the first one
    if first is None:
        return Runs(len(attempts) + dropped, False, None, failures)
    begin, end = parse_time(attempts[0]["at"]), parse_time(attempts[first]["at"])
    seconds = (end - begin).total_seconds() if begin and end else -1
    until = 1 + first + (dropped if first else 0)
    return Runs(until, True, seconds if seconds >= 0 else None, failures)


def _state(grades: Grades, student: str, cell: Cell) -> str:
    mark = grades.marks[student].get(cell)
    if mark is None:
        return "missing"
    if mark.waiting:
        return "open"
    return "full" if mark.score >= cell.points else "part" if mark.score > 0 else "none"


def _add_runs(standing: Standing, hand_in: HandIn, runs: dict[str, list[Runs]]) -> None:
    """Count only evidence that grading takes too: readable, unchanged, of this learner and this exercise."""
    standing.unread += len(hand_in.refused)
    for filed in hand_in.filed:
        says = filed.evidence
        if filed.changed or says["student"] != hand_in.student or says["exercise"] != filed.name:
            standing.unread += 1
        else:
            runs[filed.name].append(runs_of(says))


def _tries(exercise: str, runs: list[Runs]) -> Tries:
    passed = [one.until for one in runs if one.passed]
    waiting = [one.until for one in runs if not one.passed]
    return Tries(exercise, sum(passed), sum(waiting), len(waiting), median(passed) if passed else None)


def _top_message(exercise: str, runs: list[Runs]) -> list[TopMessage]:
    shown = Counter(message for one in runs for message in one.failures)
    if not shown:
        return []
    message, times = min(shown.items(), key=lambda item: (-item[1], item[0]))
    learners = sum(message in one.failures for one in runs)
    return [TopMessage(exercise, message, times, shown.total(), learners)]
