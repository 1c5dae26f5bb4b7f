"""The exercises of a notebook and the cases that prove them: near-misses that must fail, other ways that must pass."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from dockyard.authoring.cells import WORK_SUFFIX, grade_id, graded, is_check, is_work, is_written
from dockyard.authoring.lessons import Notebook
from dockyard.authoring.text import read_text
from dockyard.errors import BuildError

CASE_KEYS = {"name", "bash", "python", "message"}


@dataclass(frozen=True)
class Case:
    """One way in which a learner may work on an exercise.

    Attributes:
        kind: `unsolved` (the released work cell as it is), `miss`, `solution` or `also`.
        name: what is special about it, in a few words.
        bash: commands to run first.
        python: code to run then, in the namespace that the check sees.
        message: what the check's message must contain; only for a `miss`.
    """

    kind: str
    name: str
    bash: str = ""
    python: str = ""
    message: str = ""

    @property
    def passes(self) -> bool:
        return self.kind in ("solution", "also")

    def __str__(self) -> str:
        return self.kind if self.kind in ("unsolved", "solution") else f"{self.kind}: {self.name}"


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook.

    Attributes:
        notebook: where it stands.
        name: its name, the grade id of its check cell or of the written answer.
        points: what it is worth.
        statement: the Markdown cell with heading, goal, what will be checked, hint.
        work: the work cell with its solution; for a written answer, that cell.
        check: the check cell's source; empty where a person grades.
        cases: near-misses and other ways, as the cases file lists them.
    """

    notebook: Notebook
    name: str
    points: float
    statement: str
    work: str
    check: str
    cases: tuple[Case, ...]

    @property
    def by_hand(self) -> bool:
        return not self.check

    @property
    def all_cases(self) -> tuple[Case, ...]:
        """All cases in the order in which they are run; none where a person grades."""
        if self.by_hand:
            return ()
        misses = tuple(case for case in self.cases if case.kind == "miss")
        also = tuple(case for case in self.cases if case.kind == "also")
        return (Case("unsolved", ""), *misses, Case("solution", "", python=self.work), *also)


def read_exercises(notebook: Notebook) -> tuple[Exercise, ...]:
    """All exercises of a notebook, in order, with their cases.

    Raises:
        BuildError: the text or the cases file cannot be read, or a case lacks what it needs.
    """
    return exercises_in(notebook, read_text(notebook.text), read_cases(notebook))


def exercises_in(notebook: Notebook, source: NotebookNode, cases: dict[str, tuple[Case, ...]]) -> tuple[Exercise, ...]:
    """Put the exercises of a notebook together from its cells and its cases."""
    works = {grade_id(cell): cell.source for cell in source.cells if is_work(cell)}
    statement = ""
    exercises = []
    for cell in source.cells:
        if is_check(cell) or is_written(cell):
            name = grade_id(cell)
            written = is_written(cell)
            exercises.append(
                Exercise(
                    notebook=notebook,
                    name=name,
                    points=graded(cell).get("points", 0),
                    statement=statement,
                    work=cell.source if written else works.get(name + WORK_SUFFIX, ""),
                    check="" if written else cell.source,
                    cases=cases.get(name, ()),
                )
            )
            statement = ""
        elif cell.cell_type == "markdown":
            statement = cell.source
    return tuple(exercises)


def read_cases(notebook: Notebook) -> dict[str, tuple[Case, ...]]:
    """Read `<notebook>.cases.toml`: cases by exercise; empty if there is no such file.

    Raises:
        BuildError: the file is no TOML, or a case has an unknown key or lacks what it needs.
    """
    if not notebook.cases.is_file():
        return {}
    place = notebook.cases.relative_to(notebook.lesson.course.root)
    try:
        listed = tomllib.loads(notebook.cases.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{place} is no TOML: {error}.") from error
    return {exercise: _cases(kinds, f"{place}, [{exercise}]") for exercise, kinds in listed.items()}


def _cases(kinds: dict[str, list[dict[str, Any]]], place: str) -> tuple[Case, ...]:
    unknown = set(kinds) - {"miss", "also"}
    if unknown:
        raise BuildError(f"{place} has {', '.join(sorted(unknown))}.", "An exercise has [[….miss]] and [[….also]].")
    return tuple(_case(kind, case, place) for kind, cases in kinds.items() for case in cases)


def _case(kind: str, case: dict[str, Any], place: str) -> Case:
    name = case.get("name", "")
    needed = {"name", "message"} if kind == "miss" else {"name"}
    wrong = [f"lacks {key}" for key in sorted(needed) if not case.get(key)]
    wrong += [f"has the unknown key {key}" for key in sorted(set(case) - CASE_KEYS)]
    if not case.get("bash") and not case.get("python"):
        wrong.append("has neither bash nor python")
    if kind == "also" and "message" in case:
        wrong.append("has a message, though it must pass")
    if wrong:
        raise BuildError(
            f"{place}: the {kind} {name!r} {', '.join(wrong)}.",
            "A case has a name, bash and/or python; a miss also the message that the learner must see.",
        )
    return Case(kind, **case)
