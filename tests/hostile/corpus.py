"""Hand-ins that are broken or hostile, in every way that we could think of; the same ones for the same seed.

To look at them: `python -m tests.hostile.corpus FOLDER [SEED]`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

from tests.grading.classroom import LESSON
from tests.hostile.filed import evidence_cases
from tests.hostile.folders import folder_cases
from tests.hostile.large import large_cases
from tests.hostile.notebooks import notebook_cases
from tests.hostile.random_changes import random_cases
from tests.hostile.room import Case, Honest

SEED = 20260301


def cases() -> list[Case]:
    """Return all hand-ins, in order."""
    found = [Case("honest", lambda folder, honest, random: None)]
    found += [*notebook_cases(), *large_cases(), *random_cases(), *evidence_cases(), *folder_cases()]
    found.append(Case("zz-honest", lambda folder, honest, random: None))  # graded last: whoever comes before
    names = [case.name for case in found]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return found


def lay_all(submitted: Path, honest: Honest, seed: int = SEED) -> list[Case]:
    """Write every hand-in into a folder of submissions; a case's own random numbers do not depend on the others."""
    found = cases()
    for case in found:
        folder = submitted / case.name / LESSON
        honest.lay(folder)
        case.lay(folder, honest, Random(f"{seed} {case.name}"))
    return found


if __name__ == "__main__":
    import os

    from tests.fake_engine import FakeEngine
    from tests.hostile.room import set_up

    root = Path(sys.argv[1])
    root.mkdir()
    engine = FakeEngine(root / "engine.sock")
    os.environ["DOCKER_HOST"] = engine.url
    room, honest = set_up(root, engine)
    laid = lay_all(room.root / "submitted", honest, int(sys.argv[2]) if len(sys.argv) > 2 else SEED)
    engine.close()
    print(f"{len(laid)} hand-ins in {room.root / 'submitted'}")
