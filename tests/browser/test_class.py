"""One lesson in a real browser: a learner works and hands in, the instructor collects, grades and reviews."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import nbformat
import pytest

from dockyard.course import Course
from tests.browser.conftest import LESSON, STUDENT

NOTEBOOK = "docker-platform"
SOLVED = ("platform-parts", "engine-report")
TOTAL = 13

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(900)]
Address = Callable[[str], str]
Screenshot = Callable[[Any, str], None]


def work(course: Course) -> None:
    """Fill the work cells of two exercises of the learner's copy with their solutions."""
    source = nbformat.read(course.source / LESSON / f"{NOTEBOOK}.ipynb", as_version=4)
    solutions = {cell.metadata.nbgrader.grade_id: cell.source for cell in source.cells if "nbgrader" in cell.metadata}
    path = course.workspace / LESSON / f"{NOTEBOOK}.ipynb"
    own = nbformat.read(path, as_version=4)
    for cell in own.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if grade_id.removesuffix("-work") in SOLVED and grade_id.endswith("-work"):
            cell.source = re.sub(r"\n?### (BEGIN|END) SOLUTION", "", solutions[grade_id])
    nbformat.write(own, path)


def menu(page: Any, name: str, entry: str) -> None:
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.get_by_text(entry, exact=True).click()


def card_is_shown(page: Any, text: str) -> None:
    """Scroll the notebook until a card with this text is on the screen: cells out of sight are not drawn."""
    scroller = page.locator(".jp-WindowedPanel-outer").first
    scroller.evaluate("element => element.scrollTo(0, 0)")
    card = page.locator("div[role=status]", has_text=text).first
    for _ in range(200):
        if card.count() and card.is_visible():
            card.scroll_into_view_if_needed()
            page.wait_for_timeout(1000)  # the notebook draws cells that come into sight a little later
            return
        scroller.evaluate("element => element.scrollBy(0, 400)")
        page.wait_for_timeout(60)
    raise AssertionError(f"no card says {text!r}")


def test_a_learner_works_validates_and_submits(course: Course, lab: Address, page: Any, screenshot: Screenshot) -> None:
    work(course)
    page.goto(lab(f"lab/tree/{LESSON}/{NOTEBOOK}.ipynb"))
    page.wait_for_selector(".jp-Notebook")
    page.get_by_text("| Idle").first.wait_for()
    menu(page, "Run", "Run All Cells")
    page.get_by_text(re.compile(rf"4 of {TOTAL} points are on file")).wait_for(timeout=180_000)
    screenshot(page, "progress")
    card_is_shown(page, "engine-report")
    screenshot(page, "card-passed")
    card_is_shown(page, "There is no container named lab-p-made yet.")
    screenshot(page, "card-not-yet")

    page.get_by_role("button", name="Validate").click()
    dialog = page.locator(".jp-Dialog", has_text="Validation Results")
    dialog.wait_for(timeout=300_000)
    said = dialog.inner_text()
    assert "There is no container named lab-p-made yet." in said
    assert '@exercise("engine-report"' not in said, "Validate complains of an exercise that is solved"
    screenshot(page, "validate")
    dialog.get_by_role("button", name="Ok").click()

    page.keyboard.press("Control+s")
    menu(page, "Nbgrader", "Assignment List")
    page.get_by_role("button", name="Submit").click()
    # The two notebooks that were not opened have no evidence: the list says so, and takes the second try.
    dialog = page.locator(".jp-Dialog", has_text="Assignment not submitted")
    dialog.wait_for()
    assert "press Submit again" in dialog.inner_text()
    screenshot(page, "not-submitted-yet")
    dialog.get_by_role("button", name="Ok").click()
    page.get_by_role("button", name="Submit").click()
    page.get_by_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")).first.wait_for()
    screenshot(page, "submitted")
    (handed_in,) = (course.exchange / "dockyard" / "inbound").iterdir()
    assert handed_in.name.startswith(f"{STUDENT}+{LESSON}+")
    assert (handed_in / "evidence" / "engine-report.json").is_file()


def test_the_instructor_collects_grades_and_reviews(
    course: Course, teach: Address, page: Any, screenshot: Screenshot
) -> None:
    if not any((course.exchange / "dockyard" / "inbound").iterdir()):
        pytest.fail("nothing was handed in: the learner's part of this story comes first")
    page.goto(teach("formgrader/manage_assignments"))
    row = page.locator("tr", has_text=LESSON)
    row.wait_for()
    screenshot(page, "formgrader")
    row.locator("td.collect a").click()
    page.locator(".modal", has_text="Successfully collected").wait_for()
    screenshot(page, "collected")

    page.goto(teach(f"formgrader/manage_submissions/{LESSON}"))
    row = page.locator("tr", has_text=STUDENT)
    row.wait_for()
    row.locator("td.autograde a").click()
    page.locator(".modal", has_text="Successfully autograded").wait_for(timeout=120_000)
    screenshot(page, "graded")

    page.goto(teach(f"formgrader/gradebook/{LESSON}/{NOTEBOOK}"))
    page.locator("tbody a", has_text=re.compile("Submission")).first.click()
    card = page.locator(".output_html", has_text="engine-report").first
    card.scroll_into_view_if_needed()
    assert "2 of 2 points" in card.inner_text()
    screenshot(page, "review")
