"""What hand-ins have in common that does not repeat by chance: containers, built images, engines, times, checks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from dockyard.grading.audit.facts import Facts
from dockyard.grading.audit.findings import FAIR, SLIGHT, STRONG, Finding, some

GAPS = 3  # equal pauses in a row
SHORTEST_GAP = 1.0  # seconds; pauses of cells that run one after the other are too much alike
Group = dict[tuple[str, ...], list[tuple[str, Facts]]]


def among(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Yield what several learners' evidence has in common.

    One finding for all that the same group of learners shares, not one for each pair.
    """
    named = {container.id: container.name for fact in facts for container in fact.containers}
    pairs = ((container.id, fact) for fact in facts for container in fact.containers)
    for who, common in _groups(pairs).items():
        found = f"{_number(common, 'container')} in common: {some(named[key] for key, _ in common)}."
        yield _finding("shared-container", STRONG, who, common, found)
    yield from _images(facts)
    for who, common in _groups((fact.engine, fact) for fact in facts if fact.engine).items():
        ids = some(f"{key[:13]}…" for key, _ in common)
        found = f"{_number(common, 'engine')} in common: {ids}."
        if len(who) > 2 and len(who) == len({fact.student for fact in facts}):
            found = f"All {len(who)} hand-ins were recorded on one engine, {ids}"
            found += " It tells nobody from anybody, and it explains images in common."
        yield _finding("shared-engine", SLIGHT, who, common, found)
    yield from _times(facts)
    yield from _gaps(facts)


def checks(facts: Sequence[Facts], released: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Yield evidence that a check other than the lesson's judged.

    Args:
        facts: of all hand-ins.
        released: hashes of the lesson's check by exercise; other exercises are not compared.
    """
    groups: dict[tuple[str, str | None], list[Facts]] = defaultdict(list)
    for fact in facts:
        if fact.exercise in released and fact.check not in released[fact.exercise]:
            groups[fact.exercise, fact.check].append(fact)
    merged: Group = defaultdict(list)
    for (_, check), same in groups.items():
        merged[tuple(sorted({fact.student for fact in same}))] += [(check or "", fact) for fact in same]
    for who, common in merged.items():
        without = all(not check for check, _ in common)
        found = "The evidence names no check." if without else "The check's source was not the one of this lesson."
        yield _finding("other-check", FAIR if len(who) == 1 and not without else SLIGHT, who, common, found)


def _images(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Images that were built and not only named anew.

    BuildKit gives an image without a layer of its own the time of its base, and so the same id everywhere: nobody's
    hand-in is told by it. The time of the build makes every other id another one, but for what came from the cache.
    Where the layers are not on file, an image is not compared.
    """
    base = frozenset({(), *(layers for fact in facts for layers in fact.base_layers)})
    own_layers = {image.id: image.layers for fact in facts for image in fact.images if image.layers}
    named = {image.id: image.name for fact in facts for image in fact.images}
    pairs = ((image.id, fact) for fact in facts for image in fact.images if own_layers.get(image.id, ()) not in base)
    for who, common in _groups(pairs).items():
        engines = {fact.engine for _, fact in common}
        cached = len(engines) == 1 and "" not in engines
        found = f"{_number(common, 'image')} in common: {some(named[key] for key, _ in common)}; " + (
            "built on one engine." if cached else "recorded on different engines."
        )
        yield _finding("shared-image", SLIGHT if cached else FAIR, who, common, found)


def _times(facts: Sequence[Facts]) -> Iterator[Finding]:
    pairs = (
        (f"{fact.exercise} {time.isoformat()}", fact) for fact in facts for time in (fact.recorded, *fact.attempts)
    )
    groups = _groups(pairs)
    for who, common in groups.items():
        wider = [keys for group, keys in groups.items() if set(group) >= set(who)]
        number = len({key for keys in wider for key, _ in keys})
        weight = SLIGHT if number == 1 else STRONG
        times = "1 run at the same millisecond." if number == 1 else f"{number} runs at the same milliseconds."
        yield _finding("same-times", weight, who, common, times)


def _gaps(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Runs of several hand-ins with the same pauses to the millisecond, though at different times."""
    by_student: dict[str, list[tuple[datetime, Facts]]] = defaultdict(list)
    for fact in facts:
        by_student[fact.student] += [(time, fact) for time in fact.attempts]
    pairs = []
    for runs in by_student.values():
        runs.sort(key=lambda run: (run[0], run[1].file))
        for start in range(len(runs) - GAPS):
            piece = runs[start : start + GAPS + 1]
            pauses = [(after[0] - before[0]).total_seconds() for before, after in pairwise(piece)]
            if min(pauses) >= SHORTEST_GAP:
                names = " ".join(fact.exercise for _, fact in piece)
                pairs += [(f"{names} {pauses}", fact) for _, fact in piece]
    for who, common in _groups(pairs).items():
        shown = [fact for _, fact in common]
        if not _same_times(shown, who):
            yield _finding("same-gaps", FAIR, who, common, f"{GAPS} or more pauses in a row are the same, to the ms.")


def _same_times(shown: Sequence[Facts], who: Sequence[str]) -> bool:
    """Tell whether each learner's runs took place at the same times as another's, which is told already."""
    seen = Counter(
        (exercise, time) for _, exercise, time in {(f.student, f.exercise, t) for f in shown for t in f.attempts}
    )
    told = {f.student for f in shown for time in f.attempts if seen[f.exercise, time] > 1}
    return told >= set(who)


def _groups(pairs: Iterable[tuple[str, Facts]]) -> Group:
    """Group what is seen in more than one hand-in by the learners who share it: learners → (what, where)."""
    seen: dict[str, list[Facts]] = defaultdict(list)
    for key, fact in pairs:
        seen[key].append(fact)
    groups: Group = defaultdict(list)
    for key, places in seen.items():
        who = tuple(sorted({fact.student for fact in places}))
        if len(who) > 1:
            groups[who] += [(key, fact) for fact in places]
    return groups


def _finding(kind: str, weight: int, who: tuple[str, ...], common: Sequence[tuple[str, Facts]], found: str) -> Finding:
    exercises = tuple(dict.fromkeys(fact.file for _, fact in common))
    files = tuple(dict.fromkeys(fact.path for _, fact in common))
    return Finding(kind, weight, who, found, exercises, files)


def _number(common: Sequence[tuple[str, Facts]], what: str) -> str:
    number = len({key for key, _ in common})
    return f"{number} {what}" + ("" if number == 1 else "s")
