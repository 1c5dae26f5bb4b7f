"""A class graded by `dockyard grade` and by stock `nbgrader autograde`, in one run, on the same hand-ins.

The evidence is real: every exercise is worked on the real engine, solved, missed and untouched, and each learner is
given some of each. Stock nbgrader executes the notebooks in kernels with its default steps; the checks replay the same
evidence there. It grades a sample of the class. In its favour, all code of the notebooks but the checks is emptied, so
that it has nothing to wait for, and its start is not counted; that of `dockyard grade` is.

    python benchmarks/grading.py [--students N] [--sample N] [--lesson LESSON] [--workers N]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from evidence_models import MISSED, SOLVED, UNTOUCHED, give, models

from dockyard.authoring.cases import Exercise
from dockyard.authoring.prove import find_exercises
from dockyard.course import Course, find_course
from dockyard.database import VARIABLE

STOCK = """
from nbgrader.converters import Autograde
for steps in ("sanitize_preprocessors", "autograde_preprocessors"):
    c.Autograde[steps] = [f"{step.__module__}.{step.__name__}" for step in getattr(Autograde, steps).default()]
for changed in ("pre_convert_hook", "post_convert_hook", "exporter_class"):
    c.Autograde.pop(changed, None)
"""
SCORES = """SELECT student_id, base_cell.name, auto_score FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"""


def furnish(course: Course, lesson: str, root: Path, students: int, seed: int) -> list[str]:
    """Make a course's folder with a class that has handed in; return the learners' names."""
    model, exercises, chance = models(course, lesson), find_exercises(course, lesson), random.Random(seed)
    root.mkdir()
    shutil.copy(course.root / "nbgrader_config.py", root)
    shutil.copytree(course.source / lesson, root / "source" / lesson)
    nbgrader(root, "generate_assignment", lesson)
    names = [f"learner-{number:04}" for number in range(1, students + 1)]
    for number, name in enumerate(names):
        folder = root / "submitted" / name / lesson
        shutil.copytree(root / "release" / lesson, folder)
        for notebook in folder.glob("*.ipynb"):
            empty(notebook)
        (folder / "timestamp.txt").write_text("2026-01-15 12:00:00 UTC")
        weights = ((1, 0, 0), (0, 0, 1), (6, 2, 2))[min(number, 2)]
        hand_in(model, folder, exercises, name, chance, weights)
    return names


def hand_in(
    model: Path, folder: Path, exercises: list[Exercise], name: str, chance: random.Random, weights: tuple[int, ...]
) -> None:
    """Give a learner evidence of every exercise: solved, missed, untouched, as chance has it."""
    for exercise in exercises:
        role = chance.choices((SOLVED, MISSED, UNTOUCHED), weights)[0]
        give(model / role, folder, [exercise.name], name)


def empty(path: Path) -> None:
    """Leave nothing in a notebook's code cells but the checks: the learner worked in a terminal."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and not mark.get("grade"):
            cell["source"] = ""
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def nbgrader(root: Path, *words: str) -> float:
    """Run one of nbgrader's commands and return its seconds."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "nbgrader", *words], cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"nbgrader {' '.join(words)}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def grade_here(root: Path, lesson: str, workers: int | None) -> tuple[float, str]:
    """Run `dockyard grade`; return its seconds, and its summary."""
    words = ["grade", lesson, "--course", str(root)] + (["--workers", str(workers)] if workers else [])
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "dockyard.cli", *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"dockyard {' '.join(words)}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started, done.stdout.strip().splitlines()[-1]


def scores(root: Path) -> dict[tuple[str, str], float | None]:
    with sqlite3.connect(root / "gradebook.db") as connection:
        return {(student, cell): score for student, cell, score in connection.execute(SCORES)}


def differences(ours: Path, stock: Path, names: list[str]) -> list[str]:
    """Return a line for each score of these learners that is not the same in both gradebooks."""
    mine, theirs = scores(ours), scores(stock)
    places = sorted(place for place in mine.keys() | theirs.keys() if place[0] in names)
    return [
        f"{student}, {cell}: {mine.get((student, cell))}, stock {theirs.get((student, cell))}"
        for student, cell in places
        if mine.get((student, cell)) != theirs.get((student, cell))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="dockyard grade against nbgrader autograde")
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--sample", type=int, default=6, help="how many of them stock nbgrader grades")
    parser.add_argument("--lesson", default="01-foundations")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ.pop(VARIABLE, None)  # each of the two has a gradebook of its own, in its folder
    with tempfile.TemporaryDirectory(prefix="dockyard-grading-") as scratch:
        ours, stock = Path(scratch, "ours"), Path(scratch, "stock")
        names = furnish(find_course(), options.lesson, ours, options.students, options.seed)
        sample = names[: options.sample]
        shutil.copytree(ours, stock)
        for name in names[options.sample :]:
            shutil.rmtree(stock / "submitted" / name)
        with (stock / "nbgrader_config.py").open("a") as config:
            config.write(STOCK)

        seconds, summary = grade_here(ours, options.lesson, options.workers)
        start = grade_here(ours, options.lesson, options.workers)[0]  # nothing is new: what is left is the start
        theirs = nbgrader(stock, "autograde", options.lesson)
        theirs -= nbgrader(stock, "autograde", options.lesson)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        wrong = differences(ours, stock, sample)

    here, there = seconds / len(names), theirs / len(sample)
    memory = re.search(r"(\d+) MiB a worker", summary)
    print(f"dockyard grade: {here:.3f} s a hand-in ({len(names)} hand-ins in {seconds:.1f} s, start included)")
    print(f"nbgrader autograde, stock steps: {there:.3f} s a hand-in ({len(sample)} hand-ins, start not counted)")
    print(f"ratio: {there / here:.1f}")
    print(f"start-up: {start:.1f} s; {(seconds - start) / len(names):.3f} s a hand-in without it")
    print(f"peak memory: {memory.group(1) if memory else '?'} MiB a worker, {peak:.0f} MiB the largest process of both")
    print(f"scores equal: {'no' if wrong else 'yes'}")
    for line in wrong:
        print(f"  {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
