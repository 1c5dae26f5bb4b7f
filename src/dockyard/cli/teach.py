"""`dockyard teach`: JupyterLab for the instructor."""

from __future__ import annotations

import click


@click.command()
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.option("--port", type=click.IntRange(1, 65535), help="This port; else the first free one from 8888 on.")
def teach(no_browser: bool, port: int | None) -> None:
    """Open JupyterLab for the instructor, with the formgrader. Grading needs no engine."""
    from dockyard import gradebook, workspace
    from dockyard.course import find_course
    from dockyard.serve import serve

    course = find_course()
    workspace.open_exchange(course)
    for lesson in gradebook.unknown(course):
        click.echo(f"• Gradebook: entering {lesson}")
        gradebook.register(course, lesson)
    serve(course, "teach", browser=not no_browser, port=port)
