"""`@exercise` as a learner, nbgrader and a grader meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dockyard import evidence
from dockyard.exercise import live, notebook_directory, replay, run_cell, student_name
from tests.cells import agree, cell, filed, run_live, run_replay
from tests.fake_engine import FakeEngine

PASSES = 'assert docker.containers.get("lab-a").status == "running", "lab-a does not run."'


def python(code: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own, as user ada."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NBGRADER", "JPY", "DOCKYARD"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        env={**clean, "DOCKYARD_STUDENT": "ada", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def notebook(*cells: str) -> str:
    """Code that runs cells in a true IPython shell, as a kernel does, and prints what they show."""
    return f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
for source in {list(cells)!r}:
    shell.run_cell(source, store_history=True)
"""


def test_parameters_are_given_by_name(fake_engine: FakeEngine, tmp_path: Path) -> None:
    fake_engine.container("lab-a")
    body = """
    assert docker.containers.get("lab-a").name == "lab-a", "another"
    assert type(http).__name__ == "Session" and answer == [1, 2], "not given"
    """
    assert agree(tmp_path, cell(body, "answer, http, docker"), answer=(1, 2)).passed


def test_a_check_may_need_nothing(tmp_path: Path) -> None:
    assert agree(tmp_path, cell("pass", "")).passed
    assert filed(tmp_path)["engine"] is None and filed(tmp_path)["exchanges"] == []


def test_no_engine_is_asked_by_a_check_that_needs_none(fake_engine: FakeEngine, tmp_path: Path) -> None:
    run_live(tmp_path, cell("pass", "answer"), answer=1)
    assert fake_engine.requests == []


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    outcome = agree(tmp_path, cell("assert answer", "answer"))
    assert outcome.passed is False and outcome.message == "There is no variable named answer yet."


def test_a_variable_that_only_a_mended_check_needs_is_for_a_person(tmp_path: Path) -> None:
    run_live(tmp_path, cell("assert answer, 'no'", "answer"), answer=1)
    outcome = run_replay(tmp_path, cell("assert answer and why, 'no'", "answer, why"))
    assert outcome.passed is None and "no variable named why" in outcome.message


def test_the_evidence_says_who_when_what_and_where(fake_engine: FakeEngine, tmp_path: Path) -> None:
    fake_engine.container("lab-a")
    run_live(tmp_path, cell(PASSES, "docker, answer"), answer="seven")
    whole = filed(tmp_path)
    assert whole["student"] == "ada" and whole["points"] == 2 and whole["answers"] == {"answer": "seven"}
    assert whole["engine"] == {
        "id": "7TRN:IPZB:QYBB:VPBQ",
        "version": "28.0.1",
        "api_version": "1.48",
        "os": "linux",
        "architecture": "amd64",
    }
    assert whole["check"].startswith("sha256:") and whole["recorded"] == whole["attempts"][0]["at"]


def test_a_pass_on_file_counts_after_the_clean_up(fake_engine: FakeEngine, tmp_path: Path) -> None:
    fake_engine.container("lab-a")
    source = cell(PASSES)
    assert run_live(tmp_path, source).passed
    fake_engine.container("lab-a", status="exited")
    outcome = run_live(tmp_path, source)
    assert outcome.passed is False and outcome.kept and outcome.attempts == 2
    assert "points stand: a pass of" in str(outcome)
    assert run_replay(tmp_path, source).passed is True


def test_an_engine_that_stopped_takes_no_pass_away(
    fake_engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_engine.container("lab-a")
    assert run_live(tmp_path, cell(PASSES)).passed
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    outcome = run_live(tmp_path, cell(PASSES))
    assert outcome.passed is False and outcome.kept
    assert run_replay(tmp_path, cell(PASSES)).passed is True


def test_without_an_engine_the_evidence_says_so_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    assert run_live(tmp_path, cell(PASSES)).passed is False
    assert run_replay(tmp_path, cell(PASSES)).passed is False


def test_evidence_too_large_is_said_and_loses_nothing(fake_engine: FakeEngine, tmp_path: Path) -> None:
    fake_engine.container("lab-a")
    assert run_live(tmp_path, cell(PASSES)).passed
    fake_engine.json("/containers/lab-a/json", {"Id": "x", "State": {"Status": "running"}, "Pad": "x" * 200_000})
    many = "for _ in range(7): assert docker.containers.get('lab-a').status == 'running', 'no'"
    outcome = run_live(tmp_path, cell(many))
    assert outcome.passed and outcome.recorded is None
    assert outcome.note.startswith("Nothing was recorded. The evidence of try-it has 1,")
    assert run_replay(tmp_path, cell(PASSES)).passed is True and filed(tmp_path)["attempt_count"] == 1


def test_a_large_neighbourhood_is_left_out(fake_engine: FakeEngine, tmp_path: Path) -> None:
    for number in range(6):
        me = fake_engine.container(f"lab-{number}")
        for reference in (f"lab-{number}", me):
            changes = [{"Path": "/x" * 100, "Kind": 1}] * 1000
            fake_engine.json(f"/containers/{reference}/changes", changes)
    body = "for number in range(6): docker.containers.get(f'lab-{number}')"
    assert agree(tmp_path, cell(body)).passed
    assert [exchange["request"] for exchange in filed(tmp_path)["exchanges"]] == [
        f"GET /containers/lab-{number}/json" for number in range(6)
    ]


def test_two_exercises_in_one_cell(tmp_path: Path) -> None:
    with live(tmp_path, "ada") as outcomes:
        run_cell(cell("pass", "", name="one") + cell("assert 0, 'no'", "", name="two"), {})
    assert [(outcome.exercise, outcome.passed) for outcome in outcomes] == [("one", True), ("two", False)]


def test_a_block_ends_where_it_ends(tmp_path: Path) -> None:
    with live(tmp_path / "a", "ada") as outer:
        with replay(tmp_path / "b", "ada") as inner:
            run_cell(cell("pass", ""), {})
        run_cell(cell("pass", ""), {})
    assert [len(outer), len(inner)] == [1, 1] and outer[0].passed and inner[0].passed is False
    with pytest.raises(ZeroDivisionError), live(tmp_path, "ada"):
        raise ZeroDivisionError


def test_replay_takes_evidence_of_anybody_where_nobody_is_named(tmp_path: Path) -> None:
    run_live(tmp_path, cell("pass", ""), student="bob")
    assert run_replay(tmp_path, cell("pass", ""), student=None).passed is True
    assert run_replay(tmp_path, cell("pass", "")).message == (
        "The evidence was recorded for 'bob'. It was handed in by 'ada'."
    )


def test_a_cell_is_compiled_as_it_stands(tmp_path: Path) -> None:
    """No `from __future__` of the package leaks into it: a notebook has none either."""
    source = "def f(x: 1 + 1): ...\nassert f.__annotations__ == {'x': 2}, f.__annotations__\n"
    run_cell(source, {})


def test_outside_of_ipython_the_card_is_plain_text(tmp_path: Path) -> None:
    done = python(cell("assert False, 'lab-a is <b>not</b> there.'", ""), tmp_path)
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.startswith("✗ try-it: lab-a is <b>not</b> there.\n  0 of 2 points · recorded 20")
    assert filed(tmp_path)["student"] == "ada"


def test_in_a_notebook_the_card_is_html_and_text(tmp_path: Path) -> None:
    capture = """
from IPython.core.interactiveshell import InteractiveShell
import json
shell = InteractiveShell.instance()
published = []
shell.display_pub.publish = lambda data, **rest: published.append(data)
shell.run_cell(SOURCE)
print(json.dumps(published))
"""
    source = cell("""assert False, "<script>alert('x')</script> & \\"q\\" \\x1b[31m\\u202e" """, "")
    done = python(capture.replace("SOURCE", repr(source)), tmp_path)
    (bundle,) = json.loads(done.stdout.splitlines()[-1])
    assert set(bundle) == {"text/html", "text/plain"}
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;q&quot;" in bundle["text/html"]
    assert "<script" not in bundle["text/html"] and bundle["text/plain"].startswith("✗ try-it: <script>")
    assert not any(mark in str(bundle) for mark in ("\x1b", "\\x1b", "\u202e"))


def test_a_failure_in_a_notebook_is_no_traceback(tmp_path: Path) -> None:
    done = python(notebook(cell("assert answer == 7, f'answer is {answer}.'", "answer"), "print('next')"), tmp_path)
    assert "There is no variable named answer yet." in done.stdout and "next" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_hash_of_a_notebook_is_that_of_grading(tmp_path: Path) -> None:
    """The same cell, run by IPython and by the grader, with helpers, decorators and odd spacing."""
    body = "assert helper(answer) == 7, 'no'"
    source = "\n\n" + cell(body, "answer", beside="LIMIT = 7\ndef helper(x):\n    return x\n\n") + "\n# the end  \n\n"
    python(notebook("answer = 7", source), tmp_path)
    recorded = filed(tmp_path)
    assert recorded["passed"] is True
    run_live(tmp_path / "again", source, answer=7)
    assert filed(tmp_path / "again")["check"] == recorded["check"]


def test_validate_raises_one_line(tmp_path: Path) -> None:
    source = cell("assert answer == 7, f'answer is {answer}.'", "answer")
    done = python(notebook("answer = 8", source), tmp_path, NBGRADER_EXECUTION="validate")
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert lines[-1] == "answer is 8. (0 of 2 points)" and "Traceback" not in done.stdout + done.stderr
    assert sum("answer is 8." in line for line in lines) <= 2 and len(lines) <= 4, lines
    assert filed(tmp_path)["passed"] is False
    done = python(source, tmp_path, NBGRADER_EXECUTION="validate")
    assert done.returncode == 1 and done.stderr.endswith(
        "CheckFailed: There is no variable named answer yet. (0 of 2 points)\n"
    )


def test_validate_lets_a_pass_pass(tmp_path: Path) -> None:
    done = python(cell("pass", ""), tmp_path, NBGRADER_EXECUTION="validate")
    assert done.returncode == 0 and done.stdout.startswith("✓ try-it") and not done.stderr


def test_autograde_answers_from_the_evidence(fake_engine: FakeEngine, tmp_path: Path) -> None:
    fake_engine.container("lab-a")
    run_live(tmp_path, cell(PASSES))
    asked = len(fake_engine.requests)
    fake_engine.container("lab-a", status="exited")
    done = python(cell(PASSES), tmp_path, NBGRADER_EXECUTION="autograde", DOCKER_HOST=fake_engine.url)
    assert done.returncode == 0 and done.stdout.startswith("✓ try-it")
    assert len(fake_engine.requests) == asked and filed(tmp_path)["attempt_count"] == 1
    done = python(cell(PASSES), tmp_path / "..", NBGRADER_EXECUTION="autograde")
    assert done.returncode == 1 and "There is no evidence." in done.stderr


def test_the_import_is_light() -> None:
    code = "from dockyard import exercise, progress; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {
        "matplotlib",
        "numpy",
        "nbgrader",
        "docker",
        "IPython",
        "ipywidgets",
        "rich",
        "click",
        "jupytext",
    }


def test_evidence_lies_beside_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "lesson" / "one.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(elsewhere))
    default = notebook_directory()
    assert default != elsewhere.parent, "a notebook that is not there says nothing"
    elsewhere.parent.mkdir()
    elsewhere.write_text("{}")
    assert notebook_directory() == elsewhere.parent
    monkeypatch.setenv("JPY_SESSION_NAME", str(elsewhere.with_suffix(".py")))
    assert notebook_directory() == default


def test_who_works_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKYARD_STUDENT", "ada")
    assert student_name() == "ada"
    monkeypatch.setenv("DOCKYARD_STUDENT", "")
    from nbgrader.utils import get_username

    assert student_name() == get_username()


def test_who_works_on_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    monkeypatch.delenv("DOCKYARD_STUDENT", raising=False)
    monkeypatch.setenv("JUPYTERHUB_USER", "grace")
    monkeypatch.setattr(pwd, "getpwuid", lambda number: ["jovyan"])
    assert student_name() == "grace"


@pytest.mark.parametrize("name", ["Try it", "../x", ""])
def test_a_name_that_is_none_is_the_authors_error(tmp_path: Path, name: str) -> None:
    from dockyard.errors import EvidenceError

    with pytest.raises(EvidenceError, match="no name for an exercise"):
        run_live(tmp_path, cell("pass", "", name=name))
    assert run_replay(tmp_path, cell("pass", "", name=name)).passed is False


def test_connections_are_closed(fake_engine: FakeEngine, tmp_path: Path) -> None:
    fake_engine.container("lab-a")
    source: Any = cell(PASSES)
    run_live(tmp_path, source)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        run_live(tmp_path, source)
        run_replay(tmp_path, source)
    assert len(os.listdir("/proc/self/fd")) <= before + 3
    assert evidence.read(evidence.path_of(tmp_path, "try-it"))["attempt_count"] == 11
