"""A server that answers as an engine does, at a UNIX socket or a TCP port."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DOCKER = {
    "Version": "28.0.1",
    "ApiVersion": "1.48",
    "MinAPIVersion": "1.24",
    "Os": "linux",
    "Arch": "amd64",
    "Components": [{"Name": "Engine", "Version": "28.0.1"}],
}
OLD = DOCKER | {"Version": "19.03.15", "ApiVersion": "1.40"}
WINDOWS = DOCKER | {"Os": "windows"}
PODMAN = DOCKER | {"Version": "5.4.2", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}
INFO = {
    "ID": "7TRN:IPZB:QYBB:VPBQ",
    "Name": "harbour",
    "Driver": "overlay2",
    "OSType": "linux",
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "Architecture": "x86_64",
    "KernelVersion": "6.1.0",
    "CgroupVersion": "2",
    "NCPU": 4,
    "MemTotal": 8_000_000_000,
    "SecurityOptions": ["name=seccomp,profile=builtin"],
}


class FakeEngine:
    """Answers GET /version and GET /info while the context lasts, and counts the requests.

    Args:
        where: path of a socket, or (host, port).
        version: the answer to /version: JSON, or bytes to send as they are.
        info: the answer to /info.
        tls: server-side TLS, for a port.
        delay: an event to wait for before each answer.
    """

    def __init__(
        self,
        where: Path | tuple[str, int],
        version: dict[str, Any] | bytes = DOCKER,
        info: dict[str, Any] = INFO,
        tls: ssl.SSLContext | None = None,
        delay: threading.Event | None = None,
    ) -> None:
        self.requests: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.requests.append(self.path)
                if delay:
                    delay.wait(20)
                if isinstance(version, bytes):
                    self.wfile.write(version)
                    self.close_connection = True
                    return
                answer = version if self.path.endswith("/version") else info
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self) -> str:
                return "test"

            def log_message(self, format: str, *args: object) -> None:
                pass

        if isinstance(where, Path):

            class Server(ThreadingHTTPServer):
                address_family = socket.AF_UNIX

                def server_bind(self) -> None:
                    self.socket.bind(self.server_address)
                    self.server_name, self.server_port = "test", 0

            self.server: ThreadingHTTPServer = Server(str(where), Handler)  # type: ignore[arg-type]
            self.url = f"unix://{where}"
        else:
            self.server = ThreadingHTTPServer(where, Handler)
            if tls:
                self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
            self.url = f"tcp://{where[0]}:{self.server.server_address[1]}"
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> FakeEngine:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def write_context(config: Path, name: str, host: str, current: bool = True, skip_verify: bool = True) -> Path:
    """Write a docker context as `docker context create` does; returns the folder for its certificates."""
    folder = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts/meta" / folder
    meta.mkdir(parents=True)
    target = {"Host": host, "SkipTLSVerify": skip_verify}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": target}}))
    if current:
        (config / "config.json").write_text(json.dumps({"currentContext": name}))
    return config / "contexts/tls" / folder / "docker"
