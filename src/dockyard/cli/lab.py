"""`dockyard lab`: from nothing to a lesson that is open."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import docker

    from dockyard.course import Course


@click.command()
@click.option("--yes", is_flag=True, help="Agree in advance to whatever has to be installed or started.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.option("--port", type=click.IntRange(1, 65535), help="This port; else the first free one from 8888 on.")
@click.option("--fresh", metavar="LESSON", help="Move your copy of a lesson aside and put a new one.")
@click.option("--student", metavar="ID", help="The name under which you hand in; it is remembered.")
def lab(yes: bool, no_browser: bool, port: int | None, fresh: str | None, student: str | None) -> None:
    """Set everything up and open the lessons in JupyterLab."""
    from dockyard import workspace
    from dockyard.course import find_course
    from dockyard.serve import serve

    course = find_course()
    name = workspace.student(course, student)
    lay_out(course, fresh)
    get_engine(yes)
    click.echo(f"• You hand in as {name} (another name: --student NAME)")
    serve(course, "lab", browser=not no_browser, port=port, student=name)


def lay_out(course: Course, fresh: str | None = None) -> None:
    """Put the lessons into the workspace and the exchange, and say what changed."""
    from dockyard import workspace

    if fresh and (aside := workspace.fresh(course, fresh)):
        old = aside.relative_to(course.root)
        click.echo(
            f"• Your copy of {fresh} lies in {old} now, and so does its evidence: the new one begins at 0 points."
        )
        click.echo(f"  To bring the passes back: cp -r {old}/evidence {course.workspace.name}/{fresh}/")
    course.workspace.mkdir(exist_ok=True)
    done = workspace.sync(course)
    workspace.publish(course)
    for files, what in ((done.put, "put into"), (done.updated, "updated in"), (done.removed, "removed from")):
        if files:
            click.echo(f"• Lessons: {_count(files)} {what} {course.workspace.name}/")
    for file in done.kept:
        lesson = file.split("/")[0]
        click.echo(f"• {file}: you changed it, so the newer release was left out (to have it: --fresh {lesson})")


def get_engine(yes: bool) -> docker.DockerClient:
    """Return a client of an engine that has the lab images, and say what is unusual about it."""
    from dockyard.engine import ensure_engine, find, identify
    from dockyard.engine.client import remarks
    from dockyard.lab import images

    client = ensure_engine(yes, ask)
    for remark in remarks(find(), identify(client)):
        click.echo(f"• {remark}")
    images.ensure(client, yes=yes, ask=ask)
    return client


def ask(question: str) -> bool:
    """Ask on the terminal; where nobody can answer, the answer is no."""
    return sys.stdin.isatty() and click.confirm(question)


def _count(files: list[str]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"
