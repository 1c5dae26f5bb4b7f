"""Two transports below one client: one that passes requests on and keeps the answers, one that answers from the file.

docker-py's `APIClient` is a `requests.Session`; an adapter mounted on it sees every request. Both transports build the
response from the same kept answer, so a check sees the same bytes when it runs live and when it is graded.
"""

from __future__ import annotations

import base64
import binascii
import email.message
import http.client
import io
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3.response import HTTPResponse

from dockyard import privacy
from dockyard.errors import CheckError, MissingReply

MAX_BODY = 256 * 1024  # bytes of one answer
KEPT_HEADERS = ("Content-Type", "X-Docker-Container-Path-Stat", "Location")
STREAMS = ("application/vnd.docker.multiplexed-stream", "application/vnd.docker.raw-stream")

Exchange = dict[str, Any]

READABLE = re.compile(
    r"/(?:_ping|version|info"
    r"|containers/(?:json|[^/]+/(?:json|top|logs|changes|archive|stats))"
    r"|images/(?:json|.+/(?:json|history))"
    r"|networks(?:/[^/]+)?|volumes(?:/[^/]+)?"
    r"|services(?:/[^/]+(?:/logs)?)?|tasks(?:/[^/]+)?|nodes(?:/[^/]+)?"
    r"|secrets(?:/[^/]+)?|configs(?:/[^/]+)?|swarm)\Z"
)


class AnswerError(Exception):
    """There was no usable answer to a request; kept in the evidence and raised again on replay.

    Args:
        kind: "too-large", "unreachable" or "timeout".
        message: what to tell the learner.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def key_of(method: str, url: str) -> str:
    """Return the name under which a request is kept: method, path without the API version, sorted query.

    A request to anything but an engine keeps its scheme and host.
    """
    parts = urlsplit(url)
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    path = re.sub(r"\A/v1\.\d+(?=/)", "", parts.path) if parts.scheme == "http+docker" else parts.path or "/"
    origin = "" if parts.scheme == "http+docker" else f"{parts.scheme}://{parts.netloc}"
    return f"{method} {origin}{path}" + (f"?{query}" if query else "")


def refuse_changes(method: str, url: str) -> None:
    """Stop a check that would change the engine, wait for it, or read what the course may not see.

    Raises:
        CheckError: with the request.
    """
    path = re.sub(r"\A/v1\.\d+(?=/)", "", urlsplit(url).path)
    query = dict(parse_qsl(urlsplit(url).query))
    if method not in ("GET", "HEAD"):
        raise CheckError(f"The check sends {method} {path}.", "A check only reads: GET and HEAD.")
    if not READABLE.match(path):
        raise CheckError(f"The check asks for {path}.", "A check reads single objects, their lists, and /info.")
    endless = query.get("follow", "0").lower() in ("1", "true")
    if endless or (path.endswith("/stats") and query.get("stream", "1").lower() in ("1", "true")):
        raise CheckError(f"The check reads {path} as an endless stream.", "Pass stream=False.")


def response_from(request: requests.PreparedRequest, exchange: Exchange) -> requests.Response:
    """Build the response that docker-py and requests expect from a kept answer.

    docker-py reaches for `raw._fp.fp.raw` to stream logs and archives; so the body lies below a real
    `http.client.HTTPResponse`, in a temporary file where a stream may be polled and in memory elsewhere.

    Raises:
        AnswerError: the kept answer is that there was none.
    """
    if "error" in exchange:
        raise AnswerError(exchange["error"]["kind"], exchange["error"]["message"])
    body = b"" if request.method == "HEAD" else body_of(exchange)
    wire = _Wire(body, exchange["headers"].get("Content-Type", ""))
    inner = http.client.HTTPResponse(wire, method=request.method)  # type: ignore[arg-type]
    inner.version, inner.status, inner.reason = (
        11,
        exchange["status"],
        http.client.responses.get(exchange["status"], ""),
    )
    inner.headers = inner.msg = email.message.Message()  # type: ignore[assignment]
    for name, value in exchange["headers"].items():
        inner.headers[name] = value
    inner.chunked, inner.chunk_left, inner.length, inner.will_close = False, None, len(body), True
    raw = HTTPResponse(
        body=inner,  # type: ignore[arg-type]
        headers=exchange["headers"],
        status=exchange["status"],
        reason=inner.reason,
        preload_content=False,
        decode_content=False,
        original_response=inner,
        request_method=request.method,
    )
    response = requests.Response()
    response.status_code, response.reason, response.raw = exchange["status"], inner.reason, raw
    response.headers.update(exchange["headers"])
    response.url, response.request = request.url or "", request
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    return response


def body_of(exchange: Exchange) -> bytes:
    """Return the bytes of a kept answer.

    Raises:
        ValueError: base64 that is none.
    """
    if "json" in exchange:
        return json.dumps(exchange["json"]).encode()
    if "text" in exchange:
        return exchange["text"].encode(errors="surrogatepass")
    try:
        return base64.b64decode(exchange["base64"], validate=True)
    except binascii.Error as error:
        raise ValueError(f"The evidence holds base64 that cannot be read: {error}.") from None


def exchange_from(key: str, status: int, headers: Mapping[str, str], body: bytes) -> Exchange:
    """Return an answer in the form that is kept: JSON stays JSON, text stays text, the rest is base64."""
    kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
    exchange: Exchange = {"request": key, "status": status, "headers": kept}
    kind = kept.get("Content-Type", "")
    if kind.startswith("application/json"):
        try:
            return {**exchange, "json": json.loads(body) if body else None}
        except ValueError:
            pass
    if not kind.startswith((*STREAMS, "application/x-tar", "application/octet-stream")):
        try:
            return {**exchange, "text": body.decode("utf-8")}
        except UnicodeDecodeError:
            pass
    return {**exchange, "base64": base64.b64encode(body).decode("ascii")}


class Recorder(BaseAdapter):
    """Passes requests on to the adapter below and keeps the answers, as the check may see them.

    Args:
        inner: the adapter that reaches the engine (or the published port).
        exchanges: the list that the answers are added to.
        named: names of environment variables whose values the check reads.
        engine: whether it is the engine that answers (and not a published port).
    """

    def __init__(
        self, inner: BaseAdapter, exchanges: list[Exchange], *, named: frozenset[str], engine: bool = True
    ) -> None:
        super().__init__()
        self.inner, self.exchanges, self.named, self.engine = inner, exchanges, named, engine

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        method, url = request.method or "", request.url or ""
        key = key_of(method, url if not self.engine else re.sub(r"\A[a-z+]+://[^/]*", "http+docker://engine", url))
        if self.engine:
            refuse_changes(method, url)
        elif method not in ("GET", "HEAD"):
            raise CheckError(f"The check sends {method} to {url}.", "A check only reads: GET and HEAD.")
        kwargs["stream"] = True
        exchange = self._ask(key, request, *args, **kwargs)
        if self.engine and "json" in exchange:
            exchange = {**exchange, "json": privacy.reduce(key, exchange["json"], self.named)}
        self.exchanges.append(exchange)
        return response_from(request, exchange)

    def _ask(self, key: str, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Exchange:
        where = request.url if not self.engine else "The engine"
        try:
            with self.inner.send(request, *args, **kwargs) as answer:
                body = b"" if request.method == "HEAD" else _read(answer)
                return exchange_from(key, answer.status_code, answer.headers, body)
        except AnswerError as error:
            kind, message = error.kind, str(error)
        except (requests.exceptions.Timeout, TimeoutError):
            kind, message = "timeout", f"{where} did not answer in time."
        except (requests.exceptions.RequestException, OSError):
            kind, message = "unreachable", f"Nothing answers at {where}." if not self.engine else f"{where} is gone."
        return {"request": key, "error": {"kind": kind, "message": message[:600]}}

    def close(self) -> None:
        self.inner.close()


class Replayer(BaseAdapter):
    """Answers from kept exchanges and from nothing else.

    A request that was sent several times gets its answers in the order of recording, then the last one again.

    Args:
        exchanges: what the recorder kept.
        named: names of environment variables whose values the check reads; a value that was masked is no answer.
        engine: whether it stands for the engine.
    """

    def __init__(self, exchanges: Iterable[Exchange], *, named: frozenset[str], engine: bool = True) -> None:
        super().__init__()
        self.named, self.engine = named, engine
        self.kept: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in exchanges:
            self.kept[exchange["request"]].append(exchange)
        self.asked: dict[str, int] = defaultdict(int)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        method, url = request.method or "", request.url or ""
        if self.engine:
            refuse_changes(method, url)
        key = key_of(method, url)
        answers = self.kept.get(key) or self._like(key)
        if not answers:
            raise MissingReply(f"The evidence holds no answer to {key}.")
        exchange = answers[min(self.asked[key], len(answers) - 1)]
        self.asked[key] += 1
        hidden = privacy.masked(exchange.get("json")) & self.named
        if hidden:
            raise MissingReply(f"The evidence masks the value of {', '.join(sorted(hidden))}.")
        return response_from(request, exchange)

    def _like(self, key: str) -> list[Exchange]:
        """Log lines are kept with the number of lines that was asked for; any number serves a later question."""
        if "/logs?" not in key:
            return []
        return [entry for other, kept in self.kept.items() if _no_tail(other) == _no_tail(key) for entry in kept]

    def close(self) -> None:
        pass


def _no_tail(key: str) -> str:
    return re.sub(r"[?&]tail=[^&]*", "", key)


def _read(answer: requests.Response) -> bytes:
    body = b""
    for part in answer.iter_content(64 * 1024):
        body += part
        if len(body) > MAX_BODY:
            raise AnswerError(
                "too-large", f"The answer is larger than {MAX_BODY // 1024} KiB, more than a check reads."
            )
    return body


class _Wire:
    """What `http.client.HTTPResponse` takes for a socket: it only asks for a file."""

    def __init__(self, body: bytes, kind: str) -> None:
        self.body, self.kind = body, kind

    def makefile(self, *args: Any, **kwargs: Any) -> io.BufferedReader:
        if not self.kind.startswith(STREAMS):
            return io.BufferedReader(_Bytes(self.body))
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (closed by the response; polled by docker-py)
        file.write(self.body)
        file.seek(0)
        return io.BufferedReader(file)  # type: ignore[arg-type]


class _Bytes(io.RawIOBase):
    def __init__(self, body: bytes) -> None:
        self.rest = io.BytesIO(body)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.rest.readinto(buffer)
