"""A gradebook in PostgreSQL holds what one in SQLite holds, whoever writes it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import create_engine, text

from dockyard.course import Course
from dockyard.database import VARIABLE, address
from dockyard.errors import DockyardError
from dockyard.grading.audit import audit
from dockyard.grading.course import course_config
from dockyard.grading.moving import move
from dockyard.grading.report import write_report
from dockyard.grading.report.standing import read_standing
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom, cell_of
from tests.grading.postgres import Server
from tests.grading.test_grade import TABLES, enter_class, files, furnish

SQLITE, STOCK, OURS = "sqlite", "stock", "ours"


@dataclass
class Rooms:
    """Three courses, equal but for their place and their gradebook."""

    folders: dict[str, Path]
    addresses: dict[str, str]

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run nbgrader or dockyard in a course, as somebody with `DOCKYARD_GRADEBOOK` set would."""
        env = dict(os.environ)
        if name != SQLITE:
            env[VARIABLE] = self.addresses[name]
        module = "dockyard.cli" if words[0] == "dockyard" else words[0]
        command = [sys.executable, "-m", module, *words[1:]]
        return subprocess.run(command, cwd=self.folders[name], capture_output=True, text=True, env=env, timeout=300)

    def book(self, name: str) -> Gradebook:
        return Gradebook(address(self.addresses[name]), "dockyard")

    def gradebook(self, name: str) -> dict[str, list[tuple[Any, ...]]]:
        return gradebook(address(self.addresses[name]))


def gradebook(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that grading writes, in an order of its own, as Python's values."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            table: sorted((_row(row) for row in connection.execute(text(query))), key=repr)
            for table, query in TABLES.items()
        }
    engine.dispose()
    return found


def _row(row: Any) -> tuple[Any, ...]:
    """SQLite has no times, no lengths of time and no truth values of its own."""
    plain = []
    for value in row:
        if isinstance(value, str) and value[:4].isdecimal() and value[4:5] == "-":
            value = datetime.fromisoformat(value)
            value = value - datetime(1970, 1, 1) if value.year < 2000 else value
        plain.append(int(value) if isinstance(value, bool) else value)
    return tuple(plain)


@pytest.fixture(scope="module")
def rooms(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Rooms:
    base = tmp_path_factory.mktemp("postgres")
    folders = {name: base / name for name in (SQLITE, STOCK, OURS)}
    addresses = {SQLITE: f"sqlite:///{base / SQLITE / 'gradebook.db'}"}
    for name in (STOCK, OURS):
        addresses[name] = postgres.new_database()
    rooms = Rooms(folders, addresses)
    room = Classroom(base / SQLITE, make=True)
    furnish(room)
    for name in (STOCK, OURS):
        shutil.copytree(room.root, folders[name])
        (folders[name] / "gradebook.db").unlink()
        done = rooms.run(name, "nbgrader", "generate_assignment", LESSON, "--force")
        assert done.returncode == 0, done.stderr
        enter_class(address(addresses[name]))
    return rooms


def test_all_three_end_alike(rooms: Rooms) -> None:
    done = {name: rooms.run(name, "nbgrader", "autograde", LESSON) for name in (SQLITE, STOCK)}
    done[OURS] = rooms.run(OURS, "dockyard", "grade", LESSON, "--course", str(rooms.folders[OURS]))
    assert "a hand-in" in done[OURS].stdout, done[OURS].stdout + done[OURS].stderr
    assert done[SQLITE].returncode == done[STOCK].returncode
    assert not [path for name in (STOCK, OURS) for path in rooms.folders[name].glob("*.db")]
    assert_alike(rooms)


def assert_alike(rooms: Rooms) -> None:
    lite = rooms.gradebook(SQLITE)
    assert len(lite["submission"]) > 10 and any(row[3] for row in lite["submission"])
    for name in (STOCK, OURS):
        book = rooms.gradebook(name)
        for table in TABLES:
            assert book[table] == lite[table], (name, table)
        assert files(rooms.folders[name]) == files(rooms.folders[SQLITE]), name


def test_graded_again_with_a_mended_check_beside_what_a_person_has_given(rooms: Rooms) -> None:
    """A row that is changed comes last in PostgreSQL: the order of cells must not follow."""
    for name, folder in rooms.folders.items():
        path = folder / "source" / LESSON / f"{NOTEBOOK}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        for grade_id in ("first-one-work", "first-one"):
            cell_of(notebook, grade_id).source += "\n# mended"
        nbformat.write(notebook, path)
        assert rooms.run(name, "nbgrader", "generate_assignment", LESSON, "--force").returncode == 0
        with rooms.book(name) as book:
            for student, score, extra in (("perfect", 3.5, None), ("late", 1.0, 0.5), ("partial", None, 2.0)):
                given = book.find_grade("why", NOTEBOOK, LESSON, student)
                given.manual_score, given.extra_credit, given.needs_manual_grade = score, extra, False
            book.find_comment("why", NOTEBOOK, LESSON, "late").manual_comment = "Good. 🐳"
            book.db.commit()
    for name in (SQLITE, STOCK):
        rooms.run(name, "nbgrader", "autograde", LESSON, "--force")
    rooms.run(OURS, "dockyard", "grade", LESSON, "--force", "--course", str(rooms.folders[OURS]))
    assert_alike(rooms)
    assert ("late", NOTEBOOK, 0, 6.5) in rooms.gradebook(OURS)["notebook"]
    notes = (rooms.folders[STOCK] / "autograded" / "perfect" / LESSON / f"{NOTEBOOK}.ipynb").read_text()
    assert "mended" in notes and "another order" not in notes


def formgrader(rooms: Rooms, name: str) -> dict[str, object]:
    """What the formgrader's pages ask for; ids are drawn at random, and times are shown as the page shows them."""
    config = course_config(rooms.folders[name], LESSON)
    config.CourseDirectory.db_url = address(rooms.addresses[name])
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    students = sorted(path.name for path in (rooms.folders[name] / "submitted").iterdir())
    answers = {
        "assignments": api.get_assignments(),
        "notebooks": api.get_notebooks(LESSON),
        "submissions": api.get_submissions(LESSON),
        "answers": api.get_notebook_submissions(LESSON, NOTEBOOK),
        "indices": sorted(api.get_notebook_submission_indices(LESSON, NOTEBOOK).values()),
        "students": api.get_students(),
        "student": [api.get_student_submissions(student) for student in students],
        "notebook": [api.get_student_notebook_submissions(student, LESSON) for student in students],
    }
    shown = {key: _without_ids(answer) for key, answer in answers.items()}
    assert all(shown.values())
    return shown


def _without_ids(answer: Any) -> Any:
    """Without the order too: nbgrader sorts by these ids, and databases as they like."""
    if isinstance(answer, dict):
        drawn = {key for key, value in answer.items() if re.fullmatch(r"[0-9a-f]{32}", str(value))}
        return {key: _without_ids(value) for key, value in answer.items() if key not in {*drawn, "index"}}
    if isinstance(answer, list):
        return sorted((_without_ids(one) for one in answer), key=repr)
    return round(answer, 9) if isinstance(answer, float) else answer


def test_the_formgrader_shows_the_same(rooms: Rooms) -> None:
    lite = formgrader(rooms, SQLITE)
    for name in (STOCK, OURS):
        shown = formgrader(rooms, name)
        for key, answer in lite.items():
            assert shown[key] == answer, (name, key)


def test_export_and_feedback_are_the_same(rooms: Rooms) -> None:
    exported, pages = {}, {}
    for name, folder in rooms.folders.items():
        assert rooms.run(name, "nbgrader", "export", "--to=grades.csv").returncode == 0
        exported[name] = sorted((folder / "grades.csv").read_text().splitlines())
        done = rooms.run(name, "nbgrader", "generate_feedback", LESSON)
        assert done.returncode == 0, done.stderr
        pages[name] = {
            path.parents[1].name: re.sub(r"<[^>]+>|\d\d:\d\d", " ", path.read_text())
            for path in (folder / "feedback").glob(f"*/{LESSON}/{NOTEBOOK}.html")
        }
    assert exported[SQLITE] == exported[STOCK] == exported[OURS] and len(exported[OURS]) > 10
    assert pages[SQLITE] == pages[STOCK] == pages[OURS] and "Good. 🐳" in pages[OURS]["late"]


def test_the_report_draws_the_same(rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, drawn = {}, {}
    for name, folder in rooms.folders.items():
        monkeypatch.setenv(VARIABLE, "" if name == SQLITE else rooms.addresses[name])
        read[name] = vars(read_standing(Course(folder), LESSON))
        written = write_report(Course(folder), LESSON, tmp_path / name)
        drawn[name] = {path.name: path.read_bytes() for path in written}
        assert audit(Course(folder), LESSON).learners
    assert len(drawn[SQLITE]) == 6 and drawn[SQLITE].keys() == drawn[OURS].keys() == drawn[STOCK].keys()
    for name in (STOCK, OURS):
        assert read[name] == read[SQLITE]
        for picture in drawn[SQLITE]:
            assert picture.endswith(".html") or drawn[name][picture] == drawn[SQLITE][picture], picture


def test_nbgraders_database_commands(rooms: Rooms) -> None:
    removed = ("student", "remove", "partial", "--force")
    others = (
        ("student", "add", "new", "--last-name=Lastname"),
        ("student", "remove", "new"),
        ("assignment", "add", "other"),
        ("assignment", "remove", "other"),
        ("upgrade",),
    )
    for name, words in ((SQLITE, removed), (OURS, removed), *((OURS, words) for words in others)):
        done = rooms.run(name, "nbgrader", "db", *words)
        assert done.returncode == 0, done.stderr
    book, lite = rooms.gradebook(OURS), rooms.gradebook(SQLITE)
    assert book == lite and "partial" not in {row[0] for row in book["student"]}
    assert "01-sample" in rooms.run(OURS, "nbgrader", "db", "assignment", "list").stdout


def test_a_gradebook_is_moved_with_all_that_persons_gave(rooms: Rooms, postgres: Server) -> None:
    new = postgres.new_database()
    copied = move(rooms.addresses[SQLITE], new)
    assert gradebook(address(new)) == rooms.gradebook(SQLITE) and copied["grade"] > 20
    with pytest.raises(DockyardError, match="not empty"):
        move(rooms.addresses[SQLITE], new)
