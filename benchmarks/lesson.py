"""What a check costs live, and how large its evidence is: over the exercises of a lesson, on the real engine.

For each exercise the reference solution is worked once; then the check runs in turn with a plain docker-py client and
with recording and evidence, several times. Prints a line an exercise, then the medians.

    python benchmarks/lesson.py [LESSON]
"""

from __future__ import annotations

import gzip
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from docker import DockerClient

from dockyard import evidence
from dockyard.authoring.cases import Exercise
from dockyard.authoring.cleanup import names_of, refuse_if_present, remove
from dockyard.authoring.learner import run_python
from dockyard.authoring.prove import find_exercises
from dockyard.course import find_course
from dockyard.engine import connect
from dockyard.exercise import live, run_cell
from dockyard.judge import parameters

RUNS = 7


def raw_seconds(exercise: Exercise, namespace: dict[str, Any]) -> float:
    """Time the check's function with a fresh plain client: the same docker-py calls and nothing else."""
    held: dict[str, Any] = {}
    source = exercise.check.replace("@exercise", "@_held", 1)
    run_cell(source, {**namespace, "_held": lambda *a, **k: lambda check: held.setdefault("check", check)})
    check = held["check"]
    started = time.perf_counter()
    needs: dict[str, Any] = {name: namespace.get(name) for name in parameters(check)}
    if "docker" in needs:
        needs["docker"] = connect()
    check(**needs)
    return time.perf_counter() - started


def live_seconds(exercise: Exercise, namespace: dict[str, Any], folder: Path) -> float:
    started = time.perf_counter()
    with live(folder, "benchmark") as outcomes:
        run_cell(exercise.check, dict(namespace))
    seconds = time.perf_counter() - started
    if not outcomes[-1].passed:
        raise SystemExit(f"{exercise.name}: {outcomes[-1].message}")
    return seconds


def measure(exercise: Exercise, engine: DockerClient) -> tuple[float, float, int]:
    """Return the medians of raw and live seconds, and the gzipped bytes of the evidence."""
    named = names_of(exercise.notebook)
    with tempfile.TemporaryDirectory() as scratch:
        folder, namespace = Path(scratch), {}
        try:
            run_python(exercise.work, folder, namespace)
            pairs = [(raw_seconds(exercise, namespace), live_seconds(exercise, namespace, folder)) for _ in range(RUNS)]
            size = len(gzip.compress(evidence.path_of(folder, exercise.name).read_bytes()))
        finally:
            remove(engine, named)
    return statistics.median(raw for raw, _ in pairs), statistics.median(seconds for _, seconds in pairs), size


def main() -> None:
    lesson = sys.argv[1] if len(sys.argv) > 1 else "01-foundations"
    engine = connect()
    exercises = find_exercises(find_course(), lesson)
    for notebook in {exercise.notebook for exercise in exercises}:
        refuse_if_present(engine, names_of(notebook), lesson)
    rows = []
    for exercise in exercises:
        raw, recorded, size = measure(exercise, engine)
        rows.append((raw, recorded, size))
        print(f"{exercise.name:<32} raw {raw:.3f} s  live {recorded:.3f} s  evidence {size:,} B gzipped", flush=True)
    extra = statistics.median(recorded - raw for raw, recorded, _ in rows)
    ratio = statistics.median(recorded / raw for raw, recorded, _ in rows)
    print(f"median over {len(rows)} exercises: +{extra:.3f} s a live check, {ratio:.2f} times the raw calls")
    print(f"median evidence: {statistics.median(size for *_, size in rows) / 1024:.1f} KiB gzipped")


if __name__ == "__main__":
    main()
