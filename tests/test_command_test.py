"""`dockyard test`: what it runs, what it leaves out, and what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dockyard.cli import lab
from dockyard.cli import test as command
from dockyard.course import Course
from dockyard.errors import EngineError

POSTGRES = Path("/usr/lib/postgresql/15/bin")


class Runs:
    """Stands in for subprocess.run: remembers the words, answers with the status set for one of them."""

    def __init__(self) -> None:
        self.words: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.fails: set[str] = set()

    def __call__(self, words: list[str], **options: Any) -> Any:
        self.words.append(words)
        self.environments.append(options.get("env") or {})
        status = 1 if self.fails & set(words) else 0
        return SimpleNamespace(returncode=status, stdout="", stderr="it failed")

    @property
    def modules(self) -> list[str]:
        return [words[2] for words in self.words if words[:2] == [sys.executable, "-m"]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runs:
    runs = Runs()
    monkeypatch.setattr(subprocess, "run", runs)
    monkeypatch.setattr("dockyard.course.find_course", lambda: Course(tmp_path))
    monkeypatch.setattr("dockyard.engine.connect", lambda: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(lab, "get_engine", lambda yes: None)
    monkeypatch.setattr(command, "find_browser", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(command, "find_postgres", lambda: POSTGRES)
    monkeypatch.delenv("CI", raising=False)
    return runs


def call(*words: str) -> Result:
    return CliRunner().invoke(command.test, list(words))


def test_everything_is_run(runs: Runs) -> None:
    assert call("--yes").exit_code == 0
    assert runs.modules == ["ruff", "ruff", "mypy", "dockyard.cli", "pytest"]
    assert runs.words[-1] == [sys.executable, "-m", "pytest"]
    assert runs.environments[-1]["DOCKYARD_BROWSER"] == "/usr/bin/chromium"
    assert runs.environments[-1]["DOCKYARD_POSTGRES_BIN"] == str(POSTGRES)


def test_fast_touches_no_engine(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "get_engine", lambda yes: pytest.fail("an engine was asked for"))
    assert call("--fast").exit_code == 0
    assert runs.words[-1][-2:] == ["-m", "not engine and not browser"]


def test_words_for_pytest_are_handed_on(runs: Runs) -> None:
    assert call("tests/test_serve.py", "-k", "token", "--lf").exit_code == 0
    assert runs.words == [[sys.executable, "-m", "pytest", "tests/test_serve.py", "-k", "token", "--lf"]]


@pytest.mark.parametrize("failing", ["mypy", "dockyard.cli", "pytest"])
def test_one_failure_fails_all_and_the_rest_still_runs(runs: Runs, failing: str) -> None:
    runs.fails = {failing}
    assert call().exit_code == 1
    assert runs.modules[-1] == "pytest"


def test_engine_that_was_started_is_said(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise EngineError("No engine.")

    monkeypatch.setattr("dockyard.engine.connect", none)
    assert "keeps running" in call("--yes").output


def test_no_engine_is_a_failure(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise EngineError("No engine.")

    monkeypatch.setattr(lab, "get_engine", none)
    assert isinstance(call().exception, EngineError)
    assert "pytest" not in runs.modules


def test_no_browser(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str | None] = [None, None, "/usr/bin/chromium"]
    monkeypatch.setattr(command, "find_browser", lambda: found.pop(0))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    done = call()  # nobody can answer
    assert runs.words[-1][-2:] == ["-m", "not browser"]
    assert "Left out: tests that need browser" in done.output
    runs.words.clear()
    assert call("--yes").exit_code == 0
    assert [words[-1] for words in runs.words[:2]] == ["update", "chromium"]
    assert runs.words[-1][-1] == "pytest"


def test_ci_without_a_browser_fails(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_browser", lambda: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setenv("CI", "true")
    done = call("--yes")
    assert done.exit_code == 1
    assert "no Chromium" in str(done.exception)


def test_postgres_is_installed_without_a_server_of_the_machines_own(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Path | None] = [None, None, POSTGRES]
    monkeypatch.setattr(command, "find_postgres", lambda: found.pop(0))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert call().exit_code == 0  # nobody can answer
    assert runs.words[-1] == [sys.executable, "-m", "pytest"] and "apt-get" not in str(runs.words)
    runs.words.clear()
    assert call("--yes").exit_code == 0
    drop_in = str(command.NO_CLUSTER)
    assert [words[-1] for words in runs.words[:6]] == [
        *("update", "postgresql-common", str(command.NO_CLUSTER.parent), drop_in, "postgresql", drop_in)
    ]
    assert runs.words[3][0] == "tee" and runs.words[5][:2] == ["rm", "-f"]


def test_a_failed_installation_is_said_and_leaves_no_setting(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_postgres", lambda: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    runs.fails = {"postgresql"}
    assert "apt-get install postgresql failed:\nit failed" in str(call("--yes").exception)
    assert runs.words[-1] == ["rm", "-f", str(command.NO_CLUSTER)]


def test_ci_without_postgres_fails(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_postgres", lambda: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setenv("CI", "true")
    assert "no PostgreSQL" in str(call("--yes").exception)


def test_the_newest_postgres_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "DEBIAN_POSTGRES", tmp_path)
    monkeypatch.delenv("DOCKYARD_POSTGRES_BIN", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: None)
    for version, names in (("9.6", ("initdb", "postgres")), ("15", ("initdb", "postgres")), ("17", ("psql",))):
        (tmp_path / version / "bin").mkdir(parents=True)
        for name in names:
            (tmp_path / version / "bin" / name).touch(mode=0o755)
    assert command.find_postgres() == tmp_path / "15" / "bin"
    monkeypatch.setenv("DOCKYARD_POSTGRES_BIN", str(tmp_path / "9.6" / "bin"))
    assert command.find_postgres() == tmp_path / "9.6" / "bin"
    monkeypatch.setenv("DOCKYARD_POSTGRES_BIN", str(tmp_path / "17" / "bin"))
    assert command.find_postgres() == tmp_path / "15" / "bin"
