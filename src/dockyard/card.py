"""The small card under a check: tick or cross, message, points, when recorded."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

LOOKS = {True: ("✓", "#009e73", "passed"), False: ("✗", "#d55e00", "not yet"), None: ("?", "#0072b2", "open")}


@dataclass(frozen=True)
class Outcome:
    """The result of one run of an exercise's check.

    Attributes:
        exercise: its name.
        points: what it is worth.
        passed: True, False, or None where a person has to grade it.
        message: what was found.
        recorded: when the evidence that counts was recorded (UTC, ISO 8601), or None where none was.
        attempts: how often the check has run.
        kept: whether an earlier pass stands on file although this run failed.
        note: something about the evidence itself that the reader should know, or an empty text.
    """

    exercise: str
    points: float
    passed: bool | None
    message: str
    recorded: str | None = None
    attempts: int = 0
    kept: bool = False
    note: str = ""

    @property
    def earned(self) -> str:
        """Points earned so far, as text: "2 of 2 points"."""
        if self.passed is None:
            return f"{self.points:g} points, to be graded by a person"
        return f"{self.points if self.passed or self.kept else 0:g} of {self.points:g} points"

    @property
    def lines(self) -> list[str]:
        """What stands below the message."""
        if self.kept:
            when = f"{(self.recorded or '').replace('T', ' ')[:16]} UTC"
            stands = f"{self.earned} stand: a pass of {when} is on file, and this run does not take it away"
            small = [f"{stands} · attempt {self.attempts}"]
            return small + ([self.note] if self.note else [])
        recorded = f"recorded {self.recorded.replace('T', ' ')[:16]} UTC" if self.recorded else "not recorded"
        tries = f"attempt {self.attempts}" if self.attempts else ""
        small = [" · ".join(part for part in (self.earned, recorded, tries) if part)]
        return small + ([self.note] if self.note else [])

    def __str__(self) -> str:
        mark, _, _ = LOOKS[self.passed]
        return "\n".join([f"{mark} {self.exercise}: {self.message}", *(f"  {line}" for line in self.lines)])

    def html(self) -> str:
        """Return the card as HTML without scripts, every text escaped."""
        mark, colour, word = LOOKS[self.passed]
        small = "".join(f'<div style="font-size:85%;opacity:.8">{escape(line)}</div>' for line in self.lines)
        return (
            f'<div role="status" style="border-left:5px solid {colour};padding:.4em .8em;margin:.2em 0">'
            f'<div><span aria-label="{word}" style="color:{colour};font-weight:bold;font-size:120%">{mark}</span> '
            f"<strong>{escape(self.exercise)}</strong></div>"
            f'<div style="margin:.2em 0;white-space:pre-line">{escape(self.message)}</div>{small}</div>'
        )

    def bundle(self) -> dict[str, str]:
        """Return the card as a MIME bundle: HTML, and plain text where HTML is not shown."""
        return {"text/html": self.html(), "text/plain": str(self)}
