"""Forged answers of an engine, sealed, below the true docker-py: each check has an outcome, and reaches nobody."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from random import Random
from types import CodeType
from typing import Any

from nbformat.v4 import new_code_cell

import dockyard.lab.inside  # noqa: F401  (so that it is instrumented)
from dockyard import evidence, exercise
from dockyard.card import Outcome
from dockyard.grading.replaying import grade_cell
from dockyard.judge import MAX_MESSAGE, cell_hash
from tests.cells import cell
from tests.fuzz.evidence import WORDS as EVIDENCE_WORDS
from tests.fuzz.evidence import resealed
from tests.fuzz.guard import nothing_outside
from tests.fuzz.mutation import MutateBytes, mutated
from tests.fuzz.world import STUDENT, lesson_cells, record
from tests.grading.classroom import ROOT, mark

LIMITS = ("-timeout=10", "-rss_limit_mb=900", "-max_len=60000")

# All that checks may use; each is a check of its own.
CALLS = {
    "container": 'box = docker.containers.get("lab-shop"); assert box.status == "running", box.status\n'
    'box.reload(); assert not box.labels.get("x"), str(box.labels)\n'
    "box.short_id, box.name, box.ports, box.health, box.attrs, repr(box), hash(box)",
    "containers": 'found = docker.containers.list(all=True); assert "lab-blue" in [c.name for c in found], str(found)\n'
    'assert len(docker.containers.list(sparse=True, filters={"name": "lab"})) > 0, "none"',
    "top": 'top = docker.containers.get("lab-shop").top()\n'
    'for row in top["Processes"]: assert dict(zip(top["Titles"], row))["PID"], "no PID"',
    "logs": 'box = docker.containers.get("lab-shop"); text = box.logs(); assert b"6.1" in text, repr(text)',
    "log-lines": 'box = docker.containers.get("lab-shop")\n'
    'assert b"".join(box.logs(stream=True, follow=False)) == box.logs(), "they differ"\n'
    'assert box.logs(tail=50) and box.logs(stdout=False) == b"", "errors"',
    "files": 'parts, about = docker.containers.get("lab-letter").get_archive("/letter.txt")\n'
    "import io, tarfile\n"
    'with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as archive:\n'
    "    for member in archive:\n"
    "        file = archive.extractfile(member)\n"
    "        assert file is None or file.read(), str(about)",
    "helpers": "from dockyard.lab import inside\n"
    'box = docker.containers.get("lab-letter"); own = box.image\n'
    "for look in (inside.origin, inside.words, inside.runs, inside.standing, inside.printed, inside.added):\n"
    "    look(box)\n"
    "inside.parent(box), inside.joined(box), inside.main_processes(box), inside.hand_made(own, own)\n"
    'assert inside.read_file(box, "/letter.txt") == inside.content(box, "/letter.txt"), "they differ"',
    "changes": 'assert docker.containers.get("lab-v-broken").diff()[0]["Kind"] == 2, "nothing is deleted"',
    "image": 'own = docker.images.get("dockyard/busybox"); own.tags, own.labels, own.short_id\n'
    'assert own.history()[0]["Size"] < 10**9, "too large"\n'
    'assert [i for i in docker.images.list() if "dockyard/vm:latest" in i.tags], "none"',
    "network": 'net = docker.networks.get("lab-net"); assert net.containers == [] or net.name, "x"\n'
    'assert any(n.attrs["Driver"] == "bridge" for n in docker.networks.list()), "no bridge"',
    "volume": 'assert docker.volumes.get("lab-p-box").attrs["Mountpoint"].startswith("/"), "elsewhere"\n'
    'assert docker.volumes.list(), "none"',
    "engine": 'assert docker.info()["Driver"] and docker.version()["ApiVersion"] and docker.api.api_version, "?"\n'
    "docker.ping()",
    "page": 'page = http.get(address); assert page.ok, page.text[:50]\nassert "x" in page.json(), page.reason\n'
    'assert not http.head(address).content and not page.history, "moved"\nfor line in page.iter_lines(): len(line)',
}
PARAMETERS = {"page": "http, address"}
REDIRECT = {"Location": "http://127.0.0.1:9/v1.45/containers/lab-shop/json", "Content-Type": "application/json"}
WORDS: tuple[Any, ...] = (
    *EVIDENCE_WORDS,
    *(
        "Location",
        "X-Docker-Container-Path-Stat",
        "application/vnd.docker.raw-stream",
        "application/x-tar",
        "text/plain",
    ),
    *(
        "application/vnd.docker.multiplexed-stream",
        "application/json",
        "text/html; charset=utf-7",
        "charset=\x7f",
        REDIRECT,
    ),
    *(
        "../json",
        "http://127.0.0.1:[",
        "//127.0.0.1:9/x",
        "http+docker://localhost/v1.45/info",
        "unix:///x",
        "http+docker://[/",
        301,
    ),
    *(
        302,
        307,
        308,
        303,
        204,
        304,
        500,
        "Status",
        "Running",
        "Pid",
        "Processes",
        "Titles",
        "Tty",
        "Networks",
        "Containers",
    ),
    *({"kind": "timeout", "message": "late"}, {"kind": "too-large", "message": "large"}, {"Tty": True}, {"Health": {}}),
)

# What has to change together to mean something.
TWISTS: tuple[dict[str, Any], ...] = (
    *({"status": status, "headers": REDIRECT} for status in (301, 302, 303, 307, 308)),
    *(
        {"status": 302, "headers": {"Location": place}}
        for place in ("/v1.45/info", "", "?", "http://127.0.0.1", "ftp://127.0.0.1/")
    ),
    *({"status": status} for status in (204, 304, 400, 404, 409, 500, 599)),
    *(
        {"headers": {"Content-Type": kind}}
        for kind in ("", "application/x-tar", "text/html; charset=utf-16", "a" * 8000)
    ),
)


@cache
def cells() -> dict[str, str]:
    """Every check cell by exercise: those of the course, and those that ask for one thing each."""
    own = {f"x-{name}": cell(body, PARAMETERS.get(name, "docker"), name=f"x-{name}") for name, body in CALLS.items()}
    return {**lesson_cells(ROOT / "source"), **own}


@cache
def recorded() -> list[dict[str, Any]]:
    """Evidence of every cell; of half of them as of an older check, whose questions a person may have to grade."""
    found = list(record(cells()).values())
    page = {"request": "GET http://127.0.0.1:9/", "status": 200, "headers": {}, "text": '{"x": 1}'}
    for document in found:
        if document["exercise"] == "x-page":
            document["exchanges"] = [page, {**page, "request": "HEAD http://127.0.0.1:9/"}]
    return [*found, *({**document, "check": None} for document in found[::2])]


def seeds() -> list[bytes]:
    return [json.dumps(document).encode() for document in recorded()]


def mutate(data: bytes, chance: Random, mutate_bytes: MutateBytes) -> bytes:
    other = mutated(data, chance, mutate_bytes, WORDS, recorded())
    if chance.random() > 0.7:
        return other
    try:  # most edits hit what is refused before it is replayed; these hit the answers
        document = json.loads(data)
        if chance.random() < 0.4:
            chance.choice(document["exchanges"]).update(chance.choice(TWISTS))
        answers = json.dumps(document["exchanges"]).encode()
        document["exchanges"] = json.loads(mutated(answers, chance, mutate_bytes, WORDS, _answers()))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return other
    return json.dumps(document, ensure_ascii=False).encode(errors="surrogatepass")


@cache
def _answers() -> list[Any]:
    return [document["exchanges"] for document in recorded() if document["exchanges"]]


def instrument(atheris: Any) -> None:
    """Let the checks themselves be instrumented: the same code for the same cell, under its new name."""
    made: dict[str, CodeType] = {}

    def compiled(source: str, filename: str, mode: str, **options: Any) -> CodeType:
        if source not in made:
            made[source] = atheris.patch_code(compile(source, filename, mode, **options), True)
        return _renamed(made[source], filename)

    module: Any = exercise.__globals__["sys"].modules["dockyard.exercise"]
    module.compile = compiled  # found before the builtin


def _renamed(code: CodeType, filename: str) -> CodeType:
    parts = [_renamed(part, filename) if isinstance(part, CodeType) else part for part in code.co_consts]
    return code.replace(co_filename=filename, co_consts=tuple(parts))


@cache
def folder() -> Path:
    place = Path(tempfile.mkdtemp())
    (place / "evidence").mkdir()
    return place


def one_input(data: bytes) -> None:
    forged = prepared(data)
    if forged is None:
        return
    name, content = forged
    source = cells()[name]
    (folder() / "evidence" / f"{name}.json").write_bytes(content)
    check = new_code_cell(source, metadata=mark(name, grade=True, locked=True, points=2, cell_type="code"))
    with nothing_outside():
        outcome = grade_cell(check, folder(), STUDENT)
    allowed(outcome)
    json.dumps(check.outputs, allow_nan=False).encode()


def prepared(data: bytes) -> tuple[str, bytes] | None:
    """The exercise and its evidence, sealed as a forger would, with what a forger would not get wrong."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    name = document.get("exercise")
    if not isinstance(name, str) or name not in cells():
        names = list(cells())
        name = names[len(data) % len(names)]
    document.update(format=evidence.FORMAT, version=evidence.VERSION, exercise=name, student=STUDENT)
    if document.get("check") is not None:
        document["check"] = cell_hash(cells()[name])
    try:
        content = resealed(json.dumps(document).encode())
    except RecursionError:
        return None
    return None if content is None else (name, content)


def allowed(outcome: Outcome) -> None:
    """An outcome that can be shown and filed, come about in the check's own way."""
    assert outcome.passed in (True, False, None), outcome
    assert outcome.message and len(outcome.message) <= MAX_MESSAGE, outcome
    assert not outcome.message.startswith(("The check cell", "This check is broken")), outcome
    assert str(outcome).encode() and "<script" not in outcome.html(), outcome
