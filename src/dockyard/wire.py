"""Answers as they come off the wire: a kept exchange made into the response that docker-py and requests expect."""

from __future__ import annotations

import base64
import binascii
import email.message
import http.client
import io
import json
import tarfile
import tempfile
from typing import Any

import requests
from urllib3.response import HTTPResponse

STREAMS = ("application/vnd.docker.multiplexed-stream", "application/vnd.docker.raw-stream")
ENCODINGS = ("utf-8", "iso-8859-1", "us-ascii", "windows-1252")  # no codec that a forger would choose

Exchange = dict[str, Any]


class AnswerError(requests.exceptions.ConnectionError):
    """There was no usable answer to a request; kept in the evidence and raised again on replay.

    A check may expect it, as it would expect requests' own error: that nothing answers can be what is asked for.

    Args:
        kind: "too-large", "unreachable" or "timeout".
        message: what to tell the learner.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


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
    named = requests.utils.get_encoding_from_headers(response.headers)  # None for streams: docker-py counts on it
    response.encoding = named if named is None or named.lower() in ENCODINGS else "utf-8"
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


def refuse_bomb(body: bytes) -> None:
    """Stop an archive that is more than it looks: an engine's is plain tar, with every byte of its files in it.

    `tarfile` would unpack a compressed one, and fill the holes of a sparse file, without end.

    Raises:
        ValueError: with the reason.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as archive:
            size = sum(member.size for member in archive if member.isreg())
    except (tarfile.TarError, OverflowError, ValueError) as error:
        raise ValueError(f"The evidence holds an archive that cannot be read: {error}.") from None
    if size > len(body):
        raise ValueError("The evidence holds an archive that claims more than it has.")


class _Wire:
    """What `http.client.HTTPResponse` takes for a socket: it only asks for a file."""

    def __init__(self, body: bytes, kind: str) -> None:
        self.body, self.kind = body, kind

    def makefile(self, *args: Any, **kwargs: Any) -> io.BufferedReader:
        if self.kind and not self.kind.startswith((*STREAMS, "application/octet-stream")):  # API 1.41 names no stream
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
