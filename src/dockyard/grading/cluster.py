"""A class graded by the workers of a dask cluster, which need share neither a disk nor a folder with this machine.

Hand-ins travel as data and come back as data. Which hand-in is at which worker is decided here, not by dask: a worker
that dies then tells who was there.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import secrets
import sys
import time
import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

from traitlets.config import Config

from dockyard.errors import DockyardError
from dockyard.grading import on_worker
from dockyard.grading.bench import kit_of
from dockyard.grading.converter import STAGING, Graded, HandInConverter
from dockyard.grading.marksheet import Before
from dockyard.grading.parcel import Unfit, pack, unpack
from dockyard.grading.workers import Processes, quiet

AHEAD = 2  # hand-ins a worker that wait for it, so that it never waits for the writer
CONNECT = 10.0  # seconds until the scheduler must have answered
PATIENCE = 20.0  # seconds that a cluster without workers is waited for: a nanny starts one in two
LOOK = 0.5  # seconds between two looks at which workers there are
KILLED = "Two workers died while they graded it. Was the memory used up?"
STAYS = "What was graded before stands in the gradebook and in autograded/."


@dataclass
class Worker:
    """A worker of the cluster, made ready; `token` says that it is still the one that was."""

    address: str
    threads: int
    token: str


class Cluster:
    """The workers of a dask cluster.

    Args:
        address: of the scheduler, as dask's `Client` takes it. TLS is configured as dask says.
        converter: made ready, of this machine.
        config: the course's configuration.
        here: grades what cannot be sent.

    Raises:
        DockyardError: dask is not installed.
    """

    def __init__(self, address: str, converter: HandInConverter, config: Config, here: Processes) -> None:
        try:
            import cloudpickle
            import distributed
        except ImportError:
            raise DockyardError(
                "The package distributed is not installed.", "A dask cluster is reached with it.", _install()
            ) from None
        self.dask: Any = distributed
        self.address, self.converter, self.here = address, converter, here
        self.kit = kit_of(config, converter)
        self.packed_kit: bytes = cloudpickle.dumps(self.kit)  # the configuration may hold functions of its own
        self.run = secrets.token_hex(8)
        self.client: Any = None
        self.workers: dict[str, Worker] = {}
        self.unfit: dict[str, str] = {}
        self.looked, self.sent = 0.0, count()
        self.died: dict[str, str] = {}  # who was at work when something died → the worker's address, in order
        self.stay: list[str] = []  # cannot be sent

    def grade(self, students: Sequence[str], before: Mapping[str, Before]) -> Generator[Graded, None, None]:
        """Grade hand-ins, in any order; one at whose grading something died is graded once more, elsewhere, alone.

        Args:
            students: who handed in.
            before: what the gradebook holds of their hand-ins.

        Raises:
            DockyardError: no scheduler, no worker, or one that would not grade as this machine does.
        """
        if students:
            with self._connected():
                yield from self._send(list(reversed(students)), before)
                yield from self._send(list(reversed(self.died)), before, alone=True)
        yield from self.here.grade(self.stay, before)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        from distributed.comm.addressing import get_address_host_port

        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what a person must know is said here
        tls = self.dask.Security().get_connection_args("client")
        if self.address.startswith("tls:") and not tls.get("ssl_context"):
            raise DockyardError(
                f"dask has been told of no certificates, which {self.address} needs.",
                "It reads them from its own configuration.",
                "Set DASK_DISTRIBUTED__COMM__TLS__CA_FILE, and …__TLS__CLIENT__CERT and …__TLS__CLIENT__KEY.",
            )
        try:
            get_address_host_port(self.address, strict=True)  # a client that is given no address does not end well
            words = {"timeout": CONNECT, "set_as_default": False, "name": "dockyard-grade"}
            self.client = self.dask.Client(self.address, **words)
            warnings.filterwarnings("ignore", message="Sending large graph")
            quiet()  # dask's threads put the filters of warnings back to what they were
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise DockyardError(
                f"No dask scheduler answers at {self.address}: {_words(error)}",
                "Expected an address such as tcp://host:8786.",
                "Start one with: dask scheduler --host 127.0.0.1",
            ) from error
        try:
            self._look(now=True)
            if not self.unfit:
                self._wait_for_workers()
            if self.unfit:
                address, why = next(iter(self.unfit.items()))
                raise DockyardError(
                    f"The worker {address} would not grade as this machine does: {why}",
                    "All workers need this checkout of Dockyard, and an environment from the same lock.",
                    "Install it there, start the worker anew, then type the same again.",
                )
            yield
        finally:
            with contextlib.suppress(Exception):
                if self.client.status == "running":
                    self.client.run(on_worker.close_room, self.run, on_error="ignore")
            with contextlib.suppress(Exception):
                self.client.close(timeout=CONNECT)

    def _send(self, waiting: list[str], before: Mapping[str, Before], alone: bool = False) -> Iterator[Graded]:
        """Grade from the end of a list until it is empty. `alone`: one at a time, and who kills again is named."""
        executor = self.client.get_executor(pure=False, retries=0, allow_other_workers=False)
        running: dict[Future[bytes | None], tuple[str, str]] = {}
        try:
            while waiting or running:
                self._look()
                for future, (student, address) in reversed(list(running.items())):  # first those that had not begun
                    if address not in self.workers:
                        running.pop(future)
                        future.cancel()
                        yield from self._lost(student, address, KILLED, alone)
                while waiting and (worker := self._free(running.values(), waiting[-1], alone)):
                    student = waiting.pop()
                    if job := self._job(student, before):
                        where = {"workers": [worker.address], "priority": -next(self.sent)}  # first come, first served
                        running[executor.submit(on_worker.relay, self.run, worker.token, job, **where)] = (
                            student,
                            worker.address,
                        )
                if waiting and not running:
                    self._wait_for_workers()
                for future in wait(running, timeout=LOOK, return_when=FIRST_COMPLETED).done:
                    student, address = running.pop(future)
                    answer, why = _answer(future)
                    if answer is None:
                        yield from self._lost(student, address, why, alone)
                    elif answer == on_worker.GONE:
                        self.workers.pop(address, None)  # another has come at its address: `_look` makes it ready
                        yield from self._lost(student, address, KILLED, alone)
                    else:
                        yield from self._received(student, address, answer, alone)
        finally:
            for future in running:
                future.cancel()

    def _free(self, running: Iterable[tuple[str, str]], student: str, alone: bool) -> Worker | None:
        """Return the worker that has the least to do; for a suspect one where it has not been, if there is one."""
        load = Counter(address for _, address in running)
        if alone and load:
            return None
        free = [one for one in self.workers.values() if load[one.address] < one.threads + AHEAD]
        return min(
            free,
            key=lambda one: (one.address == self.died.get(student), load[one.address] - one.threads, one.address),
            default=None,
        )

    def _job(self, student: str, before: Mapping[str, Before]) -> bytes | None:
        courses = self.converter.coursedir
        try:
            folder = courses.format_path(courses.submitted_directory, student, self.kit.lesson.name)
            return pickle.dumps((student, before.get(student, Before()), pack(Path(folder), self.kit.own)))
        except Unfit:
            self.stay.append(student)
            return None

    def _lost(self, student: str, address: str, why: str, alone: bool) -> Iterator[Graded]:
        """Try again later, alone; whoever was alone is reported, unless the scheduler itself is lost."""
        if alone:
            self._look(now=True)
            yield Graded(student, trouble=why)
        else:
            self.died[student] = address

    def _received(self, student: str, address: str, answer: bytes, alone: bool) -> Iterator[Graded]:
        """Lay out what came back where the writer expects it. It is unpickled: a cluster is trusted."""
        graded, parcel = pickle.loads(answer)
        if graded.stop:  # that worker's disk, not this one's
            yield from self._lost(student, address, f"The worker {address} could not grade it: {graded.trouble}", alone)
        elif graded.trouble:
            yield graded
        elif parcel is None:
            self.stay.append(student)
        else:
            courses, lesson = self.converter.coursedir, self.kit.lesson.name
            unpack(parcel, Path(courses.format_path(STAGING, student, lesson)), self.kit.own)
            self.converter.set_permissions(lesson, student)
            yield graded

    def _look(self, now: bool = False) -> None:
        """See which workers there are, and make ready those that are new."""
        if not now and time.monotonic() - self.looked < LOOK:
            return
        try:
            if self.client.status != "running":
                raise OSError("its connection has ended")
            there: dict[str, int] = self.client.nthreads()
            for address in self.workers.keys() - there.keys():
                del self.workers[address]
            if new := [address for address in there if address not in self.workers and address not in self.unfit]:
                words = (self.run, self.packed_kit, on_worker.about_here())
                answers = self.client.run(on_worker.open_room, *words, workers=new, on_error="return")
                for address, answer in answers.items():
                    self._welcome(address, there[address], answer)
        except (OSError, RuntimeError) as error:
            raise DockyardError(
                f"The scheduler at {self.address} is lost: {_words(error)}",
                STAYS,
                "Start it and its workers, then type the same again: the rest is graded.",
            ) from error
        self.looked = time.monotonic()

    def _welcome(self, address: str, threads: int, answer: object) -> None:
        if isinstance(answer, tuple):
            token, why = answer
            if token:
                self.workers[address] = Worker(address, threads, token)
            else:
                self.unfit[address] = why
        elif not isinstance(answer, OSError):  # else it has died just now
            self.unfit[address] = f"It could not be made ready ({_words(answer)})."

    def _wait_for_workers(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self.workers:
            if time.monotonic() > until:
                raise DockyardError(
                    f"The scheduler at {self.address} has no worker that can grade, after {PATIENCE:.0f} s of waiting.",
                    STAYS,
                    f"Start workers, in this environment: dask worker {self.address}. Then type the same again.",
                )
            time.sleep(LOOK)
            self._look(now=True)


def _answer(future: Future[bytes | None]) -> tuple[bytes | None, str]:
    """What a worker sent back, or why there is nothing."""
    try:
        return future.result(), KILLED
    except CancelledError:
        return None, KILLED
    except Exception as error:  # dask's KilledWorker among them
        return None, KILLED if type(error).__name__ == "KilledWorker" else f"It could not be sent: {_words(error)}"


def _words(error: object) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def _install() -> str:
    """What to type for the extra: an environment that uv made has no pip."""
    pip = f"{sys.executable} -m pip install" if find_spec("pip") else f"uv pip install --python {sys.executable}"
    return f"Install it with: {pip} --no-build-isolation --editable '{Path(__file__).resolve().parents[3]}[dask]'"
