"""`dockyard doctor`: look at everything the course needs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "failure": "[red]✗[/]"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A list of {check, status, found, next_step}.")
def doctor(as_json: bool) -> None:
    """Look at everything the course needs and say what to type; exit status 1 if anything fails."""
    from dockyard.doctor import examine

    findings = examine()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        for finding in findings:
            step = f"\n[bold]→ {escape(finding.next_step)}[/]" if finding.next_step else ""
            table.add_row(MARKS[finding.status], finding.check, escape(finding.found) + step)
        console = Console(highlight=False)
        console.print(table)
        counts = {kind: sum(finding.status == kind for finding in findings) for kind in MARKS}
        console.print(f"{counts['ok']} ok, {counts['warning']} warnings, {counts['failure']} failures")
    sys.exit(any(finding.status == "failure" for finding in findings))
