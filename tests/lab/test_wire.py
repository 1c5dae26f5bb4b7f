"""The wire: bare HTTP to an engine, and what a command says on the way; against a small server, then a real engine."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingTCPServer, ThreadingUnixStreamServer

import pytest

from dockyard.engine.endpoint import Endpoint, Tls
from dockyard.errors import EngineError
from dockyard.lab.wire import Conversation, dial, overhear, shorten

CLIENT = """
import os, socket
path = os.environ["DOCKER_HOST"].removeprefix("unix://")
line = socket.socket(socket.AF_UNIX)
line.connect(path)
for request in REQUESTS:
    for part in request:
        line.sendall(part)
    line.recv(65536)
print("done")
"""


class Pong(BaseHTTPRequestHandler):
    """Answers everything with a few bytes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b'"ok"')

    do_POST = do_GET

    def address_string(self) -> str:
        return "nobody"

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(params=["unix", "tcp"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoint]:
    if request.param == "unix":
        server: TCPServer = ThreadingUnixStreamServer(str(tmp_path / "s"), Pong)  # type: ignore[assignment]
        endpoint = Endpoint(f"unix://{tmp_path / 's'}", "test")
    else:
        server = ThreadingTCPServer(("127.0.0.1", 0), Pong)
        endpoint = Endpoint(f"tcp://127.0.0.1:{server.server_address[1]}", "test")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield endpoint
    server.shutdown()
    server.server_close()


def script(tmp_path: Path, *requests: tuple[bytes, ...]) -> str:
    """A command that sends these bytes, part by part, and waits for an answer after each request."""
    path = tmp_path / "client.py"
    path.write_text(CLIENT.replace("REQUESTS", repr(requests)))
    return f"{sys.executable} {path}"


def test_dial_speaks_http(engine: Endpoint) -> None:
    line = dial(engine)
    line.request("GET", "/version")
    assert json.load(line.getresponse()) == "ok"


def test_requests_are_heard_in_order_and_passed_on(engine: Endpoint, tmp_path: Path) -> None:
    heard = overhear(
        script(tmp_path, (b"GET /_ping HTTP/1.1\r\n\r\n",), (b"GET /v1.45/info HTTP/1.1\r\n\r\n",)), engine
    )
    assert heard.requests == [("GET", "/_ping"), ("GET", "/v1.45/info")]
    assert (heard.exit_code, heard.output) == (0, "done\n")


def test_a_request_in_pieces_and_one_behind_a_body_are_heard(engine: Endpoint, tmp_path: Path) -> None:
    first = (b"PO", b"ST /containers/cre", b"ate HTTP/1.1\r", b"\nContent-Length: 3\r\n\r\n", b"{}\n")
    second = (b"GET /after HTTP/1.1\r\n\r\n",)
    heard = overhear(script(tmp_path, first, second), engine)
    assert heard.requests == [("POST", "/containers/create"), ("GET", "/after")]


def test_a_failing_command_keeps_its_exit_code_and_output(engine: Endpoint, tmp_path: Path) -> None:
    path = tmp_path / "fails.py"
    path.write_text("import sys; sys.exit('no such thing')")
    heard = overhear(f"{sys.executable} {path}", engine)
    assert (heard.exit_code, heard.output, heard.requests) == (1, "no such thing\n", [])
    assert str(heard).endswith("(not one request)\n(the command failed: exit code 1)\nno such thing")


def test_the_command_is_told_of_no_other_engine(
    engine: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    path = tmp_path / "env.py"
    path.write_text("import os; print(sorted(name for name in os.environ if name.startswith('DOCKER_')))")
    assert overhear(f"{sys.executable} {path}", engine).output == "['DOCKER_HOST']\n"


def test_no_thread_stays_behind(engine: Endpoint, tmp_path: Path) -> None:
    before = threading.active_count()
    overhear(script(tmp_path, (b"GET /_ping HTTP/1.1\r\n\r\n",)), engine)
    for thread in threading.enumerate():
        if thread.name.endswith("(_pass_on)"):
            thread.join(2)
    assert threading.active_count() <= before + 1  # the test server may still close its side


def test_a_missing_program_and_an_endless_one_are_errors(engine: Endpoint) -> None:
    with pytest.raises(EngineError, match="no program none-such"):
        overhear("none-such container ls", engine)
    with pytest.raises(EngineError, match=r"after 0\.2 seconds"):
        overhear("sleep 5", engine, timeout=0.2)


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint("ssh://me@example.org", "test"),
        Endpoint("npipe:////./pipe/docker_engine", "test"),
        Endpoint("tcp://127.0.0.1:2376", "test", tls=Tls()),
    ],
)
def test_lines_that_are_not_bare_http_are_named_and_refused(endpoint: Endpoint) -> None:
    for speak in (lambda: dial(endpoint), lambda: overhear("true", endpoint)):
        with pytest.raises(EngineError, match=endpoint.url.partition("?")[0]):
            speak()


def test_a_closed_socket_is_an_os_error(tmp_path: Path) -> None:
    line = dial(Endpoint(f"unix://{tmp_path / 'none'}", "test"))
    with pytest.raises(FileNotFoundError):
        line.request("GET", "/version")


def test_a_conversation_reads_as_text() -> None:
    heard = Conversation("docker container ls", [("HEAD", "/_ping"), ("GET", f"/containers/{'ab' * 32}/json")])
    assert str(heard) == "$ docker container ls\nHEAD   /_ping\nGET    /containers/abababababab/json"
    assert heard.brief[1] == ("GET", "/containers/abababababab/json")
    assert str(Conversation("docker --version")).endswith("(not one request)")
    assert heard and len(heard) == 2 and not Conversation("docker --version")
    assert shorten("/containers/json?filters=" + "x" * 90) == "/containers/json?…"


@pytest.mark.engine
def test_the_cli_says_what_the_notebook_says_it_does() -> None:
    paths = {
        command: [path for _, path in overhear(command).requests] for command in ("docker --version", "docker info")
    }
    assert paths["docker --version"] == []
    assert paths["docker info"][0] == "/_ping" and paths["docker info"][1].endswith("/info")
    heard = overhear("docker container run --rm --name lab-p-test-run dockyard/busybox echo hello")
    assert (heard.exit_code, heard.output) == (0, "hello\n")
    steps = [path.partition("?")[0].rpartition("/")[2] for _, path in heard.requests]
    assert {"create", "attach", "start"} <= set(steps) and steps.index("create") < steps.index("start")


@pytest.mark.engine
def test_bare_http_the_cli_and_docker_py_get_one_answer() -> None:
    from dockyard.engine import connect

    line = dial()
    line.request("GET", "/version")
    answer = json.load(line.getresponse())
    by_cli = json.loads(overhear("docker version --format '{{json .Server}}'").output)
    by_library = connect().version()
    for name in ("Version", "ApiVersion", "KernelVersion"):
        assert answer[name] == by_cli[name] == by_library[name]
