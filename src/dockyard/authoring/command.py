"""What `dockyard build` does: build, judge by the rules, put in place."""

from __future__ import annotations

import os
from dataclasses import dataclass

from dockyard.authoring.build import Fresh, Report, differences, fresh_build, install, refuse_if_source_was_edited
from dockyard.authoring.lessons import Notebook, select
from dockyard.authoring.rules import Violation, broken, leaks
from dockyard.authoring.text import tidy
from dockyard.course import Course
from dockyard.errors import BuildError


@dataclass(frozen=True)
class Outcome:
    """A lesson that was built: what was made, what was written, which rules it breaks."""

    fresh: Fresh
    report: Report
    violations: list[Violation]


def build(course: Course, target: str | None = None) -> list[Outcome]:
    """Build lessons and put them in place, unless one would give a solution away.

    Args:
        course: the course.
        target: `LESSON` or `LESSON/NOTEBOOK`; everything if left out.

    Raises:
        BuildError: nothing was put in place, and what was there is untouched.
    """
    chosen = select(course, target)
    for _, notebooks in chosen:
        for notebook in notebooks:
            refuse_if_source_was_edited(notebook)
    made = [fresh_build(lesson, notebooks) for lesson, notebooks in chosen]
    leaking = [str(violation) for fresh in made for violation in leaks(fresh)]
    if leaking:
        raise BuildError("\n  ".join(leaking), "Nothing was written: learners would get what they must not have.")
    return [Outcome(fresh, install(fresh), broken(fresh)) for fresh in made]


def check(course: Course, target: str | None = None) -> tuple[list[str], list[str]]:
    """Compare source/ and release/ with a fresh build, and the lessons with the rules; write nothing.

    Returns:
        A line for each file that differs, and a line for each rule that is broken.

    Raises:
        BuildError: a source notebook holds what its text does not say; building would undo that.
    """
    made = [fresh_build(lesson, notebooks) for lesson, notebooks in select(course, target)]
    for notebook in (notebook for fresh in made if differences(fresh) for notebook in fresh.notebooks):
        refuse_if_source_was_edited(notebook)
    return (
        [line for fresh in made for line in differences(fresh)],
        [str(violation) for fresh in made for violation in broken(fresh)],
    )


def tidy_texts(course: Course, target: str | None = None) -> list[Notebook]:
    """Put the metadata of text notebooks on one line a cell; the notebooks stay the same.

    Returns:
        The notebooks whose text was changed.
    """
    changed = []
    for notebook in (notebook for _, notebooks in select(course, target) for notebook in notebooks):
        text = notebook.text.read_text(encoding="utf-8")
        tidied = tidy(text)
        if tidied != text:
            fresh = notebook.text.with_name(f".{notebook.text.name}.tidy")
            fresh.write_text(tidied, encoding="utf-8")
            os.replace(fresh, notebook.text)
            changed.append(notebook)
    return changed
