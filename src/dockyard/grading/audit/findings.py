"""What an audit can find, how much it says, and what else explains it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

STRONG, FAIR, SLIGHT = 3, 2, 1
WEIGHTS = {
    STRONG: "does not come about by chance",
    FAIR: "seldom comes about by chance",
    SLIGHT: "often has a plain reason",
}


@dataclass(frozen=True)
class Kind:
    """A kind of finding: its name for programs, its title for people, and what explains it without anybody's fault."""

    name: str
    title: str
    explanation: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "shared-container",
            "Same container in several hand-ins",
            "Learners who worked together, or one after the other on a machine that was not reset, see one container.",
        ),
        Kind(
            "shared-image",
            "Same built image in several hand-ins",
            "On one engine the build cache gives equal steps one image; an image can also be saved and passed on.",
        ),
        Kind(
            "shared-engine",
            "Same engine in several hand-ins",
            "A lab machine that learners share, or machines copied from one disk image, have one engine id.",
        ),
        Kind(
            "engine-change",
            "More than one engine in a hand-in",
            "A second machine, or an engine that was installed or reset anew, has an id of its own.",
        ),
        Kind(
            "checksum",
            "Evidence changed after it was recorded",
            "An editor or a tool that saved the file anew changes it too; look at what differs.",
        ),
        Kind(
            "other-learner",
            "Evidence recorded under another name",
            "A shared account, or a course opened under a name other than the one that submitted, does this.",
        ),
        Kind(
            "other-exercise",
            "Evidence of another exercise",
            "A file that was renamed or copied by mistake.",
        ),
        Kind(
            "after-submission",
            "Evidence recorded after submission",
            "A clock of the learner's machine that is ahead of the exchange's does this.",
        ),
        Kind(
            "clock",
            "Times that run backwards",
            "A clock that was set back, or an engine in a virtual machine whose clock drifts, does this.",
        ),
        Kind(
            "attempts",
            "Attempts that do not add up",
            "Evidence put together by hand looks like this; so would a fault of the recorder.",
        ),
        Kind(
            "same-times",
            "Same times in several hand-ins",
            "A single equal millisecond can be chance in a large class; a folder handed in by a pair has all of them.",
        ),
        Kind(
            "same-gaps",
            "Same pauses between runs in several hand-ins",
            "A folder handed in by a pair, recorded with clocks set differently, would look like this.",
        ),
        Kind(
            "other-check",
            "Judged by another check than this lesson's",
            "A check that was mended after release, or a notebook fetched before, explains it; "
            "grades are those of the lesson's own check.",
        ),
        Kind(
            "unreadable",
            "Something that cannot be read",
            "An upload that broke off, or a file of another program; grading gives its reason too.",
        ),
    )
}


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        kind: one of `KINDS`.
        weight: 3 does not come about by chance, 2 seldom, 1 often has a plain reason.
        learners: whose hand-ins show it, sorted.
        found: what was found, in a sentence or two.
        exercises: where, by the exercise's name.
        files: where, by path.
    """

    kind: str
    weight: int
    learners: tuple[str, ...]
    found: str
    exercises: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def title(self) -> str:
        return KINDS[self.kind].title

    @property
    def explanation(self) -> str:
        return KINDS[self.kind].explanation


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with those first that say most.

    By weight; then by what all findings of the same learners weigh together, for they bear each other out; then by how
    many exercises show it.
    """
    order, listed = list(KINDS), list(findings)
    together = Counter[tuple[str, ...]]()
    for finding in listed:
        together[finding.learners] += finding.weight
    return sorted(
        listed,
        key=lambda finding: (
            -finding.weight,
            -together[finding.learners],
            -len(finding.exercises),
            order.index(finding.kind),
            finding.learners,
            finding.found,
        ),
    )


def some(words: Iterable[str], most: int = 4) -> str:
    """Return words as a list for a sentence, no more than `most` of them: "a, b and 3 more"."""
    listed = list(dict.fromkeys(words))
    shown = ", ".join(listed[:most])
    return shown if len(listed) <= most else f"{shown} and {len(listed) - most} more"


def span(time: timedelta) -> str:
    """Return a length of time in the unit that suits it: "0.4 s", "12 s", "5 min", "3.5 h", "2 days"."""
    seconds = abs(time.total_seconds())
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
