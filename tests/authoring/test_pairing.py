"""An instructor edits source/ in JupyterLab, and the text in notebooks/ has it: through the server's own interface."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from dockyard.authoring import command
from dockyard.authoring.lessons import Lesson
from dockyard.course import Course

TOKEN = "pairing"


@pytest.fixture
def contents(course: Course) -> Iterator[tuple[requests.Session, str]]:
    """A session and the address of the contents interface of a Jupyter server that serves the built course."""
    command.build(course)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--ServerApp.root_dir={course.root}", f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1"]
    options += [f"--IdentityProvider.token={TOKEN}", "--no-browser", "--allow-root"]
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"token {TOKEN}"
    address = f"http://127.0.0.1:{port}/api/contents"
    server = subprocess.Popen([sys.executable, "-m", "jupyter_server", *options], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                session.get(address).raise_for_status()
                break
            except requests.ConnectionError:
                assert server.poll() is None and time.monotonic() < deadline, "The server does not start."
                time.sleep(0.1)
        yield session, address
    finally:
        server.terminate()
        server.wait()


def save_with_a_word(contents: tuple[requests.Session, str], path: str) -> None:
    session, address = contents
    opened = session.get(f"{address}/{path}")
    opened.raise_for_status()
    notebook = opened.json()["content"]
    notebook["cells"][0]["source"] += "\n\nA word by the instructor."
    notebook["metadata"]["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    saved = session.put(f"{address}/{path}", json={"type": "notebook", "format": "json", "content": notebook})
    saved.raise_for_status()


def test_saving_source_writes_the_text(course: Course, lesson: Lesson, contents: tuple[requests.Session, str]) -> None:
    before = lesson.notebooks[0].text.read_text(encoding="utf-8")
    save_with_a_word(contents, "source/00-sample/sample.ipynb")
    command.tidy_texts(course)
    after = lesson.notebooks[0].text.read_text(encoding="utf-8")
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert added == ["A word by the instructor."]
    command.build(course)
    assert command.check(course) == ([], [])


def test_saving_release_writes_no_text(course: Course, lesson: Lesson, contents: tuple[requests.Session, str]) -> None:
    before = lesson.notebooks[0].text.read_text(encoding="utf-8")
    save_with_a_word(contents, "release/00-sample/sample.ipynb")
    assert lesson.notebooks[0].text.read_text(encoding="utf-8") == before
    assert not list(course.release.rglob("*.md"))
