"""What one hand-in shows by itself: names, checksums, clocks, engines, and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from dockyard.grading.audit.facts import Facts
from dockyard.grading.audit.findings import FAIR, SLIGHT, STRONG, Finding, some, span
from dockyard.grading.handins import HandIn

SLACK = timedelta(seconds=2)  # clocks of two machines that are kept right differ by less
DRIFT = timedelta(minutes=5)  # clocks that nobody keeps right differ by this much


def of_hand_in(hand_in: HandIn, facts: Sequence[Facts]) -> Iterator[Finding]:
    """Yield what one hand-in shows.

    Args:
        hand_in: the hand-in.
        facts: of its readable evidence.
    """
    who = (hand_in.student,)
    for path, reason in hand_in.refused:
        place = path.name if path != hand_in.folder else hand_in.folder.name
        yield Finding("unreadable", SLIGHT, who, f"{place}: {reason}", (path.stem,), (path,))
    changed = [fact for fact in facts if fact.changed]
    yield from _one("checksum", STRONG, who, changed, "The checksum does not fit what the file says.")
    yield from _names(who, facts)
    yield from _late(hand_in, facts)
    yield from _clocks(who, facts)
    claims = [fact for fact in facts if fact.claims]
    text = "The run on file is not among the attempts that were counted."
    yield from _one("attempts", FAIR, who, claims, text)
    engines = {fact.engine: fact for fact in facts if fact.engine}
    if len(engines) > 1:
        by_engine = {engine: [fact.file for fact in facts if fact.engine == engine] for engine in engines}
        lines = (f"{engine[:13]}… in {some(files)}" for engine, files in by_engine.items())
        asked = [fact for fact in facts if fact.engine]
        yield from _one("engine-change", SLIGHT, who, asked, f"{len(engines)} engines: {some(lines)}.")


def _one(kind: str, weight: int, who: tuple[str, ...], facts: Sequence[Facts], found: str) -> Iterator[Finding]:
    """One finding for all the evidence that shows the same, none where there is none."""
    if facts:
        yield Finding(kind, weight, who, found, tuple(fact.file for fact in facts), tuple(fact.path for fact in facts))


def _names(who: tuple[str, ...], facts: Sequence[Facts]) -> Iterator[Finding]:
    for name in dict.fromkeys(fact.recorded_for for fact in facts):
        others = [fact for fact in facts if fact.recorded_for == name]
        if name != who[0]:
            said = f"Recorded for {name!r}, handed in by {who[0]!r}." if name else "Recorded for nobody by name."
            yield from _one("other-learner", STRONG, who, others, said)
    for fact in facts:
        if fact.exercise != fact.file:
            yield from _one("other-exercise", FAIR, who, [fact], f"{fact.path.name} holds evidence of {fact.exercise}.")


def _late(hand_in: HandIn, facts: Sequence[Facts]) -> Iterator[Finding]:
    if hand_in.submitted is None:
        return
    late = [(max(fact.recorded, *fact.attempts) - hand_in.submitted, fact) for fact in facts]
    late = [(by, fact) for by, fact in late if by > SLACK]
    if late:
        most = max(by for by, _ in late)
        weight = FAIR if most > DRIFT else SLIGHT
        found = f"Recorded up to {span(most)} after the submission of {hand_in.submitted:%Y-%m-%d %H:%M:%S} UTC."
        yield from _one("after-submission", weight, (hand_in.student,), [fact for _, fact in late], found)


def _clocks(who: tuple[str, ...], facts: Sequence[Facts]) -> Iterator[Finding]:
    found = [(by, said, fact) for fact in facts for by, said in _backwards(fact)]
    if found:
        weight = FAIR if max(by for by, _, _ in found) > DRIFT else SLIGHT
        shown = list({fact.path: fact for _, _, fact in found}.values())
        found.sort(key=lambda one: -one[0])
        yield from _one("clock", weight, who, shown, some((said for _, said, _ in found), 2) + ".")


def _backwards(fact: Facts) -> Iterator[tuple[timedelta, str]]:
    """Every pair of times in the wrong order: by how much, and in words."""
    at, never = fact.recorded, timedelta()
    for before, after in pairwise(fact.attempts):
        yield from _later(before, after, never, "an attempt stands", "before the one that it follows")
    for one in fact.containers:
        yield from _later(one.created, at, SLACK, f"{one.name} was created", "after the run that saw it")
        yield from _later(one.started, at, SLACK, f"{one.name} started", "after the run that saw it")
        yield from _later(one.finished, at, SLACK, f"{one.name} ended", "after the run that saw it")
        yield from _later(one.created, one.started, never, f"{one.name} started", "before it was created")
    for image in fact.images:
        yield from _later(image.created, at, SLACK, f"{image.name} was built", "after the run that saw it")
    yield from _later(fact.engine_time, at, DRIFT, "the engine's clock was", "ahead of the notebook's")
    yield from _later(at, fact.engine_time, DRIFT, "the engine's clock was", "behind the notebook's")


def _later(
    first: datetime | None, second: datetime | None, slack: timedelta, what: str, how: str
) -> Iterator[tuple[timedelta, str]]:
    """Yield by how much the first time is later than the second, where it is by more than the slack."""
    if first and second and first - second > slack:
        yield first - second, f"{what} {span(first - second)} {how}"
