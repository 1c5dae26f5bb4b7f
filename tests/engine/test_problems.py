"""Each problem with an engine has its own error, raised by the real thing."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockyard.engine import Endpoint, connect, find, identify, problems
from dockyard.engine.client import remarks
from dockyard.errors import EngineError
from tests.engine.fake import DOCKER, INFO, OLD, PODMAN, WINDOWS, FakeEngine, write_context


def at(url: str) -> Endpoint:
    return Endpoint(url, "default socket")


def own_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; only asks the routing table
        except OSError:
            pytest.skip("no network but loopback")
        return probe.getsockname()[0]


def test_connect_costs_one_request(home: Path) -> None:
    with FakeEngine(home / "e.sock") as fake:
        client = connect(at(fake.url))
        assert fake.requests == ["/version"]
        assert client.api.api_version == "1.48"


def test_identify(home: Path) -> None:
    info: dict[str, Any] = INFO | {"SecurityOptions": ["name=seccomp", "name=rootless"]}
    with FakeEngine(home / "e.sock", info=info) as fake:
        who = identify(connect(at(fake.url)))
    assert (who.id, who.version, who.api_version, who.os) == (INFO["ID"], "28.0.1", "1.48", "linux")
    assert who.rootless and not who.podman and who.product == "Docker Engine 28.0.1"
    assert remarks(at(fake.url), who) == []


def test_podman_works_and_says_so(home: Path) -> None:
    with FakeEngine(home / "e.sock", PODMAN) as fake:
        who = identify(connect(at(fake.url)))
    assert who.podman and who.product == "Podman 5.4.2"
    assert remarks(at(fake.url), who)[0].startswith("Podman 5.4.2 answers as Docker")


def test_api_too_old(home: Path) -> None:
    with FakeEngine(home / "e.sock", OLD) as fake, pytest.raises(problems.ApiTooOld) as caught:
        connect(at(fake.url))
    assert "19.03.15 with API 1.40" in caught.value.found and "1.41" in caught.value.expected


def test_the_oldest_api_that_will_do(home: Path) -> None:
    with FakeEngine(home / "e.sock", DOCKER | {"ApiVersion": "1.41"}) as fake:
        assert connect(at(fake.url)).api.api_version == "1.41"


def test_windows_containers(home: Path) -> None:
    with FakeEngine(home / "e.sock", WINDOWS) as fake, pytest.raises(problems.WindowsContainers) as caught:
        connect(at(fake.url))
    assert "Switch to Linux containers" in caught.value.next_step


def test_daemon_stopped(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / "e.sock"))
    with pytest.raises(problems.DaemonStopped, match="nobody listens") as caught:
        connect(at(f"unix://{home}/e.sock"))
    assert caught.value.next_step == problems.start_words()


@pytest.fixture
def nobody() -> Iterator[None]:
    """Work as an ordinary user: the kernel then judges permissions as it would for one."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


def test_permission_denied(home: Path, request: pytest.FixtureRequest) -> None:
    with FakeEngine(home / "e.sock") as fake:
        (home / "e.sock").chmod(0)
        request.getfixturevalue("nobody")
        with pytest.raises(problems.NotPermitted, match="permission denied") as caught:
            connect(at(fake.url))
    assert "usermod -aG docker" in caught.value.next_step


def test_permission_denied_to_the_socket_directory(home: Path, request: pytest.FixtureRequest) -> None:
    (home / "closed").mkdir()
    with FakeEngine(home / "closed/e.sock") as fake:
        (home / "closed").chmod(0o600)
        request.getfixturevalue("nobody")
        with pytest.raises(problems.NotPermitted):
            connect(at(fake.url))


def test_context_pointing_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_context(home / ".docker", "desktop-linux", f"unix://{home}/desktop.sock")
    (home / "run").mkdir()
    with FakeEngine(home / "run/docker.sock"), pytest.raises(problems.ContextElsewhere) as caught:
        connect()
    assert f"desktop-linux points to {home}/desktop.sock, where no engine answers" in caught.value.found
    assert "An engine does answer at" in caught.value.expected
    assert caught.value.next_step == "Type: docker context use default"


def test_docker_host_pointing_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(problems.ContextElsewhere, match="connection refused") as caught:
        connect()
    assert caught.value.next_step.endswith("unset DOCKER_HOST")


@pytest.mark.parametrize("host", ["", "engine.invalid:2375"])
def test_remote_unreachable(home: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    host = host or f"{own_address()}:1"  # a port of this machine, by an address that is not loopback: nobody listens
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{host}")
    with pytest.raises(problems.RemoteUnreachable, match=r"from DOCKER_HOST\) cannot be reached: "):
        connect(timeout=1)


def test_remote_works_and_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeEngine((own_address(), 0)) as fake:
        monkeypatch.setenv("DOCKER_HOST", fake.url)
        endpoint = find()
        who = identify(connect(endpoint))
    assert remarks(endpoint, who)[0].startswith(f"The engine is on another machine ({fake.url}, from DOCKER_HOST)")


def test_another_place_than_the_docker_commands_says_so(home: Path) -> None:
    (home / "run").mkdir()
    with FakeEngine(home / "run/docker.sock") as fake:
        endpoint = find(default=home / "docker.sock")
        who = identify(connect(endpoint))
    assert f"export DOCKER_HOST={fake.url}" in remarks(endpoint, who)[0]


def test_ssh_is_told_how_to_forward(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@harbour")
    with pytest.raises(problems.UnsupportedAddress, match="ssh://") as caught:
        connect()
    assert "ssh -nNT -L" in caught.value.next_step


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.0 404 Not Found\r\n\r\nno such page",
        b"HTTP/1.0 200 OK\r\n\r\n<html>",
        b"HTTP/1.0 200 OK\r\n\r\n[]",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"",
    ],
)
def test_not_an_engine(home: Path, answer: bytes) -> None:
    with FakeEngine(home / "e.sock", answer) as fake, pytest.raises(problems.NotAnEngine, match="not a Docker Engine"):
        connect(at(fake.url))


def test_silent(home: Path) -> None:
    release = threading.Event()
    with FakeEngine(home / "e.sock", delay=release) as fake:
        with pytest.raises(problems.EngineSilent, match=r"within 0.3 s"):
            connect(at(fake.url), timeout=0.3)
        release.set()


def test_gone_after_connecting(home: Path) -> None:
    with FakeEngine(home / "e.sock") as fake:
        client = connect(at(fake.url))
    with pytest.raises(EngineError, match="does not answer"):
        identify(client)


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes certificates with openssl")
@pytest.mark.parametrize("trusted", [True, False])
def test_a_context_with_certificates(home: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool) -> None:
    for name in ("server", "client", "stranger"):
        command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
        command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {home}/{name}.key -out {home}/{name}.pem"
        subprocess.run(command.split(), check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(home / "server.pem", home / "server.key")
    tls.load_verify_locations(home / "client.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(home / "stranger.pem"))
    with FakeEngine(("127.0.0.1", 0), tls=tls) as fake:
        folder = write_context(home / ".docker", "harbour", fake.url, skip_verify=False)
        folder.mkdir(parents=True)
        shutil.copy(home / ("server.pem" if trusted else "stranger.pem"), folder / "ca.pem")
        shutil.copy(home / "client.pem", folder / "cert.pem")
        shutil.copy(home / "client.key", folder / "key.pem")
        if trusted:
            assert connect().version()["Version"] == "28.0.1"
        else:
            with pytest.raises(problems.TlsFailed, match="refuses TLS"):
                connect()


@pytest.mark.engine
def test_the_real_engine(engine: Any) -> None:
    who = identify(connect())
    assert who.id == engine.info()["ID"] and who.os == "linux" and who.storage_driver
