"""The lab images on a real engine: sizes, labels, what they can do, and that a second build does nothing."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from dockyard.errors import ImageError
from dockyard.lab import bake, images, inventory

LIMIT_TOGETHER = 450e6
LIMIT_BUSYBOX = 3e6
PROGRAMS = (
    "sh",
    "ps",
    "ls",
    "sleep",
    "httpd",
    "nc",
    "wget",
    "ip",
    "hostname",
    "id",
    "env",
    "cat",
    "grep",
    "awk",
    "top",
)


@pytest.fixture(scope="module")
def built(engine: Any) -> Any:
    images.ensure(engine, yes=True, progress=lambda name, part, what: None)
    return engine


def test_parents_come_first_and_unknown_names_are_refused() -> None:
    assert inventory.with_parents(["vm"]) == ("busybox", "debian", "vm")
    with pytest.raises(ImageError, match="no lab image called vn"):
        inventory.with_parents(["vn"])


def test_inputs_change_with_files_and_with_parents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "images"
    shutil.copytree(inventory.folder(), copy)
    before = {name: inventory.inputs(name) for name in inventory.NAMES}
    monkeypatch.setattr(inventory, "folder", lambda: copy)
    assert {name: inventory.inputs(name) for name in inventory.NAMES} == before
    with (copy / "debian" / "Dockerfile").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    after = {name: inventory.inputs(name) for name in inventory.NAMES}
    assert {name for name in before if before[name] != after[name]} == {"debian", "vm"}


def test_windows_line_ends_are_the_same_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "images"
    shutil.copytree(inventory.folder(), copy)
    before = inventory.inputs("vm")
    for path in copy.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(inventory, "folder", lambda: copy)
    assert inventory.inputs("vm") == before


@pytest.mark.engine
def test_sizes(built: Any) -> None:
    states = {state.name: state for state in inventory.states(built)}
    assert states["busybox"].size <= LIMIT_BUSYBOX
    assert sum(state.own for state in states.values()) <= LIMIT_TOGETHER
    assert states["vm"].own < states["vm"].size, "dockyard/vm stands on dockyard/debian"


@pytest.mark.engine
def test_labels(built: Any) -> None:
    for name in inventory.NAMES:
        labels = built.images.get(f"dockyard/{name}").labels
        assert labels["dev.dockyard.image"] == name
        assert labels["dev.dockyard.inputs"] == inventory.inputs(name)
        assert labels["org.opencontainers.image.title"] == f"dockyard/{name}"


@pytest.mark.engine
def test_second_build_does_nothing_and_is_quick(built: Any) -> None:
    start = time.perf_counter()
    assert images.ensure(built) == []
    assert time.perf_counter() - start < 1


@pytest.mark.engine
@pytest.mark.parametrize("program", PROGRAMS)
def test_busybox_has(built: Any, program: str) -> None:
    told = built.containers.run("dockyard/busybox", ["which", program], remove=True, network_mode="none")
    assert told.strip().endswith(program.encode())


@pytest.mark.engine
def test_busybox_runs_as_another_user_and_writes_to_tmp(built: Any) -> None:
    script = ["sh", "-c", "id -un; touch /tmp/file && ls /tmp"]
    told = built.containers.run("dockyard/busybox", script, user="learner", remove=True, network_mode="none")
    assert told.split() == [b"learner", b"file"]


@pytest.mark.engine
def test_debian_knows_its_sources_but_carries_no_lists(built: Any) -> None:
    script = [
        "sh",
        "-c",
        "cat /etc/apt/sources.list* /etc/apt/sources.list.d/* | grep -c deb; ls /var/lib/apt/lists | wc -l",
    ]
    sources, lists = built.containers.run("dockyard/debian", script, remove=True, network_mode="none").split()
    assert int(sources) >= 1
    assert int(lists) <= 1  # apt's own folder for parts


@pytest.mark.engine
def test_podman_is_refused() -> None:
    class Podman:
        def version(self) -> dict[str, Any]:
            return {"Components": [{"Name": "Podman Engine"}]}

    with pytest.raises(ImageError, match="Podman"):
        images._refuse_podman(Podman())  # type: ignore[arg-type]


@pytest.mark.engine
def test_apt_works_in_builds(built: Any, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "greeter").mkdir(parents=True)
    dockerfile = "FROM dockyard/debian\nRUN apt-get update && apt-get install --yes hello && hello\n"
    (folder / "greeter" / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    (folder / "docker-bake.hcl").write_text(
        'target "greeter" {\n  context = "images/greeter"\n  output  = ["type=cacheonly"]\n}\n', encoding="utf-8"
    )
    told: list[float] = []
    bake.bake(folder, ["greeter"], {}, lambda name, part, what: told.append(part), cache=False)
    assert told[-1] == 1.0
