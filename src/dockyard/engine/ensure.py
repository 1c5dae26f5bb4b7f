"""Have an engine: the one that is there, or, if the user agrees, one installed and started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dockyard.engine import problems
from dockyard.engine.client import connect
from dockyard.engine.problems import DaemonStopped, EngineError, NoEngine, NotPermitted

if TYPE_CHECKING:
    import docker

    from dockyard.engine.packages import Plan

Ask = Callable[[str], bool]


def ensure_engine(yes: bool = False, ask: Ask | None = None) -> docker.DockerClient:
    """Connect to the engine; where none runs, offer to install and start one, and do only what is agreed to.

    Args:
        yes: agree in advance.
        ask: puts a question to the user and returns whether they agreed; a prompt in the terminal, if not given.

    Raises:
        EngineError: there is no engine and the user does not want one, or it cannot be had.
    """
    agree: Ask = (lambda question: True) if yes else (ask or _prompt)
    try:
        try:
            return connect()
        except (NoEngine, DaemonStopped) as problem:
            if sys.platform != "linux":
                raise
            install_engine(agree, problem)
            start_engine(agree, problem)
        return connect()
    except NotPermitted:
        _again_as_member()
        raise


def install_engine(agree: Ask, refused: EngineError | None = None) -> bool:
    """Show what an installation would change, ask, and install; nothing is asked where nothing is missing.

    Args:
        agree: puts the question.
        refused: raised if the answer is no; if None, False is returned then.

    Returns:
        Whether the engine's packages are there now.

    Raises:
        EngineError: see `packages.plan` and `packages.install`.
    """
    import click

    from dockyard.engine import packages

    with bar("Finding out what is missing") as progress:
        plan = packages.plan(progress)
    if plan.empty:
        return True
    click.echo("To have a Docker Engine, this would be done:")
    for line in plan.lines():
        click.echo(click.wrap_text(line, 100, initial_indent="  • ", subsequent_indent="    "))
    if not agree("Do this now?"):
        if refused:
            raise refused
        return False
    _carry_out(plan)
    return True


def start_engine(agree: Ask, refused: EngineError | None = None) -> bool:
    """Ask, and start the installed engine; nothing is asked where one answers already.

    Returns:
        Whether an engine runs at the default socket now.

    Raises:
        EngineError: see `daemon.start`; or `refused`, if given and the answer is no.
    """
    from dockyard.engine import daemon

    if daemon.answers():
        return True
    if not agree("Start the Docker daemon (dockerd, as root)?"):
        if refused:
            raise refused
        return False
    with bar("Starting the Docker daemon"):
        daemon.start()
    return True


def _carry_out(plan: Plan) -> None:
    import click

    from dockyard.engine import command, machine, packages

    machine.as_root()  # asks for sudo's password before the bar appears
    with bar("Installing Docker Engine") as progress:
        log = packages.install(plan, progress)
    click.echo(f"✓ Docker Engine is installed (log: {log})")
    lacks = command.look().lacks()
    if lacks:
        click.secho(f"! {lacks} It comes before the installed one on PATH.", fg="yellow")


def _again_as_member() -> None:
    """Start this very command again with the group docker, if the user's membership is younger than the login."""
    import os
    import shlex

    from dockyard.engine import machine

    if problems.member_of_docker(machine.person()) and machine.which("sg") and not os.environ.get("DOCKYARD_AS_MEMBER"):
        os.environ["DOCKYARD_AS_MEMBER"] = "1"
        os.execvp("sg", ["sg", "docker", "-c", shlex.join([sys.executable, "-m", "dockyard.cli", *sys.argv[1:]])])


def _prompt(question: str) -> bool:
    import click

    return sys.stdin.isatty() and click.confirm(question)


@contextmanager
def bar(name: str) -> Iterator[Callable[[float, str], None]]:
    """A named progress bar in the terminal; yields what to tell it: the part done and words."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console()
    if not console.is_terminal:
        console.print(f"{name} …")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns,
        TextColumn("[dim]{task.fields[words]}"),
        transient=True,
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(name, total=None, words="")

        def tell(part: float, words: str) -> None:
            progress.update(task, total=1, completed=part, words=words[:50])

        yield tell
