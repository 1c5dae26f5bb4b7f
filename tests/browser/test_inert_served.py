"""The same class in the formgrader and in JupyterLab, as its instructor sees it: again nothing comes to life."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from dockyard.course import Course
from tests.browser import hand_ins
from tests.browser.conftest import served
from tests.browser.test_inert import TEXTS, students
from tests.browser.watch import BESIDE, HOST, Watch, look, named
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
LISTS = (
    "manage_assignments",
    f"manage_submissions/{LESSON}",
    "gradebook",
    f"gradebook/{LESSON}",
    f"gradebook/{LESSON}/{NOTEBOOK}",
    "manage_students",
)
# What learners wrote; and, where their names are shown, what of it is the page's own.
WRITTEN = ".text_cell_render, .input_area, .output_area, .panel-heading h4, nav"
OF_NBGRADER = "nav a, nav script, nav span.glyphicon"
SHOWN = ".jp-RenderedHTMLCommon, .jp-OutputArea-output"
# Of JupyterLab, which itself makes links of addresses in printed text; browsers open no such page.
OF_JUPYTERLAB = (
    "div[role=status] *, .jp-InternalAnchorLink, mjx-container *, pre a[href^='data:'], pre a[href^='file:']"
)
OF_JUPYTERLAB += ", pre a[href*='#line=']"


@pytest.fixture(scope="module")
def address(room: Classroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The instructor's server. JupyterLab draws all cells at once, and lends its commands to the tests."""
    own = tmp_path_factory.mktemp("jupyter")
    tracker = own / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(json.dumps({"windowingMode": "none"}))
    (own / "jupyter_lab_config.json").write_text(json.dumps({"LabApp": {"expose_app_in_browser": True}}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTERLAB_SETTINGS_DIR", str(own))
        patch.setenv("JUPYTER_CONFIG_PATH", str(own))
        with served(Course(room.root), "teach") as address:
            yield address


@pytest.fixture(scope="module")
def watched(browser: Any, address: Callable[[str], str]) -> Iterator[tuple[Any, Watch]]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    context.request.get(address("lab"))  # logs in everywhere; the formgrader's pages do so for their own folder alone
    watch = Watch(context, address(""))
    with watch.opening():
        page = context.new_page()
    yield page, watch
    context.close()


@pytest.fixture
def go(watched: tuple[Any, Watch], address: Callable[[str], str]) -> Callable[[str], tuple[Any, Watch]]:
    def go(path: str) -> tuple[Any, Watch]:
        page, watch = watched
        watch.seen.clear()
        watch.go(page, address(path))
        return page, watch

    return go


Go = Callable[[str], tuple[Any, Watch]]


def gradebook(room: Classroom, query: str) -> list[Any]:
    with sqlite3.connect(room.root / "gradebook.db") as connection:
        return connection.execute(query).fetchall()


def submission(room: Classroom, student: str) -> str:
    query = "SELECT n.id, a.student_id FROM submitted_notebook n JOIN submitted_assignment a ON a.id = n.assignment_id"
    return next(name for name, who in gradebook(room, query) if who == student)


@students
def test_page_for_grading_by_hand(room: Classroom, go: Go, student: str) -> None:
    scores = "SELECT id, manual_score, extra_credit FROM grade ORDER BY id"
    before = gradebook(room, scores)
    page, watch = go(f"formgrader/submissions/{submission(room, student)}/")
    expect(page.locator("#second-one")).to_have_attribute("placeholder", re.compile(r"\d"))  # nbgrader has filled it
    if (folder := os.environ.get("DOCKYARD_SCREENSHOTS")) and student.isalpha():
        page.screenshot(path=Path(folder) / f"formgrader-{student}.png")
    assert look(page, watch, learner=WRITTEN, own=OF_NBGRADER) == []
    assert gradebook(room, scores) == before, "nothing that a learner wrote has graded"


def test_grading_by_hand_still_works(room: Classroom, go: Go) -> None:
    page, watch = go(f"formgrader/submissions/{submission(room, hand_ins.SOLVED)}/")
    expect(page.locator("#second-one")).to_have_attribute("placeholder", re.compile(r"\d"))
    page.locator(".nbgrader_cell", has=page.locator("#why")).locator("button.full-credit").click()
    page.locator(".nbgrader_cell", has=page.locator("#why")).locator(".score-saved").wait_for()
    page.locator("span.glyphicon-eye-open").click()  # the handler in the page's own markup
    assert page.locator("a.name-shown").is_visible()
    assert [one for one in watch.seen if "?index=" not in one] == []  # the page notes in its address where one is
    assert (4.0,) in gradebook(room, "SELECT manual_score FROM grade WHERE manual_score IS NOT NULL")


@pytest.mark.parametrize("path", LISTS)
def test_lists(go: Go, path: str) -> None:
    page, watch = go(f"formgrader/{path}")
    page.locator("tbody td").first.wait_for()
    if "manage_s" in path:
        page.get_by_text(next(iter(hand_ins.NAMES.values()))).first.wait_for()
    own = "table a, table a *, .breadcrumb a, table input"
    assert look(page, watch, learner="table td, .breadcrumb", own=own) == []


def test_feedback_from_the_formgrader_is_the_same(room: Classroom, go: Go) -> None:
    made = hand_ins.feedback(room, "texts")
    before = made.read_text()
    page, _ = go(f"formgrader/manage_submissions/{LESSON}")
    page.locator("tr", has=page.locator("td.student-id", has_text="texts")).locator("td.generate-feedback a").click()
    page.locator(".modal", has_text="Successfully generated feedback").wait_for()
    assert made.read_text() == before and "Content-Security-Policy" in before


@pytest.mark.parametrize("name", hand_ins.NAMES)
@pytest.mark.parametrize("path", ["manage_students/{}", f"manage_students/{{}}/{LESSON}", "gradebook/{}"])
def test_addresses_with_markup_lead_nowhere(go: Go, name: str, path: str) -> None:
    page, watch = go("formgrader/" + path.format(quote(hand_ins.NAMES[name], safe="")))
    assert look(page, watch) == [] and "404" in page.title()


def test_answers_to_programs_are_shown_as_text(go: Go) -> None:
    page, watch = go(f"formgrader/api/submissions/{LESSON}")
    assert next(iter(hand_ins.NAMES.values())) in page.locator("pre").inner_text()
    assert look(page, watch, own="head *") == []


def test_no_address_makes_the_formgrader_read_a_learners_configuration(
    room: Classroom, go: Go, watched: tuple[Any, Watch], address: Callable[[str], str]
) -> None:
    folder = room.root / "submitted" / "files" / LESSON
    (folder / "nbgrader_config.py").write_text(f"open({str(room.root / 'ran')!r}, 'w').close()")
    page, _ = go("formgrader")
    assert page.url.partition("?")[0].endswith("formgrader/manage_assignments")
    for path in (folder, f"submitted/files/{LESSON}"):
        answer = page.context.request.get(address("formgrader"), params={"path": str(path)})
        assert answer.status == 404
    (folder / "nbgrader_config.py").unlink()
    assert not (room.root / "ran").exists()


@pytest.mark.parametrize("student", [*TEXTS[:3], "outputs", "streams", "texts"])
def test_autograded_notebook_in_jupyterlab(
    room: Classroom, watched: tuple[Any, Watch], address: Callable[[str], str], student: str
) -> None:
    """Untrusted, and where the instructor presses Trust."""
    page, watch = watched
    show(page, watch, address, hand_ins.autograded(room, student).relative_to(room.root))
    assert look(page, watch, learner=SHOWN, own=OF_JUPYTERLAB, links=BESIDE + "|^tel:") == []
    trust(page)
    assert look(page, watch, learner=SHOWN, own=OF_JUPYTERLAB, links=BESIDE + "|^tel:") == []


def test_in_jupyterlab_an_untouched_hand_in_does_run_once_trusted(
    room: Classroom, watched: tuple[Any, Watch], address: Callable[[str], str]
) -> None:
    """Else the test above would prove nothing."""
    page, watch = watched
    copy = room.root / "control.ipynb"
    notebook = json.loads(hand_ins.submitted(room, "solved").read_text())
    html = {"text/html": named("control", "<img src=x onerror=RUN><img src=AWAY/x>")}
    output = {"output_type": "display_data", "metadata": {}, "data": html}
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    notebook["cells"][0]["outputs"] = [output]
    copy.write_text(json.dumps(notebook))
    show(page, watch, address, copy.relative_to(room.root))
    assert "ran: canary_control" not in look(page, watch, learner=SHOWN)
    trust(page)
    found = look(page, watch, learner=SHOWN)
    assert "ran: canary_control" in found and any(HOST in one for one in found if one.startswith("request:"))


def show(page: Any, watch: Watch, address: Callable[[str], str], path: Path) -> None:
    """Open a notebook, in the JupyterLab that is open already, if one is."""
    watch.seen.clear()
    if "/lab" not in page.url or not page.evaluate("Boolean(window.jupyterapp)"):
        watch.go(page, address("lab"))
        page.wait_for_function("window.jupyterapp")
        page.evaluate("async () => { await window.jupyterapp.restored }")
    with watch.opening():
        page.evaluate(
            """async path => {
                const app = window.jupyterapp;
                for (const widget of [...app.shell.widgets("main")]) widget.dispose();
                const widget = await app.commands.execute("docmanager:open", {path, factory: "Notebook", kernel: null});
                await widget.context.ready;
                await widget.revealed;
            }""",
            str(path),
        )
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        page.wait_for_timeout(600)
        watch._address = page.url.partition("#")[0]


def trust(page: Any) -> None:
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:trust') }")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_timeout(600)
    cells = "[...window.jupyterapp.shell.currentWidget.content.widgets]"
    assert page.evaluate(f"() => {cells}.every(cell => cell.model.trusted)")
