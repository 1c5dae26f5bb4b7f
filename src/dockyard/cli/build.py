"""`dockyard build`: from the lessons' text to source/ and release/."""

from __future__ import annotations

import click


@click.command()
@click.argument("lesson", required=False)
@click.option("--check", is_flag=True, help="Write nothing; fail if source/ or release/ differ from a fresh build.")
def build(lesson: str | None, check: bool) -> None:
    """Build source/ and release/ from the text in notebooks/.

    LESSON is a lesson's name, or LESSON/NOTEBOOK; all lessons are built if it is left out.
    """
    from dockyard.authoring import build as authoring
    from dockyard.course import find_course
    from dockyard.errors import BuildError

    course = find_course()
    if check:
        lines = authoring.check(course, lesson)
        if lines:
            command = " ".join(["./dockyard build", *([lesson] if lesson else [])])
            raise BuildError("\n  ".join(lines), next_step=f"Type {command} and commit what it writes.")
        click.echo("source/ and release/ are what the text says.")
        return
    for fresh, report in authoring.build(course, lesson):
        click.echo(f"{report.lesson.name}: {len(fresh.notebooks)} notebooks, {len(report.written)} files written.")
        for path in report.set_aside:
            click.echo(f"  set aside, as nothing in notebooks/ makes it: {path}")
