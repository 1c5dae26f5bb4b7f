"""`dockyard grade` ends in the same gradebook and the same files as `nbgrader autograde`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from dockyard.grading.class_at_once import ClassGrader
from dockyard.grading.course import course_config, due
from tests.grading.classroom import LESSON, NOTEBOOK, RIGHT, Classroom, cell_of

DUE = "2026-03-01 12:00:00"
LATE, EARLY = "2026-03-02 12:00:00 UTC", "2026-02-28 12:00:00.123456 UTC"

# What the gradebook holds of hand-ins, by names instead of by generated ids.
TABLES = {
    "student": "SELECT id, first_name, last_name, email FROM student",
    "submission": """SELECT student_id, assignment.name, timestamp, extension FROM submitted_assignment
        JOIN assignment ON assignment.id = submitted_assignment.assignment_id""",
    "notebook": """SELECT student_id, notebook.name, flagged, late_submission_penalty FROM submitted_notebook
        JOIN notebook ON notebook.id = submitted_notebook.notebook_id
        JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id""",
    "grade": """SELECT student_id, notebook.name, base_cell.name, base_cell.type, auto_score, manual_score,
        extra_credit, needs_manual_grade FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
        JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
        JOIN notebook ON notebook.id = submitted_notebook.notebook_id
        JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id""",
    "comment": """SELECT student_id, notebook.name, base_cell.name, base_cell.type, auto_comment, manual_comment
        FROM comment JOIN base_cell ON base_cell.id = comment.cell_id
        JOIN submitted_notebook ON submitted_notebook.id = comment.notebook_id
        JOIN notebook ON notebook.id = submitted_notebook.notebook_id
        JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id""",
}


def gradebook(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that grading writes, in an order of its own."""
    with sqlite3.connect(root / "gradebook.db") as connection:
        return {table: sorted(connection.execute(query), key=repr) for table, query in TABLES.items()}


def files(root: Path) -> dict[str, tuple[int, object]]:
    """Every file below autograded/: path → mode and content; ids of cells that were added are drawn at random."""
    found: dict[str, tuple[int, object]] = {}
    for path in sorted((root / "autograded").rglob("*")):
        if path.is_file():
            content: object = path.read_bytes()
            if path.suffix == ".ipynb":
                notebook = json.loads(path.read_text())
                for cell in notebook["cells"]:
                    if not cell.get("id", "").startswith(("cell-", "mine")):
                        cell["id"] = "added"
                content = json.dumps(notebook, indent=1)
            found[str(path.relative_to(root))] = (path.stat().st_mode, content)
    return found


def grade(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dockyard.cli", "grade", LESSON, "--course", str(root), *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, errors="replace", timeout=120)


def delete_cells(notebook: NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if "second-one" not in str(cell.metadata)]


def answer(notebook: NotebookNode) -> None:
    cell_of(notebook, "why").source = "Because I say so."
    cell_of(notebook, "first-one-work").source = "first_one = 'red'"


def add_cells(notebook: NotebookNode) -> None:
    outputs = [NotebookNode(output_type="stream", name="stdout", text="line\n" * 3000)]
    notebook.cells.insert(2, new_code_cell("print('mine')", id="mine", outputs=outputs, execution_count=3))


def unlock(notebook: NotebookNode) -> None:
    cell_of(notebook, "first-one").metadata.nbgrader.update(locked=False, points=100)


def enter_class(db_url: str) -> None:
    """What the gradebook knows before anything is graded: a due date, a student by name, an extension."""
    with Gradebook(db_url, "dockyard") as book:
        book.update_or_create_assignment(LESSON, duedate=DUE)
        book.update_or_create_student("known", first_name="Known", last_name="Before")
        book.update_or_create_student("extended")
        book.update_or_create_submission(LESSON, "extended")
        book.grant_extension(LESSON, "extended", hours=36)


def furnish(room: Classroom) -> None:
    """A due date, a penalty for being late, and hand-ins of every kind."""
    with (room.root / "nbgrader_config.py").open("a") as config:
        config.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    enter_class(f"sqlite:///{room.root / 'gradebook.db'}")
    (room.root / "source" / LESSON / "given.txt").write_text("the instructor's")
    room.hand_in("perfect", RIGHT, mutate=answer)
    room.hand_in("partial", {"first-one": "red", "second-one": "green"})
    room.hand_in("untouched")
    room.hand_in("late", RIGHT).joinpath("timestamp.txt").write_text(LATE)
    room.hand_in("extended", RIGHT).joinpath("timestamp.txt").write_text(LATE)
    room.hand_in("early", RIGHT).joinpath("timestamp.txt").write_text(EARLY)
    room.hand_in("known", {"second-one": "blue"}, mutate=answer)
    room.hand_in("copied", RIGHT, recorded_as="perfect")
    room.hand_in("deleted", RIGHT, mutate=delete_cells)
    room.hand_in("added", RIGHT, mutate=add_cells)
    room.hand_in("unlocked", mutate=unlock)
    damaged = room.hand_in("damaged", RIGHT) / "evidence" / "first-one.json"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    room.hand_in("broken", RIGHT).joinpath(f"{NOTEBOOK}.ipynb").write_text("{ this is no notebook")
    more = room.hand_in("more", RIGHT)
    (more / "given.txt").write_text("the learner's")
    (more / "notes" / "deep").mkdir(parents=True)
    (more / "notes" / "deep" / "own.txt").write_text("own")
    shutil.copy(more / f"{NOTEBOOK}.ipynb", more / "another.ipynb")
    room.hand_in("renamed", RIGHT).joinpath(f"{NOTEBOOK}.ipynb").rename(
        more.parents[1] / "renamed" / LESSON / "b.ipynb"
    )


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Classroom, Path]:
    """Two courses that are equal but for their place: one for nbgrader, one for Dockyard."""
    base = tmp_path_factory.mktemp("grade")
    room = Classroom(base / "stock", make=True)
    furnish(room)
    shutil.copytree(room.root, base / "ours")
    return room, base / "ours"


def grade_both(rooms: tuple[Classroom, Path], student: str = "*", force: bool = False) -> None:
    """Grade in this process, which saves the time that both commands take to start."""
    stock, ours = rooms
    theirs = course_config(stock.root, LESSON, student)
    with contextlib.suppress(NbGraderException):  # some hand-ins fail: so it ends
        Autograde(coursedir=CourseDirectory(config=theirs), config=theirs, force=force).start()
    mine = course_config(ours, LESSON, student)
    list(ClassGrader(mine, 2).grade(due(mine, force).students))


def assert_equal(rooms: tuple[Classroom, Path]) -> None:
    stock, ours = rooms
    theirs, mine = gradebook(stock.root), gradebook(ours)
    for table in TABLES:
        assert mine[table] == theirs[table], table
    theirs_files, my_files = files(stock.root), files(ours)
    assert my_files.keys() == theirs_files.keys()
    for path, found in theirs_files.items():
        assert my_files[path] == found, path


def test_gradebook_and_files_are_those_of_autograde(rooms: tuple[Classroom, Path]) -> None:
    done, theirs = grade(rooms[1]), rooms[0].autograde(check=False)
    assert_equal(rooms)
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("✗")]
    assert (done.returncode == 1) == bool(failed) == bool(theirs.returncode), done.stdout + done.stderr
    assert all(f"for student '{name[:-1]}'" in theirs.stderr for name in failed)
    book = gradebook(rooms[1])
    assert ("late", NOTEBOOK, 0, 5.0) in book["notebook"] and ("extended", NOTEBOOK, 0, None) in book["notebook"]
    assert len(book["submission"]) == len(list((rooms[1] / "submitted").iterdir()))
    assert "a hand-in" in done.stdout, done.stdout + done.stderr


def test_only_what_is_new_is_graded_again(rooms: tuple[Classroom, Path]) -> None:
    for root in (rooms[0].root, rooms[1]):
        (root / "submitted" / "early" / LESSON / "timestamp.txt").write_text(LATE)
        shutil.rmtree(root / "submitted" / "early" / LESSON / "evidence")
        shutil.rmtree(root / "submitted" / "perfect" / LESSON / "evidence")  # no new time: not looked at
    grade_both(rooms)
    assert_equal(rooms)
    assert ("early", LESSON, "2026-03-02 12:00:00.000000", None) in gradebook(rooms[1])["submission"]
    assert due(course_config(rooms[1], LESSON), force=False).done > 10


def test_graded_again_beside_what_a_person_has_given(rooms: tuple[Classroom, Path]) -> None:
    for root in (rooms[0].root, rooms[1]):
        with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "dockyard") as book:
            for student, score, extra in (("perfect", 3.5, None), ("late", 1.0, 0.5), ("partial", None, 2.0)):
                given = book.find_grade("why", NOTEBOOK, LESSON, student)
                given.manual_score, given.extra_credit, given.needs_manual_grade = score, extra, False
            book.find_grade("first-one", NOTEBOOK, LESSON, "late").manual_score = 0.0
            book.find_comment("why", NOTEBOOK, LESSON, "late").manual_comment = "Good."
            book.db.commit()
    grade_both(rooms, force=True)
    assert_equal(rooms)
    assert ("late", NOTEBOOK, 0, 4.5) in gradebook(rooms[1])["notebook"]


def test_one_learner_alone(rooms: tuple[Classroom, Path]) -> None:
    for root in (rooms[0].root, rooms[1]):
        shutil.rmtree(root / "submitted" / "added" / LESSON / "evidence")
        shutil.rmtree(root / "submitted" / "deleted" / LESSON / "evidence")
    grade_both(rooms, "added", force=True)
    assert_equal(rooms)


def test_nothing_is_left_beside_the_class(rooms: tuple[Classroom, Path]) -> None:
    assert [path.name for path in (rooms[1] / ".dockyard").iterdir()] in (["grading.lock"], [])
    assert {path.name for path in rooms[1].iterdir()} - {path.name for path in rooms[0].root.iterdir()} <= {".dockyard"}


def test_help_costs_no_import_of_nbgrader() -> None:
    words = "import sys; from dockyard.cli.grade import grade; print('nbgrader' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.strip() == "False"
