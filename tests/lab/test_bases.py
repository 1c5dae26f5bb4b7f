"""The bases: pulled from a real registry on loopback, or made from packages; what apt says is read right."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import secrets
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from docker.errors import ImageNotFound

from dockyard.errors import ImageError
from dockyard.lab import base_busybox, base_debian, bases, packages


class Registry(BaseHTTPRequestHandler):
    """The part of the registry protocol that a pull needs, for one image of one small layer (OCI distribution spec)."""

    blobs: dict[str, bytes]
    manifest: bytes

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        kind, body = "application/octet-stream", b"{}"
        if "/manifests/" in self.path:
            kind, body = "application/vnd.docker.distribution.manifest.v2+json", self.manifest
        elif "/blobs/" in self.path:
            body = self.blobs[self.path.rpartition("/")[2]]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", digest(body))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@pytest.fixture
def registry(engine: Any) -> Iterator[str]:
    """Address of a registry on loopback that has one image, whatever name it is asked for."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        entry = tarfile.TarInfo("greeting")
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"hello"))
    layer = gzip.compress(file.getvalue())
    config = json.dumps(
        {
            "architecture": engine.version()["Arch"],
            "os": "linux",
            "config": {"Labels": {"seed": secrets.token_hex(4)}},
            "rootfs": {"type": "layers", "diff_ids": [digest(file.getvalue())]},
        }
    ).encode()
    part = "application/vnd.docker.container.image.v1+json"
    described = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": part, "size": len(config), "digest": digest(config)},
        "layers": [
            {
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": len(layer),
                "digest": digest(layer),
            }
        ],
    }
    members = {"blobs": {digest(layer): layer, digest(config): config}, "manifest": json.dumps(described).encode()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneImage", (Registry,), members))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def base(engine: Any, registry: str) -> Iterator[bases.Base]:
    base = bases.Base(f"test-{secrets.token_hex(3)}", f"{registry}/busybox:stable-musl")
    yield base
    for tag in (base.tag, base.pulled_from):
        with suppress(ImageNotFound):
            engine.images.remove(tag)


@pytest.mark.engine
def test_pulled_base_gets_our_name_and_leaves_no_other(engine: Any, base: bases.Base) -> None:
    usual = engine.api.timeout
    said: list[str] = []
    assert bases.ensure(engine, base, say=said.append, ask=lambda question: False) == base.tag
    assert engine.images.get(base.tag).tags == [base.tag]
    assert engine.api.timeout == usual
    assert said[0].startswith("asking the registry")
    said.clear()
    bases.ensure(engine, base, say=said.append, ask=lambda question: False)
    assert said == [], "what is there is not asked for again"


@pytest.mark.engine
def test_image_that_the_person_had_pulled_keeps_its_name(engine: Any, base: bases.Base) -> None:
    repository, _, tag = base.pulled_from.rpartition(":")
    engine.images.pull(repository, tag)
    assert bases.pull(engine, base, lambda step: None) is None
    assert sorted(engine.images.get(base.tag).tags) == sorted([base.tag, base.pulled_from])


@pytest.mark.engine
def test_no_registry_and_no_apt_is_said(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "have_apt", lambda: False)
    base = bases.Base("never", "127.0.0.1:1/busybox:stable-musl")
    with pytest.raises(ImageError, match=r"No registry gave 127\.0\.0\.1:1/busybox:stable-musl") as caught:
        bases.ensure(engine, base, say=lambda step: None, ask=lambda question: False)
    assert "dockyard images load" in caught.value.next_step


@pytest.mark.engine
def test_base_of_an_older_recipe_is_made_anew(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = bases.Base(f"test-{secrets.token_hex(3)}", "none:none")
    empty = tmp_path / "empty.tar"
    tarfile.open(empty, "w").close()
    try:
        bases.import_archive(engine, empty, base.tag)
        assert bases._is_there(engine, base)
        monkeypatch.setattr(bases, "RECIPE", "next")
        assert not bases._is_there(engine, base)
    finally:
        engine.images.remove(base.tag)


@pytest.mark.engine
@pytest.mark.skipif(not packages.have_apt(), reason="no apt on this machine")
def test_busybox_from_the_package(tmp_path: Path) -> None:
    made = base_busybox.make(tmp_path, lambda step: None)
    with tarfile.open(made) as tar:
        links = {entry.name: entry.linkname for entry in tar if entry.issym()}
        assert tar.getmember("tmp").mode == 0o1777
        assert tar.getmember("bin/busybox").mode == 0o755
    assert {"bin/sh", "bin/ps", "bin/httpd", "bin/wget", "usr/bin/env"} <= set(links)
    assert made.stat().st_size < 3e6


def test_archives_are_those_of_the_own_release(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = "\n".join(
        "\t".join(row)
        for row in (
            ("Packages", "mirror://one/d/", "hamm-security", "main"),
            ("Packages", "mirror://one/d/", "hamm", "main"),
            ("Packages", "mirror://one/d/", "hamm", "contrib"),
            ("Translations", "mirror://one/d/", "hamm", "main"),
            ("Packages", "mirror://one/d/", "slink", "main"),
        )
    )
    monkeypatch.setattr(packages, "run", lambda command, what: listing)
    monkeypatch.setattr(packages, "os_release", lambda: {"VERSION_CODENAME": "hamm"})
    lines = [archive.source_line() for archive in packages.archives()]
    assert lines == ["deb mirror://one/d hamm main contrib", "deb mirror://one/d hamm-security main"]
    monkeypatch.setattr(packages, "os_release", lambda: {"VERSION_CODENAME": "bo"})
    with pytest.raises(ImageError, match="no package source for this machine's release"):
        packages.archives()


def test_settings_for_the_image_hold_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    dump = (
        'Acquire::Check-Date "false";\n'
        'Acquire::http::Proxy "http://name:secret@proxy.test:3128";\n'
        'Acquire::https::Proxy "http://proxy.test:3128";\n'
        'APT::Architecture "amd64";\n'
    )
    monkeypatch.setattr(packages, "run", lambda command, what: dump)
    assert packages.apt_settings() == [
        'Acquire::Check-Date "false";',
        'Acquire::https::Proxy "http://proxy.test:3128";',
    ]
    assert packages.proxy_environment()["https_proxy"] == "http://proxy.test:3128"


def test_failed_command_shows_its_last_lines() -> None:
    with pytest.raises(ImageError, match="Trying failed with status 3") as caught:
        packages.run(["sh", "-c", "seq 20; exit 3"], what="Trying")
    assert caught.value.expected.splitlines() == [str(number) for number in range(13, 21)]
    with pytest.raises(ImageError, match="Trying failed"):
        packages.run(["/no/such/program"], what="Trying")


def test_a_download_that_failed_is_tried_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f'if [ -e {mark} ]; then exit 0; fi; touch {mark}; echo "W: Couldn\'t download package tar"; exit 1'
    said: list[str] = []
    base_debian._debootstrap(["sh", "-c", script], {}, said.append)
    assert said == ["some packages did not arrive: once more"]
    with pytest.raises(ImageError, match="failed with status 1"):
        base_debian._debootstrap(["sh", "-c", 'echo "Couldn\'t download"; exit 1'], {}, said.append)
    assert len(said) == 3


def test_debootstrap_failure_shows_its_last_lines() -> None:
    said: list[str] = []
    script = "echo I: Retrieving base-files; echo E: Failed getting release file; exit 1"
    with pytest.raises(ImageError, match="debootstrap failed with status 1") as caught:
        base_debian._debootstrap(["sh", "-c", script], {}, said.append)
    assert said == ["debootstrap: Retrieving base-files"]
    assert "E: Failed getting release file" in caught.value.expected


def test_without_root_and_agreement_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_debian.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(base_debian.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(ImageError, match="must run as root"):
        base_debian._become_root(lambda question: False, {})
    words = base_debian._become_root(lambda question: True, {"PATH": "/bin", "HOME": "/h"})
    assert words == ["sudo", "env", "PATH=/bin"]


def test_stand_in_for_wget(tmp_path: Path) -> None:
    packages.write_wget(tmp_path / "bin")
    (tmp_path / "from").write_text("content", encoding="utf-8")
    address = (tmp_path / "from").as_uri()
    program = str(tmp_path / "bin" / "wget")
    subprocess.run([program, "-nv", "-O", str(tmp_path / "to"), address], check=True)
    assert (tmp_path / "to").read_text(encoding="utf-8") == "content"
    failed = subprocess.run([program, "-O", str(tmp_path / "to"), address + "x"], capture_output=True, check=False)
    assert failed.returncode == 1
