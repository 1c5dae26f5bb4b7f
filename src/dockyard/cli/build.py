"""`dockyard build`: from the lessons' text to source/ and release/."""

from __future__ import annotations

import click


@click.command()
@click.argument("lesson", required=False)
@click.option("--check", is_flag=True, help="Write nothing; fail if source/ or release/ differ from a fresh build.")
@click.option("--tidy", is_flag=True, help="First put the text's metadata on one line a cell.")
def build(lesson: str | None, check: bool, tidy: bool) -> None:
    """Build source/ and release/ from the text in notebooks/.

    LESSON is a lesson's name, or LESSON/NOTEBOOK; all lessons are built if it is left out.
    """
    from dockyard.authoring import command
    from dockyard.course import find_course
    from dockyard.errors import BuildError

    course = find_course()
    if check:
        different, broken = command.check(course, lesson)
        again = " ".join(["./dockyard build", *([lesson] if lesson else [])])
        if broken:
            raise BuildError("\n  ".join([*different, *broken]), next_step=f"Mend the text, then type: {again}")
        if different:
            raise BuildError("\n  ".join(different), next_step=f"Type: {again}    Then commit what it wrote.")
        click.echo("source/ and release/ are what the text says, and every rule is kept.")
        return
    for notebook in command.tidy_texts(course, lesson) if tidy else ():
        click.echo(f"{notebook}: metadata put on one line a cell.")
    for outcome in command.build(course, lesson):
        made, written = (
            _count(len(one), word)
            for one, word in ((outcome.fresh.notebooks, "notebook"), (outcome.report.written, "file"))
        )
        click.echo(f"{outcome.report.lesson.name}: {made}, {written} written.")
        for path in outcome.report.set_aside:
            click.echo(f"  set aside, as nothing in notebooks/ makes it: {path}")
        for violation in outcome.violations:
            click.secho(f"  ! {violation}", fg="yellow")
        if outcome.violations:
            click.secho(
                "  It was written all the same; ./dockyard build --check, and so the tests, will fail.", fg="yellow"
            )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
