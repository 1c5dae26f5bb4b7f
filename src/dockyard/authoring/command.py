"""What `dockyard build` does: build, judge by the rules, put in place."""

from __future__ import annotations

from dataclasses import dataclass

from dockyard.authoring.build import Fresh, Report, differences, fresh_build, install, refuse_if_source_was_edited
from dockyard.authoring.lessons import select
from dockyard.authoring.rules import Violation, broken, leaks
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
    """
    made = [fresh_build(lesson, notebooks) for lesson, notebooks in select(course, target)]
    return (
        [line for fresh in made for line in differences(fresh)],
        [str(violation) for fresh in made for violation in broken(fresh)],
    )
