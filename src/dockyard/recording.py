"""Two transports below one client: one that passes requests on and keeps the answers, one that answers from the file.

docker-py's `APIClient` is a `requests.Session`; an adapter mounted on it sees every request. Both transports build the
response from the same kept answer, so a check sees the same bytes when it runs live and when it is graded.
"""

from __future__ import annotations

import base64
import contextlib
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from requests.adapters import BaseAdapter

from dockyard import privacy, strictjson
from dockyard.aliases import aliases_of, canonical
from dockyard.errors import CheckError, MissingReply
from dockyard.wire import STREAMS, AnswerError, Exchange, body_of, refuse_bomb, response_from

MAX_BODY = 256 * 1024  # bytes of one answer
MAX_HEADER = 8000  # characters; a path's stat holds the target of a link, of up to 4096 bytes, in base64
KEPT_HEADERS = ("Content-Type", "X-Docker-Container-Path-Stat", "Location")
BINARY = (*STREAMS, "application/x-tar", "application/octet-stream")
FALSE = ("", "0", "no", "false", "none")  # what Docker's API takes for false

READABLE = re.compile(
    r"/(?:_ping|version|info"
    r"|containers/(?:json|[^/]+/(?:json|top|logs|changes|archive|stats))"
    r"|images/(?:json|.+/(?:json|history))"
    r"|networks(?:/[^/]+)?|volumes(?:/[^/]+)?"
    r"|services(?:/[^/]+(?:/logs)?)?|tasks(?:/[^/]+)?|nodes(?:/[^/]+)?"
    r"|secrets(?:/[^/]+)?|configs(?:/[^/]+)?|swarm)\Z"
)


def key_of(method: str, url: str) -> str:
    """Return the name under which a request is kept: method, path without the API version, sorted query.

    A request to anything but an engine keeps its scheme and host.
    """
    parts = urlsplit(url)
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    path = re.sub(r"\A/v1\.\d+(?=/)", "", parts.path) if parts.scheme == "http+docker" else parts.path or "/"
    origin = "" if parts.scheme == "http+docker" else f"{parts.scheme}://{parts.netloc}"
    return f"{method} {origin}{path}" + (f"?{query}" if query else "")


def engine_key(method: str, url: str) -> str:
    """Return the name of a request to an engine, be it behind a socket, a port or a pipe."""
    return key_of(method, re.sub(r"\A[a-z+]+://[^/]*", "http+docker://engine", url))


def refuse_changes(method: str, url: str) -> None:
    """Stop a check that would change the engine, wait for it, or read what the course may not see.

    Raises:
        CheckError: with the request.
    """
    path = re.sub(r"\A/v1\.\d+(?=/)", "", urlsplit(url).path)
    query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    if method not in ("GET", "HEAD"):
        raise CheckError(f"The check sends {method} {path}.", "A check only reads: GET and HEAD.")
    if not READABLE.match(path):
        raise CheckError(f"The check asks for {path}.", "A check reads single objects, their lists, and /info.")
    endless = query.get("follow", "0").lower() not in FALSE
    if endless or (path.endswith("/stats") and query.get("stream", "1").lower() not in FALSE):
        raise CheckError(f"The check reads {path} as an endless stream.", "Pass stream=False.")


def exchange_from(key: str, status: int, headers: Mapping[str, str], body: bytes) -> Exchange:
    """Return an answer in the form that is kept: JSON stays JSON, text stays text, the rest is base64."""
    kept = {name: re.sub(r"[^ -~]", "?", headers[name])[:MAX_HEADER] for name in KEPT_HEADERS if name in headers}
    exchange: Exchange = {"request": key, "status": status, "headers": kept}
    kind = kept.get("Content-Type", "")
    if kind.startswith("application/json") and body:
        with contextlib.suppress(ValueError):
            return {**exchange, "json": strictjson.loads(body)}
    if not kind.startswith(BINARY):
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
        key = engine_key(method, url) if self.engine else key_of(method, url)
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
        exchanges = list(exchanges)
        self.aliases = aliases_of(exchanges) if engine else {}
        self.kept: dict[str, list[Exchange]] = defaultdict(list)
        self.renamed: dict[str, list[Exchange]] = defaultdict(list)  # the same, by ID where a name was used
        for exchange in exchanges:
            self.kept[exchange["request"]].append(exchange)
            self.renamed[canonical(exchange["request"], self.aliases)].append(exchange)
        self.asked: dict[str, int] = defaultdict(int)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        method, url = request.method or "", request.url or ""
        key = key_of(method, url)
        try:
            if self.engine:
                refuse_changes(method, url)
        except CheckError:
            if method not in ("GET", "HEAD"):
                raise
            # An ID that the evidence gave leads there, no check that ever ran.
            raise MissingReply(f"The evidence holds no answer to {key}.") from None
        answers = self.kept.get(key) or self._like(canonical(key, self.aliases))
        if not answers:
            raise MissingReply(f"The evidence holds no answer to {key}.")
        exchange = answers[min(self.asked[key], len(answers) - 1)]
        self.asked[key] += 1
        hidden = privacy.masked(exchange.get("json")) & self.named
        if hidden:
            raise MissingReply(f"The evidence masks the value of {', '.join(sorted(hidden))}.")
        if "/archive?" in key and exchange.get("status", 400) < 400:
            refuse_bomb(body_of(exchange))
        return response_from(request, exchange)

    def _like(self, key: str) -> list[Exchange]:
        """A log is kept under the number of lines that was asked for; a whole log answers any larger number too."""
        if key in self.renamed or "/logs?" not in key:
            return self.renamed.get(key, [])
        rest, asked = _without_tail(key)
        for other, kept in self.renamed.items():
            like, had = _without_tail(other)
            if like == rest and "error" not in kept[-1] and min(asked, had) > body_of(kept[-1]).count(b"\n"):
                return kept
        return []

    def close(self) -> None:
        pass


def _without_tail(key: str) -> tuple[str, float]:
    match = re.search(r"[?&]tail=(\d+)", key)
    return re.sub(r"[?&]tail=[^&]*", "", key), int(match.group(1)) if match else math.inf


def _read(answer: requests.Response) -> bytes:
    body = b""
    for part in answer.iter_content(64 * 1024):
        body += part
        if len(body) > MAX_BODY:
            raise AnswerError(
                "too-large", f"The answer is larger than {MAX_BODY // 1024} KiB, more than a check reads."
            )
    return body
