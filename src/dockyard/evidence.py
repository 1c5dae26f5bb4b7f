"""The evidence file: what the engine answered to a check, sealed, limited, and read as data only.

One JSON file an exercise, `evidence/<exercise>.json`. Its schema is `evidence_schema.json` in this package.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from dockyard import strictjson
from dockyard.errors import EvidenceError

FORMAT = "dockyard-evidence"
VERSION = 1
MAX_BYTES = 1024 * 1024
MAX_ATTEMPTS = 200
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")

Evidence = dict[str, Any]


def path_of(directory: Path, exercise: str) -> Path:
    """Return where the evidence of an exercise lies, given the notebook's folder.

    Raises:
        EvidenceError: the exercise's name could leave the folder or is not of the usual form.
    """
    if not NAME.match(exercise):
        raise EvidenceError(
            f"{exercise!r} is no name for an exercise.", "Expected lower-case letters, digits, hyphens."
        )
    return directory / "evidence" / f"{exercise}.json"


def now() -> str:
    """Return the time as the evidence writes it: UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def checksum(evidence: Evidence) -> str:
    """Return the SHA-256 of the canonical form: every field but the checksum, sorted keys, no white space, ASCII."""
    body = {key: value for key, value in evidence.items() if key != "checksum"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def dump(evidence: Evidence) -> bytes:
    """Return the file's bytes, sealed anew. What this writes, `parse` reads.

    Raises:
        EvidenceError: more than `MAX_BYTES`, or not of the form of the schema.
    """
    sealed = {**evidence, "checksum": checksum(evidence)}
    try:
        content = json.dumps(sealed, indent=1, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # lone surrogates, which only escapes can carry
        content = json.dumps(sealed, indent=1, ensure_ascii=True, allow_nan=False).encode()
    if len(content) > MAX_BYTES:
        raise EvidenceError(
            f"The evidence of {evidence.get('exercise')} has {len(content):,} bytes.",
            f"At most {MAX_BYTES:,} bytes can be handed in.",
        )
    _validate(sealed)  # better no evidence now, with a reason, than evidence that is refused when it is graded
    return content


def parse(content: bytes, *, exercise: str | None = None, student: str | None = None) -> Evidence:
    """Return the evidence that the bytes hold, after every check that can be made of them.

    Args:
        content: the file's bytes.
        exercise: refuse evidence of another exercise.
        student: refuse evidence of another student.

    Raises:
        EvidenceError: with the reason, in words for the learner and the instructor.
    """
    if len(content) > MAX_BYTES:
        raise EvidenceError(f"The evidence has {len(content):,} bytes.", f"Expected at most {MAX_BYTES:,}.")
    if not content.strip():
        raise EvidenceError("The evidence file is empty.", next_step="Run the exercise's check again.")
    try:
        evidence = strictjson.loads(content)
    except ValueError as error:
        reason = str(error)[:120]
        raise EvidenceError(f"The evidence cannot be read: {reason}.", next_step="Run the check again.") from None
    if not isinstance(evidence, dict) or evidence.get("format") != FORMAT:
        raise EvidenceError("The file is not Dockyard evidence.", next_step="Run the exercise's check again.")
    if evidence.get("version") != VERSION or isinstance(evidence["version"], bool):
        raise EvidenceError(
            f"The evidence has format version {str(evidence.get('version'))[:20]!r}.",
            f"This Dockyard reads version {VERSION}.",
        )
    _validate(evidence)
    if checksum(evidence) != evidence["checksum"]:
        raise EvidenceError("The evidence was changed after it was recorded: its checksum does not fit.")
    if exercise is not None and evidence["exercise"] != exercise:
        raise EvidenceError(f"The evidence is of exercise {evidence['exercise']}.", f"Expected {exercise}.")
    if student is not None and evidence["student"] != student:
        raise EvidenceError(
            f"The evidence was recorded for {evidence['student']!r}.", f"It was handed in by {student!r}."
        )
    return evidence


def read(path: Path, *, exercise: str | None = None, student: str | None = None) -> Evidence:
    """Read an evidence file. Only a regular file is opened, never through a link.

    Args:
        path, exercise, student: see `parse`.

    Raises:
        EvidenceError: missing, not a regular file, or refused by `parse`.
    """
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # no link, no waiting for a pipe, bytes as they are
        flags |= getattr(os, flag, 0)
    try:
        if path.parent.is_symlink():
            raise EvidenceError("The evidence folder is a link.", "Expected a folder.")
        if path.is_symlink():
            raise EvidenceError("The evidence is a link.", "Expected a regular file.")
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise EvidenceError("There is no evidence.", next_step="Run the exercise's check before you submit.") from None
    except OSError as error:
        raise EvidenceError(f"The evidence cannot be opened: {error.strerror}.", "Expected a regular file.") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EvidenceError("The evidence is not a regular file.")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise EvidenceError(f"The evidence cannot be read: {error.strerror}.") from None
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise EvidenceError("The evidence file is too large.", f"Expected at most {MAX_BYTES:,} bytes.")
    return parse(content, exercise=exercise, student=student)


def write(path: Path, evidence: Evidence) -> None:
    """Write an evidence file whole or not at all: a crash leaves the old file.

    Raises:
        EvidenceError: too large, not of the right form, or the disk refuses.
    """
    content = dump(evidence)
    with _disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)


def record(path: Path, fresh: Evidence, *, leaner: Evidence | None = None) -> Evidence:
    """Add one run to the file: count the attempt, and let a pass on file survive a later failure.

    A file that cannot be read is moved aside, never lost.

    Args:
        path: the evidence file.
        fresh: evidence of this run; its `attempts` holds this run alone.
        leaner: the same with fewer of the engine's answers, where `fresh` makes the file too large.

    Returns:
        What now stands in the file.

    Raises:
        EvidenceError: nothing was recorded, and what was on file is still there.
    """
    folder = path.parent
    with _disk(path):
        if folder.is_symlink():
            raise EvidenceError("The evidence folder is a link.", "Expected a folder.", f"Remove the link {folder}.")
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            for left in folder.glob(f".{path.stem}-*.tmp"):  # by a writer that was killed
                left.unlink(missing_ok=True)
            old = _old(path, fresh)
            kept, content = _merged(old, fresh, leaner or fresh)
            if old is None and os.path.lexists(path):
                os.replace(path, _aside(path))
            _replace(path, content)
            return kept


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise EvidenceError(f"The evidence cannot be written: {reason}.", f"Its place is {path}.") from error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock", timeout=10)
    try:
        lock.acquire()
    except Timeout:
        raise EvidenceError(
            "Another program has been writing evidence here for 10 seconds.",
            next_step="Close the other kernel of this notebook, then run the cell again.",
        ) from None
    try:
        yield
    finally:
        lock.release()


def _old(path: Path, fresh: Evidence) -> Evidence | None:
    try:
        return read(path, exercise=fresh["exercise"], student=fresh["student"])
    except EvidenceError:
        return None


def _merged(old: Evidence | None, fresh: Evidence, leaner: Evidence) -> tuple[Evidence, bytes]:
    """What to keep, and its bytes. Where it is too large go first the neighbourhood, then old attempts' messages."""
    refused: EvidenceError | None = None
    for candidate, most in ((fresh, MAX_ATTEMPTS), (leaner, MAX_ATTEMPTS), (leaner, 10)):
        kept = _merge(old, candidate, most) if old else candidate
        try:
            return kept, dump(kept)
        except EvidenceError as error:
            refused = error
    assert refused is not None
    raise refused


def _merge(old: Evidence, fresh: Evidence, most: int) -> Evidence:
    attempts = old["attempts"] + fresh["attempts"]
    count = old["attempt_count"] + fresh["attempt_count"]
    base = old if old["passed"] and not fresh["passed"] else fresh
    if len(attempts) > most:  # the first one tells when the learner began
        attempts = attempts[:1] + attempts[-(most - 1) :]
    return {**base, "attempts": attempts, "attempt_count": count}


def _aside(path: Path) -> Path:
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.stem}.unreadable-{number}.txt")):
        number += 1
    return aside


def _validate(evidence: Evidence) -> None:
    try:
        _validator()(evidence)
        for time in (evidence["recorded"], *(attempt["at"] for attempt in evidence["attempts"])):
            datetime.fromisoformat(time)
        for exchange in evidence["exchanges"]:
            base64.b64decode(exchange.get("base64", ""), validate=True)
    except ValueError as error:  # fastjsonschema.JsonSchemaException and binascii.Error are two
        raise EvidenceError(f"The evidence is not of the right form: {str(error)[:160]}.") from None


@cache
def _validator() -> Any:
    import fastjsonschema

    schema = json.loads(files("dockyard").joinpath("evidence_schema.json").read_text())
    return fastjsonschema.compile(schema)
