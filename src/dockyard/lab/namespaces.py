"""Read from the kernel which namespaces the host and its containers live in (man page namespaces(7)).

A helper container that shares the PID namespace of the engine's host does the reading, so that it works where that
host is a virtual machine, as with Docker Desktop.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockyard.errors import EngineError, ImageError

if TYPE_CHECKING:
    from docker import DockerClient

HELPER_IMAGE = "dockyard/busybox"

KINDS = ("mnt", "uts", "ipc", "pid", "net", "user", "cgroup", "time")
"""The kinds of namespaces, in the order in which they could be used: *user* was begun in 2007, and ripe in 2013."""

HOST_PIDS = (1, 2)
"""Processes that stand for the host: its first one, or, where that one lets nobody look, the kernel's first thread."""

# Processes end while the script runs; then their files are gone, and that is no failure.
_PROCESSES = r"""
own=$(readlink /proc/$1/ns/pid)
for folder in /proc/[0-9]*; do
    [ "$(readlink $folder/ns/pid)" = "$own" ] || continue
    awk -F'\t' '/^Name:/ { name = $2 } /^NSpid:/ { print $2, $NF, name }' $folder/status
done 2>/dev/null
true
"""


@dataclass(frozen=True)
class Member:
    """A process that stands for the host or for a container, and its namespaces.

    Attributes:
        name: "host", or the container's name.
        pid: its number in the PID namespace of the engine's host.
        namespaces: inode number of each kind's namespace; two processes with the same number share it. A kind that the
            kernel does not know is left out (time namespaces came with Linux 5.6).
    """

    name: str
    pid: int
    namespaces: dict[str, int]

    def shares(self, other: Member) -> tuple[str, ...]:
        """The kinds of namespaces that both have in common."""
        mine, theirs = self.namespaces, other.namespaces
        return tuple(kind for kind in KINDS if kind in mine and mine[kind] == theirs.get(kind))


@dataclass(frozen=True)
class Sight:
    """One process, seen from outside and from inside its container.

    Attributes:
        name: the program's name as the kernel keeps it, at most 15 characters.
        outside: its number in the PID namespace of the engine's host.
        inside: its number in the PID namespace of the container (last of NSpid, proc_pid_status(5)).
    """

    name: str
    outside: int
    inside: int


def read(client: DockerClient, *containers: str) -> list[Member]:
    """Return the namespaces of the host and of each container's first process.

    Args:
        client: the engine.
        containers: names of running containers.

    Returns:
        The host first, then the containers in the order given. The host is left out where even root in a container may
        not look at it: an engine that runs rootless has no rights over the machine's first processes.

    Raises:
        EngineError: a container is missing or not running, or the engine does not let a helper look.
        ImageError: the helper's image is not there.
    """
    pids = {name: pid_of(client, name) for name in containers}
    script = 'for pid; do for kind in {}; do echo "$pid $kind $(readlink /proc/$pid/ns/$kind)"; done; done'
    asked = (*HOST_PIDS, *pids.values())
    said = run_helper(client, script.format(" ".join(KINDS)), [str(pid) for pid in asked])
    found: dict[int, dict[str, int]] = {pid: {} for pid in asked}
    for line in said.splitlines():
        words = line.split()
        if len(words) == 3:  # "4711 net net:[4026531840]"; without a link only two
            found[int(words[0])][words[1]] = int(words[2].partition("[")[2].rstrip("]"))
    seen = [pid for pid in HOST_PIDS if found[pid]]
    pids = ({"host": seen[0]} if seen else {}) | pids
    for name, pid in pids.items():
        if not found[pid]:
            raise EngineError(
                f"The namespaces of {name} (process {pid}) cannot be read.",
                "The helper container must see the processes of the engine's host.",
                "Check that the container is still running: docker container ls",
            )
    return [Member(name, pid, found[pid]) for name, pid in pids.items()]


def processes(client: DockerClient, container: str) -> list[Sight]:
    """Return the processes in a container's PID namespace, each with its number outside and inside.

    Raises:
        EngineError, ImageError: see `read`.
    """
    pid = pid_of(client, container)
    found = []
    for line in run_helper(client, _PROCESSES, [str(pid)]).splitlines():
        outside, inside, name = line.split(" ", 2)
        found.append(Sight(name, int(outside), int(inside)))
    return sorted(found, key=lambda sight: sight.inside)


def running(client: DockerClient, *names: str) -> list[str]:
    """Return those of the names that running containers have, in the order given."""
    found = {container.name for container in client.containers.list()}
    return [name for name in names if name in found]


def pid_of(client: DockerClient, container: str) -> int:
    """Return the number of a container's first process in the PID namespace of the engine's host.

    Raises:
        EngineError: there is no such container, or it is not running.
    """
    from docker.errors import NotFound

    try:
        state = client.containers.get(container).attrs["State"]
    except NotFound:
        raise EngineError(
            f"There is no container named {container}.", next_step="Run the cell that starts it, then this one again."
        ) from None
    if not state.get("Pid"):
        raise EngineError(
            f"{container} is {state.get('Status')}.",
            "Only a container that runs has processes, and so namespaces.",
            f"Type: docker container start {container}",
        )
    return int(state["Pid"])


def run_helper(client: DockerClient, script: str, arguments: Sequence[str] = ()) -> str:
    """Run a shell script in a helper container that sees the processes of the engine's host; it is removed afterwards.

    It may look at every process (CAP_SYS_PTRACE: see "Access mode PTRACE_MODE_READ" in ptrace(2)), has no network and
    cannot write.

    Args:
        client: the engine.
        script: for busybox's sh.
        arguments: its `$1`, `$2`, …

    Returns:
        What it printed on standard output.

    Raises:
        EngineError: the engine does not run it, or it fails.
        ImageError: the helper's image is not there.
    """
    from docker.errors import APIError, ImageNotFound, NotFound

    try:
        container = client.containers.create(
            HELPER_IMAGE,
            ["sh", "-c", script, "helper", *arguments],
            name=f"lab-helper-{secrets.token_hex(4)}",
            labels={"dev.dockyard.helper": "namespaces"},
            pid_mode="host",
            userns_mode="host",
            network_mode="none",
            read_only=True,
            cap_add=["SYS_PTRACE"],
            security_opt=["apparmor=unconfined", "label=disable"],
        )
    except ImageNotFound:
        raise ImageError(
            f"The engine has no image {HELPER_IMAGE}.", next_step="Type: ./dockyard images build"
        ) from None
    except APIError as error:
        raise _refused(error) from error
    try:
        container.start()
        status = container.wait(timeout=30)["StatusCode"]
        said = container.logs(stdout=True, stderr=False).decode(errors="replace")
        if status:
            complaint = container.logs(stdout=False, stderr=True).decode(errors="replace").strip()
            raise EngineError(f"The helper container ended with status {status}: {complaint[-200:]}")
        return said
    except APIError as error:
        raise _refused(error) from error
    finally:
        with suppress(NotFound):
            container.remove(force=True, v=True)


def _refused(error: Exception) -> EngineError:
    return EngineError(
        f"The engine does not let a helper container see its host's processes: {error}",
        "The helper needs the host's PID namespace and the capability SYS_PTRACE.",
        "Read on without this figure.",
    )
