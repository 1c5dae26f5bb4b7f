"""A gradebook in PostgreSQL when something breaks: errors that can be read, and nothing that is half written."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from nbgrader.preprocessors import NbGraderPreprocessor
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from dockyard import gradebook
from dockyard.course import Course
from dockyard.database import VARIABLE, address, parsed, unusable
from dockyard.errors import DockyardError
from dockyard.grading import class_at_once
from dockyard.grading.class_at_once import ClassGrader
from dockyard.grading.course import course_config, due
from dockyard.grading.register import Register
from dockyard.grading.report.gradebook import read_grades
from tests.fake_engine import FakeEngine
from tests.grading.classroom import LESSON, solved_class
from tests.grading.postgres import Server
from tests.grading.test_grade import grade
from tests.grading.test_grade_postgres import gradebook as written
from tests.grading.test_grade_trouble import graded_folders, grader, troubles
from tests.hostile.corpus import SEED, cases
from tests.hostile.room import set_up
from tests.hostile.test_hand_ins import earns_what_it_should

STUDENTS = tuple(f"learner-{number}" for number in range(6))
EVERY = 12  # of the hostile hand-ins, this many are passed over


class NoConnection(NbGraderPreprocessor):
    """A step that fails where its process has a connection to the server, whose port is in a file."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        port = int(Path("port").read_text())
        for name in os.listdir("/proc/self/fd"):
            try:
                end = socket.socket(fileno=os.dup(int(name)))
            except OSError:
                continue
            with end:
                if end.family == socket.AF_INET and end.getpeername()[1] == port:
                    raise RuntimeError(f"a connection is open: {name}")
        return nb, resources


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return solved_class(tmp_path_factory.mktemp("trouble") / "course", STUDENTS)


@pytest.fixture(scope="module")
def entered(handed_in: Path, postgres: Server) -> str:
    """A database that knows the lesson, to make others from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, postgres.new_database())
        gradebook.register(Course(handed_in), LESSON)
        return parsed(os.environ[VARIABLE]).database or ""


@pytest.fixture
def root(
    handed_in: Path, entered: str, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    monkeypatch.setenv(VARIABLE, postgres.new_database(like=entered))
    yield Path(shutil.copytree(handed_in, tmp_path / "course"))


def book() -> dict[str, list[tuple[Any, ...]]]:
    return written(address(os.environ[VARIABLE]))


def test_the_first_entry_of_a_lesson(handed_in: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(handed_in)
    monkeypatch.setenv(VARIABLE, postgres.new_database())
    assert gradebook.unknown(course) == [LESSON]
    with pytest.raises(DockyardError, match="no gradebook yet"):
        read_grades(course, LESSON)
    gradebook.register(course, LESSON)
    assert gradebook.unknown(course) == []


def test_workers_have_no_connection(root: Path, postgres: Server) -> None:
    (root / "port").write_text(str(postgres.port))
    assert troubles(grader(root, NoConnection).grade(STUDENTS)) == dict.fromkeys(STUDENTS, "")
    assert "a connection is open" in str(troubles(grader(root, NoConnection).grade(STUDENTS, serial=True)))


def test_no_connection_is_left(root: Path, postgres: Server) -> None:
    list(grader(root).grade(STUDENTS))
    name = parsed(os.environ[VARIABLE]).database
    counted = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    assert postgres.execute(counted) == [(0,)]


def test_two_machines_do_not_fight(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_at_once, "PATIENCE", 0.2)
    other = Path(shutil.copytree(root, tmp_path / "other"))
    first = grader(root).grade(STUDENTS)
    assert next(first).trouble == ""
    with pytest.raises(DockyardError, match=r"Another dockyard grade writes to the gradebook postgresql.*:\*\*\*@"):
        list(grader(other).grade(STUDENTS))
    assert len(list(first)) == len(STUDENTS) - 1
    assert set(troubles(grader(other).grade(STUDENTS)).values()) == {""}


def test_a_server_that_ends_the_connection_stops_the_run_and_nothing_is_half_written(
    root: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    find_submission = Register.find_submission
    name = parsed(os.environ[VARIABLE]).database

    def cut_off(self: Register, *words: Any) -> Any:
        seen.append(words)
        if len(seen) == 3:
            ended = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
            assert postgres.execute(ended)
        return find_submission(self, *words)

    with monkeypatch.context() as patch, pytest.raises(DockyardError, match=r"terminating connection[\s\S]*pg_isready"):
        patch.setattr(Register, "find_submission", cut_off)
        list(grader(root).grade(STUDENTS))
    after = book()
    assert len(after["submission"]) == len(after["student"]) == 2 == len(graded_folders(root))
    assert len(after["grade"]) == 6
    done = grade(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert graded_folders(root) == {row[0] for row in book()["submission"]} == set(STUDENTS)
    assert due(course_config(root, LESSON), force=False).done == len(STUDENTS)


def test_an_error_of_the_database_is_not_taken_for_the_hand_ins(root: Path, postgres: Server) -> None:
    name = parsed(os.environ[VARIABLE]).database or ""
    postgres.execute("ALTER TABLE submitted_notebook RENAME COLUMN flagged TO banner", name)
    with pytest.raises(DockyardError, match=r"relation .* does not exist[\s\S]*nbgrader db upgrade"):
        list(grader(root).grade(STUDENTS))
    assert book_count(name, postgres) == 0 and not graded_folders(root)


def book_count(name: str, postgres: Server) -> int:
    return int(postgres.execute("SELECT count(*) FROM student", name)[0][0])


def test_names_that_the_database_does_not_take(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")  # as where the language is not C
    long, odd, accent = "n" * 200, "caf" + os.fsdecode(b"\xe9"), "'; DROP TABLE grade; -- 🐳"
    for name in (long, odd, accent):
        shutil.copytree(root / "submitted" / STUDENTS[1], root / "submitted" / name)
    done = grade(root)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "2 failed" in done.stdout and "too long for type character varying(128)" in re.sub(r"\s+", " ", done.stdout)
    assert {row[0] for row in book()["submission"]} == {*STUDENTS, accent} == graded_folders(root)


def trouble_of(root: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `dockyard grade`, `teach` and `report` say; it must never be more, and never hold the password."""
    monkeypatch.setenv(VARIABLE, url)
    said = []
    for act in (
        lambda: list(ClassGrader(course_config(root, LESSON), 1).grade(STUDENTS)),
        lambda: gradebook.unknown(Course(root)),
        lambda: read_grades(Course(root), LESSON),
    ):
        with pytest.raises(DockyardError) as caught:
            act()
        said.append(str(caught.value))
    assert not any("geheim" in words or "Traceback" in words for words in said), said
    return "\n".join(said)


def test_errors_say_what_to_do(root: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        down = f"postgresql://teacher:geheim@127.0.0.1:{closed.getsockname()[1]}/grades"
        assert trouble_of(root, down, monkeypatch).count("pg_isready --host=HOST") == 3
    wrong = trouble_of(root, postgres.address("postgres", "geheim"), monkeypatch)
    assert wrong.count("password authentication failed") == wrong.count("~/.pgpass") == 3
    none = trouble_of(root, postgres.address("grades"), monkeypatch)
    assert none.count('database "grades" does not exist') == none.count("createdb --owner=USER") == 3
    bad = trouble_of(root, "postgresql://teacher:geheim/x@127.0.0.1:geheim/grades", monkeypatch)
    assert bad.count("address cannot be read") == 3


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    assert (
        address("postgres://u@h/d") == address("postgresql://u@h/d") == "postgresql+psycopg://u@h/d?connect_timeout=10"
    )
    assert address("postgresql:///d?host=/run/pg") == "postgresql+psycopg:///d?host=/run/pg&connect_timeout=10"
    assert address("postgresql+psycopg2://u@h/d?x=1") == "postgresql+psycopg2://u@h/d?x=1"
    assert address("postgresql://u@h/d?connect_timeout=3").endswith("/d?connect_timeout=3")
    assert address("sqlite:////x/y.db ") == "sqlite:////x/y.db"
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = address(f"postgresql://u:geheim@127.0.0.1:{mute.getsockname()[1]}/d?connect_timeout=2")
        with pytest.raises(OperationalError) as caught:
            create_engine(url).connect()
    said = str(unusable(caught.value))
    assert "timeout" in said and "pg_isready" in said and "geheim" not in said


def test_a_user_who_may_only_read(root: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    list(grader(root).grade(STUDENTS[:2]))
    name = parsed(os.environ[VARIABLE]).database or ""
    postgres.execute("CREATE ROLE reader LOGIN PASSWORD 'geheim'")
    postgres.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", name)
    monkeypatch.setenv(VARIABLE, postgres.address(name, "geheim", "reader"))
    assert len(read_grades(Course(root), LESSON).marks) == 2
    with pytest.raises(DockyardError, match=r"permission denied[\s\S]*createdb --owner"):
        list(grader(root).grade(STUDENTS))
    assert len(book()["submission"]) == 2 == len(graded_folders(root))
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    monkeypatch.setenv(VARIABLE, postgres.address(name))
    with pytest.raises(DockyardError, match=r"read-only[\s\S]*read-only copy"):
        list(grader(root).grade(STUDENTS))


def test_a_missing_driver_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = trouble_of(root, os.environ[VARIABLE], monkeypatch)
    assert said.count("driver psycopg is not installed") == said.count("--editable '.[postgres]'") == 3
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    said = trouble_of(root, "postgresql+psycopg2://teacher:geheim@127.0.0.1/grades", monkeypatch)
    assert said.count("Write postgresql+psycopg://") == 3


def test_hostile_hand_ins_are_graded_for_what_their_evidence_shows(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, postgres.new_database())
    engine = FakeEngine(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    room, honest = set_up(tmp_path, engine)
    engine.close()
    laid = [
        case for number, case in enumerate(cases()) if number % EVERY == 0 or "time" in case.name or "text" in case.name
    ]
    for case in laid:
        folder = room.root / "submitted" / case.name / LESSON
        honest.lay(folder)
        case.lay(folder, honest, Random(f"{SEED} {case.name}"))
    done = grade(room.root, "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    grades: dict[str, dict[str, tuple[float | None, bool]]] = defaultdict(dict)
    for student, _, cell, _, score, _, _, person in book()["grade"]:
        grades[student][cell] = (score, bool(person))
    assert len(laid) > 40 and set(grades) == {case.name for case in laid} and not honest.canary.exists()
    for case in laid:
        earns_what_it_should(grades, case)
