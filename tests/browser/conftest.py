"""A course of its own, its two servers, and a real browser."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dockyard import gradebook, serve, workspace
from dockyard.course import Course
from tests.browser import hand_ins
from tests.grading.classroom import Classroom

ROOT = Path(__file__).resolve().parents[2]
LESSON = "01-foundations"
STUDENT = "somebody"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A copy of the built lesson, laid out for a learner, and an empty gradebook that knows it."""
    made = Course(tmp_path_factory.mktemp("browser") / "course")
    (made.root / "notebooks").mkdir(parents=True)
    shutil.copytree(ROOT / "source", made.source)
    shutil.copytree(ROOT / "release", made.release)
    shutil.copy(ROOT / "nbgrader_config.py", made.root)
    made.workspace.mkdir()
    workspace.sync(made)
    workspace.publish(made)
    return made


@contextmanager
def served(course: Course, mode: serve.Mode, student: str | None = None) -> Iterator[Callable[[str], str]]:
    """Serve JupyterLab; yields a function from a path to an address with the token."""
    token = secrets.token_hex(16)
    serve.configure(course, mode, token)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (course.root / f"{mode}.log").open("w") as log:
        server = subprocess.Popen(
            serve.command(browser=False, port=port),
            cwd=course.workspace if mode == "lab" else course.root,
            env=serve.environment(course, mode, student),
            stdout=log,
            stderr=log,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/api", server)
        yield lambda path: f"http://127.0.0.1:{port}/{path}?token={token}"
    finally:
        server.terminate()
        server.wait(30)


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not answer at {address}")


@pytest.fixture(scope="session")
def lab(course: Course, engine: object) -> Iterator[Callable[[str], str]]:
    with served(course, "lab", STUDENT) as address:
        yield address


@pytest.fixture(scope="session")
def teach(course: Course) -> Iterator[Callable[[str], str]]:
    for lesson in gradebook.unknown(course):
        gradebook.register(course, lesson)
    with served(course, "teach") as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    from dockyard.cli.test import find_browser

    found = find_browser()
    if not found:
        message = "no Chromium or Chrome on this machine"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """A class that hands in tricks, graded, with feedback."""
    made = hand_ins.make(tmp_path_factory.mktemp("inert") / "course")
    made.autograde()
    made.nbgrader("generate_feedback", hand_ins.LESSON)
    return made


@pytest.fixture
def page(browser: object) -> Iterator[object]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})  # type: ignore[attr-defined]
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture
def screenshot(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[object, str], None]:
    """Keep a picture of a page: in the folder that DOCKYARD_SCREENSHOTS names, for whoever wants to look."""
    folder = Path(os.environ.get("DOCKYARD_SCREENSHOTS") or tmp_path)

    def take(page: object, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png")  # type: ignore[attr-defined]

    return take
