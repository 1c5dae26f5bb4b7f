"""Rules about a notebook's text: header, headings, lengths, alternative texts, ending."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from dockyard.authoring.cells import is_check, is_work, is_written, split_solution
from dockyard.authoring.rules.subject import Finding, Page
from dockyard.authoring.text import KERNELSPEC, tidy

MARKDOWN_WORDS = 120
CODE_LINES = 12
CHECK_LINES = 20

_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
_HINT = re.compile(r"<details>.*?</details>", re.DOTALL)
_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(|<img\b(?P<tag>[^>]*)>")
_HEADING = re.compile(r"^(#{1,6}) +(.+)$", re.MULTILINE)


def header_names_the_kernel_only(page: Page) -> Iterator[Finding]:
    """The header holds the kernel's three keys and nothing else, so that no editor's traces reach learners."""
    expected = f"only kernelspec: {KERNELSPEC}."
    parts = page.text.split("---\n", 2)
    header = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
    if header != {"kernelspec": KERNELSPEC}:
        yield page.finding(None, f"The header is {header}.", expected)
    for kind, notebook in (("source", page.source), ("release", page.release)):
        if notebook.metadata != {"kernelspec": KERNELSPEC}:
            yield page.finding(None, f"The {kind} notebook's metadata is {dict(notebook.metadata)}.", expected)


def metadata_on_one_line(page: Page) -> Iterator[Finding]:
    """Metadata takes one line a cell, so that the text reads as a text; saving in JupyterLab spreads it."""
    if tidy(page.text) != page.text:
        place = f"{page.notebook.lesson.name}/{page.notebook.name}"
        yield page.finding(None, "Metadata is spread over several lines.", f"./dockyard build --tidy {place}")


def headings_in_order(page: Page) -> Iterator[Finding]:
    """One title, at the top; below it no level is left out."""
    level = 0
    for index, mark, title in _headings(page):
        if level == 0 and len(mark) != 1:
            yield page.finding(index, f"The first heading is “{mark} {title}”.", "the notebook's title with one #.")
        elif level and len(mark) == 1:
            yield page.finding(index, f"“{title}” is a second title.", "one # only at the top.")
        elif len(mark) > level + 1:
            yield page.finding(index, f"“{mark} {title}” follows a heading of level {level}.", "no level left out.")
        level = len(mark)


def ends_with_summary_and_progress(page: Page) -> Iterator[Finding]:
    """The last section is the summary, the last cell shows the learner's progress."""
    headings = [title for _, _, title in _headings(page)]
    if not headings or headings[-1] != "Summary":
        last = headings[-1] if headings else "none"
        yield page.finding(None, f"The last heading is “{last}”.", "“## Summary”.")
    cell = page.source.cells[-1]
    if cell.cell_type != "code" or cell.source.split() != ["from", "dockyard", "import", "progress", "progress()"]:
        index = len(page.source.cells) - 1
        yield page.finding(index, "The last cell is another one.", "`from dockyard import progress` and `progress()`.")


def markdown_is_short(page: Page) -> Iterator[Finding]:
    """A Markdown cell is short; tables, code and the folded hint do not count, as they are not read through."""
    for index, cell in enumerate(page.source.cells):
        if cell.cell_type == "markdown" and not is_written(cell):
            count = words(cell.source)
            if count > MARKDOWN_WORDS:
                yield page.finding(index, f"The cell has {count} words.", f"at most {MARKDOWN_WORDS}.")


def words(markdown: str) -> int:
    """Words of running text in Markdown."""
    prose = _HINT.sub("", _FENCE.sub("", markdown))
    prose = "\n".join(line for line in prose.splitlines() if not line.lstrip().startswith("|"))
    prose = re.sub(r"\]\([^)]*\)|<[^>]+>", " ", prose)
    return sum(1 for word in prose.split() if any(letter.isalnum() for letter in word))


def code_is_short(page: Page) -> Iterator[Finding]:
    """A code cell is short; in a work cell what is given and what is to be written count each for itself."""
    for index, cell in enumerate(page.source.cells):
        if cell.cell_type != "code":
            continue
        limit = CHECK_LINES if is_check(cell) else CODE_LINES
        parts = split_solution(cell.source) if is_work(cell) else (cell.source.splitlines(),)
        count = max(sum(1 for line in part if line.strip() and not line.startswith("%%")) for part in parts)
        if count > limit:
            yield page.finding(
                index, f"The cell has {count} lines.", f"at most {limit}; plumbing goes into the package."
            )


def images_have_alt_texts(page: Page) -> Iterator[Finding]:
    """Every image in Markdown says what it shows. (Figures from code refuse to be shown without.)"""
    for index, cell in enumerate(page.source.cells):
        if cell.cell_type != "markdown":
            continue
        for image in _IMAGE.finditer(_FENCE.sub("", cell.source)):
            alt = image["alt"] if image["tag"] is None else "".join(re.findall(r"""alt=["'](.*?)["']""", image["tag"]))
            if not alt.strip():
                yield page.finding(index, "An image has no alternative text.", "a sentence that says what it shows.")


def _headings(page: Page) -> Iterator[tuple[int, str, str]]:
    for index, cell in enumerate(page.source.cells):
        if cell.cell_type == "markdown":
            text = _FENCE.sub("", cell.source)
            for match in _HEADING.finditer(text):
                if "SOLUTION" not in match[2]:
                    yield index, match[1], match[2].strip()
