"""The wire between a client and the Engine: speak HTTP on it by hand, or listen to what the CLI says.

The Engine API is plain HTTP, on a UNIX socket unless an administrator chose otherwise
(https://docs.docker.com/reference/api/engine/).
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from dockyard.engine.endpoint import Endpoint, find
from dockyard.errors import EngineError

# A request's body ends without a line break of HTTP's own kind, so the next request may follow it on the same line.
_REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|DELETE) (/\S*) HTTP/1\.1$")
_LONGEST_LINE = 65536
_COMPLAINT_LINES = 3
_WHERE_IT_IS = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


class SocketConnection(HTTPConnection):
    """An `http.client.HTTPConnection` whose bytes travel through a UNIX socket instead of TCP."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self.path = path
        self.seconds = timeout

    def connect(self) -> None:
        self.sock = _open_socket(self.path, self.seconds)


def dial(endpoint: Endpoint | None = None, timeout: float = 20) -> HTTPConnection:
    """Return a plain HTTP connection to the Engine, with neither docker-py nor the CLI in it.

    Args:
        endpoint: where the engine is; the one that the docker command would use, if not given.
        timeout: seconds to wait for any one answer.

    Raises:
        EngineError: the engine is reached neither through a UNIX socket nor through unencrypted TCP.
    """
    endpoint = _plain(endpoint)
    if endpoint.socket:
        return SocketConnection(endpoint.socket, timeout)
    host, port = _host_and_port(endpoint)
    return HTTPConnection(host, port, timeout=timeout)


@dataclass
class Conversation:
    """What one command said to the Engine. Its length is the number of requests; with none, it counts as false.

    Attributes:
        command: the command line.
        requests: (method, path) of each request, in the order of arrival.
        exit_code: how the command ended.
        output: what it printed, standard error included.
    """

    command: str
    requests: list[tuple[str, str]] = field(default_factory=list)
    exit_code: int = 0
    output: str = ""

    @property
    def brief(self) -> list[tuple[str, str]]:
        """The requests with their paths shortened (see `shorten`)."""
        return [(method, shorten(path)) for method, path in self.requests]

    def __len__(self) -> int:
        return len(self.requests)

    def __str__(self) -> str:
        lines = [f"{method:<6} {path}" for method, path in self.brief] or ["(not one request)"]
        if self.exit_code:  # a command that failed proves nothing by its silence
            complaint = [line for line in self.output.splitlines() if line.strip()][:_COMPLAINT_LINES]
            lines += [f"(the command failed: exit code {self.exit_code})", *complaint]
        return "\n".join([f"$ {self.command}", *lines])


def shorten(path: str) -> str:
    """Return an API path with container IDs cut to 12 characters and long queries left out."""
    path = re.sub(r"[0-9a-f]{64}", lambda found: found[0][:12], path)
    return path if len(path) <= 72 else path.partition("?")[0] + "?…"


def overhear(command: str, endpoint: Endpoint | None = None, timeout: float = 60) -> Conversation:
    """Run a command with a listener between it and the Engine, and return what the command asked for.

    The listener is a socket of its own in a private folder. `DOCKER_HOST` leads the command there; every byte is passed
    on to the Engine, and back, unchanged. A command that names an engine itself (`--host`, `--context`) goes
    there unheard.

    Args:
        command: a command line, run without a shell: pipes, redirections and variables mean nothing in it.
        endpoint: where the engine is; the one that the docker command would use, if not given.
        timeout: seconds that the command may take.

    Raises:
        EngineError: this kind of connection cannot be listened to, the program is missing, or it took too long.
    """
    endpoint = _plain(endpoint)
    heard = Conversation(command)
    words = shlex.split(command)
    with tempfile.TemporaryDirectory(prefix="dockyard-") as folder:
        tap = Path(folder) / "tap"
        environment = {name: value for name, value in os.environ.items() if name not in _WHERE_IT_IS}
        try:
            with _Listener(tap, endpoint, heard):
                done = subprocess.run(
                    words,
                    env={**environment, "DOCKER_HOST": f"unix://{tap}"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    timeout=timeout,
                )
        except FileNotFoundError:
            raise EngineError(
                f"There is no program {words[0]} on this machine.", next_step="Install it, or leave this cell out."
            ) from None
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"{command} had not ended after {timeout:g} seconds.", next_step="Try a command that ends by itself."
            ) from None
    heard.exit_code, heard.output = done.returncode, done.stdout
    return heard


class _Listener:
    """A socket at `path` that notes the requests it is sent and passes every byte on to an engine, and back."""

    def __init__(self, path: Path, endpoint: Endpoint, heard: Conversation) -> None:
        self.endpoint = endpoint
        self.heard = heard
        self.sockets = [socket.socket(socket.AF_UNIX)]
        self.reading: list[threading.Thread] = []
        self.sockets[0].bind(str(path))
        self.sockets[0].listen(16)

    def __enter__(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def __exit__(self, *error: object) -> None:
        # The command has ended, so its side of each connection is closed: what it sent is read to the end first.
        for thread in list(self.reading):
            thread.join(timeout=2)
        for each in list(self.sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.sockets[0].accept()
                self.sockets.append(near)
                far = _open(self.endpoint)
                self.sockets.append(far)
                reading = threading.Thread(target=_pass_on, args=(near, far, self.heard), daemon=True)
                self.reading.append(reading)
                reading.start()
                threading.Thread(target=_pass_on, args=(far, near), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, heard: Conversation | None = None) -> None:
    """Copy bytes until the source ends; note the request lines among them if `heard` is given."""
    rest = b""
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            if heard is not None:
                *lines, rest = (rest + chunk).split(b"\r\n")
                rest = rest[-_LONGEST_LINE:]
                found = [match for line in lines if (match := _REQUEST.search(line))]
                heard.requests.extend((match[1].decode(), match[2].decode()) for match in found)
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _open(endpoint: Endpoint) -> socket.socket:
    return (
        _open_socket(endpoint.socket, None) if endpoint.socket else socket.create_connection(_host_and_port(endpoint))
    )


def _open_socket(path: Path, timeout: float | None) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX)
    opened.settimeout(timeout)
    try:
        opened.connect(str(path))
    except OSError:
        opened.close()
        raise
    return opened


def _host_and_port(endpoint: Endpoint) -> tuple[str, int]:
    parts = urlsplit(endpoint.url)
    return parts.hostname or "localhost", parts.port or 2375


def _plain(endpoint: Endpoint | None) -> Endpoint:
    """Return the endpoint (the one found, if None), provided that bare HTTP can be spoken with it."""
    endpoint = endpoint or find()
    scheme = urlsplit(endpoint.url).scheme
    if (endpoint.socket and hasattr(socket, "AF_UNIX")) or (scheme in ("tcp", "http") and not endpoint.tls):
        return endpoint
    raise EngineError(
        f"The Engine is reached through {endpoint.url}{' with TLS' if endpoint.tls else ''}.",
        "This part of the course speaks bare HTTP: through a UNIX socket, or through TCP without encryption.",
        "Read the cell and go on; what it would show holds for your engine too.",
    )
