"""JupyterLab for learner and instructor: what each is given, on loopback, with a token, by the checkout's settings."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import requests
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook

from dockyard import gradebook, serve, workspace
from dockyard.course import COURSE_ID, Course, find_course

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
LESSON = "01-sample"
START = """
import sys
from pathlib import Path
from dockyard.course import Course
from dockyard.serve import serve
mode, root, port = sys.argv[1:]
serve(Course(Path(root)), mode, browser=False, port=int(port), student="ada" if mode == "lab" else None)
"""
# Passes where the kernel has what lab promises: .venv first, and sockets instead of ports.
CHECK = f"""
import json, os, sys
import ipykernel
assert os.environ["PATH"].split(os.pathsep)[0] == {str(BIN)!r}, os.environ["PATH"]
assert json.load(open(ipykernel.get_connection_file()))["transport"] == "ipc"
assert os.environ["DOCKYARD_STUDENT"] == "ada"
assert answer == 1
"""


def cell(text: str, name: str, **kind: Any) -> nbformat.NotebookNode:
    plain = {"grade": False, "solution": False, "locked": False, "schema_version": 3, "grade_id": name}
    return new_code_cell(text, id=name, metadata={"nbgrader": plain | kind})


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = Course(tmp_path_factory.mktemp("serve") / "a course")
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = new_notebook(
        cells=[cell("answer = 1", "work", solution=True), cell(CHECK, "check", grade=True, locked=True, points=2)],
        metadata={"kernelspec": kernel},
    )
    for folder in (course.source, course.release):
        (folder / LESSON).mkdir(parents=True)
        nbformat.write(notebook, folder / LESSON / "one.ipynb")
    shutil.copy(ROOT / "nbgrader_config.py", course.root)
    return course


@dataclass
class Server:
    """A running JupyterLab."""

    url: str
    token: str
    output: Path

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return requests.get(self.url + path, headers=self.headers, timeout=60, **kwargs)

    def post(self, path: str, /, **body: Any) -> Any:
        return requests.post(self.url + path, headers=self.headers, json=body, timeout=120).json()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}


@contextmanager
def running(course: Course, mode: str, folder: Path) -> Iterator[Server]:
    """Start JupyterLab under a home whose settings say the opposite of the course's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = folder / "home"
    (home / ".jupyter").mkdir(parents=True)
    contrary = "c.ServerApp.ip = '0.0.0.0'\nc.IdentityProvider.token = ''\nc.KernelManager.transport = 'tcp'\n"
    (home / ".jupyter" / "jupyter_server_config.py").write_text(contrary)
    (home / ".bashrc").write_text("PATH=/nowhere:$PATH\n")
    output = folder / "output"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "DOCKYARD"))}
    env |= {"HOME": str(home), "SHELL": "/bin/bash", "JUPYTER_RUNTIME_DIR": str(folder / "run")}
    command = [sys.executable, "-c", START, mode, str(course.root), str(port)]
    with output.open("w") as file:
        process = subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT, cwd=course.root)
    try:
        deadline = time.monotonic() + 60
        while "token=" not in output.read_text():
            assert process.poll() is None and time.monotonic() < deadline, output.read_text()
            time.sleep(0.1)
        yield Server(f"http://127.0.0.1:{port}", output.read_text().split("token=")[1].split()[0], output)
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def learner(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace.sync(course)
    workspace.publish(course)
    with running(course, "lab", tmp_path_factory.mktemp("l")) as server:
        yield server


@pytest.fixture(scope="module")
def instructor(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace.open_exchange(course)
    for lesson in gradebook.unknown(course):
        gradebook.register(course, lesson)
    with running(course, "teach", tmp_path_factory.mktemp("t")) as server:
        yield server


def disabled(server: Server) -> set[str]:
    page = server.get("/lab").text
    config = page.split('id="jupyter-config-data" type="application/json">')[1].split("</script>")[0]
    return set(json.loads(config)["disabledExtensions"])


def test_one_address_is_printed_and_it_answers(learner: Server) -> None:
    text = learner.output.read_text()
    assert text.count("http") == 1
    assert f"{learner.url}/lab?token={learner.token}" in text
    assert requests.get(f"{learner.url}/lab?token={learner.token}", timeout=60).ok
    assert learner.get("/api/status").ok


def test_loopback_and_token_hold_against_the_users_own_settings(learner: Server) -> None:
    assert requests.get(learner.url + "/api/contents", timeout=60).status_code == 403
    port = int(learner.url.rsplit(":", 1)[1])
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("no /proc/net/tcp")
    found = [line.split()[1] for line in listening.read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [place for place in found if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_settings_are_private(course: Course, learner: Server) -> None:
    assert serve.folder(course, "lab").stat().st_mode & 0o777 == 0o700


def test_learner_sees_the_workspace_without_the_instructors_panels(learner: Server) -> None:
    names = {entry["name"] for entry in learner.get("/api/contents").json()["content"]}
    assert names == {LESSON}
    panels = {"formgrader", "create-assignment", "course-list"}
    assert {f"@jupyter/nbgrader:{panel}" for panel in panels} <= disabled(learner)
    assert "@jupyter/nbgrader:assignment-list" not in disabled(learner)
    assert "@jupyter/nbgrader:validate-assignment" not in disabled(learner)
    assert learner.get("/formgrader").status_code == 404


def test_nothing_is_fetched_from_outside(learner: Server) -> None:
    assert "@jupyterlab/apputils-extension:announcements" in disabled(learner)
    settings = serve.settings(Course(ROOT), "lab", "t")["jupyter_lab_config.json"]["LabApp"]
    assert settings["news_url"] is None
    assert settings["extension_manager"] == "readonly"


def test_validate_runs_in_a_kernel_that_has_the_course(course: Course, learner: Server) -> None:
    before = sorted(path.name for path in (course.workspace / LESSON).iterdir())
    result = learner.post("/assignments/validate", path=f"{LESSON}/one.ipynb")
    assert result == {"success": True, "value": {}}, result
    assert sorted(path.name for path in (course.workspace / LESSON).iterdir()) == before, (
        "a socket was left in the lesson"
    )


def test_learner_submits_from_the_assignment_list(course: Course, learner: Server) -> None:
    (lesson,) = learner.get("/assignments", params={"course_id": COURSE_ID}).json()["value"]
    assert (lesson["assignment_id"], lesson["status"], lesson["path"]) == (LESSON, "fetched", LESSON)
    words = {"course_id": COURSE_ID, "assignment_id": LESSON}
    asked = learner.post("/assignments/submit", **words)
    assert not asked["success"] and "press Submit again" in asked["value"], "the exercise has no evidence"
    done = learner.post("/assignments/submit", **words)
    assert done["success"], done
    (handed_in,) = (course.own_exchange / COURSE_ID / "inbound").iterdir()
    assert handed_in.name.startswith(f"ada+{LESSON}+")


def test_terminal_has_the_courses_programs_first(learner: Server) -> None:
    websocket = pytest.importorskip("websocket")
    name = learner.post("/api/terminals")["name"]
    address = learner.url.replace("http", "ws") + f"/terminals/websocket/{name}"
    connection = websocket.create_connection(address, header=learner.headers, timeout=30)
    connection.send(json.dumps(["stdin", 'echo "first=${PATH%%:*}="\r']))
    seen = ""
    while f"first={BIN}=" not in seen:
        kind, *text = json.loads(connection.recv())
        seen += str(text[0]) if kind == "stdout" else ""
    connection.close()


def test_instructor_has_the_formgrader_and_the_lesson(course: Course, instructor: Server) -> None:
    assert not {name for name in disabled(instructor) if name.startswith("@jupyter/nbgrader")}
    names = {entry["name"] for entry in instructor.get("/api/contents").json()["content"]}
    assert {"source", "release", "gradebook.db"} <= names
    (lesson,) = instructor.get("/formgrader/api/assignments").json()
    assert (lesson["name"], lesson["max_score"]) == (LESSON, 2)


def test_gradebook_is_filled_once_and_release_is_left_alone(course: Course, instructor: Server) -> None:
    assert gradebook.unknown(course) == []
    assert "answer = 1" in (course.release / LESSON / "one.ipynb").read_text(), "this release was not made by nbgrader"
    (course.source / LESSON / "one.ipynb").touch()
    assert gradebook.unknown(course) == []
    course.gradebook.rename(course.root / "away.db")
    assert gradebook.unknown(course) == [LESSON]
    (course.root / "away.db").rename(course.gradebook)


def test_command_keeps_to_a_port_that_was_asked_for() -> None:
    assert "--ServerApp.port_retries=0" in serve.command(port=9000)
    assert "--port=8888" in serve.command()
    assert not [word for word in serve.command() if "retries" in word or word == "--no-browser"]
    assert "--no-browser" in serve.command(browser=False)


def test_environment_keeps_the_users_own_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/theirs")
    monkeypatch.setenv("DOCKYARD_STUDENT", "somebody")
    env = serve.environment(Course(ROOT), "teach")
    assert env["JUPYTER_CONFIG_PATH"].split(os.pathsep)[1:] == [str(ROOT), "/theirs"]
    assert "DOCKYARD_STUDENT" not in env, "an instructor's commands are not about one student"


def test_course_is_the_checkout() -> None:
    assert find_course() == Course(ROOT)


def test_lab_sets_up_and_serves(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    from dockyard.cli import lab

    calls: list[Any] = []
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    monkeypatch.setattr(lab, "get_engine", lambda yes: calls.append(yes))
    monkeypatch.setattr(serve, "serve", lambda *args, **options: calls.append((args, options)))
    done = CliRunner().invoke(
        lab.lab, ["--yes", "--no-browser", "--port", "9000", "--student", "eve", "--fresh", LESSON]
    )
    assert done.exit_code == 0, done.output
    assert f"Your copy of {LESSON} lies in workspace/{LESSON}.old-" in done.output
    assert "1 file put into workspace/" in done.output
    assert calls == [True, ((course, "lab"), {"browser": False, "port": 9000, "student": "eve"})]


def test_lab_asks_nobody_where_nobody_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from dockyard.cli.lab import ask

    with open(os.devnull) as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        assert ask("Install?") is False
