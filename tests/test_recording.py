"""Recording and replaying below the true docker-py: the same bytes in both lives, and nothing but reading."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.server
import io
import json
import lzma
import os
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard import evidence
from dockyard.errors import CheckError, EvidenceError
from dockyard.recording import MAX_BODY, exchange_from, key_of, refuse_changes
from tests.cells import agree, cell, filed, run_live, run_replay
from tests.fake_engine import MULTIPLEXED, FakeEngine, frame, identity
from tests.test_evidence import sample

NOT_UTF8 = b"\xff\xfe\x00 caf\xe9\r\n"

# what a check does with docker-py → the same, live and from the evidence
CALLS = {
    "get": 'container = docker.containers.get("lab-a"); assert container.status == "running", container.status',
    "reload": 'container = docker.containers.get("lab-a"); container.reload(); assert container.name == "lab-a", "?"',
    "list": 'assert [c.name for c in docker.containers.list()] == ["lab-a"], "not the one"',
    "top": 'assert docker.containers.get("lab-a").top()["Processes"] == [["1", "sh"]], "no process"',
    "top with arguments": 'assert docker.containers.get("lab-a").top(ps_args="-ef"), "no process"',
    "diff": 'assert docker.containers.get("lab-a").diff()[0]["Kind"] == 2, "nothing deleted"',
    "image": 'assert docker.containers.get("lab-a").image.tags == ["dockyard/busybox:latest"], "another image"',
    "history": 'assert docker.images.get("dockyard/busybox").history()[0]["CreatedBy"], "no step"',
    "images": 'assert docker.images.list()[0].tags == ["dockyard/busybox:latest"], "no image"',
    "network": 'assert docker.networks.get("lab-net").attrs["Containers"], "nobody there"',
    "networks": 'assert {"bridge", "lab-net"} <= {n.name for n in docker.networks.list()}, "no network"',
    "volume": 'assert docker.volumes.get("lab-data").name == "lab-data", "no volume"',
    "volumes": 'assert [v.name for v in docker.volumes.list()] == ["lab-data"], "no volume"',
    "info": 'assert docker.info()["Driver"] == "overlay2", "another driver"',
    "version": 'assert docker.version()["ApiVersion"] == "1.48", "another version"',
    "ping": "assert docker.ping(), 'no pong'",
    "not found": 'docker.containers.get("lab-b")',
    "failed": 'assert docker.containers.get("lab-a").status == "exited", "lab-a is not exited."',
}


@pytest.fixture
def harbour(fake_engine: FakeEngine) -> FakeEngine:
    fake_engine.network("lab-net", {"lab-a": ""})
    fake_engine.volume("lab-data")
    fake_engine.container("lab-a", networks=("lab-net",), volumes=("lab-data",), log=frame(b"hello\n"))
    fake_engine.raw("/_ping", b"OK", "text/plain; charset=utf-8")
    return fake_engine


@pytest.mark.parametrize("name", CALLS)
def test_replay_agrees(harbour: FakeEngine, tmp_path: Path, name: str) -> None:
    outcome = agree(tmp_path, cell(CALLS[name]))
    assert outcome.passed is (name not in ("not found", "failed")), outcome.message


def test_replay_asks_nobody(harbour: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = cell("\n".join(call for name, call in CALLS.items() if name not in ("not found", "failed")))
    assert run_live(tmp_path, source).passed
    asked = len(harbour.requests)

    def refuse(*args: object) -> None:
        raise AssertionError("a socket was opened")

    for method in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, method, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert run_replay(tmp_path, source).passed is True
    assert len(harbour.requests) == asked


def test_replay_reads_no_other_file_than_the_evidence(harbour: FakeEngine, tmp_path: Path) -> None:
    """A hand-in can be graded on a machine without engine, socket or configuration."""
    source = cell(CALLS["get"])
    run_live(tmp_path, source)
    harbour.close()
    try:
        assert run_replay(tmp_path, source).passed is True
    finally:
        harbour.server.server_close = harbour.server.shutdown = lambda: None  # type: ignore[method-assign]


LOGS = {
    "empty": (b"", False),
    "lines": (frame(b"one\n") + frame(b"two\n"), False),
    "both streams": (frame(b"out\n") + frame(b"err\n", 2), False),
    "not UTF-8": (frame(NOT_UTF8), False),
    "every byte": (frame(bytes(range(256)) * 8), False),
    "no line break at the end": (frame(b"prompt> "), False),
    "an empty frame": (frame(b"") + frame(b"x\n"), False),
    "a terminal's": (b"\x1b[1mbold\x1b[0m\r\n", True),
    "a terminal's, not UTF-8": (NOT_UTF8, True),
}
READ_LOGS = """
container = docker.containers.get("lab-a")
whole = container.logs()
assert whole == b"".join(container.logs(stream=True, follow=False)), "the streams differ"
assert False, whole.hex()[:400]
"""


@pytest.mark.parametrize("kind", [None, "application/octet-stream", ""])
@pytest.mark.parametrize("name", LOGS)
def test_logs_are_the_same_bytes(fake_engine: FakeEngine, tmp_path: Path, name: str, kind: str | None) -> None:
    """API 1.41 sends logs as octets or without a type, newer ones name the kind of stream."""
    log, tty = LOGS[name]
    me = fake_engine.container("lab-a", log=log, tty=tty)
    if kind is not None:
        fake_engine.raw(f"/containers/{me}/logs", log, kind)
    content = log if tty else b"".join(part for _, part in frames(log))
    assert agree(tmp_path, cell(READ_LOGS)).message == content.hex()[:400] or not content


def frames(log: bytes) -> Iterator[tuple[int, bytes]]:
    while log:
        size = int.from_bytes(log[4:8], "big")
        yield log[0], log[8 : 8 + size]
        log = log[8 + size :]


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50)), max_size=8))
def test_a_recorded_body_is_kept_to_the_byte(parts: list[tuple[int, bytes]]) -> None:
    from dockyard.wire import body_of

    body = b"".join(frame(content, stream) for stream, content in parts)
    for kind in (MULTIPLEXED, "text/plain", "application/octet-stream", "application/x-tar", ""):
        exchange = exchange_from("GET /x", 200, {"Content-Type": kind}, body)
        assert body_of(json.loads(json.dumps(exchange))) == body


def archive(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


READ_FILE = """
stream, stat = docker.containers.get("lab-a").get_archive("/etc/app.conf")
with tarfile.open(fileobj=io.BytesIO(b"".join(stream)), mode="r:") as tar:
    content = tar.extractfile("app.conf").read()
assert stat["name"] == "app.conf" and content == bytes.fromhex({expected!r}), content.hex()[:200]
"""


def test_files_are_read_from_archives(harbour: FakeEngine, tmp_path: Path) -> None:
    stat = {"X-Docker-Container-Path-Stat": "eyJuYW1lIjogImFwcC5jb25mIn0="}  # {"name": "app.conf"}
    path = f"/containers/{identity('lab-a')}/archive"
    harbour.raw(path, archive("app.conf", NOT_UTF8), "application/x-tar", headers=stat)
    assert agree(tmp_path, cell(READ_FILE.format(expected=NOT_UTF8.hex()), beside="import io, tarfile")).passed
    missing = {"message": "Could not find the file /etc/app.conf in container lab-a"}
    harbour.json(path, missing, status=404)
    other = agree(tmp_path / "b", cell(READ_FILE.format(expected=""), beside="import io, tarfile"))
    assert other.message == "Could not find the file /etc/app.conf in container lab-a"


def test_answers_keep_their_order(harbour: FakeEngine, tmp_path: Path) -> None:
    """The same question twice: the first answer, then the second, then the second again."""
    source = cell(
        """
        client = docker.api
        seen = [docker.info()["Driver"] for _ in range(times)]
        assert False, " ".join(seen)
        """,
        "docker, times",
    )
    harbour_json = iter(["overlay2", "btrfs", "btrfs"])
    real = harbour.answer

    def changing(handler: Any) -> None:
        if handler.path.endswith("/info"):
            harbour.json("/info", {"Driver": next(harbour_json, "zfs")})
        real(handler)

    harbour.answer = changing  # type: ignore[method-assign]
    assert run_live(tmp_path, source, times=2).message == "overlay2 btrfs"
    evidence.write(evidence.path_of(tmp_path, "try-it"), {**filed(tmp_path), "answers": {"times": 3}})
    assert run_replay(tmp_path, source).message == "overlay2 btrfs btrfs"


REFUSED = {
    "exec": 'docker.containers.get("lab-a").exec_run("id")',
    "start": 'docker.containers.get("lab-a").start()',
    "remove": 'docker.containers.get("lab-a").remove()',
    "wait": 'docker.containers.get("lab-a").wait()',
    "create": 'docker.containers.create("dockyard/busybox")',
    "run": 'docker.containers.run("dockyard/busybox")',
    "pull": 'docker.images.pull("busybox")',
    "build": 'docker.images.build(fileobj=__import__("io").BytesIO(b""))',
    "prune": "docker.networks.prune()",
    "put_archive": 'docker.containers.get("lab-a").put_archive("/", b"")',
    "attach": 'docker.containers.get("lab-a").attach()',
    "attach_socket": 'docker.containers.get("lab-a").attach_socket()',
    "attach over a web socket": 'docker.api._get(docker.api._url("/containers/lab-a/attach/ws"))',
    "export": 'b"".join(docker.containers.get("lab-a").export())',
    "save": 'b"".join(docker.images.get("dockyard/busybox").save())',
    "several images": 'docker.api._get(docker.api._url("/images/get"))',
    "follow": 'list(docker.containers.get("lab-a").logs(stream=True))',
    "follow, not streamed": 'docker.containers.get("lab-a").logs(follow=True)',
    "follow, in other words": 'docker.api._get(docker.api._url("/containers/lab-a/logs") + "?follow=yes")',
    "stats stream": 'next(docker.containers.get("lab-a").stats())',
    "stats stream by default": 'docker.api._get(docker.api._url("/containers/lab-a/stats"))',
    "disk usage": "docker.df()",
    "events": "next(docker.events())",
    "search": 'docker.images.search("busybox")',
    "a registry": 'docker.images.get_registry_data("busybox")',
    "plugins": "docker.plugins.list()",
    "login": 'docker.login("a", "b")',
    "a path of the course's that leads out": 'docker.api._get(docker.api._url("/containers/lab-a/../../exec/x/json"))',
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", REFUSED)
def test_a_check_only_reads(harbour: FakeEngine, tmp_path: Path, name: str) -> None:
    before = len(harbour.requests)
    outcome = run_live(tmp_path, cell(REFUSED[name]))
    assert outcome.passed is False and outcome.message.startswith("This check is broken:"), outcome.message
    assert not evidence.path_of(tmp_path, "try-it").exists(), "a broken check is no attempt"
    asked = [request for request in harbour.requests[before:] if "/json" not in request and "/version" not in request]
    assert not asked, "the request was sent"


@given(st.sampled_from(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", ""]), st.text())
def test_other_methods_are_refused(method: str, path: str) -> None:
    with pytest.raises(CheckError):
        refuse_changes(method, f"http+docker://engine/v1.48/containers/{path}")


def test_an_answer_may_be_too_large(harbour: FakeEngine, tmp_path: Path) -> None:
    harbour.raw(f"/containers/{identity('lab-a')}/logs", frame(b"x" * MAX_BODY), MULTIPLEXED)
    outcome = agree(tmp_path, cell('docker.containers.get("lab-a").logs()'))
    assert outcome.passed is False and outcome.message == "The answer is larger than 256 KiB, more than a check reads."


def test_an_engine_that_goes_away_is_said_and_kept(harbour: FakeEngine, tmp_path: Path) -> None:
    real = harbour.answer

    def hang_up(handler: Any) -> None:
        if "/top" in handler.path:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            real(handler)

    harbour.answer = hang_up  # type: ignore[method-assign]
    assert agree(tmp_path, cell(CALLS["top"])).message == "The engine is gone."


# The neighbourhood: questions of a mended check, after a check that only looked at the status.
MENDED = {
    "inspect": 'assert docker.containers.get("lab-a").attrs["Config"]["Cmd"] == ["sh"], "another command"',
    "top": 'assert docker.containers.get("lab-a").top()["Processes"], "no process"',
    "top by name": 'assert docker.api.top("lab-a")["Processes"], "no process"',
    "top by short name of an image": 'assert docker.images.get("dockyard/busybox:latest").history(), "no history"',
    "diff": 'assert docker.containers.get("lab-a").diff(), "no change"',
    "logs": 'assert b"hello" in docker.containers.get("lab-a").logs(), "no hello"',
    "last lines of the logs": 'assert b"hello" in docker.containers.get("lab-a").logs(tail=20), "no hello"',
    "image": 'assert docker.containers.get("lab-a").image.tags, "no tag"',
    "image by tag": 'assert docker.images.get("dockyard/busybox").tags, "no tag"',
    "history": 'assert docker.containers.get("lab-a").image.history(), "no history"',
    "network": 'assert docker.networks.get("lab-net").attrs["Driver"] == "bridge", "another driver"',
    "network by ID": f'assert docker.networks.get("{identity("lab-net")}").name == "lab-net", "another"',
    "volume": 'assert docker.volumes.get("lab-data").attrs["Driver"] == "local", "another driver"',
}


@pytest.mark.parametrize("name", MENDED)
def test_the_neighbourhood_answers_a_mended_check(harbour: FakeEngine, tmp_path: Path, name: str) -> None:
    assert run_live(tmp_path, cell(CALLS["get"])).passed
    outcome = run_replay(tmp_path, cell(MENDED[name]))
    assert outcome.passed is True, outcome.message


SILENT = {
    "another container": 'docker.containers.get("lab-b")',
    "info": "docker.info()",
    "a list": "docker.containers.list()",
    "fewer lines of a log": 'docker.containers.get("lab-a").logs(tail=1)',
    "only the errors": 'docker.containers.get("lab-a").logs(stdout=False)',
    "a file": 'docker.containers.get("lab-a").get_archive("/etc/passwd")',
}


@pytest.mark.parametrize("name", SILENT)
def test_where_the_evidence_is_silent_a_person_grades(harbour: FakeEngine, tmp_path: Path, name: str) -> None:
    assert run_live(tmp_path, cell(CALLS["get"])).passed
    outcome = run_replay(tmp_path, cell(SILENT[name]))
    assert outcome.passed is None and outcome.message.startswith("Manual grading needed. The evidence holds no answer")
    assert outcome.earned == "2 points, to be graded by a person"


def test_a_log_that_was_cut_is_no_answer_for_the_whole(harbour: FakeEngine, tmp_path: Path) -> None:
    harbour.container("lab-a", log=b"".join(frame(b"line\n") for _ in range(50)))
    run_live(tmp_path, cell(CALLS["get"]))
    assert run_replay(tmp_path, cell(MENDED["logs"])).passed is None


def test_a_failure_of_the_neighbourhood_is_no_answer(harbour: FakeEngine, tmp_path: Path) -> None:
    harbour.json(f"/containers/{identity('lab-a')}/top", {"message": "busy"}, status=500)
    harbour.json("/containers/lab-a/top", {"message": "busy"}, status=500)
    assert run_live(tmp_path, cell(CALLS["get"])).passed
    assert run_replay(tmp_path, cell(MENDED["top"])).passed is None


@pytest.mark.parametrize("network", ["a b", "a/b", "a?b=c", "{x}", "..", "ü"])
def test_odd_names_in_the_neighbourhood_harm_nothing(harbour: FakeEngine, tmp_path: Path, network: str) -> None:
    harbour.container("lab-a", networks=(network,))
    assert agree(tmp_path, cell(CALLS["get"])).passed


def test_the_very_same_check_never_needs_a_person(harbour: FakeEngine, tmp_path: Path) -> None:
    """Nobody mended it, so an answer that is missing was taken out."""
    source = cell(CALLS["top"])
    run_live(tmp_path, source)
    path = evidence.path_of(tmp_path, "try-it")
    evidence.write(path, {**filed(tmp_path), "exchanges": []})
    outcome = run_replay(tmp_path, source)
    assert outcome.passed is False
    assert outcome.message == "The evidence is incomplete: The evidence holds no answer to GET /containers/lab-a/json."
    mended = run_replay(tmp_path, cell(CALLS["top"] + "  # mended"))
    assert mended.passed is None
    evidence.write(path, {**filed(tmp_path), "check": None})
    assert run_replay(tmp_path, source).passed is None


def test_evidence_grows_by_one_inspect_not_by_two(harbour: FakeEngine, tmp_path: Path) -> None:
    """By name and by ID is the same object: nothing of the neighbourhood stands there twice."""
    run_live(tmp_path, cell("\n".join((CALLS["get"], CALLS["top"]))))
    requests = [exchange["request"] for exchange in filed(tmp_path)["exchanges"]]
    assert sum(request.endswith("/top") for request in requests) == 1
    assert sum("/logs?" in request for request in requests) == 1
    assert sum(request.endswith("/history") for request in requests) == 1


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", "/")
        kind = {"/json": "application/json", "/odd": "text/plain; \xff\x7f"}.get(self.path, "text/html; charset=utf-8")
        self.send_header("Content-Type", kind)
        body = {"/json": b'{"value": NaN}', "/empty": b"", "/bytes": NOT_UTF8}.get(self.path, "grüß".encode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


PAGES = {
    "text": 'assert http.get(f"http://127.0.0.1:{port}/").text == "grüß", "another text"',
    "status": 'assert http.get(f"http://localhost:{port}/?b=1&a=2").status_code == 200, "not 200"',
    "head": 'assert http.head(f"http://127.0.0.1:{port}/").ok, "not ok"',
    "redirect": 'assert http.get(f"http://127.0.0.1:{port}/away").url.endswith("/"), "not led on"',
    "empty": 'assert http.get(f"http://127.0.0.1:{port}/empty").content == b"", "not empty"',
    "bytes": f'assert http.get(f"http://127.0.0.1:{{port}}/bytes").content == {NOT_UTF8!r}, "other bytes"',
    "JSON that is none": 'assert "NaN" in http.get(f"http://127.0.0.1:{port}/json").text, "no NaN"',
    "an odd header": 'assert http.get(f"http://127.0.0.1:{port}/odd").ok, "not ok"',
}


@pytest.mark.parametrize("name", PAGES)
def test_published_ports_answer_live_and_again(tmp_path: Path, port: int, name: str) -> None:
    outcome = agree(tmp_path, cell(PAGES[name], "http, port"), port=port)
    assert outcome.passed, outcome.message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_where_nobody_answers(tmp_path: Path) -> None:
    port = free_port()
    outcome = agree(tmp_path, cell('http.get(f"http://127.0.0.1:{port}/")', "http, port"), port=port)
    assert outcome.passed is False and outcome.message == f"Nothing answers at http://127.0.0.1:{port}/."


def test_a_check_may_want_that_nobody_answers(tmp_path: Path) -> None:
    body = """
    try:
        http.get(f"http://127.0.0.1:{port}/")
    except requests.ConnectionError:
        return
    assert False, "Somebody answers."
    """
    assert agree(tmp_path, cell(body, "http, port", beside="import requests"), port=free_port()).passed


@pytest.mark.parametrize("address", ["http://192.0.2.1/", "http://example.org/", "https://127.0.0.1.example.org/"])
def test_no_other_machine_is_asked(tmp_path: Path, address: str) -> None:
    outcome = run_live(tmp_path, cell(f"http.get({address!r})", "http"))
    assert outcome.passed is False and "asks this machine only" in outcome.message


def test_http_only_reads(tmp_path: Path, port: int) -> None:
    outcome = run_live(tmp_path, cell('http.post(f"http://127.0.0.1:{port}/", data="x")', "http, port"), port=port)
    assert outcome.message.startswith("This check is broken: The check sends POST")


query_text = st.text(st.characters(codec="utf-8"), max_size=8)


@given(st.lists(st.tuples(query_text, query_text), max_size=5), st.randoms())
def test_a_key_does_not_depend_on_the_order_of_the_query(query: list[tuple[str, str]], chance: Any) -> None:
    other = list(query)
    chance.shuffle(other)
    first, second = (f"http+docker://x/v1.48/containers/json?{urlencode(part)}" for part in (query, other))
    key = key_of("GET", first)
    assert sorted(parse_qsl(key.partition("?")[2], keep_blank_values=True)) == sorted(query)
    if len({name for name, _ in query}) == len(query):
        assert key == key_of("GET", second)


@given(st.integers(0, 200), st.sampled_from(["http+docker://localhost", "http+docker://ssh", "http+docker://engine"]))
def test_a_key_names_neither_version_nor_place_of_the_engine(minor: int, place: str) -> None:
    assert key_of("GET", f"{place}/v1.{minor}/images/a/b:1/json") == "GET /images/a/b:1/json"


def test_a_key_names_the_place_of_a_port() -> None:
    assert key_of("GET", "http://127.0.0.1:80") == "GET http://127.0.0.1:80/"
    assert key_of("GET", "http://127.0.0.1:80/v1.2/info") == "GET http://127.0.0.1:80/v1.2/info"


@given(st.text(), st.binary(max_size=40), st.sampled_from(["application/json", "text/html", "", MULTIPLEXED]))
def test_whatever_is_answered_can_be_kept(header: str, body: bytes, kind: str) -> None:
    headers = {"Content-Type": kind, "Location": header}
    whole = exchange_from("GET http://127.0.0.1/", 200, headers, body)
    assert evidence.parse(evidence.dump(sample(exchanges=[whole])))["exchanges"] == [whole]


def sparse(size: int) -> bytes:
    """An archive of a few bytes whose one file claims to be large (GNU sparse, PAX 1.0)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("app.conf")
        content = b"1\n0\n0\n".ljust(512, b"\0")
        member.size = len(content)
        sparse_headers = {"major": "1", "minor": "0", "name": "app.conf", "realsize": str(size)}
        member.pax_headers = {f"GNU.sparse.{name}": value for name, value in sparse_headers.items()}
        tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


BOMBS = {
    "xz": lambda: lzma.compress(archive("app.conf", b"\0" * 50_000_000)),
    "gzip": lambda: gzip.compress(archive("app.conf", b"\0" * 50_000_000)),
    "sparse": lambda: sparse(1 << 40),
    "cut": lambda: archive("app.conf", b"x" * 5000)[:1000],
    "no archive": lambda: b"x" * 2000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", BOMBS)
def test_a_forged_archive_does_not_unpack_in_the_grader(harbour: FakeEngine, tmp_path: Path, name: str) -> None:
    body = """
    stream, _ = docker.containers.get("lab-a").get_archive("/etc/app.conf")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        assert tar.extractfile(tar.next()).read() == b"right", "another text"
    """
    source = cell(body, beside="import io, tarfile")
    path = f"/containers/{identity('lab-a')}/archive"
    stat = {"X-Docker-Container-Path-Stat": "eyJuYW1lIjogImFwcC5jb25mIn0="}
    harbour.raw(path, archive("app.conf", b"right"), "application/x-tar", headers=stat)
    assert agree(tmp_path, source).passed
    forged = filed(tmp_path)
    for exchange in forged["exchanges"]:
        if "/archive?" in exchange["request"]:
            exchange["base64"] = base64.b64encode(BOMBS[name]()).decode()
    evidence.write(evidence.path_of(tmp_path, "try-it"), forged)
    outcome = run_replay(tmp_path, source)
    assert outcome.passed is False and "The evidence holds an archive that" in outcome.message


def test_a_forged_encoding_does_not_unpack_in_the_grader(tmp_path: Path, port: int) -> None:
    source = cell('assert http.get(f"http://127.0.0.1:{port}/").text == "grüß", "another text"', "http, port")
    assert run_live(tmp_path, source, port=port).passed
    honest = filed(tmp_path)
    bomb = base64.b64encode(gzip.compress(b"x" * 100_000_000)).decode()
    forged = {"Content-Type": "text/html", "Content-Encoding": "gzip"}
    exchange = {"request": honest["exchanges"][0]["request"], "status": 200, "headers": forged, "base64": bomb}
    with pytest.raises(EvidenceError, match="right form"):
        evidence.write(evidence.path_of(tmp_path, "try-it"), {**honest, "exchanges": [exchange]})
    exchange = {**honest["exchanges"][0], "headers": {"Content-Type": "text/html; charset=punycode"}}
    evidence.write(evidence.path_of(tmp_path, "try-it"), {**honest, "exchanges": [exchange]})
    assert run_replay(tmp_path, source).passed is True


PLACES = ("http://127.0.0.1:9/v1.45/containers/lab-a/json", "ftp://127.0.0.1:9/", "/v1.45/info", "//127.0.0.1/x", "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", PLACES)
def test_a_forged_redirect_leads_nowhere(
    harbour: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, status: int
) -> None:
    source = cell(CALLS["get"])
    assert run_live(tmp_path, source).passed
    forged = filed(tmp_path)
    forged["exchanges"][0].update(status=status, headers={"Location": place, "Content-Type": "application/json"})
    evidence.write(evidence.path_of(tmp_path, "try-it"), forged)
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *args: opened.append(args))
    outcome = run_replay(tmp_path, source)
    assert (outcome.passed is False or place == "") and not opened, (outcome, opened)


@pytest.mark.parametrize("name", ["../exec", "x/exec", "a/b/c", "x?follow=1", ""])
def test_a_forged_id_is_not_the_checks_fault(harbour: FakeEngine, tmp_path: Path, name: str) -> None:
    source = cell('assert docker.containers.get("lab-a").top()["Processes"], "no process"')
    assert run_live(tmp_path, source).passed
    for check in (filed(tmp_path)["check"], None):
        forged = {**filed(tmp_path), "check": check}
        forged["exchanges"][0]["json"]["Id"] = name
        evidence.write(evidence.path_of(tmp_path, "try-it"), forged)
        outcome = run_replay(tmp_path, source)
        assert outcome.passed is (None if check is None and name else False), outcome
        assert "broken" not in outcome.message


# On a real engine: all that a check may ask, of containers that the tests made.
REAL_CALLS = {
    "logs": 'assert docker.containers.get(NAME).logs() == b"one\\ntwo\\nthree\\n", "other lines"',
    "logs as a stream": 'assert b"".join(docker.containers.get(NAME).logs(stream=True, follow=False)) == '
    'b"one\\ntwo\\nthree\\n", "other lines"',
    "last lines": 'assert docker.containers.get(NAME).logs(tail=1) in (b"three\\n", b"two\\n"), "other lines"',
    "only the errors": 'assert docker.containers.get(NAME).logs(stdout=False) == b"two\\n", "other lines"',
    "with times": 'assert docker.containers.get(NAME).logs(timestamps=True).count(b"Z ") == 3, "no times"',
    "a terminal's": 'assert docker.containers.get(NAME.replace("plain", "terminal")).logs() == b"one\\r\\n", "others"',
    "a terminal's as a stream": "stream = docker.containers.get(NAME.replace('plain', 'terminal'))"
    '.logs(stream=True, follow=False); assert b"".join(stream) == b"one\\r\\n", "others"',
    # the engine's own log writes bytes that are no UTF-8 as U+FFFD
    "bytes": 'assert b"\\0\\x01\\x02" in docker.containers.get(NAME.replace("plain", "binary")).logs(), "others"',
    "no line": 'assert docker.containers.get(NAME.replace("plain", "silent")).logs() == b"", "others"',
    "ended": 'state = docker.containers.get(NAME.replace("plain", "ended")).attrs["State"]; '
    'assert (state["Status"], state["ExitCode"]) == ("exited", 3), state["Status"]',
    "top": 'assert any("sleep" in row[-1] for row in docker.containers.get(NAME).top()["Processes"]), "no sleep"',
    "diff": 'assert {"Path": "/made", "Kind": 1} in docker.containers.get(NAME).diff(), "no change"',
    "stats": 'assert docker.containers.get(NAME).stats(stream=False)["pids_stats"], "no numbers"',
    "history": 'assert docker.images.get("dockyard/busybox").history(), "no step"',
    "images": 'assert any("dockyard/busybox:latest" in i.tags for i in docker.images.list("dockyard/busybox")), "none"',
    "network": 'network = docker.networks.get(NAME); assert [c.name for c in network.containers] == [NAME], "others"',
    "networks": 'assert NAME in {n.name for n in docker.networks.list()}, "no network"',
    "volume": 'assert docker.volumes.get(NAME).attrs["Driver"] == "local", "another driver"',
    "volumes": 'assert NAME in {v.name for v in docker.volumes.list()}, "no volume"',
    "info": 'assert docker.info()["Driver"] and "Name" not in docker.info(), "no driver"',
    "version": 'assert docker.version()["ApiVersion"], "no version"',
    "a file": """
        stream, stat = docker.containers.get(NAME).get_archive("/made")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream)), mode="r:") as tar:
            assert tar.extractfile("made").read() == b"\\xff\\xfe\\n" and stat["size"] == 3, "other bytes"
        """,
    "a file of one that ended": 'docker.containers.get(NAME.replace("plain", "ended")).get_archive("/etc/passwd")',
    "no such file": 'docker.containers.get(NAME).get_archive("/not/there")',
    "no such container": 'docker.containers.get(NAME + "-other")',
    "no such image": 'docker.images.get("dockyard/lab-core-none")',
}


@pytest.fixture(scope="module")
def lab(engine: Any) -> Iterator[str]:
    """Containers of every kind on the real engine; yields the plain one's name, also that of a network and a volume."""
    base = f"lab-core-{os.getpid()}"
    commands = {
        "plain": "printf '\\377\\376\\n' > /made; echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three; sleep 600",
        "terminal": "echo one",
        "binary": "for n in 1 2 3 4 5 6 7 8 9; do "
        'for j in $(seq 0 255); do printf %b "\\\\0$(printf %o $j)"; done; done',
        "ended": "exit 3",
        "silent": "exit 0",
    }
    made: list[Any] = []
    try:
        made.append(engine.volumes.create(f"{base}-plain"))
        made.append(engine.networks.create(f"{base}-plain"))
        for kind, command in commands.items():
            plain = kind == "plain"
            container = engine.containers.run(
                "dockyard/busybox",
                ["sh", "-c", command],
                name=f"{base}-{kind}",
                detach=True,
                tty=kind == "terminal",
                network=f"{base}-plain" if plain else None,
                volumes={f"{base}-plain": {"bind": "/data", "mode": "rw"}} if plain else None,
                environment={"TOKEN": "s3cr3t-value", "APP_MODE": "safe"},
            )
            made.append(container)
            if not plain:
                container.wait()
        deadline = time.monotonic() + 20
        while made[2].logs().count(b"\n") < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"{base}-plain"
    finally:
        for thing in reversed(made):
            with contextlib.suppress(Exception):
                thing.remove(**({"force": True, "v": True} if hasattr(thing, "logs") else {}))


@pytest.mark.engine
@pytest.mark.parametrize("name", REAL_CALLS)
def test_replay_agrees_with_a_real_engine(lab: str, tmp_path: Path, name: str) -> None:
    source = cell(REAL_CALLS[name], beside=f"import io, tarfile\nNAME = {lab!r}\n")
    outcome = agree(tmp_path, source)
    assert outcome.passed is (not name.startswith("no such")), outcome.message
    assert "s3cr3t-value" not in evidence.path_of(tmp_path, "try-it").read_text()


@pytest.mark.engine
def test_the_real_neighbourhood_answers_a_mended_check(lab: str, tmp_path: Path) -> None:
    beside = f"NAME = {lab!r}\n"
    assert run_live(tmp_path, cell("docker.containers.get(NAME)", beside=beside)).passed
    for name in ("logs", "logs as a stream", "top", "diff", "history", "network", "volume"):
        outcome = run_replay(tmp_path, cell(REAL_CALLS[name], beside=beside))
        assert outcome.passed is True, (name, outcome.message)
    for name in ("info", "volumes", "with times", "no such container"):
        assert run_replay(tmp_path, cell(REAL_CALLS[name], beside=beside)).passed is None, name
    mode = 'assert "APP_MODE=safe" in docker.containers.get(NAME).attrs["Config"]["Env"], "another"'
    assert run_replay(tmp_path, cell(mode, beside=beside)).passed is None
    assert run_live(tmp_path, cell(mode, beside=beside)).passed


@pytest.mark.engine
def test_a_real_engine_lists_no_stranger(engine: Any, lab: str, tmp_path: Path) -> None:
    name = f"core-stranger-{os.getpid()}"
    busybox = engine.images.get("dockyard/busybox")
    stranger_image = engine.containers.create(busybox.id, name=f"{name}-source").commit(name)
    made = [engine.networks.create(name), engine.volumes.create(name)]
    made.append(engine.containers.run(stranger_image.id, ["sleep", "60"], name=name, detach=True, network=lab))
    body = """
    seen = [c.name for c in docker.containers.list(all=True, ignore_removed=True)] + [
        n.name for n in docker.networks.list()] + [v.name for v in docker.volumes.list()]
    tags = [tag for image in docker.images.list() for tag in image.tags]
    members = [c["Name"] for c in docker.networks.get(NAME).attrs["Containers"].values()]
    assert NAME in seen and members == [NAME] and "dockyard/busybox:latest" in tags, "something is missing"
    """
    try:
        outcome = run_live(tmp_path, cell(body, beside=f"NAME = {lab!r}"))
        assert outcome.passed, outcome.message
        text = evidence.path_of(tmp_path, "try-it").read_text()
        assert all(thing not in text for thing in (f'"{name}', f"/{name}", made[0].id, made[2].id))
    finally:
        made[2].remove(force=True)
        engine.containers.get(f"{name}-source").remove()
        for thing in made[:2]:
            thing.remove()
        engine.images.remove(name)
