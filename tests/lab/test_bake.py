"""Reading a build's steps, naming what failed, and the bake file itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.errors import ImageError
from dockyard.lab import bake, inventory

TRANSCRIPT = """\
#0 building with "default" instance using docker driver
#1 [busybox internal] load build definition from Dockerfile
#1 DONE 0.0s
#2 [busybox 1/2] FROM docker.io/dockyard/base-busybox:latest
#2 CACHED
#3 [vm guest 2/6] RUN apt-get update && sh /usr/local/bin/kernel amd64 /guest
#3 0.753 Fetched 9820 kB in 1s (16.5 MB/s)
#4 [busybox 2/2] COPY etc/ /etc/
#4 DONE 0.1s
#3 1.635 E: Unable to locate package linux-image
#3 ERROR: process "/bin/sh -c apt-get update" did not complete successfully: exit code: 100
------
 > [vm guest 2/6] RUN apt-get update && sh /usr/local/bin/kernel amd64 /guest:
------
ERROR: failed to solve: process "/bin/sh -c apt-get update" did not complete successfully: exit code: 100
"""


def read(transcript: str, totals: dict[str, int]) -> tuple[bake.Reader, list[tuple[str, float, str]]]:
    told: list[tuple[str, float, str]] = []
    reader = bake.Reader(totals, lambda name, part, what: told.append((name, part, what)))
    for line in transcript.splitlines(keepends=True):
        reader.feed(line)
    return reader, told


def test_progress_rises_and_names_the_image() -> None:
    _, told = read(TRANSCRIPT, {"busybox": 2, "vm": 6})
    parts = [part for name, part, _ in told if name == "busybox"]
    assert parts == sorted(parts)
    assert parts[-1] == 0.99
    assert ("vm", 0.0, "RUN apt-get update && sh /usr/local/bin/kernel amd64 /guest") in told
    assert not any("load build definition" in what for _, _, what in told)


def test_failure_names_image_step_and_last_lines() -> None:
    reader, _ = read(TRANSCRIPT, {"busybox": 2, "vm": 6})
    error = reader.error(1)
    assert error.found == (
        "dockyard/vm could not be built: the step "
        "“guest 2/6 RUN apt-get update && sh /usr/local/bin/kernel amd64 /guest” failed."
    )
    assert "E: Unable to locate package linux-image" in error.expected
    assert "exit code: 100" in error.expected
    assert error.next_step == "When it is mended: dockyard images build vm"


def test_single_target_has_no_name_in_its_steps() -> None:
    reader, told = read(
        "#5 [1/2] FROM docker.io/a\n#5 DONE 0.0s\n#6 [2/2] RUN false\n#6 ERROR: exit code: 1\n", {"vm": 2}
    )
    assert {name for name, _, _ in told} == {"vm"}
    assert reader.error(1).found.startswith("dockyard/vm could not be built: the step “2/2 RUN false”")
    assert "exit code: 1" in reader.error(1).expected


def test_failure_without_a_step_shows_the_tail() -> None:
    reader, _ = read("ERROR: could not find docker-bake.hcl\n", {"vm": 2})
    assert "could not find docker-bake.hcl" in str(reader.error(1))


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (None, "The docker command cannot be run"),
        ("echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1", "docker has no buildx."),
    ],
)
def test_missing_buildx_is_said(
    script: str | None, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        docker = tmp_path / "docker"
        docker.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match=found):
        bake.check_buildx()


@pytest.mark.engine
def test_bake_file_and_inventory_agree(engine: object) -> None:
    targets = bake.targets(inventory.folder())
    assert set(targets) == set(inventory.NAMES)
    for name, target in targets.items():
        assert target["context"] == f"images/{name}"
        assert target["tags"] == [inventory.IMAGES[name].tag]
        contexts = target.get("contexts", {})
        assert isinstance(contexts, dict)
        assert set(contexts) == set(inventory.IMAGES[name].parents)
        labels = target["labels"]
        assert isinstance(labels, dict)
        assert labels[inventory.NAME_LABEL] == name
        assert labels["org.opencontainers.image.title"] == f"dockyard/{name}"
        assert labels["org.opencontainers.image.description"]


@pytest.mark.engine
def test_real_failure_names_image_step_and_last_lines(engine: object, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "broken").mkdir(parents=True)
    (folder / "broken" / "Dockerfile").write_text(
        "FROM dockyard/busybox\nRUN echo fine\nRUN echo about to fail; echo here it is; exit 7\n", encoding="utf-8"
    )
    (folder / "docker-bake.hcl").write_text(
        'target "broken" {\n  context = "images/broken"\n  output  = ["type=cacheonly"]\n}\n', encoding="utf-8"
    )
    with pytest.raises(ImageError) as caught:
        bake.bake(folder, ["broken"], {}, lambda name, part, what: None)
    assert caught.value.found.startswith("dockyard/broken could not be built: the step “3/3 RUN echo about to fail")
    assert "here it is" in caught.value.expected
    assert "exit code: 7" in caught.value.expected


def test_no_mirror_is_named_in_images() -> None:
    for path in inventory.folder().rglob("*"):
        if path.is_file():
            assert "http" not in path.read_text(encoding="utf-8"), f"{path} names an address"
            assert os.sep * 2 not in path.read_text(encoding="utf-8"), f"{path} names an address"
