"""What kind of machine this is, and how to do something on it as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from dockyard.engine.problems import NotPermitted

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def os_release(root: Path = Path("/")) -> dict[str, str]:
    """The fields of os-release(5), without their quotes; empty where there is no such file."""
    fields = {}
    for path in (root / "etc/os-release", root / "usr/lib/os-release"):
        if path.is_file():
            for line in path.read_text().splitlines():
                name, equals, value = line.partition("=")
                if equals:
                    fields[name.strip()] = value.strip().strip("\"'")
            break
    return fields


def systemd_runs() -> bool:
    """Whether systemd is the init system (the test of sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def which(program: str) -> str | None:
    """Path of a program, also where an ordinary user's PATH lacks the sbin directories."""
    return shutil.which(program) or shutil.which(program, path=SYSTEM_PATH)


def as_root() -> list[str]:
    """What to put before a command to run it as root: nothing, or sudo once it has agreed.

    Raises:
        NotPermitted: this user is not root, and sudo is missing or refuses.
    """
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    # `sudo -v` asks for the password now, before a progress bar hides the question
    if sudo and subprocess.run([sudo, "-v"]).returncode == 0:
        return [sudo]
    raise NotPermitted(
        "This needs root, and sudo is missing or did not agree.",
        "Installing and starting an engine is the administrator's right.",
        "Become root, or use rootless Docker: https://docs.docker.com/engine/security/rootless/",
    )


def person() -> str:
    """Name of the user who is to use the engine: behind sudo, the one who called it; "root" for root itself."""
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.geteuid()).pw_name


def state_directory() -> Path:
    """Where logs and the record of a started daemon lie: $XDG_STATE_HOME/dockyard, made if missing."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    directory = Path(base) / "dockyard"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def last_lines(path: Path, count: int = 10) -> list[str]:
    """The last lines of a text file; none if it cannot be read."""
    try:
        return path.read_text(errors="replace").rstrip().splitlines()[-count:]
    except OSError:
        return []
