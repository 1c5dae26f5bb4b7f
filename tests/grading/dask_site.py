"""A dask cluster on loopback for the tests: a scheduler and workers, each a process in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor

from tests.grading.classroom import ROOT

MARK = "DOCKYARD_TEST_MARK"  # names a file that says for all workers that something has happened


class Deadly(NbGraderPreprocessor):
    """A step that kills the process that grades: at learner-3 always, at learner-5 the first time."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        student, once = resources["nbgrader"]["student"], Path(os.environ[MARK])
        if student == "learner-3" or (student == "learner-5" and not once.exists()):
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return nb, resources


class Deadlier(NbGraderPreprocessor):
    """A step that kills the worker itself, at learner-3."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        if resources["nbgrader"]["student"] == "learner-3":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(3)
        return nb, resources


class Slow(NbGraderPreprocessor):
    """A step that takes its time."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        time.sleep(0.3)
        return nb, resources


class Site:
    """A scheduler and its workers.

    Args:
        folder: where each of them gets a folder.
        threads: of each worker that is started at once.
        nanny: whether each has another process that starts it anew.
    """

    def __init__(self, folder: Path, *threads: int, nanny: bool = False) -> None:
        self.folder, self.processes = folder, list[subprocess.Popen[bytes]]()
        folder.mkdir()
        says = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(says))
        self.address = str(self._awaited(lambda: json.loads(says.read_text())["address"]))
        self.workers = [self._worker(number, count, nanny) for number, count in enumerate(threads)]
        if threads:
            self._awaited(lambda: self.count() == len(threads))

    def count(self) -> int:
        """Return how many workers have come."""
        from distributed import Client

        with Client(self.address, timeout=20, set_as_default=False) as client:
            return len(client.nthreads())

    def _worker(self, number: int, threads: int, nanny: bool) -> subprocess.Popen[bytes]:
        words = ("--nthreads", str(threads), "--nanny" if nanny else "--no-nanny", "--local-directory", "scratch")
        return self._start("worker", self.address, *words, name=f"worker-{number}")

    def _start(self, kind: str, *words: str, name: str = "") -> subprocess.Popen[bytes]:
        folder = self.folder / (name or kind)
        folder.mkdir()
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words, "--host", "127.0.0.1"]
        surrounding = {**os.environ, "PYTHONPATH": str(ROOT), MARK: str(self.folder / "mark")}
        with (self.folder / f"{folder.name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--no-dashboard"],
                cwd=folder,
                env=surrounding,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.processes.append(process)
        return process

    def _awaited(self, condition: Any) -> Any:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError, ValueError, KeyError):
                if found := condition():
                    return found
            time.sleep(0.1)
        raise AssertionError({log.name: log.read_text() for log in self.folder.glob("*.log")})

    def left(self) -> list[str]:
        """What lies in the workers' folders beside dask's own, as soon as it no longer changes."""
        return [str(path) for path in self.folder.glob("worker-*/**/dockyard-*")] + [
            str(path) for path in self.folder.glob("worker-*/*") if path.name not in ("scratch", "dask-scratch-space")
        ]

    def kill(self, *processes: subprocess.Popen[bytes]) -> None:
        """End processes at once."""
        for process in processes:
            process.kill()
            process.wait()

    def close(self) -> None:
        for process in self.workers:  # before the scheduler: they tell it that they go
            process.terminate()
        for process in self.workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
        self.kill(*self.processes)
