"""The gradebook's database: where it lies, and what to say when it cannot be used. Importing it costs nothing."""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dockyard.errors import DockyardError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from dockyard.course import Course

VARIABLE = "DOCKYARD_GRADEBOOK"
PSYCOPG = "postgresql+psycopg"
PATIENCE = 10
"""Seconds until a server that does not answer is given up; libpq's own default is to wait as the network does."""

# What PostgreSQL and libpq say → what to do. Both may speak another language: then their words have to do.
REMEDIES = {
    r"password authentication failed|no password supplied": (
        "Put the password into ~/.pgpass, mode 600, as HOST:PORT:DATABASE:USER:PASSWORD, or into PGPASSWORD."
    ),
    r"no pg_hba\.conf entry": "Let this machine in: a line for it in the server's pg_hba.conf.",
    r'database "[^"]*" does not exist': "Create it, as PostgreSQL's administrator: createdb --owner=USER DATABASE",
    r'role "[^"]*" does not exist|authentication failed for user': "Create the user: createuser --pwprompt USER",
    r"permission denied|must be owner|read-only": (
        "Grading writes: the database must belong to its user (createdb --owner=USER), and not be a read-only copy."
    ),
    r"(relation|column) .*does not exist": "Bring its tables up to date: nbgrader db upgrade",
    r"connection refused|resolve host|no such file|timeout|unreachable|is the server running|closed|terminating": (
        "See whether the server answers: pg_isready --host=HOST --port=PORT"
    ),
    r"definition of service": "Describe it in ~/.pg_service.conf, or name host and database in the address.",
}


def address(text: str) -> str:
    """Return a gradebook's address as nbgrader's `CourseDirectory.db_url` needs it.

    PostgreSQL's own `postgres://` and `postgresql://` mean nothing, or psycopg 2, to SQLAlchemy before 2.1; here they
    mean psycopg 3, which the extra `postgres` installs. A server that does not answer is given up after `PATIENCE`
    seconds, unless the address or PGCONNECT_TIMEOUT says otherwise. Everything else stays as it is.

    Args:
        text: an address, for example `postgresql://teacher@db.example.org/dockyard`. A password need not stand in it:
            libpq takes it from ~/.pgpass or PGPASSWORD
            (https://www.postgresql.org/docs/current/libpq-pgpass.html).
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme not in ("postgres", "postgresql", PSYCOPG):
        return text.strip()
    if "connect_timeout=" not in rest and "PGCONNECT_TIMEOUT" not in os.environ:
        rest += f"{'&' if '?' in rest else '?'}connect_timeout={PATIENCE}"
    return f"{PSYCOPG}://{rest}"


def address_of(course: Course) -> str:
    """Return the gradebook's address as the course's nbgrader_config.py has it; SQLite in the course's folder else."""
    from traitlets.config.loader import Config, ConfigFileNotFound, PyFileConfigLoader

    try:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    except ConfigFileNotFound:
        config = Config()
    return str(config.get("CourseDirectory", {}).get("db_url") or f"sqlite:///{course.gradebook}")


def parsed(url: str) -> URL:
    """Return the parts of an address.

    Raises:
        DockyardError: it is none. The message does not repeat it: there may be a password in it.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise DockyardError(
            "The gradebook's address cannot be read.",
            "Expected something like postgresql://USER@HOST:PORT/DATABASE; signs such as / or @ of a name as %2F, %40.",
            f"Look at {VARIABLE}, or at CourseDirectory.db_url in nbgrader_config.py.",
        ) from None


def unusable(
    error: Exception, expected: str = "", next_step: str = "", found: str = "The gradebook cannot be used"
) -> DockyardError:
    """Return what a person needs to know of an error of the database or its driver.

    Args:
        error: SQLAlchemy's, or the import's where there is no driver.
        expected, next_step: where the error's own words suggest nothing better.
        found: how the message begins.
    """
    if isinstance(error, ModuleNotFoundError) and error.name == "psycopg2":
        return DockyardError(
            f"{found}: an address that begins with postgresql:// asks for the driver psycopg2, which is not installed.",
            "The course speaks to PostgreSQL through psycopg 3.",
            f"Write {PSYCOPG}:// in nbgrader_config.py, or put the address into {VARIABLE}.",
        )
    if isinstance(error, ImportError):
        driver = (error.name or "").partition(".")[0] or str(error)
        return DockyardError(f"{found}: its driver {driver} is not installed.", next_step=_install(driver))
    cause = getattr(error, "orig", None) or error
    reason = str(cause).strip().partition("\n")[0].rstrip(".")
    if type(cause).__module__.partition(".")[0].startswith("psycopg"):
        for said, remedy in REMEDIES.items():
            if re.search(said, reason, re.IGNORECASE):
                next_step = remedy
                break
    return DockyardError(f"{found}: {reason}.", expected, next_step)


def _install(driver: str) -> str:
    if driver != "psycopg":
        return f"Install {driver} into this checkout's .venv."
    pip = f"{sys.executable} -m pip install" if find_spec("pip") else f"uv pip install --python {sys.executable}"
    return f"Type in the course's folder: {pip} --no-build-isolation --editable '.[postgres]'"
