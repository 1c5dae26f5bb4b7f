"""Faults that nbgrader would refuse without a place are told by file and line, all at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockyard.authoring.build import fresh_build
from dockyard.authoring.lessons import Lesson
from dockyard.errors import BuildError

WORK = "infinity\n### END SOLUTION"


def line_of(lesson: Lesson, passage: str) -> int:
    """The line on which the cell begins whose metadata say this."""
    lines = lesson.notebooks[0].text.read_text(encoding="utf-8").splitlines()
    return 1 + next(number for number, line in enumerate(lines) if passage in line)


@pytest.mark.parametrize(
    ("old", "new", "cell", "says"),
    [
        (WORK, "infinity", "grade_id: keep-running-work", "its solution does not end. Expected: ### END SOLUTION"),
        (WORK, "infinity\n### BEGIN SOLUTION", "grade_id: keep-running-work", "a second ### BEGIN SOLUTION in line 4"),
        ("%%bash\n### BEGIN SOLUTION\n", "%%bash\n", "grade_id: keep-running-work", "### END SOLUTION in line 3"),
        ("solution: true, task: false}\n:tags: [raises-exception]\n\n%%bash", "solution: false, task: false}\n\n%%bash",
         "grade_id: keep-running-work", "not marked as one"),
        ("grade_id: read-greeting-work", "grade_id: keep-running-work", "grade_id: keep-running-work",
         "is taken by the cell at line"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(
    lesson: Lesson, edit: Callable[..., None], old: str, new: str, cell: str, says: str
) -> None:
    edit(old, new)
    with pytest.raises(BuildError) as raised:
        fresh_build(lesson)
    assert says in str(raised.value)
    if "taken" in says:
        assert f"at line {line_of(lesson, cell)}" in str(raised.value)
    else:
        assert f"notebooks/00-sample/sample.md:{line_of(lesson, cell)}" in str(raised.value)


def test_all_faults_are_told_at_once(lesson: Lesson, edit: Callable[..., None]) -> None:
    edit(WORK, "infinity")
    edit('code = "137"\n### END SOLUTION', 'code = "137"')
    with pytest.raises(BuildError) as raised:
        fresh_build(lesson)
    assert str(raised.value).count("its solution does not end") == 2
