"""The card under a check."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.card import Outcome

CARDS = {
    "passed": (
        Outcome("try-it", 2, True, "All there.", "2026-03-01T10:20:30.000Z", 1),
        "✓ try-it: All there.\n  2 of 2 points · recorded 2026-03-01 10:20 UTC · attempt 1",
    ),
    "failed": (
        Outcome("try-it", 2.5, False, "lab-a is exited.", "2026-03-01T10:20:30.000Z", 12),
        "✗ try-it: lab-a is exited.\n  0 of 2.5 points · recorded 2026-03-01 10:20 UTC · attempt 12",
    ),
    "for a person": (
        Outcome("try-it", 1, None, "Manual grading needed."),
        "? try-it: Manual grading needed.\n  1 points, to be graded by a person · not recorded",
    ),
    "kept": (
        Outcome("try-it", 1, False, "Gone.", "2026-03-01T10:20:30.000Z", 2, kept=True),
        "✗ try-it: Gone.\n  1 of 1 points stand: a pass of 2026-03-01 10:20 UTC is on file, and this run does not take "
        "it away · attempt 2",
    ),
    "noted": (
        Outcome("try-it", 1, True, "There.", note="Nothing was recorded."),
        "✓ try-it: There.\n  1 of 1 points · not recorded\n  Nothing was recorded.",
    ),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_as_text(name: str) -> None:
    outcome, text = CARDS[name]
    assert str(outcome) == text == outcome.bundle()["text/plain"]


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", CARDS)
def test_a_card_as_html_says_the_same(name: str) -> None:
    outcome, _ = CARDS[name]
    reader = Reader()
    reader.feed(outcome.bundle()["text/html"])
    assert all(part in reader.text for part in (outcome.exercise, outcome.message, outcome.earned, outcome.note))
    assert 'role="status"' in outcome.html() and 'aria-label="' in outcome.html()


@given(st.text(), st.text(), st.text(max_size=40))
def test_no_text_becomes_markup(exercise: str, message: str, note: str) -> None:
    reader = Reader()
    reader.feed(Outcome(exercise, 1, False, message, note=note).html())
    assert set(reader.tags) == {"div", "span", "strong"}
    assert reader.attributes == {"role", "style", "aria-label"}
