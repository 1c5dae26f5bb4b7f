"""The commands `dockyard images …`, as a person types them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dockyard.cli.images import images
from dockyard.errors import ImageError
from dockyard.lab import images as building
from dockyard.lab import inventory

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def built(engine: Any) -> None:
    building.ensure(engine, yes=True, progress=lambda name, part, what: None)


def type_in(*words: str) -> str:
    result = CliRunner().invoke(images, list(words))
    if result.exception:
        raise result.exception
    return result.output


def test_build_twice_does_nothing() -> None:
    told = type_in("build", "dockyard/busybox", "vm")
    assert told == "✓ Nothing to do: dockyard/busybox, dockyard/vm are up to date.\n"


def test_build_refuses_unknown_names() -> None:
    with pytest.raises(ImageError, match="no lab image called ubuntu"):
        type_in("build", "ubuntu")


def test_ls_shows_each_image_and_the_sum() -> None:
    told = type_in("ls")
    assert all(image.tag in told for image in inventory.IMAGES.values())
    assert told.count("up to date") == len(inventory.IMAGES)
    assert "Together: " in told and "Build what is missing" not in told


def test_missing_and_outdated_images_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = inventory.LabImage("absent")
    monkeypatch.setitem(inventory.IMAGES, "absent", absent)
    monkeypatch.setattr(inventory, "inputs", lambda name: "others")
    monkeypatch.setattr(inventory.states, "__defaults__", (("busybox", "absent"),))
    told = type_in("ls")
    assert "out of date" in told and "missing" in told
    assert "Build what is missing: dockyard images build" in told


def test_load_refuses_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("no archive", encoding="utf-8")
    with pytest.raises(ImageError, match="damaged"):
        type_in("load", str(tmp_path / "a.tar"))


def test_save_and_load(tmp_path: Path) -> None:
    file = str(tmp_path / "lab.tar")
    assert "dockyard images load lab.tar" in type_in("save", file)
    assert "✓ Loaded: dockyard/busybox:latest, dockyard/debian:latest, dockyard/vm:latest" in type_in("load", file)
