"""`dockyard pack`: a hand-in as one file to upload."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("lesson")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write this file.")
@click.option("--student", metavar="ID", help="The name under which you hand in; it is remembered.")
def pack(lesson: str, to: Path | None, student: str | None) -> None:
    """Put the notebooks and the evidence of LESSON into one zip to upload where your instructor collects them.

    The file is named STUDENT_LESSON.zip and lies in workspace/. In JupyterLab's file browser, right-click it, then
    Download. Save your notebooks first.
    """
    from dockyard import workspace
    from dockyard.course import find_course
    from dockyard.packing import pack as packed_hand_in

    course = find_course()
    name = workspace.student(course, student)
    packed = packed_hand_in(course, lesson, name, to)
    if packed.missing:
        click.secho("! These exercises have no evidence, and would be worth 0 points:", fg="yellow")
        for line in packed.missing:
            why = "" if line.note == "There is no evidence." else f" ({line.note.rstrip('.')})"
            click.echo(f"    {line.title}{why}")
        click.echo("  Run the check cell of each, then type this again.")
    click.echo(f"✓ {packed.path}: notebooks {packed.notebooks}, evidence files {packed.evidence}, of {name}")
