"""`dockyard evidence show`: read an evidence file in the terminal."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def evidence() -> None:
    """Read evidence files."""


@evidence.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--full", is_flag=True, help="Print the engine's answers too.")
def show(files: tuple[Path, ...], full: bool) -> None:
    """Print what evidence FILEs say: whose they are, verdict, attempts, and what the engine was asked.

    A lesson's files lie beside its notebooks: workspace/LESSON/evidence/EXERCISE.json
    """
    for number, file in enumerate(files):
        if number:
            click.echo()
        _show(file, full)


def _show(file: Path, full: bool) -> None:
    import json

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from dockyard.errors import EvidenceError
    from dockyard.evidence import read
    from dockyard.judge import CONTROL

    if not file.is_file():
        raise EvidenceError(
            f"There is no file {file}.", next_step="Evidence lies in workspace/LESSON/evidence/EXERCISE.json"
        )
    try:
        filed = read(file)
    except EvidenceError as error:
        raise EvidenceError(f"{file}: {error.found}", error.expected, error.next_step) from None

    def text(line: object, style: str = "") -> Text:
        return Text(CONTROL.sub("", str(line)), style)  # whoever wrote the file does not steer this terminal

    console = Console()
    facts = Table.grid(padding=(0, 2))
    engine = filed["engine"] or {}
    known = " ".join(engine[key] for key in ("version", "os", "architecture", "id") if key in engine)
    stands = " (a pass stands, whatever came later)" if filed["passed"] else ""
    for name, value in {
        "exercise": f"{filed['exercise']} ({filed['points']:g} points)",
        "student": filed["student"],
        "verdict": f"{'✓ passed' if filed['passed'] else '✗ not yet'}: {filed['message']}",
        "recorded": filed["recorded"] + stands,
        "engine": known or "not asked",
        "check": filed["check"] or "of unknown source",
        "variables": json.dumps(filed["answers"], ensure_ascii=False) if filed["answers"] else "none",
    }.items():
        facts.add_row(text(name, "bold"), text(value))
    console.print(facts)
    console.print(text(f"\n{filed['attempt_count']} attempts", "bold"))
    for attempt in filed["attempts"]:
        console.print(
            text(f"  {attempt['at']}  {'✓' if attempt['passed'] else '✗'}  {attempt['message']}"), soft_wrap=True
        )
    console.print(text(f"\n{len(filed['exchanges'])} answers of the engine", "bold"))
    for exchange in filed["exchanges"]:
        status = exchange.get("status") or exchange["error"]["kind"]
        console.print(text(f"  {status}  {exchange['request']}"), soft_wrap=True)
        if full:
            body = exchange.get("json", exchange.get("text", exchange.get("base64", exchange.get("error"))))
            console.print(text("       " + json.dumps(body, ensure_ascii=False)), soft_wrap=True)
