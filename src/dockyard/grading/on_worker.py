"""What runs in a worker of a cluster: it starts processes that grade (`bench`), and passes hand-ins on to them.

Nothing but the standard library is imported here: the worker neither grades nor opens what it passes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import shutil
import struct
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import IO, Any

SAME = ("nbgrader", "nbconvert", "nbformat", "traitlets", "docker", "requests")
"""Packages that a grade may depend on: they must be of one version everywhere."""

GONE = b"gone"
"""What a worker answers that is not the one that was made ready: it has died and came again at the same address."""

_rooms: dict[str, Room] = {}
_size = struct.Struct("!Q")


class Room:
    """A worker's place for one run of `dockyard grade`: a folder, and the processes that grade there.

    Args:
        place: where the folder is made.
        kit: what a bench needs, pickled.
    """

    def __init__(self, place: str | None, kit: bytes) -> None:
        self.token = secrets.token_hex(8)
        self.folder = Path(tempfile.mkdtemp(prefix="dockyard-", dir=place))
        self.kit = self.folder / "kit"
        self.kit.write_bytes(kit)
        self.lock, self.open = Lock(), True
        self.idle: list[subprocess.Popen[bytes]] = []
        self.all: dict[subprocess.Popen[bytes], Path] = {}

    def start(self) -> str:
        """Start one more process; returns why it cannot grade, or nothing."""
        with self.lock:
            if not self.open:
                return "The run has ended."
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            # -P: no file in the current folder is ever taken for a module.
            command = [sys.executable, "-P", "-m", "dockyard.grading.bench", str(self.kit)]
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.all[process] = folder
        ready = _exchange(process, None)
        if ready == b"":
            self.idle.append(process)
            return ""
        self._end(process)
        return "Its process for grading ended at once." if ready is None else ready.decode(errors="replace")

    def relay(self, job: bytes) -> bytes | None:
        """Have a hand-in graded; None where the process died of it, or could not be started."""
        process = self._take()
        while process is None:
            if self.start():
                return None
            process = self._take()
        answer = _exchange(process, job)
        if answer is None:
            self._end(process)
        else:
            self.idle.append(process)
        return answer

    def _take(self) -> subprocess.Popen[bytes] | None:
        """Return a process that waits for work; one that has waited too long for it has ended."""
        with contextlib.suppress(IndexError):
            while True:
                process = self.idle.pop()
                if process.poll() is None:
                    return process
                self._end(process)
        return None

    def close(self) -> None:
        """End all processes and remove the folder."""
        with self.lock:
            self.open = False
        for process in list(self.all):
            self._end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        folder = self.all.pop(process, None)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


async def open_room(run: str, kit: bytes, about: dict[str, str], dask_worker: Any = None) -> tuple[str, str]:
    """Make a worker ready for a run.

    Args:
        run: the run's name.
        kit: what a bench needs, pickled.
        about: of the machine that asks; see `about_here`.
        dask_worker: given by dask.

    Returns:
        The room's token, and why this worker cannot grade: one of them is empty.
    """
    here = about_here()
    wrong = [f"{name} {here[name]} instead of {value}" for name, value in about.items() if here[name] != value]
    if wrong:
        return "", f"It has {', '.join(wrong)}."
    room = Room(getattr(dask_worker, "local_directory", None), kit)
    trouble = await asyncio.to_thread(room.start)
    if trouble:
        room.close()
        return "", trouble
    _rooms[run] = room
    return room.token, ""


def relay(run: str, token: str, job: bytes) -> bytes | None:
    """Have a hand-in graded.

    Args:
        run: the run's name.
        token: of the room that it is meant for: a worker may have died and come again at the same address.
        job: student, what the gradebook holds, and the hand-in, pickled.

    Returns:
        A pickled `bench.Answer`; None where whoever graded it died; `GONE`.
    """
    room = _rooms.get(run)
    return room.relay(job) if room and room.token == token else GONE


async def close_room(run: str) -> None:
    """End a run on this worker, whatever is at work there."""
    if room := _rooms.pop(run, None):
        await asyncio.to_thread(room.close)


def about_here() -> dict[str, str]:
    """Return what must be equal where hand-ins are graded: Python, packages, and Dockyard's own source (a digest)."""
    found = {"Python": "{}.{}".format(*sys.version_info)}
    for name in SAME:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "(none)"
    root, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return {**found, "Dockyard": digest.hexdigest()[:12]}


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return what `write_frame` wrote on the other side; None where that has ended."""
    head = stream.read(_size.size)
    if len(head) < _size.size:
        return None
    (size,) = _size.unpack(head)
    content = stream.read(size)
    return content if len(content) == size else None


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write bytes so that the other side knows where they end."""
    stream.write(_size.pack(len(content)) + content)
    stream.flush()


def _exchange(process: subprocess.Popen[bytes], job: bytes | None) -> bytes | None:
    assert process.stdin and process.stdout
    with contextlib.suppress(OSError, ValueError):  # it has died, or was ended while we wait
        if job is not None:
            write_frame(process.stdin, job)
        return read_frame(process.stdout)
    return None
