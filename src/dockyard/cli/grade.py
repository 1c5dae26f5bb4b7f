"""`dockyard grade`: a whole class, as `nbgrader autograde` grades it, only faster."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from dockyard.grading.class_at_once import ClassGrader
    from dockyard.grading.converter import Graded

SHOWN = 20  # hand-ins whose first remark is shown


@click.command()
@click.argument("lesson")
@click.option("--workers", type=click.IntRange(1, 256), help="How many processes; by default one a core.")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="A dask scheduler, such as tcp://host:8786: its workers grade, and need share no disk with this machine.",
)
@click.option("--student", default="*", help="Grade only this learner; a pattern such as 'a*' is taken too.")
@click.option("--force", is_flag=True, help="Grade all, those too that are graded already.")
@click.option(
    "--course",
    "root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The course's folder; by default this checkout.",
)
def grade(
    lesson: str, workers: int | None, scheduler: str | None, student: str, force: bool, root: Path | None
) -> None:
    """Grade what was handed in for LESSON and is new, from the evidence, into the gradebook and autograded/.

    With --force, or while nothing is graded yet, a lesson that was changed and built since it was entered into the
    gradebook is entered anew first; points that a person gave stay. Without, hand-ins are graded as those before.

    Scores and files are those of `nbgrader autograde`. A hand-in that cannot be graded is named with the reason, all
    others are graded, and the exit status is 1. Where the disk is full or the gradebook cannot be written, grading
    stops; the same command goes on from there.
    """
    from rich.console import Console

    if workers and scheduler:
        raise click.UsageError("--workers counts processes of this machine; a scheduler has workers of its own.")
    from dockyard.course import find_course
    from dockyard.grading.class_at_once import ClassGrader
    from dockyard.grading.course import course_config, due

    started, console = time.perf_counter(), Console()
    folder = root.resolve() if root else find_course().root
    config = course_config(folder, lesson, student)
    hand_ins = due(config, force)
    grader = _up_to_date(console, ClassGrader(config, workers, scheduler), hand_ins.students, force)
    begun = time.perf_counter()
    graded: list[Graded] = []
    try:
        _follow(console, grader.grade(hand_ins.students), len(hand_ins.students), graded)
    finally:  # of a run that was stopped, too
        failed = _told(console, graded)
        _summary(console, graded, failed, hand_ins.done, begun - started, time.perf_counter() - begun)
    sys.exit(1 if failed else 0)


def _up_to_date(console: Console, grader: ClassGrader, students: Sequence[str], force: bool) -> ClassGrader:
    """Enter a lesson anew that was changed since the gradebook knows it, or say that it was."""
    from dockyard.course import Course
    from dockyard.grading.mending import changes, enter

    course, lesson = Course(grader.root), grader.name
    found = changes(course, grader.lesson)
    graded = {name for name, before in grader.before.items() if before.scores}
    if not found:
        return grader
    if graded and not force:
        console.print(
            f"! {lesson} in source/ differs from the gradebook: {found}. Hand-ins are graded as those before.\n"
            f"  To grade all of them anew: ./dockyard grade {lesson} --force",
            style="yellow",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        return grader
    with grader.alone():
        enter(course, grader.lesson, found, handed_in=bool(grader.before))
    console.print(f"Entered {lesson} into the gradebook anew: {found}.", highlight=False, markup=False, soft_wrap=True)
    if left := graded - set(students):
        console.print(f"! {len(left)} graded before are not graded now and keep their points.", style="yellow")
    return type(grader)(grader.config, grader.workers, grader.scheduler)


def _told(console: Console, graded: list[Graded]) -> int:
    """Say which hand-ins could not be graded, and of which others a person should know something."""
    from dockyard.judge import clean

    by_name = sorted(graded, key=lambda one: one.student)
    failed = [one for one in by_name if one.trouble]
    for one in failed:
        console.print(
            f"✗ {clean(one.student)}: {clean(one.trouble)}", style="red", highlight=False, markup=False, soft_wrap=True
        )
    remarked = [one for one in by_name if one.remarks and not one.trouble]
    for one in remarked[:SHOWN]:
        more = f" (and {len(one.remarks) - 1} more)" if len(one.remarks) > 1 else ""
        console.print(
            f"! {clean(one.student)}: {one.remarks[0]}{more}",
            style="yellow",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if len(remarked) > SHOWN:
        console.print(f"! … and remarks on {len(remarked) - SHOWN} more.", style="yellow", highlight=False)
    if remarked:
        console.print("  All remarks on a hand-in stand in its autograded notebook: first cell and cards.", style="dim")
    return len(failed)


def _follow(console: Console, graded: Iterable[Graded], total: int, result: list[Graded]) -> None:
    """Take in what was graded, with a bar, the rate and the time left where there is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    started = time.perf_counter()
    with Progress(
        *columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("grade", total=total, rate="")
        for one in graded:
            result.append(one)
            a_minute = 60 * len(result) / (time.perf_counter() - started)
            bar.update(task, advance=1, rate=f"{a_minute:.0f} a minute", refresh=True)


def _summary(console: Console, graded: list[Graded], failed: int, done: int, start: float, seconds: float) -> None:
    parts = [f"{len(graded) - failed} graded", f"{failed} failed"]
    if done:
        parts.append(f"{done} were graded already")
    if graded:
        parts.append(f"{seconds / len(graded):.3f} s a hand-in after {start:.1f} s to start")
        if peak := max(one.peak for one in graded):
            parts.append(f"{peak / 2**20:.0f} MiB a worker at most")
    console.print(f"grade: {', '.join(parts)}", highlight=False, soft_wrap=True)
