"""`dockyard audit`: what in a lesson's hand-ins does not come about by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from dockyard.grading.audit import Audit

DOTS = {3: "●●●", 2: "●●", 1: "●"}


@click.command()
@click.argument("lesson")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, every learner and file in full.")
def audit(lesson: str, as_json: bool) -> None:
    """Look through the hand-ins of LESSON for what does not come about by chance.

    Compares the evidence in submitted/: containers, built images and engines that several hand-ins share, times that
    are equal or run backwards, evidence of another learner, changed or unreadable evidence, and other checks than the
    lesson's. A finding is a reason to ask, never a proof. Nothing of a hand-in is executed or changed.

    Exit status: 0 whether there are findings or not; 2 where nothing of LESSON was handed in.
    """
    import json

    from dockyard.cli.following import bar
    from dockyard.course import find_course
    from dockyard.errors import DockyardError
    from dockyard.grading.audit import audit as run

    course = find_course()
    try:
        result = run(course, lesson, bar("reading"))
    except DockyardError as error:
        raise click.UsageError(f"{error}") from None
    if as_json:
        click.echo(json.dumps(result.as_json(course.root), indent=1))
    else:
        _print(result)


def _print(result: Audit) -> None:
    from rich.console import Console
    from rich.padding import Padding

    from dockyard.grading.audit import KINDS, WEIGHTS

    console = Console()
    read = f"{len(result.learners)} hand-ins of {result.lesson}, {result.evidence} evidence files"
    if not result.findings:
        console.print(f"audit: {read}, nothing found", highlight=False)
    else:
        console.print(table_of(result))
        console.print("What else explains it", style="bold")
        for kind in dict.fromkeys(finding.kind for finding in result.findings):
            line = f"{KINDS[kind].title}: {KINDS[kind].explanation}"
            console.print(Padding(line, (0, 0, 0, 2)), highlight=False, markup=False)
        meaning = ", ".join(f"{DOTS[weight]} {words}" for weight, words in WEIGHTS.items())
        console.print(f"\n{meaning}.\nA finding is a reason to ask, not a proof.", highlight=False)
        console.print(f"audit: {read}, {len(result.findings)} findings", highlight=False)
    if result.without_time:
        number = len(result.without_time)
        console.print(f"{number} hand-ins have no time of submission to compare with.", highlight=False)


def table_of(result: Audit) -> Table:
    """Return the findings as a table, the weightiest first. What hand-ins say cannot steer the terminal."""
    from rich.table import Column, Table
    from rich.text import Text

    from dockyard.grading.audit.findings import some
    from dockyard.judge import clean

    table = Table(
        Column("", no_wrap=True),
        Column("Found", ratio=5),
        Column("Learners", ratio=2),
        Column("Where", ratio=2),
        box=None,
        expand=True,
        padding=(0, 2, 1, 0),
    )
    for finding in result.findings:
        found = Text.assemble((finding.title, "bold"), "\n", clean(finding.found))
        learners, where = (clean(some(words, 6)) for words in (finding.learners, finding.exercises))
        table.add_row(DOTS[finding.weight], found, Text(learners), Text(where))
    return table
