"""Rules about the exercises: their cells, statements, numbers, cases and names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockyard.authoring.cases import Exercise
from dockyard.authoring.cells import (
    BEGIN_SOLUTION,
    WORK_SUFFIX,
    grade_id,
    graded,
    is_check,
    is_work,
    is_written,
)
from dockyard.authoring.cleanup import names_in
from dockyard.authoring.rules.checks import needs_no_engine
from dockyard.authoring.rules.subject import Built, Finding, Page

NEAR_MISSES = 2
CLOSED_SHARE = 3  # at most one exercise in so many

# `--name lab-x`, `build --tag dockyard/lab-x`, `volume create lab-x`, `network create … lab-x` at the end of a line.
_GIVEN = re.compile(
    r"docker\b[^\n|;&]*?\s(?:--name|--tag)[= ](\S+)"
    r"|docker (?:volume|network) create\b[^\n|;&>]*?\s([^\s>]+)[ \t]*(?:>.*)?$",
    re.MULTILINE,
)
_TITLE = re.compile(r"^## Exercise (\d+) · \S.*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CHECKED = re.compile(r"^\*\*What will be checked\*\*\n+- ", re.MULTILINE)
_HINT = re.compile(r"<details><summary>Hint</summary>(.*?)</details>", re.DOTALL)


def exercises_are_numbered(page: Page) -> Iterator[Finding]:
    """Exercises count from 1, and each heading begins a cell of its own, so that a cell is a statement."""
    number = 0
    for index, cell in enumerate(page.source.cells):
        for title in _TITLE.finditer(cell.source) if cell.cell_type == "markdown" else ():
            number += 1
            if int(title[1]) != number:
                yield page.finding(index, f"This is exercise {title[1]}.", f"{number}, counted from the top.")
            if title.start() != 0:
                yield page.finding(index, f"“{title[0]}” stands within a cell.", "a line with +++ before the heading.")
    if number != len(page.exercises):
        yield page.finding(
            None, f"{number} headings “## Exercise N · …” for {len(page.exercises)} exercises.", "one for each."
        )


def statement_is_complete(page: Page) -> Iterator[Finding]:
    """Each exercise has a goal, a list of what will be checked, and a hint."""
    for exercise in page.exercises:
        index = _index(page, exercise.name)
        title = _TITLE.match(exercise.statement)
        if not title:
            yield page.finding(
                index, "No statement stands before the exercise.", "a cell with “## Exercise N · Title”."
            )
            continue
        goal = exercise.statement[title.end() :].partition("**What will be checked**")[0]
        if not goal.strip():
            yield page.finding(index, "The statement has no goal.", "a sentence after the heading.")
        if not _CHECKED.search(exercise.statement):
            yield page.finding(index, "The statement has no “**What will be checked**”.", "it, with a list below.")
        hint = _HINT.search(exercise.statement)
        if not hint or not hint[1].strip():
            yield page.finding(index, "The exercise has no hint.", "<details><summary>Hint</summary> … </details>.")


def work_cells_may_fail(page: Page) -> Iterator[Finding]:
    """A work cell that ends with an error does not stop Run All: a name that is taken is how a second run ends."""
    for index, cell in enumerate(page.source.cells):
        if is_work(cell) and "raises-exception" not in cell.metadata.get("tags", []):
            yield page.finding(index, "The work cell stops Run All when it fails.", ":tags: [raises-exception]")


def cells_belong_together(page: Page) -> Iterator[Finding]:
    """A check gives points, is locked, and stands right below its work cell, which holds the solution."""
    cells = page.source.cells
    for index, cell in enumerate(cells):
        name = grade_id(cell)
        if name and not _NAME.fullmatch(name):
            yield page.finding(index, f"The grade id is {name}.", "small letters and digits, joined by hyphens.")
        if (is_check(cell) or is_written(cell)) and not graded(cell).get("points", 0) > 0:
            yield page.finding(index, "The exercise gives no points.", "points above 0.")
        if (is_check(cell) or is_written(cell) or is_work(cell)) and graded(cell).get("locked") is not is_check(cell):
            wanted = "locked: true" if is_check(cell) else "locked: false"
            yield page.finding(index, f"The cell has locked: {graded(cell).get('locked')}.", f"{wanted}.")
        if is_check(cell) and (index == 0 or grade_id(cells[index - 1]) != name + WORK_SUFFIX):
            yield page.finding(index, "Another cell stands above the check.", f"the work cell {name}{WORK_SUFFIX}.")
        if is_work(cell) and (index + 1 == len(cells) or grade_id(cells[index + 1]) + WORK_SUFFIX != name):
            yield page.finding(index, "Another cell stands below the work cell.", "its check.")
        if (is_work(cell) or is_written(cell)) and BEGIN_SOLUTION not in cell.source:
            yield page.finding(index, "The cell holds no solution.", f"one below ### {BEGIN_SOLUTION}.")


def at_least_two_near_misses(page: Page) -> Iterator[Finding]:
    """Each exercise has near-misses that fail with two messages or more: a check with one message explains nothing."""
    for exercise in page.exercises:
        messages = {case.message for case in exercise.cases if case.kind == "miss"}
        if not exercise.by_hand and len(messages) < NEAR_MISSES:
            found = f"{len(messages)} near-misses with a message of their own."
            yield page.finding(
                _index(page, exercise.name), found, f"{NEAR_MISSES} or more in {page.notebook.cases.name}."
            )


def cases_belong_to_exercises(page: Page) -> Iterator[Finding]:
    """Every case is of an exercise that there is."""
    known = {exercise.name for exercise in page.exercises if not exercise.by_hand}
    for name in page.cases:
        if name not in known:
            found = f"{page.notebook.cases.name} has cases for {name}."
            yield page.finding(None, found, f"only exercises with a check: {', '.join(sorted(known))}.")


def grade_ids_are_unique(built: Built) -> Iterator[Finding]:
    """No two cells of a lesson have the same grade id: evidence files lie side by side under these names."""
    seen: dict[str, str] = {}
    for page in built.pages:
        for index, cell in enumerate(page.source.cells):
            name = grade_id(cell)
            if name and name in seen:
                yield page.finding(index, f"{seen[name]} has a cell {name} too.", "another name.")
            elif name:
                seen[name] = page.place


def names_are_the_courses(built: Built) -> Iterator[Finding]:
    """What a notebook makes has names of the course's own kind: nothing else is ever cleaned up."""
    for page in built.pages:
        for index, cell in enumerate(page.source.cells):
            if cell.cell_type == "code":
                for name in foreign_names(cell.source):
                    yield page.finding(
                        index, f"The cell gives the name {name}.", "lab-… or, for images, dockyard/lab-…."
                    )
        for name, cases in page.cases.items():
            for other in {other for case in cases for other in foreign_names(case.bash)}:
                yield page.finding(None, f"A case of {name} gives the name {other}.", "lab-… or dockyard/lab-….")


def foreign_names(code: str) -> list[str]:
    """Names that Docker commands in a cell or script give to something new and that are not of the course's kind."""
    named = [word.strip("\"'") for match in _GIVEN.finditer(code) for word in match.groups() if word]
    return [name for name in named if not name.startswith(("lab-", "dockyard/", "$", "{", "<"))]


def names_are_not_shared(built: Built) -> Iterator[Finding]:
    """No two notebooks use a container, volume, network or image of the same name."""
    owner: dict[str, Page] = {}
    for page in built.pages:
        code = [cell.source for cell in page.source.cells if cell.cell_type == "code"]
        tried = [case.bash + case.python for cases in page.cases.values() for case in cases]
        named = names_in("\n".join(code + tried))
        for name in sorted(named.objects | named.images):
            if owner.setdefault(name, page) is not page:
                yield page.finding(None, f"{name} is used in {owner[name].notebook.name} too.", "a name of its own.")


def few_closed_questions(built: Built) -> Iterator[Finding]:
    """Most exercises are about the engine's state: at most one in three only asks for an answer."""
    if {page.notebook for page in built.pages} != set(built.lesson.notebooks):
        return
    exercises = [exercise for page in built.pages for exercise in page.exercises]
    closed = [exercise.name for exercise in exercises if _is_closed(exercise)]
    if len(closed) * CLOSED_SHARE > len(exercises):
        place = str(built.lesson.folder.relative_to(built.lesson.course.root))
        found = f"{len(closed)} of {len(exercises)} exercises are closed questions: {', '.join(closed)}."
        yield Finding(place, "", found, f"at most {len(exercises) // CLOSED_SHARE}.")


def _is_closed(exercise: Exercise) -> bool:
    return not exercise.by_hand and needs_no_engine(exercise.check)


def _index(page: Page, name: str) -> int:
    return next(index for index, cell in enumerate(page.source.cells) if grade_id(cell) == name)
