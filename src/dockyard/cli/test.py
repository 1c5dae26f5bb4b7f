"""`dockyard test`: the same set-up as `dockyard lab`, then every check that the project makes of itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dockyard.errors import DockyardError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/dockyard-test.conf")  # there while the server is installed
STATIC = (
    ("lint", ["-m", "ruff", "check"]),
    ("format", ["-m", "ruff", "format", "--check"]),
    ("types", ["-m", "mypy"]),
    ("build", ["-m", "dockyard.cli", "build", "--check"]),
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--yes", is_flag=True, help="Agree in advance to whatever has to be installed or started.")
@click.option("--fast", is_flag=True, help="Only what needs neither an engine nor a browser.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def test(yes: bool, fast: bool, pytest_args: tuple[str, ...]) -> None:
    """Set everything up and run the tests. PYTEST_ARGS go to pytest, which then runs without the static checks."""
    from dockyard.cli.lab import lay_out
    from dockyard.course import find_course

    course = find_course()
    lay_out(course)
    env = {**os.environ, "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])}
    left_out: list[str] = []
    notes: list[str] = []
    if fast:
        left_out = ["engine", "browser"]
    else:
        notes += _have_engine(yes)
        browser = find_browser() or get_browser(yes)
        if browser:
            env["DOCKYARD_BROWSER"] = browser
        else:
            left_out = ["browser"]
        if postgres := find_postgres() or get_postgres(yes):
            env["DOCKYARD_POSTGRES_BIN"] = str(postgres)
    failed = [] if pytest_args else _static(course.root, env)
    words = [sys.executable, "-m", "pytest", *pytest_args]
    if left_out:
        words += ["-m", " and ".join(f"not {mark}" for mark in left_out)]
        notes.append(f"Left out: tests that need {' or '.join(left_out)}.")
    if failed:
        notes.append(f"Failed before the tests: {', '.join(failed)}.")
    for note in notes:
        click.echo(f"• {note}")
    sys.stdout.flush()
    status = subprocess.run(words, cwd=course.root, env=env, check=False).returncode
    sys.exit(status or bool(failed))


def _static(root: Path, env: dict[str, str]) -> list[str]:
    """Run the static checks and return the names of those that failed."""
    failed = []
    for name, words in STATIC:
        click.echo(f"• {name}: {' '.join(words[1:])}")
        sys.stdout.flush()
        if subprocess.run([sys.executable, *words], cwd=root, env=env, check=False).returncode:
            failed.append(name)
    return failed


def _have_engine(yes: bool) -> list[str]:
    """Make sure of the engine and its images; return what has to be said about it."""
    from dockyard.cli.lab import get_engine
    from dockyard.engine import connect
    from dockyard.errors import EngineError

    try:
        connect().close()
        notes = []
    except EngineError:
        notes = ["The engine that was started for the tests keeps running; ./dockyard engine stop ends it."]
    get_engine(yes)
    return notes


def find_browser() -> str | None:
    """Return a Chromium or Chrome: DOCKYARD_BROWSER, or the first on the path."""
    return os.environ.get("DOCKYARD_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)


def get_browser(yes: bool) -> str | None:
    """Install Chromium from the distribution's packages if the user agrees; return its path.

    Raises:
        DockyardError: where `CI` is set, no browser is a failure; so is an installation that fails.
    """
    from dockyard.errors import DockyardError

    missing = DockyardError(
        "There is no Chromium or Chrome.",
        "The browser's tests drive JupyterLab in one.",
        "Install one (Debian: sudo apt-get install chromium), or type ./dockyard test --fast",
    )
    if not _may_install("Chromium", yes, missing):
        return None
    _apt(["update"])
    _apt(["install", "chromium"])
    if not (found := find_browser()):
        raise missing
    return found


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's server programs: DOCKYARD_POSTGRES_BIN, the newest that Debian's packages have
    put beside the path, or that of the path."""
    named, installed = os.environ.get("DOCKYARD_POSTGRES_BIN"), sorted(DEBIAN_POSTGRES.glob("*/bin"), key=_version)
    on_path = shutil.which("initdb")
    folders = [named, *reversed(installed), on_path and Path(on_path).resolve().parent]
    return next((Path(folder) for folder in folders if folder and _has_server(Path(folder))), None)


def get_postgres(yes: bool) -> Path | None:
    """Install PostgreSQL's server from the distribution's packages if the user agrees; return its programs' folder.

    Debian's packages make a server of the machine's own and start it: it is told not to. The tests run theirs.

    Raises:
        DockyardError: where `CI` is set, no server is a failure; so is an installation that fails.
    """
    from dockyard.errors import DockyardError

    missing = DockyardError(
        "There is no PostgreSQL server.",
        "The tests of a gradebook in PostgreSQL run one of their own.",
        "Install one (Debian: sudo apt-get install postgresql), or type ./dockyard test --fast",
    )
    if not _may_install("PostgreSQL", yes, missing):
        return None
    _apt(["update"])
    _apt(["install", "postgresql-common"])
    _as_root(["mkdir", "-p", str(NO_CLUSTER.parent)])
    _as_root(["tee", str(NO_CLUSTER)], "create_main_cluster = false\n")
    try:
        _apt(["install", "postgresql"])
    finally:
        _as_root(["rm", "-f", str(NO_CLUSTER)])
    if not (found := find_postgres()):
        raise missing
    return found


def _has_server(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres"))


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdecimal())


def _may_install(what: str, yes: bool, missing: DockyardError) -> bool:
    """Ask whether a program may be installed; where it cannot be, nobody is asked.

    Raises:
        DockyardError: it may not be, and `CI` is set: there, what is missing is a failure.
    """
    from dockyard.cli.lab import ask

    can = shutil.which("apt-get") and (os.geteuid() == 0 or shutil.which("sudo"))
    if not can or not (yes or ask(f"Install {what} from the distribution's packages?")):
        if os.environ.get("CI"):
            raise missing
        return False
    click.echo(f"• {what}, from the distribution's packages")
    return True


def _apt(words: list[str]) -> None:
    options = ["-y", "--no-install-recommends"] if words[0] == "install" else []
    _as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", words[0], *options, *words[1:]])


def _as_root(words: list[str], text: str = "") -> None:
    from dockyard.errors import DockyardError

    sudo = [] if os.geteuid() == 0 else ["sudo"]
    done = subprocess.run([*sudo, *words], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        what = [word for word in words if word[0] != "-" and "=" not in word and word != "env"]
        raise DockyardError(
            f"{' '.join(what)} failed:\n" + "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:]),
            next_step="Install it by hand, or type ./dockyard test --fast",
        )
