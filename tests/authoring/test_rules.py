"""Each rule is silent on a good lesson and speaks up, with file and cell, on one that breaks it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from dockyard.authoring import rules
from dockyard.authoring.build import Fresh, fresh_build
from dockyard.authoring.lessons import Lesson
from dockyard.authoring.rules.checks import free_names
from dockyard.authoring.rules.exercises import foreign_names
from dockyard.authoring.rules.text import words

LONG = " ".join(["word"] * 121)
MANY = "\n".join(f"step = {number}" for number in range(13))


def names(fresh: Fresh) -> set[str]:
    return {violation.rule for violation in rules.broken(fresh)}


def test_the_sample_keeps_every_rule(lesson: Lesson) -> None:
    assert rules.broken(fresh_build(lesson)) == []


# rule, passage of the text, what it is replaced by, what the violation must say
BAD_TEXTS = [
    ("header_names_the_kernel_only", "kernelspec: {", "jupytext: {formats: ipynb}\nkernelspec: {", "The header is"),
    ("metadata_on_one_line", "kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}",
     "kernelspec:\n  display_name: Python 3 (ipykernel)\n  language: python\n  name: python3",
     "--tidy 00-sample/sample"),
    ("headings_in_order", "# A sample lesson", "## A sample lesson", "the notebook's title"),
    ("headings_in_order", "## Summary", "# Summary", "second title"),
    ("headings_in_order", "## Summary", "#### More\n\n## Summary", "follows a heading of level 2"),
    ("ends_with_summary_and_progress", "## Summary", "## In short", "The last heading is “In short”"),
    ("ends_with_summary_and_progress", "progress()\n", "progress\n", "The last cell is another one"),
    ("markdown_is_short", "The list shows containers that have ended too.", LONG, "The cell has 121 words."),
    ("code_is_short", "!docker container ls --all", MANY, "The cell has 13 lines."),
    ("code_is_short", 'code = ""\n', MANY + "\n", "The cell has 13 lines."),
    ("code_is_short", 'code = "137"', MANY, "The cell has 13 lines."),
    ("images_have_alt_texts", "The list shows", "![](files/a.png) The list shows", "no alternative text"),
    ("images_have_alt_texts", "The list shows", '<img src="files/a.png"> The list shows', "no alternative text"),
    ("exercises_are_numbered", "## Exercise 2 ·", "## Exercise 3 ·", "2, counted from the top"),
    ("exercises_are_numbered", "+++\n\n## Exercise 1", "## Exercise 1", "stands within a cell"),
    ("exercises_are_numbered", "## Exercise 2 · Read", "## Exercise: Read", "3 headings"),
    ("statement_is_complete", "## Exercise 2 · Read", "## Exercise: Read", "No statement stands before"),
    ("statement_is_complete", "Keep a container running that nobody waits for.\n", "", "no goal"),
    ("statement_is_complete", "**What will be checked**\n- `greeting`", "**Checked**\n- `greeting`", "has no “**What"),
    ("statement_is_complete", "128 and the signal's number, added.", "", "no hint"),
    ("cells_belong_together", "points: 1, schema_version", "points: 0, schema_version", "gives no points"),
    ("cells_belong_together", "grade_id: keep-running, locked: true", "grade_id: keep-running, locked: false",
     "locked: true"),
    ("cells_belong_together", "grade_id: which-code-work", "grade_id: what-code-work", "the work cell which-code-work"),
    ("cells_belong_together", "grade_id: which-code-work", "grade_id: Which_code-work", "small letters"),
    ("cells_belong_together", '### BEGIN SOLUTION\ncode = "137"\n### END SOLUTION', "pass", "holds no solution"),
    ("work_cells_may_fail", ":tags: [raises-exception]\n", "", "stops Run All"),
    ("check_names_its_exercise", '@exercise("which-code", points=1)', '@exercise("code", points=1)', "('code', 1)"),
    ("check_names_its_exercise", '@exercise("which-code", points=1)', '@exercise("which-code", points=3)', "3)"),
    ("asserts_have_messages", 'assert code, "code is still empty."', "assert code", "`assert code` has no message"),
    ("check_is_self_contained", "from dockyard.answers import is_answer\n", "", "is_answer from elsewhere"),
    ("check_does_not_wait", "    assert docker.ping()", "    import time\n    time.sleep(2)\n    assert docker.ping()",
     "calls `time.sleep`"),
    ("names_are_the_courses", "!docker container ls --all", "!docker container run -d --name web dockyard/busybox",
     "gives the name web"),
    ("names_are_the_courses", "!docker container ls --all", "!docker volume create --label a=b data", "the name data"),
    ("few_closed_questions", "def check(docker, greeting):", "def check(greeting):", "2 of 4 exercises are closed"),
    ("no_markers_left", "The list shows", "# Begin solution: the list shows", "BEGIN SOLUTION"),
    ("no_solution_in_release", "%%bash\n### BEGIN",
     "%%bash\ndocker container run --detach --name lab-sample dockyard/busybox sleep infinity\n### BEGIN",
     "lab-sample dockyard/busybox sleep infinity"),
    ("no_solution_in_release", "Look at `docker container run --help`",
     "Type `docker container run --detach --name lab-sample dockyard/busybox sleep infinity`", "a line of a solution"),
    ("no_answer_in_check", 'assert code, ', 'assert code != "137", ', "The check has the answer '137'"),
    ("check_is_python", "assert code, ", "assert, ", "The check is a syntax error"),
    ("work_cells_can_run", 'greeting = ""\n### BEGIN', "if True:\n    ### BEGIN", "cannot run"),
    ("work_cells_can_run", "%%bash\n### BEGIN", "%%bash\nif true; then\n### BEGIN", "cannot run"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "old", "new", "says"), BAD_TEXTS)
def test_a_bad_text_breaks_its_rule(
    lesson: Lesson, edit: Callable[..., None], rule: str, old: str, new: str, says: str
) -> None:
    edit(old, new)
    found = [str(violation) for violation in rules.broken(fresh_build(lesson)) if violation.rule == rule]
    assert found, f"{rule} found nothing"
    assert any(says in line for line in found), found
    assert all(line.startswith("notebooks/00-sample") for line in found)


def test_a_violation_names_line_and_cell(lesson: Lesson, edit: Callable[..., None]) -> None:
    edit('assert code, "code is still empty."', "assert code")
    (violation,) = rules.broken(fresh_build(lesson))
    lines = lesson.notebooks[0].text.read_text(encoding="utf-8").splitlines()
    line = 1 + next(number for number, line in enumerate(lines) if "grade_id: which-code, locked: true" in line)
    assert f"notebooks/00-sample/sample.md:{line} (which-code): " in str(violation)
    assert "Expected: " in str(violation)


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("at_least_two_near_misses", 'message = "9 is another exit code"', 'message = "143 is another exit code"'),
        ("cases_belong_to_exercises", "[read-greeting]", "[no-greeting]\n[read-greeting]"),
    ],
)
def test_bad_cases_break_their_rule(lesson: Lesson, edit: Callable[..., None], rule: str, old: str, new: str) -> None:
    edit(old, new, file="sample.cases.toml")
    assert rule in names(fresh_build(lesson))


def test_a_near_miss_must_not_stand_in_a_cell(lesson: Lesson, edit: Callable[..., None]) -> None:
    edit("%%bash\n### BEGIN", "%%bash\n# ready to run\n### BEGIN")
    edit("!docker container ls --all", "!docker container run --name lab-sample dockyard/busybox true")
    edit('bash = "docker container run', 'bash = "!docker container run', file="sample.cases.toml")
    assert "no_near_miss_in_release" in names(fresh_build(lesson))


def test_lines_that_the_notebook_teaches_give_nothing_away(lesson: Lesson, edit: Callable[..., None]) -> None:
    line = 'greeting = Path("files/greeting.txt").read_text().strip()'
    edit("!docker container ls --all", f"{line}\nprint(greeting)")
    assert rules.broken(fresh_build(lesson)) == []


@pytest.mark.parametrize(
    ("code", "foreign"),
    [
        ("docker container run --name=web -d nginx", ["web"]),
        ('docker build -q --tag "dockyard/lab-a:1" .\ndocker build --tag mine .', ["mine"]),
        ("docker network create --driver bridge lab-net\ndocker network create net", ["net"]),
        ("docker container run --name $name x; docker volume create lab-data >/dev/null", []),
        ("docker compose --project-name lab-shop up --detach", []),
    ],
)
def test_names_that_commands_give(code: str, foreign: list[str]) -> None:
    assert foreign_names(code) == foreign


@pytest.fixture
def pair(lesson: Lesson) -> Lesson:
    """The lesson with a second notebook that is a copy of the first."""
    toml = lesson.folder / "lesson.toml"
    toml.write_text(toml.read_text().replace('["sample"]', '["sample", "second"]'))
    for suffix in (".md", ".cases.toml"):
        text = (lesson.folder / f"sample{suffix}").read_text(encoding="utf-8")
        (lesson.folder / f"second{suffix}").write_text(text, encoding="utf-8")
    return dataclasses.replace(lesson, notebook_names=("sample", "second"))


def test_notebooks_of_a_lesson_share_no_names(pair: Lesson) -> None:
    assert {"grade_ids_are_unique", "names_are_not_shared"} <= names(fresh_build(pair))


# What the build itself never makes: the rule is told by hand.
def tampered(fresh: Fresh, path: str, change: Callable[[nbformat.NotebookNode], None]) -> Fresh:
    notebook = nbformat.reads(fresh.files[Path(path)].decode(), as_version=4)
    change(notebook)
    return dataclasses.replace(fresh, files=fresh.files | {Path(path): nbformat.writes(notebook).encode()})


def test_outputs_are_found(lesson: Lesson) -> None:
    def run(notebook: nbformat.NotebookNode) -> None:
        notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="CONTAINER ID")]

    for top in ("source", "release"):
        assert "no_outputs" in names(tampered(fresh_build(lesson), f"{top}/00-sample/sample.ipynb", run))


def test_a_kernel_of_another_name_is_found(lesson: Lesson) -> None:
    def rename(notebook: nbformat.NotebookNode) -> None:
        notebook.metadata.kernelspec["display_name"] = "dockyard"

    assert "header_names_the_kernel_only" in names(
        tampered(fresh_build(lesson), "release/00-sample/sample.ipynb", rename)
    )


@pytest.mark.parametrize("name", ["sample.md", "sample.cases.toml", "files/sample.cases.toml", "notes/plan.txt"])
def test_files_that_learners_must_not_get_are_found(lesson: Lesson, name: str) -> None:
    fresh = fresh_build(lesson)
    more = dataclasses.replace(fresh, files=fresh.files | {Path("release/00-sample") / name: b""})
    assert names(more) == {"only_notebooks_and_files"}


def test_paths_of_this_machine_are_found(lesson: Lesson, edit: Callable[..., None]) -> None:
    edit("The list shows", f"In {lesson.course.root} the list shows")
    assert "no_machine_paths" in names(fresh_build(lesson))


@pytest.mark.parametrize(
    ("source", "free"),
    [
        ("import os\ndef check(docker):\n    return os.sep + docker", set()),
        ("def check(docker):\n    return [name for name in docker if len(name)]", set()),
        ("def helper(): ...\ndef check():\n    def inner(): return helper()\n    return inner", set()),
        ("def check(docker):\n    return kinds, (lambda: client)()", {"kinds", "client"}),
        ("value = start + 1", {"start"}),
    ],
)
def test_free_names(source: str, free: set[str]) -> None:
    assert free_names(source) == free


def test_words_are_those_that_are_read_through() -> None:
    assert words("One *two* [three](https://example.org/a-b) ![four](x.png)") == 4
    assert words("One\n\n| a | b |\n|---|---|\n\n```\nnot counted\n```\n<details>folded</details>two — three") == 3
