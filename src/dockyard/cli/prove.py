"""`dockyard prove`: show on a real engine that the exercises judge as they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from dockyard.authoring.prove import Result


@click.command()
@click.argument("target", required=False)
def prove(target: str | None) -> None:
    """Run each exercise unsolved, with its near-misses, its solution and other ways, live and from the evidence.

    TARGET is LESSON, LESSON/NOTEBOOK or LESSON/NOTEBOOK:EXERCISE; all exercises if it is left out. What the notebook
    names (lab-…, dockyard/lab-…) is removed from the engine before and after each run.
    """
    from rich.console import Console

    from dockyard.authoring.cleanup import names_of, refuse_if_present
    from dockyard.authoring.prove import find_exercises, released_work
    from dockyard.authoring.prove import prove as prove_case
    from dockyard.course import find_course
    from dockyard.engine import connect

    console = Console()
    exercises = find_exercises(find_course(), target)
    engine = connect()
    for notebook in {exercise.notebook for exercise in exercises}:
        refuse_if_present(engine, names_of(notebook), notebook.lesson.name)
    stubs = {notebook: released_work(notebook) for notebook in {exercise.notebook for exercise in exercises}}
    results: list[Result] = []
    with console.status("") as status:
        for exercise in exercises:
            for case in exercise.all_cases:
                status.update(f"{exercise.notebook}:{exercise.name}, {case}")
                stub = stubs[exercise.notebook].get(exercise.name, "")
                results.append(prove_case(exercise, case, stub, engine))
    _show(console, results)
    if any(result.wrong for result in results):
        raise SystemExit(1)


def _show(console: Console, results: list[Result]) -> None:
    from rich.markup import escape
    from rich.table import Column, Table

    titles = ("Exercise", "Unsolved", "Near-misses", "Solution", "Other ways", "Time")
    table = Table(*(Column(title, no_wrap=True) for title in titles))
    for exercise in dict.fromkeys(result.exercise for result in results):
        own = [result for result in results if result.exercise is exercise]
        ticks = [
            _tick([result for result in own if result.case.kind == kind])
            for kind in ("unsolved", "miss", "solution", "also")
        ]
        table.add_row(f"{exercise.notebook.name}:{exercise.name}", *ticks, f"{sum(r.seconds for r in own):.1f} s")
    console.print(table)
    wrong = [result for result in results if result.wrong]
    for result in wrong:
        console.print(f"[red]✗[/red] {result.exercise.notebook}:{result.exercise.name}, {result.case}")
        console.print(f"  {escape(result.wrong)}")
    console.print(f"{len(results) - len(wrong)} of {len(results)} runs are as they should be.")


def _tick(results: list[Result]) -> str:
    """All runs of one kind in a few characters."""
    wrong = sum(1 for result in results if result.wrong)
    if wrong:
        return f"[red]✗[/red] {wrong} of {len(results)}"
    return {0: "", 1: "[green]✓[/green]"}.get(len(results), f"[green]✓[/green] {len(results)}")
