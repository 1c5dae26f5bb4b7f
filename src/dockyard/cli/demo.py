"""`dockyard demo`: a whole class, headless, on the real engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from dockyard.authoring.cases import Exercise
    from dockyard.grading.demo import Learner


@click.command()
@click.option("--students", default=3, show_default=True, type=click.IntRange(1, 200), help="How many learners.")
@click.option("--seed", default=1, show_default=True, help="The same seed plays the same class.")
@click.option("--lesson", default="01-foundations", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the class in this new folder.")
def demo(students: int, seed: int, lesson: str, keep: Path | None) -> None:
    """Play a class: release, work, hand in, collect, grade, feedback; real engine, real evidence, real grading.

    The first learner solves everything, the second a part, the third forges. Exit status 0 says that every grade is the
    one that was expected.
    """
    import tempfile

    from rich.console import Console

    from dockyard.authoring.cases import read_exercises
    from dockyard.authoring.cleanup import names_of, refuse_if_present
    from dockyard.authoring.lessons import select
    from dockyard.course import find_course
    from dockyard.engine import connect
    from dockyard.grading.demo import learners, play
    from dockyard.grading.loop import ClassLoop

    console = Console()
    course, engine = find_course(), connect()
    notebooks = [notebook for _, found in select(course, lesson) for notebook in found]
    for notebook in notebooks:
        refuse_if_present(engine, names_of(notebook), lesson)
    exercises = [exercise for notebook in notebooks for exercise in read_exercises(notebook)]
    judged = [exercise.name for exercise in exercises if not exercise.by_hand]
    group = learners(students, seed, judged)
    with tempfile.TemporaryDirectory(prefix="dockyard-demo-") as scratch:
        loop = ClassLoop(keep or Path(scratch), course.root / "nbgrader_config.py")
        with console.status("release") as status:
            source = course.source / lesson
            play(loop, lesson, source, group, exercises, engine, seed, lambda words: status.update(words))
            status.update("feedback")
            returned = loop.return_feedback(lesson, [learner.name for learner in group])
        scores = {learner.name: loop.scores(lesson, learner.name) for learner in group}
    table, wrong = _table(group, exercises, scores)
    console.print(table)
    for number, exercise in enumerate(exercises, 1):
        console.print(f"{number:>3}  {exercise.name} ({exercise.points:g})", highlight=False)
    for line in wrong:
        console.print(f"✗ {line}", style="red", highlight=False)
    pages = len(returned)
    console.print(f"demo: {len(scores)} graded, {len(wrong)} not as expected, {pages} pages of feedback returned")
    sys.exit(1 if wrong or pages != len(group) * len(notebooks) else 0)


def _table(
    group: list[Learner], exercises: list[Exercise], scores: dict[str, dict[str, float | None]]
) -> tuple[Table, list[str]]:
    """Return learner × exercise, and a line for each grade that is not the expected one."""
    from rich.table import Column, Table

    from dockyard.grading.demo import expected

    columns = ["learner", "manner", *(str(number) for number in range(1, len(exercises) + 1)), "points"]
    table = Table(*(Column(title, no_wrap=True) for title in columns), box=None, padding=(0, 1, 0, 0))
    wrong = []
    for learner in group:
        found, wanted = scores[learner.name], expected(learner, exercises)
        cells = []
        for exercise in exercises:
            score = found.get(exercise.name, 0.0)
            cells.append("?" if score is None else "✓" if score else "·")
            if score != wanted[exercise.name]:
                wrong.append(f"{learner.name}, {exercise.name}: {score}, expected {wanted[exercise.name]}")
        table.add_row(learner.name, learner.role, *cells, f"{sum(score or 0 for score in found.values()):g}")
    table.caption, table.caption_justify = "✓ full points   · none   ? a person grades", "left"
    return table, wrong
