"""Collected hand-ins as data: whose, when submitted, and their evidence. Nothing is executed, no link followed."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from dockyard import evidence as evidence_file
from dockyard import strictjson
from dockyard.errors import EvidenceError

MAX_FILES = 500  # evidence files of one hand-in; a lesson has about twenty exercises
TIMESTAMP = "timestamp.txt"  # nbgrader's, beside the notebooks
Follow = Callable[[Sequence[str]], Iterable[str]]
"""Hands on learners' names one by one, for example with a bar that shows how far it is."""


@dataclass(frozen=True)
class Filed:
    """One readable evidence file of a hand-in.

    Attributes:
        path: where it lies.
        name: the exercise that the file's name says.
        evidence: what it says.
        changed: whether its checksum does not fit what it says.
    """

    path: Path
    name: str
    evidence: evidence_file.Evidence
    changed: bool = False


@dataclass
class HandIn:
    """One learner's hand-in of a lesson.

    Attributes:
        student: the folder's name, under which it was handed in.
        folder: where it lies.
        submitted: when, by nbgrader's timestamp.txt; None where there is none that can be read.
        filed: the evidence that can be read, by name.
        refused: what cannot be read, with the reason in a sentence.
    """

    student: str
    folder: Path
    submitted: datetime | None = None
    filed: list[Filed] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)


def read_hand_ins(submitted: Path, lesson: str, follow: Follow = iter) -> Iterator[HandIn]:
    """Read the hand-ins of a lesson, learner by learner in the order of their names.

    Args:
        submitted: nbgrader's folder of hand-ins: submitted/<student>/<lesson>/.
        lesson: the lesson's name.
        follow: is told whose hand-in is read.
    """
    handed_in = [name for name in sorted(_names(submitted)) if os.path.lexists(submitted / name / lesson)]
    for student in follow(handed_in):
        yield read_hand_in(student, submitted / student / lesson)


def read_hand_in(student: str, folder: Path) -> HandIn:
    """Read one hand-in. What cannot be read is told in `refused`; nothing is raised."""
    hand_in = HandIn(student, folder)
    for place in (folder.parent, folder, folder / "evidence"):
        trouble = _not_a_folder(place)
        if trouble:
            hand_in.refused.append((place, trouble))
            return hand_in
        if not os.path.lexists(place):
            break
    _read_timestamp(hand_in)
    names = [name for name in _names(folder / "evidence") if name.endswith(".json") and not name.startswith(".")]
    if len(names) > MAX_FILES:
        reason = f"The folder holds {len(names):,} evidence files; the first {MAX_FILES} were read."
        hand_in.refused.append((folder / "evidence", reason))
    for name in sorted(names)[:MAX_FILES]:
        path = folder / "evidence" / name
        try:
            hand_in.filed.append(_read_evidence(path))
        except EvidenceError as error:
            hand_in.refused.append((path, " ".join(part for part in (error.found, error.expected) if part)))
    return hand_in


def parse_time(text: object) -> datetime | None:
    """Return a time as an engine or nbgrader writes it, in UTC; None for what is none, and for Docker's zero time.

    Args:
        text: RFC 3339 with up to nine decimals, or nbgrader's `2026-11-24 07:32:48.460341 UTC`.
    """
    if not isinstance(text, str) or len(text) > 64:
        return None
    from dateutil import parser, tz  # nbgrader's own reader of its timestamps

    words = text.strip().split(" ")
    zone = tz.gettz(words[2]) if len(words) == 3 else None
    try:
        time = parser.isoparse(" ".join(words[:2])[:26]) if zone else parser.isoparse(_to_microseconds(text.strip()))
        time = time.replace(tzinfo=zone or time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year > 1 else None


def _to_microseconds(text: str) -> str:
    """Cut the nanoseconds that Docker writes and Python does not hold."""
    whole, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return f"{whole}.{digits[:6]}{rest[len(digits) :]}" if dot else text


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _not_a_folder(place: Path) -> str:
    """Say what a place is that should be a folder; an empty text where it is one or is not there."""
    try:
        mode = os.lstat(place).st_mode
    except OSError:
        return ""
    if stat.S_ISLNK(mode):
        return f"{place.name} is a link, which is not followed."
    return "" if stat.S_ISDIR(mode) else f"{place.name} is not a folder."


def _read_timestamp(hand_in: HandIn) -> None:
    path = hand_in.folder / TIMESTAMP
    if not os.path.lexists(path):
        return
    try:
        text = bytes_of(path, 1024).decode("utf-8", errors="replace")
    except EvidenceError as error:
        hand_in.refused.append((path, error.found))
        return
    hand_in.submitted = parse_time(text)
    if hand_in.submitted is None:
        hand_in.refused.append((path, "The time of submission cannot be read."))


def _read_evidence(path: Path) -> Filed:
    """Read one file; where only the checksum is wrong, what it says is kept, and that it was changed.

    Raises:
        EvidenceError: with the reason.
    """
    content = bytes_of(path, evidence_file.MAX_BYTES)
    try:
        return Filed(path, path.stem, evidence_file.parse(content))
    except EvidenceError as error:
        try:
            says = strictjson.loads(content)
            sealed = json.dumps({**says, "checksum": evidence_file.checksum(says)}).encode()
            return Filed(path, path.stem, evidence_file.parse(sealed), changed=True)
        except (EvidenceError, ValueError, TypeError, AttributeError, RecursionError):
            raise error from None


def bytes_of(path: Path, most: int) -> bytes:
    """Return a regular file's content, opened through no link and waiting for nobody.

    Raises:
        EvidenceError: not a regular file, too large, or the disk refuses.
    """
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, flag, 0)
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = "a link, which is not followed" if stat.S_ISLNK(mode) else "not a regular file"
            raise EvidenceError(f"The file is {kind}.")
        with open(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise EvidenceError("The file is not a regular file.")
            content = file.read(most + 1)
    except OSError as error:
        raise EvidenceError(f"The file cannot be read: {error.strerror}.") from None
    if len(content) > most:
        raise EvidenceError("The file is too large.", f"Expected at most {most:,} bytes.")
    return content
