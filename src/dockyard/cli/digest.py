"""`dockyard digest`: for authors of closed questions."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("answer")
@click.option("--salt", required=True, help="By habit the question, so that equal answers have unequal digests.")
@click.option("--json", "as_json", is_flag=True, help="ANSWER is JSON (a list, a number, …) instead of text.")
def digest(answer: str, salt: str, as_json: bool) -> None:
    """Print the digest of ANSWER, for `dockyard.answers.is_answer` in a check."""
    from dockyard.answers import digest as make_digest

    try:
        click.echo(make_digest(json.loads(answer) if as_json else answer, salt))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
