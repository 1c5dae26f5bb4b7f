"""The report as one HTML page: pictures inside, no script, nothing fetched from anywhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from statistics import median

from dockyard.grading.report.standing import Standing

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
        lines.append(f"Waiting for a person: {_number(standing.waiting, 'answer')}, counted as 0 points until then.")
    if standing.ungraded:
        names = ", ".join(standing.ungraded[:20]) + (" …" if len(standing.ungraded) > 20 else "")
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
    table = _messages(standing) if name.endswith("-messages") else ""
    return f'<figure>\n<img src="{source}" alt="{escape(alt)}">\n</figure>\n{table}'


def _messages(standing: Standing) -> str:
    """The messages as text too: to be copied, searched, and read aloud."""
    rows = "".join(
        f"<tr><td>{escape(one.exercise)}</td><td>{escape(one.message)}</td>"
        f'<td class="number">{one.shown} of {one.failures}</td><td class="number">{one.learners}</td></tr>\n'
        for one in standing.messages
    )
    head = "<tr><th>Exercise</th><th>Message shown most</th><th>Of all failures</th><th>Learners</th></tr>"
    return f"<details><summary>All messages in full</summary>\n<table>\n{head}\n{rows}</table>\n</details>"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
