"""The report as one HTML page: pictures inside, no script, nothing fetched from anywhere."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from statistics import median

from dockyard.grading.report.standing import Standing
from dockyard.judge import clean

Picture = tuple[str, bytes, str]  # name, PNG, alternative text

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 66rem; margin: 2rem auto;
       padding: 0 1rem; }
img { max-width: 100%; height: auto; }
figure { margin: 2rem 0; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #eef1f4;
         overflow-wrap: anywhere; }
td.number { text-align: right; white-space: nowrap; }
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html(standing: Standing, pictures: Sequence[Picture]) -> str:
    """Return the page.

    Args:
        standing: the numbers; every text of a learner's is escaped.
        pictures: in order; each is embedded with its alternative text.
    """
    title = f"{standing.lesson}: how the class did"
    shown = "\n".join(_figure(picture, standing) for picture in pictures)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<ul>
{"".join(f"<li>{escape(line)}</li>" for line in summary(standing))}
</ul>
{shown}
</main>
</body>
</html>
"""


def summary(standing: Standing) -> list[str]:
    """Return what the pictures do not say, a line each."""
    lines = [
        f"Graded: {_number(len(standing.learners), 'learner')}, "
        f"{_number(len(standing.exercises), 'exercise')}, {standing.most:g} points.",
        f"Median: {median(standing.points):g} points; from {min(standing.points):g} to {max(standing.points):g}.",
    ]
    if standing.waiting:
        answers = _number(standing.waiting, "answer")
        lines.append(f"Waiting for a person: {answers}, with 0 points until then where nobody has given any before.")
    if standing.ungraded:
        names = ", ".join(clean(name) for name in standing.ungraded[:20]) + (
            " …" if len(standing.ungraded) > 20 else ""
        )
        lines.append(f"Handed in and not graded yet: {len(standing.ungraded)} ({names}).")
    if not standing.checked:
        lines.append("There is no evidence in submitted/, so nothing is known of attempts and messages.")
    if standing.unread:
        lines.append(
            f"Left out of attempts, messages and times: {_number(standing.unread, 'file')} that cannot be read or that "
            "are not the learner's own evidence as it was recorded. The audit says which."
        )
    return lines


def _figure(picture: Picture, standing: Standing) -> str:
    name, content, alt = picture
    source = "data:image/png;base64," + base64.b64encode(content).decode()
    tables = {"points": _learners, "attempts": _exercises, "messages": _messages}
    make = tables.get(name.partition("-")[2])
    table = make(standing) if make else ""
    return f'<figure>\n<img src="{source}" alt="{escape(alt)}">\n</figure>\n{table}'


def _learners(standing: Standing) -> str:
    rows = zip(standing.learners, (f"{points:g}" for points in standing.points), strict=True)
    return _table("All learners and their points", ("Learner", "Points"), rows)


def _exercises(standing: Standing) -> str:
    names, states = standing.exercises, standing.states
    full = {name: sum(line[place] == "full" for line in states) for place, name in enumerate(names)}
    rows = (
        (
            one.exercise,
            f"{full.get(one.exercise, 0)} of {len(states)}",
            f"{one.passed + one.open}",
            "–" if one.typical is None else f"{one.typical:g}",
            f"{one.waiting}",
            _span(median(later)) if (later := [time for time in seconds if time > 0]) else "–",
        )
        for one, seconds in zip(standing.tries, standing.seconds, strict=True)
    )
    head = ("Exercise", "Full points", "Runs", "Median until the first pass", "Not passed")
    return _table("All exercises in numbers", (*head, "Median time of those who did not pass at once"), rows)


def _messages(standing: Standing) -> str:
    """The messages as text too: to be copied, searched, and read aloud."""
    rows = (
        (one.exercise, one.message, f"{one.shown} of {one.failures}", f"{one.learners}") for one in standing.messages
    )
    return _table(
        "All messages in full", ("Exercise", "Message shown most", "Of all failures", "Learners"), rows, texts=2
    )


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table that opens at a click; the first columns hold texts, the others numbers."""
    top = "".join(f'<th scope="col">{escape(word)}</th>' for word in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td><bdi>{escape(word)}</bdi></td>" for word in row[:texts])
        + "".join(f'<td class="number">{escape(word)}</td>' for word in row[texts:])
        + "</tr>\n"
        for row in rows
    )
    return f"<details><summary>{title}</summary>\n<table>\n<tr>{top}</tr>\n{body}</table>\n</details>"


def _span(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
