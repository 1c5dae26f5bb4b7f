"""Look at everything the course needs; each finding says what to type."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dockyard.errors import DockyardError

if TYPE_CHECKING:
    import docker

    from dockyard.engine import Endpoint, EngineIdentity

Status = Literal["ok", "warning", "failure"]

LAB_IMAGES = ("dockyard/busybox", "dockyard/debian", "dockyard/vm")
EXTENSIONS = ("@jupyter/nbgrader", "@jupyter-widgets/jupyterlab-manager")
PORT = 8888
LITTLE, TOO_LITTLE = 5e9, 1e9  # bytes free: the images of a lesson are below 0.5 GB, a build needs a few times that


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, how it is, what was found, and what to type."""

    check: str
    status: Status
    found: str
    next_step: str = ""


@dataclass(frozen=True)
class Engine:
    """The engine as the other checks need it."""

    endpoint: Endpoint
    client: docker.DockerClient
    identity: EngineIdentity


def examine(port: int = PORT) -> list[Finding]:
    """Run all checks.

    Args:
        port: the one that JupyterLab would like to have.

    Returns:
        The findings, in an order to read. A check that breaks is a finding too; nothing is raised.
    """
    from dockyard.engine import command

    with ThreadPoolExecutor() as pool:
        extensions = pool.submit(_guard, "lab extensions", check_extensions)
        looked = pool.submit(command.look)
        findings, engine = check_engine()
        checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
            ("docker command", lambda: check_command(looked.result(), engine.identity.version if engine else "")),
            ("permissions", check_permissions),
            ("disk", lambda: check_disk(engine)),
            ("lab images", lambda: check_images(engine)),
            ("packages", check_packages),
        ]
        for name, check in checks:
            findings += _guard(name, check)
        findings += extensions.result()
    return findings + _guard("port", lambda: check_port(port))


def check_engine() -> tuple[list[Finding], Engine | None]:
    """Find the engine, connect, and tell who it is."""
    from dockyard.engine import connect, find, identify
    from dockyard.engine.client import remarks

    try:
        endpoint = find()
        client = connect(endpoint)
        who = identify(client)
    except DockyardError as problem:
        # the log lines below the first line of a message belong to the terminal, not into a table
        found = " ".join(part for part in (problem.found, problem.expected) if part)
        return [Finding("engine", "failure", found, problem.next_step)], None
    except Exception as error:
        return [Finding("engine", "failure", f"{type(error).__name__}: {error}", "Type: docker version")], None
    details = [
        f"{who.product} at {endpoint.address} ({endpoint.source})",
        f"API {who.api_version}",
        f"storage driver {who.storage_driver}",
        "rootless" if who.rootless else "not rootless",
        f"context {endpoint.context or 'default'}",
    ]
    findings = [Finding("engine", "ok", ", ".join(details))]
    findings += [Finding("engine", "warning", remark) for remark in remarks(endpoint, who)]
    return findings, Engine(endpoint, client, who)


def check_command(looked: object, engine_version: str) -> Iterator[Finding]:
    """The docker command on PATH, Compose v2 and buildx."""
    from dockyard.engine.command import Command

    assert isinstance(looked, Command)
    install = "Type: ./dockyard engine install" if sys.platform == "linux" else "Update Docker Desktop."
    if looked.lacks():
        yield Finding("docker command", "failure", looked.lacks(), install)
        return
    found = f"{looked.path} {looked.version}, Compose {looked.compose}, buildx {looked.buildx}"
    if looked.older_than(engine_version):
        found += f": older than the engine ({engine_version})"
        yield Finding(
            "docker command", "warning", found, f"Update it, or remove {looked.path} if PATH has a newer one."
        )
    else:
        yield Finding("docker command", "ok", found)


def check_permissions() -> Iterator[Finding]:
    """Whether the course's checkout can be written."""
    from dockyard.course import find_course

    root = find_course().root
    folders = [root, *(folder for name in ("workspace", ".dockyard") if (folder := root / name).exists())]
    closed = [str(folder) for folder in folders if not os.access(folder, os.W_OK)]
    if closed:
        yield Finding(
            "permissions",
            "failure",
            f"This user may not write {', '.join(closed)}",
            f"Type: sudo chown -R $(id -u) {' '.join(closed)}",
        )
    else:
        yield Finding("permissions", "ok", f"{root} can be written")


def check_disk(engine: Engine | None) -> Iterator[Finding]:
    """Free space where the course lies, and where the engine keeps its images if that is this machine."""
    from dockyard.course import find_course

    places = {"course": find_course().root}
    if engine and not (engine.endpoint.remote or engine.identity.desktop):
        data = Path(engine.client.info().get("DockerRootDir") or "/var/lib/docker")
        places["engine's data"] = next(folder for folder in (data, *data.parents) if _reachable(folder))
    for name, folder in places.items():
        free = shutil.disk_usage(folder).free
        status: Status = "failure" if free < TOO_LITTLE else "warning" if free < LITTLE else "ok"
        step = "" if status == "ok" else "Free some space; docker system df shows what the engine holds."
        yield Finding("disk", status, f"{free / 1e9:.0f} GB free for the {name} ({folder})", step)


def check_images(engine: Engine | None) -> Iterator[Finding]:
    """Whether the lab images are there."""
    if engine is None:
        yield Finding("lab images", "warning", "Not looked at: no engine", "Mend the engine first.")
        return
    # one request; images.list() would inspect each image on the machine
    images = engine.client.api.images()
    present = {tag.partition(":")[0]: image["Size"] for image in images for tag in image.get("RepoTags") or []}
    missing = [name for name in LAB_IMAGES if name not in present]
    if missing:
        yield Finding("lab images", "warning", f"Missing: {', '.join(missing)}", "Type: ./dockyard images build")
    if len(missing) < len(LAB_IMAGES):
        sizes = [f"{n} {present[n] / 1e6:.0f} MB" for n in LAB_IMAGES if n not in missing]
        yield Finding("lab images", "ok", ", ".join(sizes))


def check_packages() -> Iterator[Finding]:
    """Whether the Python packages are those of the lock."""
    from dockyard.course import find_course

    root = find_course().root
    missing, other, count = compare_with_lock((root / "requirements.lock").read_text())
    again = f"Type: rm -r {root / '.venv/.dockyard'} && ./dockyard doctor"
    if missing:
        yield Finding("packages", "failure", f"Missing: {', '.join(missing)}", again)
    if other:
        yield Finding("packages", "warning", f"Not as in requirements.lock: {', '.join(other)}", again)
    if not missing and not other:
        version = ".".join(map(str, sys.version_info[:3]))
        yield Finding("packages", "ok", f"{count} as in requirements.lock, Python {version} at {sys.prefix}")


def compare_with_lock(lock: str) -> tuple[list[str], list[str], int]:
    """Compare the installed packages with a lock in pip's requirements format.

    Returns:
        Names of missing packages, words on those of another version, and the number of packages that the lock asks for
        on this platform.
    """
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import Requirement

    missing, other, count = [], [], 0
    for line in lock.splitlines():
        if not line.strip() or line[0] in " #-":
            continue
        wanted = Requirement(line.rstrip("\\ "))
        if wanted.marker and not wanted.marker.evaluate():
            continue
        count += 1
        try:
            installed = version(wanted.name)
        except PackageNotFoundError:
            missing.append(wanted.name)
            continue
        if not wanted.specifier.contains(installed, prereleases=True):
            other.append(f"{wanted.name} {installed} ({wanted.specifier})")
    return missing, other, count


def check_extensions() -> Iterator[Finding]:
    """Whether JupyterLab has the extensions of nbgrader and ipywidgets, enabled."""
    listing = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"], capture_output=True, text=True, timeout=60
    )
    yield extensions_listed(listing.stdout + listing.stderr)


def extensions_listed(listing: str) -> Finding:
    """Judge the output of `jupyter labextension list`."""
    lines = [line.split() for line in listing.splitlines() if line.startswith(" ")]
    good = {words[0]: words[1] for words in lines if len(words) > 3 and "enabled" in words[2] and "OK" in words[3]}
    lacking = [name for name in EXTENSIONS if name not in good]
    if lacking:
        step = f"Type: {sys.executable} -m jupyter labextension enable {lacking[0]}"
        return Finding("lab extensions", "failure", f"Not there or not enabled: {', '.join(lacking)}", step)
    return Finding("lab extensions", "ok", ", ".join(f"{name} {good[name]}" for name in EXTENSIONS))


def check_port(port: int) -> Iterator[Finding]:
    """Whether JupyterLab's usual port is free on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            found = f"127.0.0.1:{port} is taken ({(error.strerror or str(error)).lower()})"
            step = "Nothing to do: JupyterLab takes the next free port. To see who has it: jupyter server list"
            yield Finding("port", "warning", found, step)
        else:
            yield Finding("port", "ok", f"127.0.0.1:{port} is free for JupyterLab")


def _guard(name: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except DockyardError as problem:
        return [Finding(name, "failure", " ".join(filter(None, (problem.found, problem.expected))), problem.next_step)]
    except Exception as error:
        return [Finding(name, "failure", f"The check itself broke: {type(error).__name__}: {error}")]


def _reachable(folder: Path) -> bool:
    try:
        return folder.exists()
    except PermissionError:
        return False
