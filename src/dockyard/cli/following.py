"""A bar for work that takes more than a moment, on the terminal and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def bar(what: str) -> Callable[[Sequence[Item]], Iterator[Item]]:
    """Return a function that hands on items one by one and shows how many are left, and the time that they will take.

    The bar goes to standard error, so that the output can be piped; where that is no terminal, there is none.

    Args:
        what: a word or two that stand before the bar.
    """

    def follow(items: Sequence[Item]) -> Iterator[Item]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            yield from progress.track(items, description=what)

    return follow
