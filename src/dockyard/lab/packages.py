"""What the machine's own apt knows: where packages come from, and how to get some without installing them.

Nothing here changes the machine: packages are unpacked into a folder of their own.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dockyard.errors import ImageError

FETCH_SECONDS = 300
"""Time limit of one call of apt."""

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
)


@dataclass(frozen=True)
class Archive:
    """One suite of a package archive, as apt's own sources name it."""

    uri: str
    suite: str
    components: tuple[str, ...]

    def source_line(self) -> str:
        """The archive as a line of `sources.list` (man page sources.list(5))."""
        return f"deb {self.uri} {self.suite} {' '.join(self.components)}"


def have_apt() -> bool:
    """Say whether this machine can serve its own packages (it has apt and dpkg)."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg"))


def run(command: list[str], *, what: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return its standard output.

    Args:
        command: program and arguments.
        what: what is being done, for the error message ("Fetching busybox-static").

    Raises:
        ImageError: the command fails or takes too long; the message holds its last lines.
    """
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ImageError(f"{what} failed: {error}") from error
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise ImageError(f"{what} failed with status {done.returncode}.", last, f"Try: {' '.join(command)}")
    return done.stdout


def os_release() -> dict[str, str]:
    """The fields of /etc/os-release, empty where there is none (os-release(5))."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def archives() -> list[Archive]:
    """The archives that apt knows, those of the machine's own release first.

    The release is the codename of /etc/os-release; its updates and security suites are kept,
    other suites and sources of third parties are left out.

    Raises:
        ImageError: apt names no archive of this release.
    """
    codename = os_release().get("VERSION_CODENAME", "")
    listing = run(
        ["apt-get", "indextargets", "--format", "$(IDENTIFIER)\t$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)"],
        what="Asking apt for its sources",
    )
    found: dict[tuple[str, str], list[str]] = {}
    for line in listing.splitlines():
        identifier, uri, suite, component = line.split("\t")
        if identifier != "Packages" or suite.split("-")[0].split("/")[0] != codename:
            continue
        components = found.setdefault((uri.rstrip("/"), suite), [])
        if component not in components:
            components.append(component)
    result = [Archive(uri, suite, tuple(components)) for (uri, suite), components in found.items()]
    result.sort(key=lambda archive: archive.suite != codename)
    if not result or result[0].suite != codename:
        raise ImageError(
            f"apt knows no package source for this machine's release ({codename or 'unknown'}).",
            "The bases of the lab images are made from the machine's own packages where no registry answers.",
            "Run: apt-get update — or bring the images on a stick: dockyard images load FILE",
        )
    return result


def apt_settings() -> list[str]:
    """Those of apt's settings that a container needs to reach the same archive (apt.conf(5)).

    These are the checks of dates, which a frozen mirror turns off, and a proxy, unless it holds a password.
    """
    wanted = ("Acquire::Check-Valid-Until ", "Acquire::Check-Date ", "Acquire::http::Proxy ", "Acquire::https::Proxy ")
    lines = run(["apt-config", "dump"], what="Asking apt for its settings").splitlines()
    return [line for line in lines if line.startswith(wanted) and "@" not in line]


def proxy_environment() -> dict[str, str]:
    """The environment with apt's proxy in it, for programs that do not read apt's settings."""
    env = dict(os.environ)
    for line in run(["apt-config", "dump"], what="Asking apt for its settings").splitlines():
        for scheme in ("http", "https"):
            if line.startswith(f"Acquire::{scheme}::Proxy "):
                env.setdefault(f"{scheme}_proxy", line.split('"')[1])
    return env


def unpack(names: list[str], folder: Path) -> Path:
    """Fetch packages with apt and unpack them, without installing them.

    Args:
        names: package names; the candidate version of each is taken, dependencies are not.
        folder: an existing folder to work in.

    Returns:
        The folder that holds the packages' files.

    Raises:
        ImageError: apt does not know a package or cannot reach it.
    """
    root = folder / "-".join(names)
    root.mkdir(parents=True, exist_ok=True)
    if not _known(names) and os.geteuid() == 0:
        # A machine as delivered has no lists yet.
        run(["apt-get", "-q", "update"], what="Fetching apt's lists")
    if not _known(names):
        raise ImageError(
            f"apt does not know {' and '.join(names)}.",
            "The bases of the lab images are made from the machine's own packages where no registry answers.",
            "Run: sudo apt-get update — then: dockyard images build",
        )
    # apt's download user may not enter our folder and would complain of it; root fetches here.
    run(
        ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *names],
        what=f"Fetching {', '.join(names)}",
        cwd=root,
    )
    for package in sorted(root.glob("*.deb")):
        run(["dpkg", "-x", str(package), str(root)], what=f"Unpacking {package.name}")
        package.unlink()
    return root


def _known(names: list[str]) -> bool:
    told = run(["apt-cache", "policy", *names], what="Looking for packages")
    candidates = [line.split()[-1] for line in told.splitlines() if line.startswith("  Candidate:")]
    return len(candidates) == len(names) and "(none)" not in candidates


def keyring() -> Path | None:
    """The keyring that the distribution signs its archive with, None where it has no file of its own."""
    own = os_release().get("ID", "")
    return next((path for path in KEYRINGS if path.exists() and path.name.startswith(own)), None)


WGET = """#!{python}
# Stands in for wget, which a bare machine lacks: debootstrap calls it as wget [OPTION]... -O FILE URL.
import shutil, sys, urllib.request
arguments = sys.argv[1:]
target = arguments[arguments.index("-O") + 1]
try:
    with urllib.request.urlopen(arguments[-1], timeout=60) as reply, open(target, "wb") as file:
        shutil.copyfileobj(reply, file)
except OSError as error:
    sys.exit(f"{{arguments[-1]}}: {{error}}")
"""


def write_wget(folder: Path) -> None:
    """Write a stand-in for wget into a folder that is then put on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "wget"
    program.write_text(WGET.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
