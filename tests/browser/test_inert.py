"""Nothing that a learner hands in runs, loads or opens anything, wherever it is read: proven in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import exports, hand_ins
from tests.browser.tricks import COUNT
from tests.browser.watch import BESIDE, HOST, Watch, look
from tests.grading.classroom import Classroom

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:Your element with mimetype"),
]
Open = Callable[[Path], tuple[Any, Watch]]
TEXTS = ("markup", "links", "formulas", "escaped")
NAMES = dict(zip(hand_ins.students(), [*hand_ins.students()[:-4], *hand_ins.NAMES, "texts"], strict=True))

students = pytest.mark.parametrize("student", hand_ins.students(), ids=NAMES.get)


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """Opens a file in a browser that is watched from before on."""
    contexts = []

    def show(path: Path) -> tuple[Any, Watch]:
        contexts.append(browser.new_context(accept_downloads=True))
        watch = Watch(contexts[-1])
        with watch.opening():
            page = contexts[-1].new_page()
            watch.go(page, path.as_uri())
        return page, watch

    yield show
    for context in contexts:
        context.close()


def test_there_are_hundreds_of_tricks() -> None:
    assert COUNT >= 300


@students
def test_feedback(room: Classroom, opened: Open, student: str) -> None:
    page, watch = opened(hand_ins.feedback(room, student))
    assert look(page, watch, own="head *") == []
    assert page.locator("#toc a").count() >= 3, "the feedback's own part is there"


def test_feedback_of_an_honest_hand_in_is_complete(room: Classroom, opened: Open) -> None:
    page, _ = opened(hand_ins.feedback(room, hand_ins.SOLVED))
    if folder := os.environ.get("DOCKYARD_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "feedback.png", full_page=True)
    assert page.locator("img[src^='data:image/png']").evaluate("image => image.naturalWidth") == 1
    card = page.locator("div[role=status]").first
    assert "2 of 2 points" in card.inner_text()
    assert card.evaluate("card => getComputedStyle(card).borderLeftColor") == "rgb(0, 158, 115)"
    keyword = page.locator(".highlight .k, .highlight .kn").first
    assert keyword.evaluate("word => getComputedStyle(word).fontWeight") == "700"
    assert page.locator("td[style*='text-align']").count() == 2
    assert page.get_by_text("docker run <image>").is_visible()
    assert page.get_by_role("link", name="the documentation").get_attribute("href") == "https://docs.docker.com/"


@pytest.mark.parametrize("template", ["classic", "lab"])
@pytest.mark.parametrize("student", [*TEXTS, "outputs", "streams", "texts"])
def test_autograded_notebook_as_nbconvert_shows_it(
    room: Classroom, opened: Open, tmp_path: Path, student: str, template: str
) -> None:
    """The first wall alone: the autograded notebook is harmless whatever shows it."""
    page, watch = opened(exports.exported(hand_ins.autograded(room, student), tmp_path / "page.html", template))
    found = look(page, watch, learner="main", links=BESIDE)
    assert [one for one in found if not any(host in one for host in exports.CDN)] == []


@pytest.mark.parametrize("student", TEXTS)
def test_feedback_of_a_notebook_that_nobody_made_harmless(
    room: Classroom, opened: Open, tmp_path: Path, student: str
) -> None:
    """The second wall, without the first and the third: text becomes no markup but what is listed."""
    made = exports.feedback_alone(hand_ins.submitted(room, student), tmp_path / "page.html", policy=False)
    page, watch = opened(made)
    assert look(page, watch, own="head *") == []


def test_without_protection_the_tricks_work(room: Classroom, opened: Open, tmp_path: Path) -> None:
    """Else nothing above would prove anything."""
    ran, asked, other = set(), set(), set()
    for student in (*TEXTS, "outputs"):
        page, watch = opened(exports.unprotected(hand_ins.submitted(room, student), tmp_path / f"{student}.html"))
        for one in look(page, watch, learner="#notebook"):
            kind = ran if one.startswith("ran") else asked if HOST in one else other
            kind.add(one)
    assert len(ran) >= 30 and len(asked) >= 30, (sorted(ran), sorted(asked))
    assert {one.partition(":")[0] for one in other} >= {"handler", "address", "element", "attribute"}, other
