"""Submitting: nbgrader's own, with a word about exercises that have no evidence."""

from __future__ import annotations

from pathlib import Path

from nbgrader.exchange.default import ExchangeSubmit

from dockyard.progress import lines_of


class EvidenceSubmit(ExchangeSubmit):
    """Submit as nbgrader does, and warn of exercises without evidence: they would be worth 0 points."""

    def copy_files(self) -> None:
        missing = without_evidence(Path(self.src_path))
        super().copy_files()
        if missing:
            self.log.warning(
                "%d exercises were handed in without evidence and will get 0 points: %s. "
                "Run their checks and submit again.",
                len(missing),
                ", ".join(missing),
            )


def without_evidence(assignment: Path) -> list[str]:
    """Return the exercises of an assignment's notebooks that have no readable evidence, in order."""
    notebooks = sorted(assignment.glob("*.ipynb"))
    return [line.exercise for path in notebooks for line in lines_of(path, path.parent) if line.passed is None]
