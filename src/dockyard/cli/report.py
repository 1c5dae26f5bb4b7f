"""`dockyard report`: pictures of how a class did in a lesson."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("lesson")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="This folder instead of report/LESSON/.")
def report(lesson: str, to: Path | None) -> None:
    """Draw how the class did in LESSON, from the gradebook and the evidence in submitted/.

    Makes PNG pictures and one HTML page that holds them all: how points are distributed, exercise by learner, where
    attempts pile up, the message that each exercise showed most, and the time to the first pass. The files name
    learners: they are for instructors.

    Exit status: 0 where the report was written; 1 where nothing is graded yet, or gradebook or folder refuse; 2 where
    there is no LESSON.
    """
    from dockyard.cli.following import bar
    from dockyard.course import find_course
    from dockyard.grading.report import write_report

    course = find_course()
    if not any((folder / lesson).is_dir() for folder in (course.source, course.notebooks)):
        raise click.UsageError(f"There is no lesson {lesson} in {course.source.name}/.")
    written = write_report(course, lesson, to or course.root / "report" / lesson, bar)
    for path in written:
        click.echo(path)
    click.echo(f"report: 1 page, {len(written) - 1} pictures")
