"""Carrying the lab images in one file: there and back, and no file that holds anything else."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from dockyard.errors import ImageError
from dockyard.lab import carry


def archive(path: Path, **members: Any) -> Path:
    """Write a tar archive of JSON members: manifest=[…] becomes manifest.json."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as tar:
        for name, content in members.items():
            body = json.dumps(content).encode()
            entry = tarfile.TarInfo(f"{name}.json")
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return path


def tags(*names: str | None) -> list[dict[str, Any]]:
    return [{"Config": "c", "Layers": [], "RepoTags": [name] if name else None} for name in names]


def test_lab_images_are_accepted(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.tar.gz", manifest=tags("dockyard/busybox:latest", "dockyard/vm:latest"))
    assert carry.look_into(file)[0] == ["dockyard/busybox:latest", "dockyard/vm:latest"]


@pytest.mark.parametrize(
    ("members", "holds"),
    [
        ({"manifest": tags("dockyard/busybox:latest", "debian:latest")}, "holds debian:latest"),
        ({"manifest": tags("dockyard/lab-mine:latest")}, "holds dockyard/lab-mine:latest"),
        ({"manifest": tags("evil/dockyard/busybox:latest")}, "holds evil/dockyard/busybox:latest"),
        ({"manifest": tags("dockyard/busybox:latest", None)}, "holds an image without a name"),
        ({"manifest": []}, "an image without a name"),
        ({"manifest": {"no": "list"}}, "is damaged"),
        ({"other": {}}, "holds no image"),
        (
            {
                "manifest": tags("dockyard/busybox:latest"),
                "index": {"manifests": [{"annotations": {"io.containerd.image.name": "docker.io/library/x:1"}}]},
            },
            "holds library/x:1",
        ),
        ({"manifest": tags("dockyard/vm:latest"), "index": {"manifests": [{}]}}, "an image without a name"),
    ],
)
def test_other_archives_are_refused(tmp_path: Path, members: dict[str, Any], holds: str) -> None:
    with pytest.raises(ImageError, match=holds):
        carry.look_into(archive(tmp_path / "a.tar", **members))


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.zst"])
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    if name.endswith("zst") and not shutil.which("zstd"):
        pytest.skip("no zstd")
    file = tmp_path / name
    file.write_bytes(b"this is no archive " * 100)
    with pytest.raises(ImageError, match="is damaged"):
        carry.look_into(file)


def test_cut_off_files_are_refused(tmp_path: Path) -> None:
    whole = archive(tmp_path / "a.tar", manifest=tags("dockyard/vm:latest"), more={"text": "x" * 50_000}).read_bytes()
    (tmp_path / "b.tar").write_bytes(whole[:20_000])
    (tmp_path / "c.tar.gz").write_bytes(gzip.compress(whole)[:60])
    for name in ("b.tar", "c.tar.gz"):
        with pytest.raises(ImageError, match="is damaged"):
            carry.look_into(tmp_path / name)


def test_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="ending"):
        carry.save(None, tmp_path / "images.zip")  # type: ignore[arg-type]


@pytest.mark.engine
@pytest.mark.parametrize("name", ["lab.tar", "lab.tar.gz"])
def test_there_and_back(engine: Any, tmp_path: Path, name: str) -> None:
    moved: list[int] = []
    size = carry.save(engine, tmp_path / name, ("busybox",), lambda done, total: moved.append(done))
    assert size == (tmp_path / name).stat().st_size > 100_000
    assert moved == sorted(moved) and moved
    assert [path.name for path in tmp_path.iterdir()] == [name], "no part is left beside it"
    identity = engine.images.get("dockyard/busybox").id
    assert carry.load(engine, tmp_path / name) == ["dockyard/busybox:latest"]
    assert engine.images.get("dockyard/busybox").id == identity


@pytest.mark.engine
def test_failed_save_leaves_the_old_file(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "lab.tar"
    file.write_text("old", encoding="utf-8")

    def full(done: int, total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ImageError, match="No space left"):
        carry.save(engine, file, ("busybox",), full)
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]
