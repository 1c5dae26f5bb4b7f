"""`@exercise`: run a check against the live engine and record what was answered, or run it against the record.

In a notebook the decorated function runs at once. nbgrader's Validate button and command want failures as exceptions
and get them; in grading, checks are answered from the evidence alone.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from dockyard import evidence as evidence_file
from dockyard.card import Outcome
from dockyard.clients import Live, Replayed
from dockyard.errors import EvidenceError, MissingReply
from dockyard.judge import MANUAL, Check, MissingAnswer, Verdict, clean, judge, named_variables, plain, source_hash

INCOMPLETE = "The evidence is incomplete"  # so begins a verdict on evidence that its own check cannot have recorded


class CheckFailed(Exception):
    """Raised where nbgrader needs an exception to see that a check failed; shown as one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass
class Run:
    """Where and how checks run just now.

    Attributes:
        directory: the folder that holds `evidence/`.
        student: who the evidence is of; None takes evidence of anybody (replay only).
        replaying: answer from the evidence instead of the engine.
        outcomes: what has run so far; None shows cards in the notebook instead.
    """

    directory: Path
    student: str | None
    replaying: bool = False
    outcomes: list[Outcome] | None = field(default_factory=list)


_run: ContextVar[Run | None] = ContextVar("dockyard_run", default=None)
_home = Path.cwd()


@contextlib.contextmanager
def live(directory: Path | str, student: str = "") -> Iterator[list[Outcome]]:
    """Within the block, checks run against the engine and record below `directory`; yields their outcomes."""
    with _entered(Run(Path(directory), student)) as outcomes:
        yield outcomes


@contextlib.contextmanager
def replay(directory: Path | str, student: str | None = None) -> Iterator[list[Outcome]]:
    """Within the block, checks run against the evidence below `directory`, with no engine; yields their outcomes."""
    with _entered(Run(Path(directory), student, replaying=True)) as outcomes:
        yield outcomes


@contextlib.contextmanager
def _entered(run: Run) -> Iterator[list[Outcome]]:
    token = _run.set(run)
    try:
        yield run.outcomes if run.outcomes is not None else []
    finally:
        _run.reset(token)


def exercise(name: str, *, points: float) -> Callable[[Check], Check]:
    """Make a function the check of an exercise, and run it.

    Args:
        name: the exercise's name, which is also the grade id of its cell.
        points: what the exercise is worth.

    Returns:
        A decorator. The function's parameters say what it needs: `docker` is a `docker.DockerClient`, `http` a
        `requests.Session` for published ports on this machine, any other name is the learner's variable.
    """

    def decorate(check: Check) -> Check:
        run = _run.get() or _notebook_run()
        outcome = _replayed(name, points, check, run) if run.replaying else _recorded(name, points, check, run)
        if run.outcomes is not None:
            run.outcomes.append(outcome)
        else:
            _show(outcome)
        return check

    return decorate


def run_cell(source: str, namespace: dict[str, Any]) -> None:
    """Execute a cell's source so that its functions have a source: tracebacks and hashes need it."""
    filename = f"<dockyard-cell-{next(_cells)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    try:
        exec(compile(source, filename, "exec", dont_inherit=True), namespace)  # a cell has no __future__ of ours
    finally:
        linecache.cache.pop(filename, None)


_cells = count()


def student_name() -> str:
    """Return who works here: `DOCKYARD_STUDENT`, the name that `dockyard lab` remembers, or nbgrader's for a login."""
    if os.environ.get("DOCKYARD_STUDENT"):
        return os.environ["DOCKYARD_STUDENT"]
    for folder in notebook_directory().resolve().parents:
        memory = folder / ".dockyard" / "student"
        if memory.is_file() and (remembered := memory.read_text(encoding="utf-8", errors="replace").strip()):
            return remembered
    import getpass

    try:
        import pwd

        name = pwd.getpwuid(os.getuid())[0]
    except (ImportError, KeyError):
        name = getpass.getuser()
    return os.environ.get("JUPYTERHUB_USER", name) if name == "jovyan" else name


def notebook_directory() -> Path:
    """Return the notebook's folder: where JupyterLab says the notebook is, else where the kernel started."""
    session = os.environ.get("JPY_SESSION_NAME", "")
    if session.endswith(".ipynb") and Path(session).is_file():
        return Path(session).parent
    return _home


def _notebook_run() -> Run:
    replaying = os.environ.get("NBGRADER_EXECUTION") == "autograde"
    directory = Path.cwd() if os.environ.get("NBGRADER_EXECUTION") else notebook_directory()
    return Run(directory, None if replaying else student_name(), replaying, outcomes=None)


def _recorded(name: str, points: float, check: Check, run: Run) -> Outcome:
    path = evidence_file.path_of(run.directory, name)
    answers: dict[str, object] = {}

    def variable(parameter: str) -> object:
        if parameter not in check.__globals__:
            raise MissingAnswer(f"There is no variable named {parameter} yet.")
        answers[parameter] = plain(parameter, check.__globals__[parameter])
        return answers[parameter]

    with contextlib.closing(Live(named_variables(check))) as clients:
        verdict = judge(check, _Needs(clients, variable))
        if verdict.passed is None:  # a live run needs no person: the check itself is broken
            return Outcome(name, points, False, verdict.message)
        asked = len(clients.exchanges)
        clients.ask_around()
        engine = clients.identity()
    at = evidence_file.now()
    fresh = {
        "format": evidence_file.FORMAT,
        "version": evidence_file.VERSION,
        "exercise": name,
        "points": points,
        "student": run.student or "",
        "check": source_hash(check),
        "engine": engine,
        "recorded": at,
        "passed": verdict.passed,
        "message": verdict.message,
        "attempt_count": 1,
        "attempts": [{"at": at, "passed": verdict.passed, "message": verdict.message}],
        "answers": answers,
        "exchanges": clients.exchanges,
    }
    return _filed(path, fresh, asked, verdict)


def _filed(path: Path, fresh: dict[str, Any], asked: int, verdict: Verdict) -> Outcome:
    """Write the evidence, without the neighbourhood where it would be too large, and say what stands on file."""
    name, points = fresh["exercise"], fresh["points"]
    leaner = {**fresh, "exchanges": fresh["exchanges"][:asked]}
    try:
        kept = evidence_file.record(path, fresh, leaner=leaner)
    except EvidenceError as error:
        return Outcome(name, points, verdict.passed, verdict.message, note=f"Nothing was recorded. {error}")
    return Outcome(
        name,
        points,
        verdict.passed,
        verdict.message,
        recorded=kept["recorded"],
        attempts=kept["attempt_count"],
        kept=kept["passed"] and not verdict.passed,
    )


def _replayed(name: str, points: float, check: Check, run: Run) -> Outcome:
    try:
        filed = evidence_file.read(evidence_file.path_of(run.directory, name), exercise=name, student=run.student)
    except EvidenceError as error:
        return Outcome(name, points, False, clean(f"{error.found} {error.expected}"))
    recorded_by_this_check = filed["check"] is not None and filed["check"] == source_hash(check)

    def variable(parameter: str) -> object:
        if parameter in filed["answers"]:
            return filed["answers"][parameter]
        if recorded_by_this_check:
            raise MissingAnswer(f"There is no variable named {parameter} yet.")
        raise MissingReply(f"The evidence holds no variable named {parameter}.")

    with contextlib.closing(Replayed(filed, named_variables(check))) as clients:
        verdict = judge(check, _Needs(clients, variable))
    if verdict.passed is None and recorded_by_this_check:  # nobody mended it: the file is not what this check recorded
        reason = verdict.message.removeprefix(MANUAL).strip()
        verdict = Verdict(False, clean(f"{INCOMPLETE}: {reason}"))
    return Outcome(name, points, verdict.passed, verdict.message, filed["recorded"], filed["attempt_count"])


class _Needs(dict[str, Callable[[], object]]):
    """What a check may ask for by name: a client, else a variable."""

    def __init__(self, clients: Live | Replayed, variable: Callable[[str], object]) -> None:
        super().__init__(docker=clients.docker, http=clients.http)
        self.variable = variable

    def __missing__(self, parameter: str) -> Callable[[], object]:
        return lambda: self.variable(parameter)


def _show(outcome: Outcome) -> None:
    """Show the card in the notebook, or print it; where nbgrader looks for exceptions, raise one as well."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import display

        display(outcome.bundle(), raw=True)
    else:
        print(outcome)
    if os.environ.get("NBGRADER_EXECUTION") and not outcome.passed and not outcome.kept:
        raise CheckFailed(f"{outcome.message} ({outcome.earned})")
