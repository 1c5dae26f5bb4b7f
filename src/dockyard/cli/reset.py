"""`dockyard reset`: remove what the exercises created, and nothing else."""

from __future__ import annotations

import sys

import click


@click.command()
@click.argument("lesson", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(lesson: str | None, yes: bool) -> None:
    """List, then remove, what the exercises of LESSON (of all lessons, if none is named) created.

    These are containers, volumes and networks named lab-… and images named dockyard/lab-…; your notebooks, your
    evidence, the lab images and everything else stay.
    """
    from dockyard.course import find_course
    from dockyard.engine import connect
    from dockyard.lab import reset as resetting

    scope = resetting.scope_of(find_course(), lesson)
    client = connect(timeout=60)
    todo = resetting.plan(client, scope)
    for thing in todo.remove:
        click.echo(f"  {thing}")
    if not todo.remove:
        click.echo("✓ Nothing to remove.")
    elif yes or (sys.stdin.isatty() and click.confirm(f"Remove these {len(todo.remove)}?")):
        done = resetting.carry_out(client, todo)
        click.echo(f"✓ Removed: {len(done.remove)}")
        todo = done
    else:
        click.echo("Nothing was removed." if sys.stdin.isatty() else "Nothing was removed. To agree in advance: --yes")
    for thing in todo.leave:
        click.echo(f"• Left: {thing}")
