"""Read a lesson's hand-ins as data and tell what does not come about by chance. It accuses nobody: see `KINDS`.

Evidence binds a file to an exercise, a learner, a time and an engine by ids that are drawn at random. What an audit
finds is a reason to ask, not a proof: each kind of finding names what explains it plainly.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockyard.course import Course
from dockyard.errors import DockyardError
from dockyard.grading.audit.facts import Facts, facts_of
from dockyard.grading.audit.findings import KINDS, WEIGHTS, Finding, ranked
from dockyard.grading.audit.shared import among, checks
from dockyard.grading.audit.single import of_hand_in
from dockyard.grading.handins import Follow, read_hand_ins
from dockyard.judge import cell_hash


@dataclass
class Audit:
    """What an audit of a lesson found.

    Attributes:
        lesson: its name.
        learners: whose hand-ins were read.
        evidence: how many evidence files could be read.
        without_time: whose hand-ins have no time of submission, so that nothing was compared with it.
        findings: those first that say most; see `findings.ranked`.
    """

    lesson: str
    learners: list[str] = field(default_factory=list)
    evidence: int = 0
    without_time: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def as_json(self, root: Path) -> dict[str, Any]:
        """Return the audit for programs. Keys stay; new ones may come.

        Args:
            root: paths are relative to it.
        """
        says: dict[str, Any] = {
            "lesson": self.lesson,
            "hand_ins": len(self.learners),
            "evidence_files": self.evidence,
            "without_submission_time": self.without_time,
            "findings": [
                {
                    "rank": rank,
                    "kind": finding.kind,
                    "title": finding.title,
                    "weight": finding.weight,
                    "weight_means": WEIGHTS[finding.weight],
                    "learners": list(finding.learners),
                    "found": finding.found,
                    "exercises": list(finding.exercises),
                    "files": [path.relative_to(root).as_posix() for path in finding.files],
                    "explanation": finding.explanation,
                }
                for rank, finding in enumerate(self.findings, 1)
            ],
        }
        text = json.dumps(says, ensure_ascii=False).encode(errors="replace")  # names of files may be in no encoding
        return dict(json.loads(text))


def audit(course: Course, lesson: str, follow: Follow = iter) -> Audit:
    """Audit the hand-ins of a lesson that were collected into submitted/.

    Args:
        course: the course; nothing in it is changed, and no code of a hand-in runs.
        lesson: the lesson's name.
        follow: is told whose hand-in is read.

    Raises:
        DockyardError: nothing of this lesson was handed in.
    """
    result, everything = Audit(lesson), list[Facts]()
    findings: list[Finding] = []
    for hand_in in read_hand_ins(course.submitted, lesson, follow):
        facts = facts_of(hand_in)
        result.learners.append(hand_in.student)
        if hand_in.submitted is None:
            result.without_time.append(hand_in.student)
        findings += of_hand_in(hand_in, facts)
        everything += facts
    if not result.learners:
        raise DockyardError(
            f"There are no hand-ins of {lesson} in {course.submitted.name}/.",
            f"Expected {course.submitted.name}/<learner>/{lesson}/.",
            f"Type nbgrader collect {lesson}",
        )
    findings += among(everything)
    findings += checks(everything, released_checks(course, lesson))
    result.evidence, result.findings = len(everything), ranked(findings)
    return result


def released_checks(course: Course, lesson: str) -> dict[str, set[str]]:
    """Return the hashes of a lesson's checks by exercise, as source/ and release/ hold them."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for folder in (course.source / lesson, course.release / lesson):
        for path in sorted(folder.glob("*.ipynb")):
            for cell in json.loads(path.read_text(encoding="utf-8")).get("cells", []):
                mark = cell.get("metadata", {}).get("nbgrader") or {}
                if cell.get("cell_type") == "code" and mark.get("grade") and mark.get("locked"):
                    hashes[mark["grade_id"]].add(cell_hash("".join(cell["source"])))
    return dict(hashes)


__all__ = ["KINDS", "WEIGHTS", "Audit", "Finding", "audit", "released_checks"]
