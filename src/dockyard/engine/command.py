"""The docker command on PATH, and its Compose and buildx plugins."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """The docker command that a shell would run; versions are "" where the thing is missing."""

    path: str = ""
    version: str = ""
    compose: str = ""
    buildx: str = ""

    @property
    def complete(self) -> bool:
        """Whether all that the course types is there: docker, docker compose (v2) and docker buildx."""
        return bool(self.version and self.compose and self.buildx)

    def lacks(self) -> str:
        """What is missing, in words; "" if nothing is."""
        if not self.path:
            return "There is no docker command on PATH."
        missing = [name for name, version in (("Compose", self.compose), ("buildx", self.buildx)) if not version]
        return f"{self.path} {self.version} has no {' and no '.join(missing)} plugin." if missing else ""

    def older_than(self, engine: str) -> bool:
        """Whether the command's major version is below that of an engine."""
        mine, its = _major(self.version), _major(engine)
        return mine is not None and its is not None and mine < its


def look() -> Command:
    """Ask the docker command on PATH for its versions; the engine is not spoken to."""
    path = shutil.which("docker")
    if path is None:
        return Command()
    return Command(
        path,
        _version([path, "--version"]),
        _version([path, "compose", "version", "--short"]),
        _version([path, "buildx", "version"]),
    )


def _version(command: list[str]) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"v?(\d+\.\d[\w.+~-]*)", answer.stdout)
    return match[1] if answer.returncode == 0 and match else ""


def _major(version: str) -> int | None:
    match = re.match(r"\d+", version)
    return int(match[0]) if match else None
