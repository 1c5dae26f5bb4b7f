"""The `dockyard` command. Each subcommand lives in a module of its own and is imported only when it is called."""

from __future__ import annotations

import importlib
import sys

import click

from dockyard.errors import DockyardError

# name of the command → (module, attribute, one line of help)
COMMANDS = {
    "lab": ("dockyard.cli.lab", "lab", "Set everything up and open the lessons in JupyterLab."),
    "teach": ("dockyard.cli.teach", "teach", "Open JupyterLab for the instructor, with the formgrader."),
    "grade": ("dockyard.cli.grade", "grade", "Grade what a class has handed in, all at once."),
    "demo": ("dockyard.cli.demo", "demo", "Play a whole class, from release to grades, on the real engine."),
    "doctor": ("dockyard.cli.doctor", "doctor", "Look at everything the course needs and say what to type."),
    "engine": ("dockyard.cli.engine", "engine", "Install, start, stop or look at the Docker Engine."),
    "images": ("dockyard.cli.images", "images", "Build, list, save or load the lab images."),
    "reset": ("dockyard.cli.reset", "reset", "Remove what the exercises created, and nothing else."),
    "audit": ("dockyard.cli.audit", "audit", "Tell what in a lesson's hand-ins does not come about by chance."),
    "report": ("dockyard.cli.report", "report", "Draw how a class did in a lesson: pictures and one page."),
    "evidence": ("dockyard.cli.evidence", "evidence", "Read evidence files."),
    "pack": ("dockyard.cli.pack", "pack", "Put a lesson's notebooks and evidence into one zip to upload."),
    "build": ("dockyard.cli.build", "build", "Build source/ and release/ from the lessons' text."),
    "prove": ("dockyard.cli.prove", "prove", "Run each exercise's solution and near-misses on the real engine."),
    "digest": ("dockyard.cli.digest", "digest", "Make the digest of a closed question's answer."),
    "test": ("dockyard.cli.test", "test", "Set everything up and run the tests."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def dockyard() -> None:
    """Learn Docker, and teach it, on a real engine."""


def main() -> None:
    """Entry point: a DockyardError becomes three readable lines and exit status 1."""
    try:
        dockyard()
    except DockyardError as error:
        click.secho(f"✗ {error.found}", fg="red", err=True)
        for line in (error.expected, error.next_step):
            if line:
                click.echo(f"  {line}", err=True)
        sys.exit(1)
