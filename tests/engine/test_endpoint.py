"""Which engine is found, in the docker command's own order."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dockyard.engine import Endpoint, find
from dockyard.engine.problems import ContextElsewhere, EngineError, NoEngine
from tests.engine.fake import FakeEngine, write_context


def listener(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def test_docker_host_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_context(home / ".docker", "harbour", "unix:///harbour.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "harbour")
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2375")
    assert find() == Endpoint("tcp://192.0.2.7:2375", "DOCKER_HOST")


def test_docker_host_without_a_scheme_is_tcp(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "192.0.2.7:2375")
    assert find().url == "tcp://192.0.2.7:2375"


def test_docker_host_with_tls(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "ca.pem").touch()
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(home))
    tls = find().tls
    assert tls and tls.verify and tls.ca == home / "ca.pem" and tls.cert is None


def test_docker_context_comes_before_the_current_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_context(home / ".docker", "harbour", "unix:///harbour.sock")
    write_context(home / ".docker", "quay", "unix:///quay.sock", current=False)
    assert find() == Endpoint("unix:///harbour.sock", "context harbour", context="harbour")
    monkeypatch.setenv("DOCKER_CONTEXT", "quay")
    assert find().url == "unix:///quay.sock"


def test_docker_config_is_honoured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_context(home / "elsewhere", "harbour", "unix:///harbour.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "elsewhere"))
    assert find().source == "context harbour"


def test_certificates_of_a_context(home: Path) -> None:
    certificates = write_context(home / ".docker", "harbour", "tcp://192.0.2.7:2376", skip_verify=False)
    certificates.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (certificates / name).touch()
    tls = find().tls
    assert tls and tls.verify and (tls.ca, tls.key) == (certificates / "ca.pem", certificates / "key.pem")


def test_a_context_that_does_not_exist(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "harbour")
    with pytest.raises(ContextElsewhere, match="harbour, named by DOCKER_CONTEXT, does not exist") as caught:
        find()
    assert caught.value.next_step == "Type: unset DOCKER_CONTEXT"


def test_a_damaged_context(home: Path) -> None:
    write_context(home / ".docker", "harbour", "unix:///harbour.sock")
    next((home / ".docker/contexts/meta").rglob("meta.json")).write_text("{")
    with pytest.raises(ContextElsewhere, match="harbour cannot be read"):
        find()


def test_a_damaged_configuration_is_passed_over(home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text("{")
    with listener(home / "docker.sock"):
        assert find(default=home / "docker.sock").source == "default socket"


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("run/docker.sock", "rootless socket"),
        (".docker/run/docker.sock", "Docker Desktop's socket"),
        (".docker/desktop/docker.sock", "Docker Desktop's socket"),
        ("run/podman/podman.sock", "Podman socket"),
    ],
)
def test_other_known_places(home: Path, place: str, source: str) -> None:
    with listener(home / place):
        found = find(default=home / "docker.sock")
    assert (found.url, found.source) == (f"unix://{home / place}", source)
    assert found.environment() == {"DOCKER_HOST": f"unix://{home / place}"}


def test_a_stale_default_socket_gives_way_to_a_living_one(home: Path) -> None:
    listener(home / "docker.sock").close()
    assert find(default=home / "docker.sock").source == "default socket"
    with listener(home / "run/docker.sock"):
        assert find(default=home / "docker.sock").source == "rootless socket"


def test_no_engine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, path=None: None)
    with pytest.raises(NoEngine) as caught:
        find(default=home / "docker.sock")
    assert str(home / "docker.sock") in caught.value.expected
    assert caught.value.next_step.endswith("./dockyard engine install" if sys.platform == "linux" else "start it.")


def test_installed_but_stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, path=None: f"/usr/sbin/{program}")
    with pytest.raises(EngineError, match="installed, but it is not running"):
        find(default=home / "docker.sock")


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("unix:///var/run/docker.sock", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://[::1]:2375", False),
        ("tcp://localhost:2375", False),
        ("npipe:////./pipe/docker_engine", False),
        ("tcp://192.0.2.7:2375", True),
        ("tcp://docker:2376", True),
        ("ssh://me@harbour", True),
    ],
)
def test_what_counts_as_remote(url: str, remote: bool) -> None:
    assert Endpoint(url, "DOCKER_HOST").remote is remote


def test_import_is_light() -> None:
    code = "import sys, dockyard; before = set(sys.modules); import dockyard.engine; print(set(sys.modules) - before)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in ("docker", "requests", "click", "rich") if f"'{name}'" in answer.stdout]


@pytest.mark.skipif(not shutil.which("docker"), reason="compares with the docker command")
def test_the_docker_command_goes_to_the_same_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeEngine(home / "a.sock") as first, FakeEngine(home / "b.sock") as second:
        write_context(home / ".docker", "harbour", first.url)
        write_context(home / ".docker", "quay", second.url, current=False)
        for variables in ({}, {"DOCKER_CONTEXT": "quay"}, {"DOCKER_HOST": second.url, "DOCKER_CONTEXT": "harbour"}):
            with monkeypatch.context() as patch:
                for name, value in variables.items():
                    patch.setenv(name, value)
                answer = subprocess.run(
                    ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],
                    capture_output=True,
                    text=True,
                )
                used = variables.get("DOCKER_HOST") or answer.stdout.strip()
                assert find().url == used
