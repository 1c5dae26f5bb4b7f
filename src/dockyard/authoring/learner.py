"""Do in a folder what a learner's cell would do in a notebook, without a kernel."""

from __future__ import annotations

import contextlib
import io
import subprocess
from pathlib import Path
from typing import Any

from dockyard.errors import CheckError
from dockyard.exercise import run_cell

TIME_LIMIT = 600  # seconds for one cell


class CellFailed(CheckError):
    """A cell that was meant to run ended with an error."""


class _Shell:
    """The few things of IPython that lines with `!` and cells with `%%bash` ask for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def system(self, command: str) -> None:
        run_bash(command, self.folder)

    def getoutput(self, command: str) -> list[str]:
        return run_bash(command, self.folder).splitlines()

    def run_cell_magic(self, magic: str, line: str, body: str) -> None:
        if magic != "bash" or line:
            raise CellFailed(f"The cell begins with %%{magic} {line}".strip(), "Only a plain %%bash is run here.")
        run_bash(body, self.folder)

    def run_line_magic(self, magic: str, line: str, *_: Any) -> None:
        raise CellFailed(f"The cell has the line %{magic} {line}.", "Only !command lines and %%bash are run here.")


def run_bash(script: str, folder: Path) -> str:
    """Run commands as a cell with `%%bash` does, but stop at the first that fails.

    Returns:
        What was written to standard output.

    Raises:
        CellFailed: a command failed or the time limit passed; the message has the last lines.
    """
    command = ["bash", "-euo", "pipefail", "-c", script]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=TIME_LIMIT
        )
    except subprocess.TimeoutExpired as error:
        raise CellFailed(f"bash was still running after {TIME_LIMIT} s.") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise CellFailed(f"bash ended with {done.returncode}: {' / '.join(last)}")
    return done.stdout


def run_python(source: str, folder: Path, namespace: dict[str, Any]) -> None:
    """Run a cell as a notebook in this folder would, its variables going to the namespace; output is dropped.

    Raises:
        CellFailed: the cell raised an exception.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    shell = _Shell(folder)
    namespace["get_ipython"] = lambda: shell
    quiet = io.StringIO()
    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            run_cell(TransformerManager().transform_cell(source), namespace)
    except CellFailed:
        raise
    except Exception as error:
        raise CellFailed(f"The cell ended with {type(error).__name__}: {error}") from error
    finally:
        del namespace["get_ipython"]
