"""`dockyard images`: build, list, save or load the lab images."""

from __future__ import annotations

import sys
from pathlib import Path

import click


def _ask(question: str) -> bool:
    return sys.stdin.isatty() and click.confirm(question)


@click.group()
def images() -> None:
    """Build, list, save or load the lab images."""


@images.command()
@click.argument("names", nargs=-1)
@click.option("--yes", is_flag=True, help="Agree in advance to whatever would be asked.")
@click.option("--fresh", is_flag=True, help="Get the bases again and build every step anew.")
def build(names: tuple[str, ...], yes: bool, fresh: bool) -> None:
    """Build the lab images NAMES (all, if none is named) that are missing or out of date."""
    from dockyard.engine import connect
    from dockyard.lab.images import ensure
    from dockyard.lab.inventory import NAMES

    short = tuple(name.removeprefix("dockyard/") for name in names) or NAMES
    built = ensure(connect(timeout=120), short, yes=yes, ask=_ask, fresh=fresh)
    if built:
        click.echo(f"✓ Built: {', '.join(f'dockyard/{name}' for name in built)}")
    else:
        click.echo(f"✓ Nothing to do: {', '.join(f'dockyard/{name}' for name in short)} are up to date.")


@images.command("ls")
def ls() -> None:
    """List the lab images and what they weigh."""
    from rich.console import Console
    from rich.table import Table

    from dockyard.engine import connect
    from dockyard.lab.inventory import states

    found = states(connect())
    table = Table("image", "state", "architecture", "size", "of its own", box=None, header_style="bold")
    for state in found:
        words = "up to date" if state.current else "out of date" if state.found else "missing"
        sizes = (_megabytes(state.size), _megabytes(state.own)) if state.found else ("", "")
        table.add_row(state.tag, words, state.architecture, *sizes)
    console = Console()
    console.print(table)
    console.print(f"Together: {_megabytes(sum(state.own for state in found))} (layers that images share counted once)")
    if not all(state.current for state in found):
        console.print("Build what is missing: dockyard images build")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


@images.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def save(file: Path) -> None:
    """Write all lab images into FILE (.tar, .tar.gz or .tar.zst), to carry them to another machine."""
    from dockyard.engine import connect
    from dockyard.lab import carry
    from dockyard.lab.bars import bars

    with bars("Saving", [file.name], "saved") as progress:

        def moved(done: int, total: int) -> None:
            progress(file.name, 0.99 * done / max(total, 1), f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")

        size = carry.save(connect(timeout=600), file, moved=moved)
        progress(file.name, 1.0, "saved")
    click.echo(f"✓ {file}: {_megabytes(size)}. On the other machine: dockyard images load {file.name}")


@images.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
def load(file: Path) -> None:
    """Load lab images from FILE, after looking that it holds nothing else."""
    from dockyard.engine import connect
    from dockyard.lab import carry
    from dockyard.lab.bars import bars

    with bars("Loading", [file.name], "loaded") as progress:

        def moved(done: int, total: int) -> None:
            progress(file.name, min(0.99, done / max(total, 1)), f"{done / 1e6:.0f} MB")

        names = carry.load(connect(timeout=600), file, moved)
        progress(file.name, 1.0, "loaded")
    click.echo(f"✓ Loaded: {', '.join(names)}")
