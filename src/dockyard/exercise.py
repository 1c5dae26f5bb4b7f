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
from typing import TYPE_CHECKING, Any

from dockyard import evidence as evidence_file
from dockyard.card import Outcome
from dockyard.errors import CheckError, EvidenceError
from dockyard.judge import Check, MissingAnswer, Verdict, clean, judge, named_variables, parameters, plain, source_hash

if TYPE_CHECKING:
    import requests
    from docker import DockerClient
    from requests.adapters import BaseAdapter

REPLAY_API_VERSION = "1.41"  # for a check that asks for the engine where none was recorded


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
        exec(compile(source, filename, "exec"), namespace)
    finally:
        linecache.cache.pop(filename, None)


_cells = count()


def student_name() -> str:
    """Return who works here: `DOCKYARD_STUDENT`, else the name that nbgrader submits under."""
    if os.environ.get("DOCKYARD_STUDENT"):
        return os.environ["DOCKYARD_STUDENT"]
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
    exchanges: list[dict[str, Any]] = []
    answers: dict[str, object] = {}
    engine: dict[str, str] | None = None
    clients = _Live(exchanges, named_variables(check))

    def need(parameter: str) -> Callable[[], object]:
        def variable() -> object:
            if parameter not in check.__globals__:
                raise MissingAnswer(f"There is no variable named {parameter} yet.")
            answers[parameter] = plain(parameter, check.__globals__[parameter])
            return answers[parameter]

        return {"docker": clients.docker, "http": clients.http}.get(parameter, variable)

    verdict = judge(check, {parameter: need(parameter) for parameter in _known_parameters(check)})
    if verdict.passed is None:  # a live run needs no person: the check itself is broken
        return Outcome(name, points, False, verdict.message)
    asked = len(exchanges)
    if clients.client is not None:
        from dockyard.neighbourhood import record_around

        record_around(clients.client, exchanges)
        with contextlib.suppress(Exception):  # an engine that went away meanwhile is no reason to lose the rest
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
        "exchanges": exchanges,
    }
    return _filed(path, fresh, asked, verdict)


def _filed(path: Path, fresh: dict[str, Any], asked: int, verdict: Verdict) -> Outcome:
    """Write the evidence, without the neighbourhood where it would be too large, and say what stands on file."""
    name, points = fresh["exercise"], fresh["points"]
    try:
        try:
            evidence_file.dump(fresh)
        except EvidenceError:
            fresh = {**fresh, "exchanges": fresh["exchanges"][:asked]}
        kept = evidence_file.record(path, fresh)
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
    clients = _Replayed(filed, named_variables(check))

    def need(parameter: str) -> Callable[[], object]:
        def variable() -> object:
            if parameter not in filed["answers"]:
                raise MissingAnswer(f"There is no variable named {parameter} yet.")
            return filed["answers"][parameter]

        return {"docker": clients.docker, "http": clients.http}.get(parameter, variable)

    verdict = judge(check, {parameter: need(parameter) for parameter in _known_parameters(check)})
    if verdict.passed is None and filed["check"] is not None and filed["check"] == source_hash(check):
        verdict = Verdict(False, clean(f"The evidence is incomplete: {verdict.message}"))
    return Outcome(name, points, verdict.passed, verdict.message, filed["recorded"], filed["attempt_count"])


def _known_parameters(check: Check) -> list[str]:
    try:
        return parameters(check)
    except CheckError:
        return []  # judge meets the same error and reports it


class _Live:
    """Recording clients, made when a check asks for them."""

    def __init__(self, exchanges: list[dict[str, Any]], named: frozenset[str]) -> None:
        self.exchanges, self.named = exchanges, named
        self.client: DockerClient | None = None
        self.direct: BaseAdapter | None = None

    def docker(self) -> DockerClient:
        from dockyard.engine import connect
        from dockyard.recording import Recorder

        self.client = client = connect()
        self.direct = client.api.get_adapter(client.api.base_url + "/")
        client.api.mount(client.api.base_url, Recorder(self.direct, self.exchanges, named=self.named))
        return client

    def http(self) -> requests.Session:
        from dockyard.loopback import LoopbackAdapter
        from dockyard.recording import Recorder

        return _session(Recorder(LoopbackAdapter(), self.exchanges, named=self.named, engine=False))

    def identity(self) -> dict[str, str] | None:
        if self.client is None or self.direct is None:
            return None
        self.client.api.mount(self.client.api.base_url, self.direct)
        info, version = self.client.info(), self.client.version()
        return {
            "id": str(info.get("ID", "")),
            "version": str(version.get("Version", "")),
            "api_version": str(version.get("ApiVersion", "")),
            "os": str(version.get("Os", "")),
            "architecture": str(version.get("Arch", "")),
        }


class _Replayed:
    """Clients that are answered from the evidence."""

    def __init__(self, filed: dict[str, Any], named: frozenset[str]) -> None:
        self.filed, self.named = filed, named

    def docker(self) -> DockerClient:
        import docker

        from dockyard.recording import Replayer

        version = (self.filed["engine"] or {}).get("api_version", REPLAY_API_VERSION)
        client = docker.DockerClient(base_url="unix:///nowhere", version=version)
        client.api.mount("http+docker://", Replayer(self.filed["exchanges"], named=self.named))
        return client

    def http(self) -> requests.Session:
        from dockyard.recording import Replayer

        return _session(Replayer(self.filed["exchanges"], named=self.named, engine=False))


def _session(adapter: BaseAdapter) -> requests.Session:
    import requests

    session = requests.Session()
    session.trust_env = False
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _show(outcome: Outcome) -> None:
    """Show the card in the notebook, or print it; where nbgrader looks for exceptions, raise one as well."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from IPython.display import display

        display(outcome.bundle(), raw=True)
    else:
        print(outcome)
    if os.environ.get("NBGRADER_EXECUTION") and not outcome.passed:
        raise CheckFailed(f"{outcome.message} ({outcome.earned})")
