"""Evidence that is broken or hostile. One exercise loses its points for it, with a reason; the others keep theirs."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from dockyard import evidence
from tests.hostile.notebooks import WRONG
from tests.hostile.room import Case, Document, Honest, Lay, student_of

STRIPPED = "was changed after it was recorded"
FORM = "not of the right form"


def evidence_cases() -> Iterator[Case]:
    yield from _files()
    yield from _fields()
    yield from _replies()
    yield from _archives()


def loses(exercise: str) -> dict[str, float | None]:
    return {exercise: 0.0}


def file_of(folder: Path, exercise: str = "first-one") -> Path:
    return evidence.path_of(folder, exercise)


def content(make: Callable[[bytes, Random], bytes]) -> Lay:
    def lay(folder: Path, honest: Honest, random: Random) -> None:
        file_of(folder).write_bytes(make(file_of(folder).read_bytes(), random))

    return lay


def changed(change: Callable[[Document], None], exercise: str = "first-one", seal: bool = True) -> Lay:
    """Change what the evidence says and, as a forger would, seal it anew."""

    def lay(folder: Path, honest: Honest, random: Random) -> None:
        document = honest.evidence(exercise, student_of(folder))
        document["checksum"] = evidence.checksum(document)
        change(document)
        if seal:
            body = {key: value for key, value in document.items() if key != "checksum"}
            canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
            document["checksum"] = f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
        file_of(folder, exercise).write_text(json.dumps(document))

    return lay


def _files() -> Iterator[Case]:
    def missing(folder: Path, honest: Honest, random: Random) -> None:
        file_of(folder).unlink()

    yield Case("ev-missing", missing, loses("first-one"), "There is no evidence")
    unreadable = "cannot be read"
    contents: dict[str, tuple[Callable[[bytes, Random], bytes], str]] = {
        "empty": (lambda _, r: b"", "is empty"),
        "blank": (lambda _, r: b"\n\n ", "is empty"),
        "not-json": (lambda _, r: b"passed: true", unreadable),
        "list": (lambda _, r: b"[]", "not Dockyard evidence"),
        "text": (lambda _, r: b'"evidence"', "not Dockyard evidence"),
        "other-json": (lambda _, r: b'{"passed": true, "points": 2}', "not Dockyard evidence"),
        "null-bytes": (lambda text, r: text.replace(b"red", b"r\x00d"), unreadable),
        "only-null": (lambda text, r: bytes(len(text)), unreadable),
        "utf-16": (lambda text, r: text.decode().encode("utf-16"), unreadable),
        "latin-1": (lambda text, r: text.replace(b"red", b"r\xe9d"), unreadable),
        "noise": (lambda _, r: r.randbytes(20_000), unreadable),
        "huge": (lambda text, r: text + b" " * (2 * 1024 * 1024), "too large"),
        "20-mb": (lambda text, r: text + b" " * (20 * 1024 * 1024), "has 20 MiB, more than 16"),
        "deep": (lambda _, r: b"[" * 500_000 + b"]" * 500_000, "nested too deeply"),
        "deep-objects": (lambda _, r: b'{"a":' * 150_000, "nested too deeply"),
        "gzip": (lambda text, r: gzip.compress(text), unreadable),
        "gzip-bomb": (lambda _, r: gzip.compress(bytes(50_000_000)), unreadable),
        "zip": (lambda text, r: _zipped(text), unreadable),
        "nan": (lambda text, r: text.replace(b'"points": 2', b'"points": NaN'), unreadable),
        "infinite": (lambda text, r: text.replace(b'"points": 2', b'"points": 1e999'), unreadable),
        "digits": (lambda text, r: text.replace(b'"points": 2', b'"points": ' + b"9" * 9000), unreadable),
        "twice": (lambda text, r: text.replace(b'"points": 2', b'"points": 2, "points": 2'), unreadable),
        "pickle": (lambda _, r: b"cos\nsystem\n(S'touch canary'\ntR.", unreadable),
        "yaml": (lambda _, r: b"!!python/object/apply:os.system ['touch canary']", unreadable),
    }
    for name, (make, reason) in contents.items():
        yield Case(f"ev-{name}", content(make), loses("first-one"), reason)
    yield Case("ev-byte-order-mark", content(lambda text, r: b"\xef\xbb\xbf" + text))  # an editor's habit, no change
    for number in range(6):
        cut = content(lambda text, random: text[: random.randrange(5, len(text) - 5)])
        yield Case(f"ev-truncated-{number}", cut, loses("first-one"), unreadable)
    for number in range(10):

        def flip(text: bytes, random: Random) -> bytes:
            position = random.randrange(len(text))
            while text[position : position + 1].isspace():
                position = random.randrange(len(text))
            return text[:position] + bytes([text[position] ^ 1 << random.randrange(7)]) + text[position + 1 :]

        yield Case(f"ev-bit-{number}", content(flip), loses("first-one"), "The evidence|not Dockyard evidence")

    def of(other: str) -> Lay:
        def lay(folder: Path, honest: Honest, random: Random) -> None:
            document = honest.evidence(other, student_of(folder))
            file_of(folder).write_bytes(evidence.dump(document))

        return lay

    yield Case("ev-other-exercise", of("second-one"), loses("first-one"), "of exercise second-one")

    def borrowed(folder: Path, honest: Honest, random: Random) -> None:
        file_of(folder).write_bytes(evidence.dump(honest.evidence("first-one", "honest")))

    yield Case("ev-other-learner", borrowed, loses("first-one"), "recorded for 'honest'")


def _zipped(text: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../first-one.json", text)
    return file.getvalue()


def _fields() -> Iterator[Case]:
    fields = ("exercise", "points", "student", "check", "engine", "recorded", "passed", "message", "attempt_count")
    for name in (*fields, "attempts", "answers", "exchanges"):
        without = changed(lambda document, name=name: document.pop(name))
        yield Case(f"ev-without-{name.replace('_', '-')}", without, loses("first-one"), FORM)
        for number, value in enumerate(([], {"a": []}, True, -1)):
            if (name, value) in (("passed", True), ("exchanges", [])):
                continue
            wrong = changed(lambda document, name=name, value=value: document.update({name: value}))
            expected = None if name == "answers" and isinstance(value, dict) else FORM
            reason = expected or "no variable named first_one"
            yield Case(f"ev-{name.replace('_', '-')}-{number}", wrong, loses("first-one"), reason)
    yield Case("ev-extra-field", changed(lambda d: d.update(__class__="x")), loses("first-one"), FORM)
    for number, version in enumerate((2, 99, "1", None, True, [1], -1, 1e300)):
        later = changed(lambda document, version=version: document.update(version=version))
        yield Case(f"ev-version-{number}", later, loses("first-one"), "format version")
    for form in ("docker-evidence", None, 1, []):
        other = changed(lambda document, form=form: document.update(format=form))
        yield Case(
            f"ev-format-{form}".lower().replace("[]", "list"), other, loses("first-one"), "not Dockyard evidence"
        )
    forged = changed(lambda document: document["answers"].update(first_one="RED"), seal=False)
    yield Case("ev-checksum-stale", forged, loses("first-one"), STRIPPED)
    zeros = changed(lambda document: document.update(checksum="sha256:" + "0" * 64), seal=False)
    yield Case("ev-checksum-zero", zeros, loses("first-one"), STRIPPED)
    none = changed(lambda document: document.pop("checksum"), seal=False)
    yield Case("ev-checksum-none", none, loses("first-one"), FORM)
    answers: list[Any] = [
        *WRONG,
        "\x1b]0;owned\x07",
        "\u202egnorw",
        "<script>window.canary=1</script>",
        [[[[[]]]]] * 50,
    ]
    for number, value in enumerate(answers):
        wrong = changed(lambda document, value=value: document["answers"].update(first_one=value))
        yield Case(f"ev-answer-{number}", wrong, loses("first-one"), r"✗ first-one: \S")
    nested: Any = []
    for _ in range(70):
        nested = [nested]
    deep = changed(lambda document: document["answers"].update(first_one=nested))
    yield Case("ev-answer-deep", deep, loses("first-one"), "nested too deeply")
    many = changed(lambda document: document.update(answers={f"a{n}": n for n in range(60)}))
    yield Case("ev-answers-many", many, loses("first-one"), FORM)
    claims = changed(lambda document: document.update(answers={"first_one": "green"}, passed=True, points=1000))
    yield Case("ev-claims-a-pass", claims, loses("first-one"), "green is not it")


def _replies() -> Iterator[Case]:
    def replies(change: Callable[[Document], None], only: str = "") -> Lay:
        def each(document: Document) -> None:
            for exchange in document["exchanges"]:
                if only in exchange["request"]:
                    change(exchange)

        return changed(each, "box-runs")

    lost = loses("box-runs")
    for number, status in enumerate((-1, 0, 99, 100, 600, 1000, 10**18, "200", 200.5, True, None, [])):
        absurd = replies(lambda exchange, status=status: exchange.update(status=status))
        yield Case(f"ev-status-{number}", absurd, lost, FORM)
    for status in (204, 304, 400, 404, 409, 500, 599):
        bad = replies(lambda exchange, status=status: exchange.update(status=status))
        yield Case(f"ev-status-{status}", bad, lost, ".")
    headers: dict[str, dict[str, Any]] = {
        "line-break": {"Content-Type": "application/json\r\nSet-Cookie: a=b"},
        "folded": {"Content-Type": "application/json\n folded"},
        "null": {"Content-Type": "application/json\x00"},
        "long": {"Content-Type": "x" * 100_000},
        "number": {"Content-Type": 7},
        "encoding": {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        "chunked": {"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        "length": {"Content-Type": "application/json", "Content-Length": "999999999999"},
        "proto": {"__proto__": "x"},
    }
    for name, value in headers.items():
        yield Case(f"ev-header-{name}", replies(lambda e, value=value: e.update(headers=value)), lost, FORM)
    inside: dict[str, tuple[Any, str]] = {
        "none": (None, "could not use what it found|incomplete|engine"),
        "list": ([], "could not use what it found|incomplete|engine"),
        "empty": ({}, "could not use what it found|incomplete|lab-box is"),
        "text": ("x", "could not use what it found|incomplete"),
        "state": ({"Id": "x", "State": 7, "Name": [], "Config": None}, "."),
        "numbers": ({"Id": 10**400, "State": {"Status": 1e300}}, "."),
        "exited": ({"Id": "x", "Name": "/lab-box", "State": {"Status": "\x1b[31m<b>exited</b>"}}, "exited"),
        "path": ({"Id": "../../../etc/passwd", "Name": "/../..", "State": {"Status": "running"}}, "."),
        "address": ({"Id": "@evil:80/x?#", "Name": "http://127.0.0.1:9/", "State": {"Status": "running"}}, "."),
    }
    for name, (answer, reason) in inside.items():
        wrong = replies(lambda e, answer=answer: e.update(json=answer), "GET /containers/lab-box/json")
        yield Case(f"ev-inspect-{name}", wrong, lost, reason)
    requests = ("GET /a b", "GET /a\r\nHost: x", "POST /containers/create", "GET", "", "GET /" + "x" * 5000, None, [])
    for number, request in enumerate(requests):
        yield Case(f"ev-request-{number}", replies(lambda e, request=request: e.update(request=request)), lost, FORM)
    elsewhere = replies(lambda e: e.update(request="GET http://127.0.0.1:9/" + e["request"][5:]))
    yield Case("ev-request-elsewhere", elsewhere, lost, "incomplete.*holds no answer")
    yield Case("ev-no-exchanges", changed(lambda d: d.update(exchanges=[]), "box-runs"), lost, "incomplete")
    thousands = changed(lambda d: d.update(exchanges=d["exchanges"] * 400), "box-runs")
    yield Case("ev-3000-exchanges", thousands, lost, "right form|too large|bytes")
    both = replies(lambda e: e.update(json={}, text="", base64=""))
    yield Case("ev-body-twice", both, lost, FORM)
    error = replies(lambda e: (e.clear(), e.update(request="GET /x", error={"kind": "exit", "message": "x"})))
    yield Case("ev-error-unknown", error, lost, FORM)
    for kind in ("too-large", "unreachable", "timeout"):

        def fails(exchange: Document, kind: str = kind) -> None:
            request = exchange["request"]
            exchange.clear()
            exchange.update(request=request, error={"kind": kind, "message": "<script>window.canary=1</script>\x1b[2J"})

        yield Case(f"ev-error-{kind}", replies(fails), lost, ".")


def _archives() -> Iterator[Case]:
    def body(name: str, value: str | bytes, where: str, reason: str) -> Case:
        def change(document: Document) -> None:
            for exchange in document["exchanges"]:
                if where in exchange["request"]:
                    for key in ("json", "text", "base64"):
                        exchange.pop(key, None)
                    exchange["base64"] = value if isinstance(value, str) else base64.b64encode(value).decode()

        return Case(f"ev-{name}", changed(change, "box-runs"), loses("box-runs"), reason)

    archive, logs = "/archive?", "/logs?"
    yield body("base64-broken", "A", archive, FORM)
    yield body("base64-letters", "*" * 100, archive, FORM)
    yield body("base64-breaks", "QUJD\n" * 100, archive, FORM)
    yield body("base64-bomb", "A" * 900_000, archive, "archive|welcome")
    yield body("base64-too-large", "A" * 2_000_000, archive, "too large")
    yield body("tar-gzip-bomb", gzip.compress(bytes(100_000_000)), archive, "archive that cannot be read")
    yield body("tar-empty", b"", archive, "archive|welcome")
    yield body("tar-claims-more", _tar(size=8 * 1024**4), archive, "claims more than it has|cannot be read")
    yield body("tar-negative", _tar(size=512)[:124] + b"\xff" * 12 + _tar(size=512)[136:], archive, "archive|welcome")
    yield body("tar-noise", Random(1).randbytes(4096), archive, "archive that cannot be read|welcome")
    links = _tar(name="../../../../etc/cron.d/x", kind=tarfile.SYMTYPE, link="/etc/passwd")
    yield body("tar-links", links, archive, "welcome")
    yield body("tar-device", _tar(name="/dev/sda", kind=tarfile.BLKTYPE), archive, "welcome")
    yield body("logs-4-gb", b"\x01\0\0\0\xff\xff\xff\xffhell", logs, "hello|could not use|engine")
    yield body("logs-short", b"\x01\0\0", logs, "hello|could not use|engine")
    yield body("logs-stream-255", b"\xff\xff\xff\xff\0\0\0\x05hullo", logs, "hello|could not use|engine")
    yield body("logs-empty-frames", b"\x01\0\0\0\0\0\0\0" * 30_000, logs, "hello|could not use|engine")


def _tar(name: str = "motd", size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    about = tarfile.TarInfo(name)
    about.size, about.type, about.linkname = size, kind, link
    return about.tobuf(tarfile.GNU_FORMAT) + bytes(10_240)
