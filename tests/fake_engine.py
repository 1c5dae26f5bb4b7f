"""A small engine for tests: a real HTTP server at a UNIX socket, asked by the true docker-py, with canned answers."""

from __future__ import annotations

import hashlib
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.engine.fake import DOCKER, INFO

MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
RAW = "application/vnd.docker.raw-stream"


def frame(content: bytes, stream: int = 1) -> bytes:
    """One frame of a multiplexed log (Engine API, "Attach to a container", stream format)."""
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def identity(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class FakeEngine:
    """Holds objects, answers for them, and writes down what it was asked.

    Attributes:
        answers: path without API version, with or without its query → (status, content type, body, headers).
        requests: "METHOD path?query" in order.
    """

    def __init__(self, socket: Path) -> None:
        self.url = f"unix://{socket}"
        self.requests: list[str] = []
        self.answers: dict[str, tuple[int, str, bytes, dict[str, str]]] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {"containers": [], "images": [], "networks": [], "volumes": []}
        self.json("/version", {**DOCKER, "KernelVersion": "6.1.0"})
        self.json("/info", INFO)
        self.image("dockyard/busybox:latest")
        self.network("bridge")
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                engine.answer(self)

            do_HEAD = do_POST = do_DELETE = do_PUT = do_GET

            def address_string(self) -> str:
                return "test"

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = _Server(str(socket), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path
        if path.startswith("/v1."):
            path = "/" + path.split("/", 2)[2]
        self.requests.append(f"{handler.command} {path}")
        bare = unquote(urlsplit(path).path)
        missing = {"message": f"No such {bare.split('/')[1].rstrip('s')}: {bare.split('/')[-1]}"}
        unknown = (404, "application/json", json.dumps(missing).encode(), {})
        status, kind, body, headers = self.answers.get(path) or self.answers.get(bare) or unknown
        handler.send_response(status)
        if kind:
            handler.send_header("Content-Type", kind)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def json(self, path: str, body: object, status: int = 200) -> None:
        self.raw(path, json.dumps(body).encode(), "application/json", status=status)

    def raw(self, path: str, body: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answers[path] = (status, kind, body, headers or {})

    def image(self, tag: str, env: list[str] | None = None, labels: dict[str, str] | None = None) -> str:
        name = identity(tag)
        inspect = {
            "Id": f"sha256:{name}",
            "RepoTags": [tag],
            "Config": {"Env": env or ["PATH=/bin"], "Labels": labels or {}},
            "RootFS": {"Type": "layers", "Layers": [f"sha256:{identity(tag + ' layer')}"]},
        }
        for reference in (tag, tag.removesuffix(":latest"), name, f"sha256:{name}"):
            self.json(f"/images/{reference}/json", inspect)
            self.json(f"/images/{reference}/history", [{"CreatedBy": 'CMD ["sh"]', "Size": 0}])
        self._list("images", "/images/json", {**inspect, "Labels": labels or {}})
        return name

    def network(self, name: str, members: dict[str, str] | None = None) -> str:
        item = {
            "Id": identity(name),
            "Name": name,
            "Driver": "bridge",
            "IPAM": {"Config": []},
            "Labels": {},
            "Containers": {identity(member): {"Name": member} for member in members or {}},
        }
        for reference in (name, identity(name)):
            self.json(f"/networks/{reference}", item)
        self._list("networks", "/networks", item)
        return identity(name)

    def volume(self, name: str) -> None:
        item = {"Name": name, "Driver": "local", "Labels": None, "Mountpoint": f"/var/lib/docker/volumes/{name}"}
        self.json(f"/volumes/{name}", item)
        self.lists["volumes"].append(item)
        self.json("/volumes", {"Volumes": self.lists["volumes"], "Warnings": None})

    def container(
        self,
        name: str,
        image: str = "dockyard/busybox",
        status: str = "running",
        env: list[str] | None = None,
        log: bytes = b"",
        tty: bool = False,
        networks: tuple[str, ...] = ("bridge",),
        volumes: tuple[str, ...] = (),
    ) -> str:
        """Add a container, or put another in the place of one with this name."""
        me = identity(name)
        inspect = {
            "Id": me,
            "Name": f"/{name}",
            "Image": f"sha256:{identity(image + ':latest')}",
            "State": {"Status": status, "Running": status == "running", "ExitCode": 0},
            "Config": {"Image": image, "Env": env or [], "Tty": tty, "Labels": {}, "Cmd": ["sh"]},
            "NetworkSettings": {"Networks": {network: {} for network in networks}},
            "Mounts": [{"Type": "volume", "Name": volume} for volume in volumes],
        }
        for reference in (name, me):
            self.json(f"/containers/{reference}/json", inspect)
            self.json(f"/containers/{reference}/top", {"Titles": ["PID", "CMD"], "Processes": [["1", "sh"]]})
            self.json(f"/containers/{reference}/changes", [{"Path": "/etc/passwd", "Kind": 2}])
            self.raw(f"/containers/{reference}/logs", log, RAW if tty else MULTIPLEXED)
        self.lists["containers"] = [item for item in self.lists["containers"] if item["Id"] != me]
        item = {"Id": me, "Names": [f"/{name}"], "Image": image, "Labels": {}, "State": status}
        self._list("containers", "/containers/json", item)
        return me

    def _list(self, kind: str, path: str, item: dict[str, Any]) -> None:
        self.lists[kind].append(item)
        self.json(path, self.lists[kind])
