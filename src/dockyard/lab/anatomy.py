"""The processes that carry a container, from the Engine's daemons down to the container's first process.

They are read by a helper container that shares the PID namespace of the Engine's host: with Docker Desktop that host
is a virtual machine, whose processes no program on the learner's own system can see.
"""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.engine.endpoint import find
from dockyard.errors import EngineError, ImageError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

HELPER_IMAGE = "dockyard/busybox"
ENGINES = ("dockerd", "podman")
DAEMONS = (*ENGINES, "containerd")
SHIMS = ("containerd-shim", "conmon")


@dataclass(frozen=True)
class Process:
    """One process on the Engine's host.

    Attributes:
        pid: its number in the PID namespace of the Engine's host.
        parent: the number of its parent, 0 for none.
        name: its name as the kernel keeps it, at most 15 characters (proc_pid_comm(5)).
        kind: "daemon", "shim", "container" or "other": its part in running the containers asked for.
        container: the name of the container whose PID 1 it is, or an empty text.
    """

    pid: int
    parent: int
    name: str
    kind: str = "other"
    container: str = ""


def processes(client: DockerClient) -> list[Process]:
    """Return every process on the Engine's host: numbers and names, no command lines, which may hold secrets.

    Raises:
        ImageError: the helper's image is not there.
        EngineError: the engine refuses to run the helper.
    """
    from docker.errors import APIError, ContainerError

    _require_image(client)
    try:
        listing = client.containers.run(
            HELPER_IMAGE,
            # The moment's wait lets the runc that starts this very helper exit, which would else be listed.
            ["sh", "-c", "sleep 0.2; exec ps -o pid,ppid,comm"],
            name=f"lab-helper-{secrets.token_hex(4)}",
            labels={"dev.dockyard.helper": "processes"},
            pid_mode="host",
            userns_mode="host",
            network_mode="none",
            read_only=True,
            remove=True,
        )
    except (APIError, ContainerError) as error:
        raise EngineError(
            f"The engine does not let a helper container see its host's processes: {error}",
            "The helper needs the host's PID namespace.",
            "Read on without this figure.",
        ) from error
    return parse(listing.decode())


def _require_image(client: DockerClient) -> None:
    """Raise before docker-py sets out to pull an image that only this machine can have."""
    from docker.errors import ImageNotFound

    try:
        client.images.get(HELPER_IMAGE)
    except ImageNotFound:
        raise ImageError(
            f"The engine has no image {HELPER_IMAGE}.", next_step="Type: ./dockyard images build"
        ) from None


def parse(listing: str) -> list[Process]:
    """Return the processes of a `ps -o pid,ppid,comm` listing; the heading and unreadable lines are left out."""
    rows = (line.split(None, 2) for line in listing.splitlines())
    return [
        Process(int(row[0]), int(row[1]), row[2].strip())
        for row in rows
        if len(row) == 3 and row[0].isdigit() and row[1].isdigit()
    ]


def family(everything: Iterable[Process], containers: dict[str, int], engine: int = 0) -> list[Process]:
    """Return the processes that carry some containers: daemons, shims, the containers' PID 1s, and all ancestors.

    Of several engines on one host, or in its containers, only that of these containers counts.

    Args:
        everything: the processes of the Engine's host.
        containers: name and PID (`State.Pid`) of each container of interest; nothing is said of other containers.
        engine: the PID of the engine's daemon, where it is known.

    Returns:
        the processes, by PID.

    Raises:
        EngineError: a container's PID is not among the processes.
    """
    by_pid = {process.pid: process for process in everything}
    names = {pid: name for name, pid in containers.items()}
    for pid, name in names.items():
        if pid not in by_pid:
            raise EngineError(
                f"The engine says that {name} is process {pid}, but its host has no such process.",
                "The container must be running, on an engine whose host the helper can see.",
                f"Type: docker container start {name}",
            )
    lines = {pid: _line(by_pid, pid) for pid in by_pid}
    wanted = [*names, *_daemons(by_pid, lines, list(names), engine)]
    kept = {pid for each in wanted for pid in lines[each]}
    shims = {by_pid[pid].parent for pid in names}
    return [_with_kind(by_pid[pid], names, shims) for pid in sorted(kept)]


def _line(by_pid: dict[int, Process], pid: int) -> list[int]:
    """Return a process and its ancestors, the eldest first."""
    line: list[int] = []
    while pid in by_pid and pid not in line:
        line.insert(0, pid)
        pid = by_pid[pid].parent
    return line


def _daemons(by_pid: dict[int, Process], lines: dict[int, list[int]], containers: list[int], engine: int) -> list[int]:
    """Return the PIDs of the daemons that run some containers.

    A container's shim is adopted by a process above its engine, so the engine is the one that is next of kin. An engine
    inside a container (kind, Docker in Docker) is no kin of a container beside it.
    """

    def kinship(pid: int) -> tuple[int, int]:
        shared = max((len(set(lines[pid]) & set(lines[each])) for each in containers), default=0)
        return -shared, len(lines[pid])

    def nearest(pids: list[int]) -> list[int]:
        return [pid for pid in pids if kinship(pid) == min(map(kinship, pids))]

    engines = [pid for pid, process in by_pid.items() if process.name in ENGINES]
    mine = [engine] if engine in engines else nearest(engines)
    managers = [pid for pid, process in by_pid.items() if process.name == "containerd"]
    own = [pid for pid in managers if by_pid[pid].parent in mine]
    free = [pid for pid in managers if by_pid[pid].parent not in engines]
    return [*mine, *(own or nearest(free))]


def _listener() -> int:
    """Return the PID, as this system counts, of who listens at the engine's socket; 0 if there is no telling.

    Source: SO_PEERCRED in unix(7). It is systemd where that opened the socket, and 0 across a border of namespaces.
    """
    path = find().socket
    if path is None or not hasattr(socket, "SO_PEERCRED"):
        return 0
    with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        pid, _, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return int(pid)
    return 0


def _with_kind(process: Process, names: dict[int, str], shims: set[int]) -> Process:
    if process.pid in names:
        kind = "container"
    elif process.pid in shims and process.name.startswith(SHIMS):
        kind = "shim"
    else:
        kind = "daemon" if process.name in DAEMONS else "other"
    return Process(process.pid, process.parent, process.name, kind, names.get(process.pid, ""))


def process_tree(client: DockerClient, *containers: str) -> list[Process]:
    """Return the processes that carry the named containers, read now from the Engine's host.

    Raises:
        docker.errors.NotFound: there is no such container.
        EngineError, ImageError: see `processes` and `family`.
    """
    pids = {name: int(client.containers.get(name).attrs["State"]["Pid"]) for name in containers}
    return family(processes(client), pids, _listener())


def outline(tree: Sequence[Process]) -> str:
    """Return a tree of processes as indented text, children below their parents."""
    known = {process.pid for process in tree}

    def lines(parent: Process, depth: int) -> list[str]:
        note = f"  ← PID 1 of {parent.container}" if parent.container else ""
        own = f"{'  ' * depth}{parent.name} ({parent.pid}){note}"
        below = (line for child in tree if child.parent == parent.pid for line in lines(child, depth + 1))
        return [own, *below]

    return "\n".join(line for root in tree if root.parent not in known for line in lines(root, 0))


@contextmanager
def sleeper(client: DockerClient, name: str) -> Iterator[Container]:
    """Keep a container that only sleeps, for as long as the block runs; one left over from before is replaced.

    Args:
        client: the engine's client.
        name: the container's name; it begins with `lab-`.

    Raises:
        ImageError: the image is not there.
    """
    from docker.errors import NotFound

    _require_image(client)
    with suppress(NotFound):
        client.containers.get(name).remove(force=True)
    container = client.containers.run(HELPER_IMAGE, ["sleep", "infinity"], name=name, network_mode="none", detach=True)
    try:
        yield container
    finally:
        container.remove(force=True)
