"""The evidence file: what the engine answered to a check, sealed, limited, and read as data only.

One JSON file an exercise, `evidence/<exercise>.json`. Its schema is `evidence_schema.json` in this package.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import tempfile
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

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
    """Return the file's bytes, sealed anew.

    Raises:
        EvidenceError: more than `MAX_BYTES`.
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
        evidence = json.loads(content.decode("utf-8"), object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        raise EvidenceError(f"The evidence cannot be read: {reason}.", next_step="Run the check again.") from None
    if not isinstance(evidence, dict) or evidence.get("format") != FORMAT:
        raise EvidenceError("The file is not Dockyard evidence.", next_step="Run the exercise's check again.")
    if evidence.get("version") != VERSION:
        raise EvidenceError(
            f"The evidence has format version {str(evidence.get('version'))[:20]!r}.",
            f"This Dockyard reads version {VERSION}.",
        )
    try:
        _validator()(evidence)
    except ValueError as error:  # fastjsonschema.JsonSchemaException is one
        raise EvidenceError(f"The evidence is not of the right form: {str(error)[:160]}.") from None
    except RecursionError:
        raise EvidenceError("The evidence cannot be read: nested too deeply.") from None
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
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.parent.is_symlink():
        raise EvidenceError("The evidence folder is a link.", "Expected a folder.")
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise EvidenceError("There is no evidence.", next_step="Run the exercise's check before you submit.") from None
    except OSError as error:
        raise EvidenceError(f"The evidence cannot be opened: {error.strerror}.", "Expected a regular file.") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EvidenceError("The evidence is not a regular file.")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise EvidenceError("The evidence file is too large.", f"Expected at most {MAX_BYTES:,} bytes.")
    return parse(content, exercise=exercise, student=student)


def write(path: Path, evidence: Evidence) -> None:
    """Write an evidence file whole or not at all: a crash leaves the old file.

    Raises:
        EvidenceError: too large, or the disk refuses.
    """
    content = dump(evidence)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise EvidenceError(f"The evidence cannot be written: {error.strerror}.", f"Its place is {path}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise EvidenceError(f"The evidence cannot be written: {error.strerror}.", f"Its place is {path}.") from error


def record(path: Path, fresh: Evidence) -> Evidence:
    """Add one run to the file: count the attempt, and let a pass on file survive a later failure.

    A file that cannot be read is moved aside, never lost.

    Args:
        path: the evidence file.
        fresh: evidence of this run; its `attempts` holds this run alone.

    Returns:
        What now stands in the file.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.parent / ".lock", timeout=10):
            kept = _merge(path, fresh)
            write(path, kept)
            return kept
    except Timeout:
        raise EvidenceError(
            "Another program has been writing evidence here for 10 seconds.",
            next_step="Close the other kernel of this notebook, then run the cell again.",
        ) from None


def _merge(path: Path, fresh: Evidence) -> Evidence:
    try:
        old = read(path, exercise=fresh["exercise"], student=fresh["student"])
    except EvidenceError:
        if path.exists() or path.is_symlink():
            os.replace(path, _aside(path))
        return fresh
    attempts = old["attempts"] + fresh["attempts"]
    count = old["attempt_count"] + fresh["attempt_count"]
    base = old if old["passed"] and not fresh["passed"] else fresh
    if len(attempts) > MAX_ATTEMPTS:  # the first one tells when the learner began
        attempts = attempts[:1] + attempts[-(MAX_ATTEMPTS - 1) :]
    return {**base, "attempts": attempts, "attempt_count": count}


def _aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.unreadable-{number}.txt")).exists():
        number += 1
    return aside


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a field stands twice")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


@cache
def _validator() -> Any:
    import fastjsonschema

    schema = json.loads(files("dockyard").joinpath("evidence_schema.json").read_text())
    return fastjsonschema.compile(schema)
