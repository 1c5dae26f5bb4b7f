"""A PostgreSQL server for the tests, from the distribution's packages: a cluster of its own, and nobody else's."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dockyard.cli.test import find_postgres

USER = "teacher"
SECONDS = 60  # to start or to stop; the machine may be busy

# No test outlives a crash of the machine, and a class is not read again from disk.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "lc_messages": "C",
}


class Server:
    """A running server on loopback that lets nobody in without its password.

    Attributes:
        password: of `USER`, who may do everything.
        port: on 127.0.0.1.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.folder, self.password, self.port = folder, secrets.token_hex(8), _free_port()
        self._owner = _unprivileged()
        self._count = 0
        if self._owner:
            os.chown(folder, self._owner, -1)
        secret = folder / "password"
        secret.write_text(self.password)
        data, self._log = folder / "data", (folder / "log").open("wb")
        how = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", f"--username={USER}"]
        self._run([binaries / "initdb", f"--pgdata={data}", f"--pwfile={secret}", *how])
        settings = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
        self._process = subprocess.Popen(
            [binaries / "postgres", "-D", data, f"--port={self.port}", *settings],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd=folder,
            **self._as_owner(),
        )
        self._until_it_answers()

    def _run(self, words: list[Any]) -> None:
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, **self._as_owner())
        assert done.returncode == 0, done.stdout + done.stderr

    def _as_owner(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root."""
        return {"user": self._owner, "extra_groups": []} if self._owner else {}

    def _until_it_answers(self) -> None:
        end = time.monotonic() + SECONDS
        while True:
            try:
                psycopg.connect(self.address("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                log = (self.folder / "log").read_text(errors="replace")
                assert self._process.poll() is None and time.monotonic() < end, f"{error}\n{log}"
                time.sleep(0.05)

    def address(self, database: str, password: str | None = None, user: str = USER) -> str:
        """Return a database's address as PostgreSQL's own tools write it."""
        return f"postgresql://{user}:{self.password if password is None else password}@127.0.0.1:{self.port}/{database}"

    def new_database(self, like: str = "template1") -> str:
        """Make a database that nobody has used; return its address."""
        self._count += 1
        name = f"class{self._count}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.address(name)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as who may do everything; return its rows."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def stop(self) -> None:
        """End the server, and with it every connection."""
        self._process.terminate()  # SIGTERM waits for clients, of which none is left when tests end well
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.send_signal(2)  # SIGINT does not wait
            self._process.wait(SECONDS)
        self._log.close()


@contextmanager
def running() -> Iterator[Server]:
    """Start a server and end it. Without the packages the test is skipped, or fails where `CI` is set."""
    binaries = find_postgres()
    if binaries is None:
        said = "There is no PostgreSQL server here (Debian: sudo apt-get install postgresql)."
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    folder = Path(tempfile.mkdtemp(prefix="dy-postgres-"))  # pytest's own folders are closed to other users
    try:
        server = Server(binaries, folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> int | None:
    """Whom to run the server as; None where this user will do."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    return 65534


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
