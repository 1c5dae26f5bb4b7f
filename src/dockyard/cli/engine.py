"""`dockyard engine`: install, start, stop or look at the Docker Engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.group()
def engine() -> None:
    """Install, start, stop or look at the Docker Engine."""


def _layout_options(command: Any) -> Any:
    path = click.Path(path_type=Path)
    for option in (
        click.option("--option", "options", multiple=True, help="One more option for dockerd; may be repeated."),
        click.option("--exec-root", type=path, help="Where the daemon keeps its state while it runs."),
        click.option("--data-root", type=path, help="Where the daemon keeps images, containers and volumes."),
        click.option("--socket", type=path, help="Socket to listen at, for a second daemon."),
    ):
        command = option(command)
    return command


def _layout(socket: Path | None, data_root: Path | None, exec_root: Path | None, options: tuple[str, ...]) -> Any:
    from dockyard.engine.daemon import Layout
    from dockyard.engine.endpoint import DEFAULT_SOCKET

    return Layout((socket or DEFAULT_SOCKET).absolute(), data_root, exec_root, options)


@engine.command()
@click.option("--yes", is_flag=True, help="Agree in advance.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
def install(yes: bool, dry_run: bool) -> None:
    """Install Docker Engine, Compose and buildx from the distribution's packages (Debian 12 or newer, Ubuntu)."""
    from dockyard.engine.ensure import install_engine

    def agree(question: str) -> bool:
        return not dry_run and (yes or click.confirm(question))

    if install_engine(agree):
        click.echo("✓ Docker Engine is installed. To start it type: ./dockyard engine start")
    else:
        click.echo("Nothing was changed.")


@engine.command()
@_layout_options
def start(socket: Path | None, data_root: Path | None, exec_root: Path | None, options: tuple[str, ...]) -> None:
    """Start the Docker daemon, by systemd where it runs."""
    from dockyard.engine import daemon
    from dockyard.engine.ensure import bar

    layout = _layout(socket, data_root, exec_root, options)
    with bar("Starting the Docker daemon"):
        record = daemon.start(layout)
    if record is None:
        click.echo(f"✓ An engine answers at {layout.socket} already.")
    else:
        log = "journalctl -u docker" if record.systemd else record.log
        click.echo(f"✓ The Docker daemon runs (pid {record.pid}) and answers at {record.socket}; log: {log}")


@engine.command()
@_layout_options
def stop(socket: Path | None, data_root: Path | None, exec_root: Path | None, options: tuple[str, ...]) -> None:
    """Stop the Docker daemon that `engine start` started, and no other."""
    from dockyard.engine import daemon
    from dockyard.engine.ensure import bar

    with bar("Stopping the Docker daemon"):
        record = daemon.stop(_layout(socket, data_root, exec_root, options))
    click.echo(f"✓ The Docker daemon (pid {record.pid}) has ended.")


@engine.command()
def status() -> None:
    """Show which engine the course uses, and how it is."""
    from rich.console import Console
    from rich.table import Table

    from dockyard.engine import connect, find, identify
    from dockyard.engine.client import remarks
    from dockyard.engine.daemon import recorded
    from dockyard.engine.endpoint import DEFAULT_SOCKET

    endpoint = find()
    client = connect(endpoint)
    who = identify(client)
    counts = client.info()
    grid = Table.grid(padding=(0, 2))
    record = recorded() if endpoint.socket == DEFAULT_SOCKET else None
    mode = "rootless" if who.rootless else "as root"
    for name, value in (
        ("Engine", f"{who.product}, API {who.api_version}, {mode}"),
        ("Where", f"{endpoint.address} ({endpoint.source})"),
        ("Host", f"{who.name}: {who.operating_system}, kernel {who.kernel}, {who.architecture}"),
        ("Resources", f"{who.cpus} processors, {who.memory / 2**30:.1f} GiB, cgroup v{who.cgroup_version}"),
        ("Storage", f"{who.storage_driver}, {counts.get('DockerRootDir', '')}"),
        ("Holds", f"{counts.get('ContainersRunning', 0)} running containers, {counts.get('Images', 0)} images"),
        ("Started by", f"./dockyard engine start (pid {record.pid})" if record else "somebody else"),
    ):
        grid.add_row(f"[bold]{name}", value)
    console = Console(soft_wrap=True, highlight=False)
    console.print(grid)
    for remark in remarks(endpoint, who):
        console.print(f"[yellow]![/] {remark}")
