"""Named progress bars in the terminal: one line for each thing that is under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dockyard.lab.bake import Progress


@contextmanager
def bars(title: str, names: Sequence[str], done: str = "done") -> Iterator[Progress]:
    """Show a bar for each name, and yield what to tell them (see `bake.Progress`).

    Where the output is not a terminal, one line is printed as each begins and ends.
    """
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Rich

    console = Console()
    if not console.is_terminal:
        yield _plain(title, done)
        return
    words = TextColumn("[dim]{task.fields[words]}")
    with Rich(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), words, console=console
    ) as rich:
        tasks = {name: rich.add_task(f"{title}: {name}", total=1.0, words="waiting") for name in names}

        def tell(name: str, part: float, what: str) -> None:
            text = what.replace("[", "\\[")[: max(console.width - 70, 20)]
            rich.update(tasks[name], completed=part, words=done if part >= 1 else text)

        yield tell


def _plain(title: str, done: str) -> Progress:
    begun: set[str] = set()

    def tell(name: str, part: float, what: str) -> None:
        if part >= 1:
            print(f"{title}: {name} {done}", flush=True)
        elif name not in begun:
            begun.add(name)
            print(f"{title}: {name} …", flush=True)

    return tell
