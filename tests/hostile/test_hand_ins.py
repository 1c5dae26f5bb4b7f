"""No hand-in does harm: each is graded for what its evidence shows, and says what was wrong with it."""

from __future__ import annotations

import json
import os
import re
import stat

import nbformat
import pytest

from dockyard import strictjson
from dockyard.grading.class_at_once import ClassGrader
from dockyard.grading.course import course_config, due
from dockyard.grading.limits import MAX_NOTES
from tests.grading.classroom import LESSON, NOTEBOOK
from tests.grading.test_grade import TABLES, files, gradebook
from tests.hostile.conftest import Graded, Grades
from tests.hostile.corpus import cases
from tests.hostile.room import ANSWER, FULL, SECRET, Case

CASES = {case.name: case for case in cases()}
PEAK = 250  # MiB a worker, with the worst notebook that is parsed


def test_there_are_hundreds_of_them() -> None:
    kinds = {name.partition("-")[0] for name in CASES}
    assert len(CASES) >= 200 and kinds >= {"nb", "ev", "dir"}


def test_every_one_is_graded(graded: Graded) -> None:
    assert graded.codes["class"] == 0, graded.logs["class"][-2000:]
    assert set(graded.grades) == set(CASES)
    written = {path.name for path in (graded.room.root / "autograded").iterdir() if path.name[0] != "."}
    assert written == set(CASES)


def test_stock_nbgrader_grades_them_to_the_same_gradebook(graded: Graded) -> None:
    assert graded.codes["stock"] == 0, graded.logs["stock"][-2000:]
    mine, theirs = gradebook(graded.room.root), gradebook(graded.stock)
    for table in TABLES:
        assert mine[table] == theirs[table], table
    assert len(mine["submission"]) == len(CASES)


def test_stock_nbgrader_writes_the_same_files_and_so_gives_the_same_reasons(graded: Graded) -> None:
    mine, theirs = files(graded.room.root), files(graded.stock)
    assert mine.keys() == theirs.keys()
    assert [path for path in mine if mine[path] != theirs[path]] == []


@pytest.mark.parametrize("name", CASES)
def test_it_earns_what_the_evidence_shows_and_says_what_was_wrong(graded: Graded, name: str) -> None:
    case = CASES[name]
    earns_what_it_should(graded.grades, case)
    path = graded.room.root / "autograded" / name / LESSON / f"{NOTEBOOK}.ipynb"
    notebook = strictjson.loads(path.read_bytes())
    nbformat.validate(notebook)
    if case.says:
        assert re.search(case.says, told(notebook), re.DOTALL), told(notebook)
    for score in (score for score in case.earns if case.earns[score] == 0.0):
        assert re.search(rf"✗ {score}: \S.*", told(notebook)), told(notebook)


def earns_what_it_should(grades: Grades, case: Case) -> None:
    found = grades[case.name]
    assert {name: found[name] for name in FULL} == {
        name: (case.earns.get(name, points), case.earns.get(name, points) is None) for name, points in FULL.items()
    }
    if case.answered:
        assert found["why"] == (None, True), "the written answer waits for a person"


def told(notebook: dict[str, object]) -> str:
    """What a reviewer is told: the notes in the first cell, and the cards."""
    cells: list[dict[str, object]] = notebook["cells"]  # type: ignore[assignment]
    first = "".join(cells[0]["source"]) if cells else ""  # type: ignore[arg-type]
    cards = [
        "".join(output["data"]["text/plain"])  # type: ignore[index]
        for cell in cells
        if cell["metadata"].get("nbgrader", {}).get("grade")  # type: ignore[attr-defined]
        for output in cell.get("outputs", [])  # type: ignore[attr-defined]
        if "data" in output
    ]
    return "\n".join([first if "Notes on this hand-in" in first else "", *cards])


def test_an_honest_hand_in_has_no_notes_and_keeps_its_answer(graded: Graded) -> None:
    path = graded.room.root / "autograded" / "honest" / LESSON / f"{NOTEBOOK}.ipynb"
    text = path.read_text()
    assert "Notes on this hand-in" not in text and ANSWER in text
    assert "Notes on this hand-in" in (path.parents[2] / "nb-unlocked" / LESSON / f"{NOTEBOOK}.ipynb").read_text()


def test_the_answer_survives_where_the_notebook_can_be_read(graded: Graded) -> None:
    for name in ("nb-100-mb-text", "nb-100-mb-lines", "nb-reversed", "nb-checks-markdown", "nb-markup-script"):
        path = graded.room.root / "autograded" / name / LESSON / f"{NOTEBOOK}.ipynb"
        cell = next(
            c
            for c in json.loads(path.read_text())["cells"]
            if c["metadata"].get("nbgrader", {}).get("grade_id") == "why"
        )
        assert ANSWER in "".join(cell["source"]), name


def test_nothing_was_executed(graded: Graded) -> None:
    assert not graded.honest.canary.exists()
    assert not (graded.room.root / "canary").exists()


def test_nothing_was_written_outside_the_hand_in_and_nothing_was_lost(graded: Graded) -> None:
    assert graded.after.keys() == graded.before.keys()
    for name, had in graded.before.items():
        assert graded.after[name] == had, name
        if name:
            assert graded.stock_after[name] == had, name


def test_autograded_holds_plain_files_and_nothing_from_elsewhere(graded: Graded) -> None:
    total = 0
    for folder, folders, names in os.walk(graded.room.root / "autograded"):
        for name in [*folders, *names]:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            assert stat.S_ISDIR(mode) or stat.S_ISREG(mode), path
            if stat.S_ISREG(mode):
                total += os.lstat(path).st_size
                with open(path, "rb") as file:
                    assert SECRET.encode() not in file.read(), path
            assert not re.search(r"\.(html|svg|xht|mjs)$", name, re.IGNORECASE), path
    assert total < 100 * 1024 * 1024


def test_memory_is_bounded(graded: Graded) -> None:
    assert 0 < graded.peak <= PEAK, f"{graded.peak} MiB"


def test_the_reviewer_is_told_by_stock_nbgraders_log_too(graded: Graded) -> None:
    assert re.search(r"dir-extra-link-secret/.*: extra was put aside: it is a link\.", graded.logs["stock"])


@pytest.fixture(scope="module")
def remarks(graded: Graded) -> dict[str, str]:
    """What `dockyard grade` is told of each hand-in by whoever graded it: here all of it, line by line."""
    config = course_config(graded.stock, LESSON)
    found = list(ClassGrader(config).grade(due(config, force=True).students))
    assert not any(one.trouble for one in found)
    assert all(len(one.remarks) <= MAX_NOTES + 1 and max(map(len, one.remarks), default=0) <= 501 for one in found)
    assert all(line.isprintable() for one in found for line in one.remarks)
    return {one.student: "\n".join(one.remarks) for one in found}


def test_whoever_grades_a_class_is_told_what_is_wrong_with_each(graded: Graded, remarks: dict[str, str]) -> None:
    """What a check says of what it found is no remark: it stands on the card, as for any learner."""
    assert not remarks["honest"] and not remarks["zz-honest"]
    for name, case in CASES.items():
        about_files = name.startswith(("nb-", "dir-")) and name != "dir-evidence-folder"
        if about_files and case.says:
            assert re.search(case.says, remarks[name], re.DOTALL), (name, remarks[name])
        path = graded.room.root / "autograded" / name / LESSON / f"{NOTEBOOK}.ipynb"
        for exercise, reason in re.findall(
            r"✗ ([a-z-]+): ((?:The evidence|The file) .*)", told(strictjson.loads(path.read_bytes()))
        ):
            assert f"{exercise}: {' '.join(reason.split())}"[:60] in remarks[name] or "put aside" in remarks[name], name


def test_the_command_names_some_and_counts_the_others(graded: Graded, remarks: dict[str, str]) -> None:
    lines = [line for line in graded.logs["class"].splitlines() if line.startswith("! ")]
    named = [line.split()[1].rstrip(":") for line in lines[:-1]]
    assert named == sorted(name for name in CASES if remarks[name])[:20]
    assert lines[-1] == f"! … and remarks on {sum(map(bool, remarks.values())) - 20} more."
