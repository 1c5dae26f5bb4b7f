"""Start and stop a Docker daemon. Only a daemon that was started here is ever stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from dockyard.engine import machine
from dockyard.engine.client import ask_version
from dockyard.engine.endpoint import DEFAULT_SOCKET, Endpoint, listens
from dockyard.engine.problems import DaemonStopped, EngineError, NoEngine, start_words

# what a failed daemon's log says → what to do about it
ADVICE = (
    (
        r"cgroup.*(not mounted|isn't mounted|no such file)|cgroups: cgroup mountpoint does not exist",
        "Mount the control groups. Type: sudo mount -t cgroup2 none /sys/fs/cgroup",
    ),
    (
        r"(iptables|nf_tables).*(not found|failed|Failed|no such|incompatible|doesn't exist)",
        "Let iptables use the older kernel interface. Type: "
        "sudo update-alternatives --set iptables /usr/sbin/iptables-legacy",
    ),
    (r"no space left on device", "Free some disk space below Docker's data directory, then start again."),
    (
        r"process with PID (\d+) is still running|pid file found",
        "A Docker daemon runs already. Type: ./dockyard doctor",
    ),
    (
        r"operation not permitted|permission denied",
        "The daemon may not do its work: a container needs --privileged for a Docker daemon inside.",
    ),
    (
        r"overlay.*(not supported|invalid argument)|driver not supported",
        "The file system cannot carry overlay2. Put the data on ext4 or xfs: ./dockyard engine start --data-root DIR",
    ),
)


@dataclass(frozen=True)
class Record:
    """What is remembered of a daemon that was started here.

    `ticks` (start time in clock ticks since boot, proc_pid_stat(5)) and `boot` tell it from a later process.
    """

    pid: int
    ticks: int
    boot: str
    socket: str
    log: str
    systemd: bool = False


@dataclass(frozen=True)
class Layout:
    """Where a daemon keeps its things; the defaults are the daemon's own."""

    socket: Path = DEFAULT_SOCKET
    data_root: Path | None = None
    exec_root: Path | None = None
    options: tuple[str, ...] = ()

    @property
    def endpoint(self) -> Endpoint:
        """The address of the daemon that has this layout."""
        own = self.socket == DEFAULT_SOCKET
        return Endpoint(f"unix://{self.socket}", "default socket" if own else "--socket", by_cli=own)

    @property
    def name(self) -> str:
        """Begins the names of the files about this daemon."""
        return "engine" if self.socket == DEFAULT_SOCKET else "engine" + re.sub(r"\W+", "-", str(self.socket))

    @property
    def pidfile(self) -> Path:
        """The daemon's own pid file: the usual one for the usual socket, so that a second start is refused."""
        return Path("/var/run/docker.pid") if self.socket == DEFAULT_SOCKET else state(self, "pid")

    def arguments(self) -> list[str]:
        """Options for dockerd."""
        said = [f"--host=unix://{self.socket}", f"--pidfile={self.pidfile}"]
        if self.data_root:
            said.append(f"--data-root={self.data_root}")
        if self.exec_root:
            said.append(f"--exec-root={self.exec_root}")
        return [*said, *self.options]


def state(layout: Layout, kind: str) -> Path:
    """Path of a file about this daemon in the state directory."""
    return machine.state_directory() / f"{layout.name}.{kind}"


def start(layout: Layout | None = None, timeout: float = 60) -> Record | None:
    """Start the Docker daemon and wait until it answers.

    Args:
        layout: where it keeps its things; systemd, where it runs, starts only the usual layout.
        timeout: seconds to wait for the first answer.

    Returns:
        The record of the daemon, or None if one answered already.

    Raises:
        EngineError: no dockerd, not root, or the daemon ended or did not answer in time (with its last log lines).
    """
    layout = layout or Layout()
    if answers(layout):
        return None
    if listens(layout.endpoint):
        ask_version(layout.endpoint)  # says what is wrong with who answers there
    if sys.platform != "linux":
        raise DaemonStopped("Docker Desktop is not running.", "", start_words())
    dockerd = machine.which("dockerd")
    if dockerd is None:
        raise NoEngine("There is no Docker daemon (dockerd) on this machine.", "", "Type: ./dockyard engine install")
    root = machine.as_root()
    if layout == Layout() and machine.systemd_runs():
        return _start_by_systemd(root, layout, timeout)
    layout.socket.parent.mkdir(parents=True, exist_ok=True)
    log = state(layout, "log")
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    # the shell stays as the daemon's parent: it reaps it, and its last line in the log is the sign that it ended
    watched = '"$@"; echo "dockyard: dockerd ended with status $?"'
    path = f"PATH={os.environ.get('PATH', '')}:{machine.SYSTEM_PATH}"  # dockerd calls iptables and containerd
    command = [*root, "setsid", "--fork", "env", path, "sh", "-c", watched, "sh", dockerd, *layout.arguments()]
    with log.open("w") as out:
        spawned = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/")
    if spawned.returncode:
        raise _ended(log, "The Docker daemon could not be called")
    _wait(layout, log, timeout)
    pid = int(layout.pidfile.read_text())
    return _remember(layout, pid, log)


def stop(layout: Layout | None = None, timeout: float = 40) -> Record:
    """Stop the daemon that `start` started, by its pid, and wait until it has ended.

    Args:
        layout: the layout it was started with.
        timeout: seconds to wait; the daemon itself gives containers 15 s to end.

    Raises:
        EngineError: none was started here, or it does not end in time.
    """
    layout = layout or Layout()
    record = recorded(layout)
    if record is None:
        running = listens(layout.endpoint)
        systemd = "sudo systemctl stop docker docker.socket"
        yourself = systemd if machine.systemd_runs() else f"sudo kill $(cat {layout.pidfile})"
        raise EngineError(
            f"The daemon at {layout.socket} was not started by ./dockyard engine start, so it is left alone."
            if running
            else "No daemon that was started here is running.",
            "Only a daemon that was started by ./dockyard engine start is stopped.",
            f"To stop it yourself: {yourself}" if running else "",
        )
    root = machine.as_root()
    if record.systemd:
        _do([*root, "systemctl", "stop", "docker.socket", "docker.service"])
    elif root:
        # the shell's own kill: a small system has no other
        _do([*root, "sh", "-c", 'kill -TERM "$1"', "sh", str(record.pid)])
    else:
        os.kill(record.pid, signal.SIGTERM)
    end = time.monotonic() + timeout
    while _ticks(record.pid) == record.ticks:
        if time.monotonic() > end:
            raise EngineError(
                f"The daemon (pid {record.pid}) was asked to end, but still runs after {timeout:g} s.",
                "It ends once its containers have.",
                f"See {record.log}",
            )
        time.sleep(0.1)
    state(layout, "json").unlink(missing_ok=True)
    return record


def recorded(layout: Layout | None = None) -> Record | None:
    """The record of the daemon that was started here, if that very process still runs."""
    try:
        record = Record(**json.loads(state(layout or Layout(), "json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    same = record.boot == _boot() and _ticks(record.pid) == record.ticks and _name(record.pid) == "dockerd"
    return record if same else None


def answers(layout: Layout | None = None) -> bool:
    """Whether a daemon answers at the layout's socket, be it to this user or only to others."""
    return _answers((layout or Layout()).endpoint)


def advice(lines: list[str]) -> str:
    """What to do about a daemon that ended with these log lines; "" if nothing is known."""
    text = "\n".join(lines)
    return next((words for pattern, words in ADVICE if re.search(pattern, text)), "")


def _do(command: list[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        raise EngineError(
            f"{' '.join(command)} failed with status {answer.returncode}: {(answer.stderr or answer.stdout).strip()}",
            "It should end without an error.",
            "Try it in a terminal.",
        )
    return answer.stdout


def _start_by_systemd(root: list[str], layout: Layout, timeout: float) -> Record:
    started = subprocess.run([*root, "systemctl", "start", "docker.service"], capture_output=True, text=True)
    log = state(layout, "log")
    if started.returncode:
        journal = ["journalctl", "--no-pager", "-q", "-u", "docker.service", "-n", "30", "-o", "cat"]
        log.write_text(subprocess.run([*root, *journal], capture_output=True, text=True).stdout)
        raise _ended(log, "systemctl start docker.service failed")
    _wait(layout, log, timeout)
    main = ["systemctl", "show", "--property=MainPID", "--value", "docker.service"]
    return _remember(layout, int(_do(main)), log, systemd=True)


def _wait(layout: Layout, log: Path, timeout: float) -> None:
    end = time.monotonic() + timeout
    while not _answers(layout.endpoint):
        if any(line.startswith("dockyard: dockerd ended") for line in machine.last_lines(log, 3)):
            raise _ended(log, "The Docker daemon ended at once")
        if time.monotonic() > end:
            raise _ended(log, f"The Docker daemon did not answer within {timeout:g} s")
        time.sleep(0.1)


def _answers(endpoint: Endpoint) -> bool:
    if not endpoint.socket or not endpoint.socket.exists():
        return False
    try:
        ask_version(endpoint, timeout=5)
    except EngineError as problem:
        # a daemon that runs, but not for this user, is up all the same
        return type(problem).__name__ == "NotPermitted"
    return True


def _ended(log: Path, what: str) -> EngineError:
    lines = [re.sub(r'^time="[^"]*" ', "", line) for line in machine.last_lines(log, 40)]
    telling = [line for line in lines if "level=info" not in line][-8:] or lines[-8:]
    return DaemonStopped(
        f"{what}. Its last lines:\n" + "\n".join(f"    {line[:300]}" for line in telling),
        f"It should answer at its socket. Whole log: {log}",
        advice(lines) or "Mend what it names, then type: ./dockyard engine start",
    )


def _remember(layout: Layout, pid: int, log: Path, systemd: bool = False) -> Record:
    record = Record(pid, _ticks(pid), _boot(), str(layout.socket), str(log), systemd)
    state(layout, "json").write_text(json.dumps(asdict(record), indent=2) + "\n")
    return record


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _ticks(pid: int) -> int:
    """Start time of a process in clock ticks since boot (proc_pid_stat(5), field 22); 0 if it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])
