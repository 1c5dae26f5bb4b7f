"""Install the engine from the distribution's own packages: plan, show, and only then do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dockyard.engine import command, machine, sources
from dockyard.engine.problems import EngineError, member_of_docker

APT = Path("/etc/apt")
DEBIAN = ("docker.io", "docker-cli", "docker-compose", "docker-buildx")
UBUNTU = ("docker.io", "docker-compose-v2", "docker-buildx")
MANUAL = "Install Docker Engine by hand: https://docs.docker.com/engine/install/"

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Change:
    """One package that apt would install (`old` is "") or upgrade."""

    name: str
    old: str
    new: str


@dataclass(frozen=True)
class Wish:
    """What to ask apt for on one distribution, and the files that make it possible."""

    packages: tuple[str, ...]
    files: dict[Path, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All that an installation will change. Nothing to do if `empty`."""

    wish: Wish
    files: dict[Path, str]
    changes: tuple[Change, ...]
    download: int
    member: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.changes or self.member)

    def lines(self) -> list[str]:
        """The plan as sentences for the person who has to agree."""
        said = [f"Write {path}" for path in self.files]
        new = [change for change in self.changes if not change.old]
        upgrades = [change for change in self.changes if change.old]
        if new:
            said.append(f"Install {len(new)} packages: " + ", ".join(f"{c.name} {c.new}" for c in new))
        if upgrades:
            said.append(f"Upgrade {len(upgrades)}: " + ", ".join(f"{c.name} {c.old} → {c.new}" for c in upgrades))
        if self.changes:
            said.append(f"Download {self.download / 1e6:.0f} MB. No package is removed.")
        if any(change.name == "docker.io" for change in upgrades):
            said.append("Restart the Docker daemon: containers that run now will stop.")
        elif machine.systemd_runs() and any(change.name == "docker.io" for change in new):
            said.append("Start the Docker daemon, now and at each boot (systemd's docker.service).")
        if self.member:
            said.append(f"Add {self.member} to the group docker, which gives full power over this machine.")
        return said


def wish(release: dict[str, str], found: list[sources.Entry], apt: Path = APT) -> Wish:
    """Decide what this distribution needs.

    Args:
        release: fields of os-release.
        found: the machine's apt entries.
        apt: apt's configuration directory, for the paths of new files.

    Raises:
        EngineError: neither Debian 12, Debian 13 or newer, nor Ubuntu 22.04 or newer.
    """
    distribution = release.get("ID", "")
    if distribution == "ubuntu" and release.get("VERSION_ID", "0") >= "22.04":
        return Wish(UBUNTU)
    if distribution == "debian":
        # the sources tell the suite: a package of trixie may have brought trixie's os-release to a Debian 12
        codename = release.get("VERSION_CODENAME", "")
        suites = [codename] if sources.carrying(found, codename) else ["bookworm", "trixie", "forky"]
        suite = next((name for name in suites if sources.carrying(found, name)), codename)
        if suite == "bookworm":
            base = sources.carrying(found, suite)
            if base is None:
                raise EngineError(
                    f"None of the apt sources in {apt} carries the suite bookworm.",
                    "The engine's packages come from the suite after it, on the same mirror.",
                    MANUAL,
                )
            # bookworm's own engine is 20.10 and has no Compose v2; trixie's runs on bookworm's C library
            return Wish((*(f"{name}/trixie" for name in DEBIAN), "iptables"), sources.extra_suite(base, "trixie", apt))
        if suite not in ("", "buster", "bullseye"):
            return Wish((*DEBIAN, "iptables"))
    raise EngineError(
        f"This is {release.get('PRETTY_NAME', 'an unknown system')}.",
        "Packages are installed on Debian 12 or newer and Ubuntu 22.04 or newer only.",
        MANUAL,
    )


def plan(progress: Progress | None = None) -> Plan:
    """Find out what an installation would change, without changing anything; apt is asked with a state of its own.

    Args:
        progress: told how far it is (0 to 1) and what it does.

    Raises:
        EngineError: not a system for this, apt fails, or apt would remove a package.
    """
    say = progress or (lambda part, words: None)
    member = _member()
    if machine.which("dockerd") and command.look().complete:
        return Plan(Wish(()), {}, (), 0, member)
    wanted = wish(machine.os_release(), sources.entries())
    files = sources.missing(wanted.files)
    if not machine.which("apt-get"):
        raise EngineError("There is no apt-get on this machine.", "", MANUAL)
    with tempfile.TemporaryDirectory(prefix="dockyard-apt-") as folder:
        options = _private_state(Path(folder), wanted.files)
        say(0.1, "Reading the package lists")
        _ask(["apt-get", *options, "-q", "update"])
        say(0.8, "Asking apt what it would do")
        install = ["install", "--no-install-recommends", *wanted.packages]
        answer = _ask(["apt-get", *options, "-s", *install])
        uris = _ask(["apt-get", *options, "-q", "--print-uris", "-y", *install])
    removed = re.findall(r"^Remv (\S+)", answer, re.M)
    if removed:
        raise EngineError(
            f"apt would remove {', '.join(removed)} to install the engine; nothing was changed.",
            "An installation that removes nothing was expected.",
            f"Look at it yourself: apt-get -s {' '.join(install)}   or: {MANUAL}",
        )
    say(1, "Plan ready")
    return Plan(wanted, files, parse_changes(answer), _bytes(uris), member)


def parse_changes(simulation: str) -> tuple[Change, ...]:
    """Read the `Inst` lines of `apt-get -s`."""
    found = re.findall(r"^Inst (\S+) (?:\[([^\]]*)\] )?\((\S+)", simulation, re.M)
    return tuple(Change(name, old, new) for name, old, new in found)


def install(agreed: Plan, progress: Progress | None = None) -> Path:
    """Carry out a plan that the user has agreed to.

    Args:
        agreed: the plan.
        progress: told how far it is (0 to 1) and what it does.

    Returns:
        The log.

    Raises:
        EngineError: apt or dpkg failed; with the log's last lines.
        NotPermitted: not root, and no sudo.
    """
    say = progress or (lambda part, words: None)
    root = machine.as_root()
    log = machine.state_directory() / "engine-install.log"
    log.write_text("")
    for path, text in agreed.files.items():
        _run([*root, "tee", str(path)], log, text=text)
    if agreed.changes:
        apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "apt-get"]
        apt += ["-q", "-o", "DPkg::Lock::Timeout=300", "-o", "APT::Status-Fd=1"]
        say(0.02, "Reading the package lists")
        _run([*apt, "update"], log)
        keep = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
        command_line = [*apt, *keep, "-y", "--no-remove", "--no-install-recommends", "install", *agreed.wish.packages]
        _run(command_line, log, progress=say)
    if agreed.member:
        _run([*root, "groupadd", "--force", "--system", "docker"], log)
        _run([*root, "usermod", "-aG", "docker", agreed.member], log)
    say(1, "Installed")
    return log


def status_line(line: str) -> tuple[float, str] | None:
    """Read a line of APT::Status-Fd: the part done (0 to 1; the first half is downloading) and words; else None."""
    match = re.match(r"(dlstatus|pmstatus):[^:]*:([\d.]+):(.*)", line)
    if not match:
        return None
    part = float(match[2]) / 200
    return (part if match[1] == "dlstatus" else 0.5 + part), match[3].strip()


def _member() -> str:
    name = machine.person()
    return "" if name == "root" or member_of_docker(name) else name


def _private_state(folder: Path, extra: dict[Path, str]) -> list[str]:
    for name in ("sources.list.d", "preferences.d"):
        (folder / name).mkdir()
        for file in (APT / name).glob("*"):
            if file.is_file() and file not in extra:
                shutil.copy(file, folder / name)
    for path, text in extra.items():
        (folder / path.parent.name / path.name).write_text(text)
    # the lists that are there need not be fetched again
    (folder / "lists/partial").mkdir(parents=True)
    for file in Path("/var/lib/apt/lists").glob("*_*"):
        if file.is_file() and os.access(file, os.R_OK):
            shutil.copy2(file, folder / "lists")
    (folder / "cache/archives/partial").mkdir(parents=True)
    settings = {
        "Dir::Etc::SourceParts": folder / "sources.list.d",
        "Dir::Etc::PreferencesParts": folder / "preferences.d",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
        "APT::Update::Post-Invoke-Success": "",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _ask(command_line: list[str]) -> str:
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    answer = subprocess.run(command_line, capture_output=True, text=True, env=environment)
    if answer.returncode:
        raise _failed(command_line, (answer.stdout + answer.stderr).splitlines()[-10:])
    return answer.stdout


def _bytes(uris: str) -> int:
    return sum(int(size) for size in re.findall(r"^'[^']*' \S+ (\d+) ", uris, re.M))


def _run(command_line: list[str], log: Path, text: str = "", progress: Progress | None = None) -> None:
    with log.open("a") as out:
        out.write(f"$ {' '.join(command_line)}\n")
        out.flush()
        process = subprocess.Popen(
            command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdin and process.stdout
        process.stdin.write(text)
        process.stdin.close()
        for line in process.stdout:
            status = status_line(line)
            if status and progress:
                progress(*status)
            elif not status:
                out.write(line)
    if process.wait():
        raise _failed(command_line, machine.last_lines(log), log)


def _failed(command_line: list[str], lines: list[str], log: Path | None = None) -> EngineError:
    where = f" Whole log: {log}" if log else ""
    verb = next((part for part in command_line if part in ("update", "install", "tee", "usermod", "groupadd")), "")
    tool = next((part for part in command_line if part in ("apt-get", "tee", "usermod", "groupadd")), command_line[0])
    words = tool if verb == tool else f"{tool} {verb}"
    return EngineError(
        f"{words} failed. Its last lines:\n" + "\n".join(f"    {line}" for line in lines),
        f"It should end without an error.{where}",
        "Mend what it names (network, full disk, another apt at work), then type: ./dockyard engine install",
    )
