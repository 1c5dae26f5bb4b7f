"""The pieces that take a hand-in for anything: reading, slimming, putting aside, making inert, and the clock."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.grading import intake, limits
from dockyard.grading.inert import as_text, inert
from dockyard.grading.reading import read_notebook
from dockyard.grading.slimming import without_outputs
from tests.fuzz import markdown
from tests.hostile.notebooks import MARKUP

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | st.just("outputs"), inner),
    max_leaves=20,
)


@given(outputs=st.lists(JSON, max_size=3), source=st.text(), metadata=JSON)
def test_slimming_empties_the_outputs_and_changes_nothing_else(
    outputs: list[object], source: str, metadata: object
) -> None:
    cell = {"metadata": metadata, "source": source, "outputs": outputs, "attachments": {"a": outputs}, "id": "x"}
    document = {"metadata": {}, "cells": [cell, {"outputs": outputs}], "nbformat": 4}
    expected = {**document, "cells": [{**cell, "outputs": [], "attachments": {}}, {"outputs": []}]}
    for indent in (None, 1):
        text = json.dumps(document, indent=indent, ensure_ascii=False).encode(errors="surrogatepass")
        assert json.loads(without_outputs(text).decode(errors="surrogatepass")) == expected


@settings(max_examples=200)
@given(content=st.binary() | JSON.map(lambda value: json.dumps({"cells": value, "nbformat": 4}).encode()))
def test_nothing_makes_reading_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.ipynb"
    path.write_bytes(content)
    hand_in = read_notebook(path)
    json.dumps(hand_in.notebook, allow_nan=False).encode()
    assert hand_in.notes or hand_in.notebook.cells or json.loads(content)["cells"] == []


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "2e308"])
def test_a_number_without_end_does_not_outlive_reading(tmp_path: Path, number: str) -> None:
    cell = {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "one", "points": 77}}, "source": ""}
    text = json.dumps({"nbformat": 4, "cells": [cell]}).replace("77", number)
    (tmp_path / "lesson.ipynb").write_text(text)
    json.dumps(read_notebook(tmp_path / "lesson.ipynb").notebook, allow_nan=False)


@pytest.mark.parametrize("piece", [b'"', b'\\"', b"[", b"{", b'"outputs":[', b"[],", b'{"a":', b"\\", b'""'])
def test_slimming_takes_time_in_proportion(piece: bytes) -> None:
    started = time.monotonic()
    for start in (b"", b'"', b'{"cells":[{"outputs":['):
        try:
            without_outputs(start + piece * (4_000_000 // len(piece)))
        except ValueError as error:
            assert "more parts" in str(error)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("name", MARKUP)
def test_markup_is_inert(name: str) -> None:
    """Judged by what a browser would make of it elsewhere; here by what is left of the patterns."""
    text = inert(f"Before.\n\n{MARKUP[name]}\n\nAfter.")
    assert not re.search(r"<\s*(script|img|svg|iframe|object|embed|style|link|form|button|details|a )", text), text
    assert not re.search(r"(?<!\\)!\[|javascript:|vbscript:|data:text|\\href", text), text
    assert text.startswith("Before.") and text.endswith("After.")


# Found by fuzzing: white space after the colon, written or as an entity, and kinds of documents with odd names.
ADDRESSES = (
    "[r]: JaVaScRiPt:\u2028f()\n\n[click][r]",
    "[click](<javascript: f()>)",
    "[click](javascript:&#32;f())",
    "[click](javascript:\xa0f())",
    '<a href = "javascript:\nf()">click</a>',
    "[click](vbscript:\u3000f)",
    "[click](data:a|b/c+xml,<x/>)",
)


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_that_is_a_program_is_broken(text: str) -> None:
    with pytest.raises(markdown.Active):
        markdown.look(markdown.rendered(text))
    markdown.look(markdown.rendered(inert(text)))


def test_prose_about_a_language_stays_as_it_is() -> None:
    text = "JavaScript: what a browser runs. And VBScript: what none does.\n\n- data: one, two\n- `--volume data:/data`"
    assert inert(text) == text


def test_honest_text_stays_as_it_is() -> None:
    text = (
        "Run `docker run <image>` & see: **a < b**, [docs](https://docs.docker.com/), $x^2$, <b>bold</b>\n\n- data: one"
    )
    assert inert(text) == text
    assert inert(inert(MARKUP["script"])) == inert(MARKUP["script"])
    assert as_text("<b>\n\nx") == "    <b>\n    \n    x"


def test_making_inert_takes_time_in_proportion() -> None:
    started = time.monotonic()
    for piece in ("<a", "j ", "java", "&#106;", "![", "on", "<", "d a t", "\\href", "on" + "x" * 50):
        inert(piece * (limits.MAX_SOURCE // len(piece)))
    assert time.monotonic() - started < 10


@pytest.fixture
def hand_in(tmp_path: Path) -> Path:
    folder = tmp_path / "submitted" / "eve" / "lesson"
    (folder / "evidence").mkdir(parents=True)
    (folder / "evidence" / "one.json").write_text("{}")
    (folder / "lesson.ipynb").write_text("{}")
    (folder / "Dockerfile").write_text("FROM scratch")
    return folder


def listed(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


def test_an_honest_hand_in_is_left_alone(hand_in: Path) -> None:
    before = listed(hand_in)
    assert intake.receive(hand_in) == {}
    assert listed(hand_in) == before


def test_receiving_twice_changes_nothing_and_says_the_same(hand_in: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (hand_in / "evidence" / "two.json").symlink_to(tmp_path / "secret")
    os.mkfifo(hand_in / "evidence" / "three.json")
    (hand_in / "page.html").write_text("<script>")
    first, laid = intake.receive(hand_in), listed(hand_in)
    assert intake.receive(hand_in) == first and listed(hand_in) == laid
    assert set(first) == {"evidence/two.json", "evidence/three.json", "page.html"}
    assert "evidence/one.json" in laid and "Dockerfile" in laid


def test_two_of_one_name_are_both_kept(hand_in: Path) -> None:
    for _ in range(2):
        (hand_in / "extra").symlink_to("/")
        intake.receive(hand_in)
    assert len(os.listdir(hand_in / intake.REFUSED)) == 2


def test_a_hand_in_that_is_a_link_is_emptied_without_touching_what_it_leads_to(hand_in: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    hand_in.rename(elsewhere)
    hand_in.symlink_to(elsewhere)
    assert intake.receive(hand_in) == {"lesson": "is a link"}
    assert not hand_in.is_symlink() and listed(hand_in) == {".refused/lesson"}
    assert listed(elsewhere) == {"evidence/one.json", "lesson.ipynb", "Dockerfile"}


STUBBORN = """while True:
    try:
        while True:
            pass
    except Exception:
        pass"""


ALONE = """
import signal, sys
from pathlib import Path
from nbformat.v4 import new_code_cell
from dockyard.grading.limits import time_limit
from dockyard.grading.replaying import grade_cell
mark = {"nbgrader": {"grade_id": "one", "points": 2}}
outcome = grade_cell(new_code_cell(sys.argv[1], metadata=mark), Path(), "eve", seconds=0.2)
assert outcome.passed is None and "did not end within 0.2 seconds" in outcome.message, outcome
assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
with time_limit(60) as clock, time_limit(1):
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
assert signal.getitimer(signal.ITIMER_REAL)[0] == 0 and not clock.over
"""


@pytest.mark.parametrize("loop", ["while True: pass", STUBBORN])
def test_a_check_that_does_not_end_is_left_to_a_person(loop: str) -> None:
    """In a process of its own: pytest's own time limit uses the same timer, which is left to it."""
    done = subprocess.run([sys.executable, "-c", ALONE, loop], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
