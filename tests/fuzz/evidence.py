"""Evidence as bytes: refused with a reason, or read, written, read again, and looked at by an audit."""

from __future__ import annotations

import json
import os
import tempfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from dockyard import evidence
from dockyard.errors import EvidenceError
from dockyard.grading.audit import Audit
from dockyard.grading.audit.facts import Facts, facts_of
from dockyard.grading.audit.findings import ranked
from dockyard.grading.audit.shared import among, checks
from dockyard.grading.audit.single import of_hand_in
from dockyard.grading.handins import read_hand_in
from dockyard.judge import clean
from dockyard.progress import as_html, as_text, lines_of
from tests.fuzz.guard import nothing_outside
from tests.fuzz.mutation import MutateBytes, mutated
from tests.grading.evidence_class import filed, image, unique
from tests.test_evidence import CORRUPTIONS, sample, sealed

LIMITS = ("-timeout=10", "-rss_limit_mb=700", "-max_len=60000")
WORDS = (
    *("try-it", "ada", "eve", "dockyard-evidence", "sha256:" + "0" * 64, "1.45", "2026-03-01T10:00:00.000Z"),
    *("2026-02-30T10:00:00.000Z", "2099-19-39T29:59:69.999Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"),
    *("2026-03-01T10:00:00.000+23:59", "2026-W09-7", "2026-060", "2026-03-01 10:00:00.5 UTC", 200, 404, 599, 1000000),
    *("GET /containers/lab-a/json", "GET /images/dockyard/lab-a/json", "GET /info", "HEAD /x", "SystemTime", "Image"),
    *("Id", "Name", "Names", "Created", "StartedAt", "State", "Config", "RootFS", "Layers", "RepoTags", "lab-a"),
    *("dockyard/lab-a:latest", "json", "text", "base64", "error", "status", "headers", "Content-Type", "unreachable"),
)
FILED = "{}/lesson/evidence/try-it.json"
RAW = 0.15  # of the inputs are bytes changed anywhere, so that JSON itself is not taken for granted


def seeds() -> list[bytes]:
    layers = ["sha256:" + unique("layer", number) for number in range(2)]
    built = image("dockyard/lab-first:latest", unique("built"), layers)
    clock = {"request": "GET /info", "status": 200, "headers": {}, "json": {"SystemTime": "2026-03-02T09:00:00Z"}}
    documents = [sample(), filed("ada", "first-one"), filed("eve", "second-one")]
    documents.append({**documents[1], "exchanges": [*documents[1]["exchanges"], built, clock]})
    documents.append({**sample(), "attempts": sample()["attempts"] * 5, "attempt_count": 5, "engine": None})
    small = [content for content, _ in CORRUPTIONS.values() if len(content) < 20_000]
    return [sealed(document) for document in documents] + small


@cache
def donors() -> list[Any]:
    return [json.loads(content) for content in seeds()[:5]]


def mutate(data: bytes, chance: Random, mutate_bytes: MutateBytes) -> bytes:
    if chance.random() < RAW:
        return mutate_bytes(data)
    return mutated(data, chance, mutate_bytes, WORDS, donors())


def one_input(data: bytes) -> None:
    with nothing_outside():
        accepted(data)
        fitting = resealed(data)
        if fitting is not None:
            accepted(fitting)
    for content in dict.fromkeys((data, fitting or data)):
        audited(content)


def resealed(data: bytes) -> bytes | None:
    """The document with the checksum that belongs to it, as a forger would make it; None where it is no document."""
    try:
        document = json.loads(data)
        return sealed(document) if isinstance(document, dict) else None
    except (ValueError, RecursionError):
        return None


def accepted(content: bytes) -> bool:
    """Whether the evidence was read; what is read can be written and read again, what is not has its reason."""
    try:
        says = evidence.parse(content)
    except EvidenceError as error:
        reason(error)
        return False
    try:
        assert evidence.parse(evidence.dump(says)) == says, "written and read again, it says something else"
    except EvidenceError as error:
        assert "bytes" in str(error), error  # written with line breaks, it is larger
    for wanted in ({"exercise": "other-one"}, {"student": "somebody\ud800"}):
        try:
            evidence.parse(content, **wanted)
        except EvidenceError as error:
            reason(error)
        else:
            assert says["exercise"] == "other-one", wanted
    return True


def reason(error: EvidenceError) -> None:
    text = clean(str(error))
    assert error.found and text and text.encode(), error
    assert len(str(error)) < 2000, "a reason without end"


@cache
def submitted() -> Path:
    """Where two learners hand in the same."""
    root = Path(tempfile.mkdtemp())
    for student in ("ada", "eve"):
        (root / student / "lesson" / "evidence").mkdir(parents=True)
    (root / FILED.format("ada")).touch()
    os.link(root / FILED.format("ada"), root / FILED.format("eve"))
    return root


def audited(content: bytes) -> None:
    """An audit, and the table in a notebook, take any evidence."""
    root = submitted()
    (root / FILED.format("ada")).write_bytes(content)
    with nothing_outside():
        everything: list[Facts] = []
        result = Audit("lesson")
        found = []
        for student in ("ada", "eve"):
            hand_in = read_hand_in(student, root / student / "lesson")
            assert len(hand_in.filed) + len(hand_in.refused) == 1, "a file is read or refused"
            facts = facts_of(hand_in)
            found += of_hand_in(hand_in, facts)
            everything += facts
        result.findings = ranked([*found, *among(everything), *checks(everything, {"try-it": {"sha256:0"}})])
        text = json.dumps(result.as_json(root), allow_nan=False)
        assert len(text) < 400_000 and os.fspath(root) not in text, "a report of this length is read by nobody"
        lines = lines_of(None, root / "ada" / "lesson")
        assert as_text(lines).encode() and as_html(lines).encode()
