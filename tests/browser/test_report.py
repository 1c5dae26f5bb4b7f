"""The report's page in a real browser: it shows all, fetches nothing, and what learners wrote does nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dockyard.grading.report import PAGE, write_report
from tests.grading.evidence_class import LESSON, PASSED, START, enter_grades, filed, hand_in, make_course

EXERCISES = {"first-one": 2, "second-one": 3, "a-rather-long-name-of-an-exercise": 4}
NAMES = (
    "<script>ran()<_script>",
    "=cmd|' C calc'!A0",
    "Zoë 漢字 \u202eevil",
    "a" * 120,
    "x\ny",
    "$\\alpha_{$",
    "plain",
)
MESSAGE = '"><img src=x onerror=ran()><a href="javascript:ran()">$\\frac{1}{0}$ \u202e' + "long words 漢字 " * 25


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = make_course(tmp_path_factory.mktemp("report") / "course", EXERCISES)
    marks: dict[str, dict[str, float | None]] = {}
    for number, name in enumerate(NAMES):
        marks[name] = {"first-one": float(number % 3), "second-one": 3.0 if number % 2 else None}
        runs = [(START, False, MESSAGE), (START + timedelta(seconds=400 * number + 9), True, PASSED)]
        hand_in(course, name, filed(name, "first-one", runs=runs))
    hand_in(course, "<b>ungraded<_b>", filed("<b>ungraded<_b>", "first-one"))
    enter_grades(course, EXERCISES, marks)
    write_report(course, LESSON, course.root / "report")
    return course.root / "report" / PAGE


@pytest.mark.parametrize("width", [1200, 400])
def test_the_page(page: Any, report: Path, width: int, screenshot: Callable[[object, str], None]) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(report.as_uri())
    for summary in page.locator("summary").all():
        summary.click()
    assert [address for address in asked if not address.startswith("data:")] == [report.as_uri()] and said == []
    pictures = page.locator("img").evaluate_all("all => all.map(one => [one.naturalWidth, one.alt.length])")
    assert len(pictures) == 5 and all(wide > 500 and alt > 60 for wide, alt in pictures)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("script, a, b, iframe, img[src=x]").count() == 0
    text = page.inner_text("main")
    for name in ("<script>ran()<_script>", "<b>ungraded<_b>", "plain", "=cmd|' C calc'!A0"):
        assert name in text, name
    assert '"><img src=x onerror=ran()>' in text
    screenshot(page, f"report-{width}")
