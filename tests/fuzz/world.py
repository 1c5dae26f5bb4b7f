"""An engine of canned answers on which most of the course's own checks pass, and evidence recorded from it."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dockyard import evidence
from dockyard.exercise import live, run_cell
from tests.engine.fake import INFO
from tests.fake_engine import MULTIPLEXED, FakeEngine, frame, identity

STUDENT = "eve"
BASE = ["sha256:" + identity("base layer")]
LABELS = {"kernel": INFO["KernelVersion"], "spoken": "http"}
TIMES = ("2026-03-01T10:00:00.1Z", "2026-03-01T10:00:00.2Z", "2026-03-01T10:00:00.9Z")
TITLES = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
# What is not the same for all: words of the command, status, files, log, namespaces, changes.
BOXES: dict[str, dict[str, Any]] = {
    "lab-p-made": {"words": ["sleep", "600"], "status": "created"},
    "lab-till": {"modes": {"NetworkMode": f"container:{identity('lab-shop')}"}, "started": TIMES[2]},
    "lab-watch": {"modes": {"PidMode": "host"}},
    "lab-greeter": {
        "image": "dockyard/lab-greeter:latest",
        "words": ["cat", "/greeting.txt"],
        "files": {"greeting.txt"},
    },
    "lab-light": {"image": "dockyard/lab-light:latest", "files": {"weight.txt"}},
    "lab-parked": {"status": "created"},
    "lab-letter": {"words": ["cat", "/letter.txt"], "status": "exited", "files": {"letter.txt"}, "changes": True},
    "lab-desk": {"files": {"whoami.txt"}, "changes": True},
    "lab-v-guest": {"image": "dockyard/vm:latest", "log": b"guest: 6.12.0\n", "status": "exited"},
    "lab-v-quick": {"status": "exited"},
    "lab-v-mail": {"files": {"app.conf"}},
    "lab-v-shop": {"files": {"app.conf"}},
    "lab-v-broken": {"deleted": True},
}
TEXTS = {
    "greeting.txt": "6.1.0",
    "weight.txt": "6000000",
    "letter.txt": "6.1.0",
    "whoami.txt": identity("lab-desk")[:12],
}
ANSWERS: dict[str, Any] = {
    "parts": {"took over from GCR": "Artifact Registry", "is a GUI, and brings a Linux VM": "Docker Desktop"},
    "engine_version": "28.0.1",
    "storage_driver": "overlay2",
    "default_runtime": "runc",
    "reaches_engine": {"docker version": True, "docker --version": False},
    "host_pid": 4242,
    "status": "201 Created",
    "reply": {"Name": "lab-p-box", "Mountpoint": "/var/lib/docker/volumes/lab-p-box"},
    "new": {"docker ps": "docker container ls"},
    "kinds": {"VirtualBox": "2", "KVM": "1"},
    "releases": {"container": "6.1.0", "guest": "6.12.0"},
    "same_as_host": "container",
    "address": "http://127.0.0.1:9/",
}


def record(cells: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return evidence of each check cell, by exercise, as the recorder writes it."""
    folder = Path(tempfile.mkdtemp(prefix="dy-", dir="/tmp"))  # the path of a socket has to be short
    try:
        with _engine(folder) as url, _environment("DOCKER_HOST", url), live(folder, STUDENT):
            for source in cells.values():
                run_cell(source, dict(ANSWERS))
        return {name: evidence.read(evidence.path_of(folder, name)) for name in cells}
    finally:
        shutil.rmtree(folder)


@contextmanager
def _engine(folder: Path) -> Iterator[str]:
    engine = FakeEngine(folder / "engine.sock")
    engine.json("/info", {**INFO, "LoggingDriver": "json-file", "DefaultRuntime": "runc"})
    image(engine, "dockyard/busybox:latest", BASE)
    image(engine, "dockyard/vm:latest", [*BASE, "sha256:" + identity("guest")])
    for name in ("greeter", "light"):
        image(engine, f"dockyard/lab-{name}:latest", [*BASE, "sha256:" + identity(name)])
    engine.volume("lab-p-box")
    engine.network("lab-net", {"lab-shop": ""})
    names = ("lab-blue", "lab-green", "lab-shop", "lab-p-seen", "lab-v-container", "lab-v-sleeper", "lab-v-fresh")
    for name in (*names, *BOXES):
        container(engine, name, **BOXES.get(name, {}))
    try:
        yield engine.url
    finally:
        engine.close()


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def image(engine: FakeEngine, tag: str, layers: list[str]) -> None:
    me = identity(tag)
    inspect = {
        "Id": f"sha256:{me}",
        "RepoTags": [tag],
        "Created": TIMES[0],
        "Config": {"Cmd": ["cat", "/greeting.txt"] if "greeter" in tag else ["sh"], "Labels": {}, "Env": ["A=1"]},
        "RootFS": {"Type": "layers", "Layers": layers},
    }
    steps = [{"CreatedBy": "COPY x /x # buildkit", "Size": 7}] * (len(layers) - 1)
    for reference in (tag, tag.removesuffix(":latest"), me, f"sha256:{me}"):
        engine.json(f"/images/{reference}/json", inspect)
        engine.json(f"/images/{reference}/history", [*steps, {"CreatedBy": "ENV A=1", "Size": 4_000_000}])
    engine.lists["images"].append({**inspect, "Labels": {}})
    engine.json("/images/json", engine.lists["images"])


def container(
    engine: FakeEngine,
    name: str,
    image: str = "dockyard/busybox:latest",
    words: tuple[str, ...] | list[str] = ("sleep", "infinity"),
    status: str = "running",
    modes: Mapping[str, str] | None = None,
    files: set[str] | frozenset[str] = frozenset(),
    changes: bool = False,
    deleted: bool = False,
    log: bytes = b"6.1.0\n",
    started: str = TIMES[1],
) -> None:
    me = identity(name)
    state = {"Status": status, "Running": status == "running", "ExitCode": 0, "Error": "", "Pid": 4242}
    used = {"NetworkMode": "bridge", "PidMode": "", "IpcMode": "private", "UTSMode": "", **(modes or {})}
    inspect = {
        "Id": me,
        "Name": f"/{name}",
        "Image": f"sha256:{identity(image)}",
        "Created": TIMES[1],
        "RestartCount": 0,
        "State": {**state, "StartedAt": started, "FinishedAt": TIMES[2]},
        "HostConfig": {**used, "Privileged": False, "CapAdd": None},
        "Config": {"Image": image, "Cmd": list(words), "Hostname": me[:12], "Labels": LABELS, "Env": [], "Tty": False},
        "NetworkSettings": {"Networks": {"lab-net": {}}},
        "Mounts": [{"Type": "volume", "Name": "lab-p-box", "Destination": "/data"}],
    }
    exec_row = ["0", "4243", "1", "0", "10:00", "?", "00:00:00", "sleep 9"]
    top = {
        "Titles": TITLES,
        "Processes": [["0", "4242", "4241", "0", "10:00", "?", "00:00:00", " ".join(words)], exec_row],
    }
    changed = [{"Path": f"/{file}", "Kind": 1} for file in files if changes]
    changed += [{"Path": "/bin", "Kind": 2}] if deleted else []
    for reference in (name, me):
        engine.json(f"/containers/{reference}/json", inspect)
        engine.json(f"/containers/{reference}/top", top)
        engine.json(f"/containers/{reference}/changes", changed or None)
        engine.raw(f"/containers/{reference}/logs", frame(log), MULTIPLEXED)
        for file in files or {"letter.txt"}:
            text = TEXTS.get(file, f"role={name.rpartition('-')[2]}\n").encode()
            about = {"name": file, "size": len(text), "mode": 420, "mtime": TIMES[0], "linkTarget": ""}
            stat = {"X-Docker-Container-Path-Stat": base64.b64encode(json.dumps(about).encode()).decode()}
            engine.raw(f"/containers/{reference}/archive", tar(file, text), "application/x-tar", headers=stat)
    item = {"Id": me, "Names": [f"/{name}"], "Image": image, "Labels": {}, "State": status}
    engine.lists["containers"].append(item)
    engine.json("/containers/json", engine.lists["containers"])


def tar(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()[:2048]  # without most of the empty blocks at the end


def lesson_cells(source: Path) -> dict[str, str]:
    """Return the check cells of built notebooks, by exercise."""
    cells: dict[str, str] = {}
    for path in sorted(source.rglob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            mark = cell["metadata"].get("nbgrader") or {}
            if cell["cell_type"] == "code" and mark.get("grade") and mark.get("locked"):
                cells[mark["grade_id"]] = re.sub(r"\A\n+", "", "".join(cell["source"]))
    return cells
