"""What no file of the project may hold: addresses of registries, places of one machine, outputs, leftovers."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Where packages and images come from is the machine's business: its pip, apt and engine are asked at run time. So an
# address in the project is one to read at. A new place to read is added here, a place to fetch from is not.
TO_READ = {
    "docs.dask.org",
    "docs.docker.com",
    "docs.kernel.org",
    "docs.podman.io",
    "docs.python.org",
    "github.com",
    "jfly.uni-koeln.de",
    "json-schema.org",
    "jupyter-docker-stacks.readthedocs.io",
    "jupyterlab.readthedocs.io",
    "man7.org",
    "nbgrader.readthedocs.io",
    "opencontainers.org",
    "www.postgresql.org",
    "www.qemu.org",
    "www.w3.org",
}
HERE = re.compile(
    r"(?:127\.0\.0\.1|192\.0\.2\.\d+|proxy|0\.0\.0\.0|localhost|\[::1\]|[{$%<].*|(?:.*\.)?example(?:\.\w+)?|.*\.(?:invalid|test))?\Z"
)
ADDRESS = re.compile(r"\b(?:https?|ftp)://(?:[^/@\s]*@)?([^/:\s\"'`)>\\,]*)")
PLACE = re.compile(r"(?<![\w./~}*-])/(?:root|opt|work|mnt|media|Users)/[\w.]+|\.pyenv\b")

SKIPPED = {"tests/test_house.py"}


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if name in SKIPPED:
            continue
        try:
            found.append((name, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # a picture
    return found


def findings(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return where, and what was found: the pattern's group, or all of it."""
    return [
        (f"{name}:{number}", match.group(match.lastindex or 0))
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def test_addresses_are_places_to_read() -> None:
    assert [found for found in findings(ADDRESS) if not HERE.match(found[1]) and found[1] not in TO_READ] == []


def test_no_place_of_one_machine_is_named() -> None:
    assert findings(PLACE) == []


def test_built_notebooks_hold_no_outputs() -> None:
    for folder in ("source", "release", "notebooks"):
        for path in (ROOT / folder).rglob("*.ipynb"):
            for cell in json.loads(path.read_text())["cells"]:
                assert not cell.get("outputs"), f"{path.relative_to(ROOT)} has outputs: ./dockyard build"
                assert cell.get("execution_count") is None, f"{path.relative_to(ROOT)} was run: ./dockyard build"


def test_only_a_placeholder_of_what_grading_makes_is_tracked() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    made = ("autograded/", "submitted/", "feedback/", "workspace/", "exchange/", ".dockyard/", "gradebook.db")
    assert [name for name in names if name.startswith(made)] == ["autograded/.gitkeep"]


def test_the_readmes_commands_are_what_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in ("./dockyard lab --yes", "./dockyard test --yes"):
        assert command in readme
    assert "./dockyard test --yes" in (ROOT / ".ci" / "run").read_text()
    for name in ("dockyard", ".ci/run"):
        assert (ROOT / name).stat().st_mode & 0o111, f"{name} is not executable."
