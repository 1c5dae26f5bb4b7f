"""Fuzz one target, or repeat one input.

python -m tests.fuzz replay -max_total_time=600
python -m tests.fuzz replay --input BASE64
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Linux carries the most memory that a process has held over into what it becomes: the fuzzer, whose memory is limited,
# must come from a small process and not from pytest's.
SMALL = ("sh", "-c", '"$@"; exit "$?"', "sh")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # each input is a file; on a disk that takes longest
PROGRESS = re.compile(r"^#(\d+)\t(INITED|DONE|NEW|REDUCE|pulse|RELOAD).*?\bcov: (\d+) ft: (\d+)", re.MULTILINE)
SHOWN = 40_000  # characters of base64 in a message


@dataclass
class Result:
    """How a run ended.

    Attributes:
        target: what was fuzzed.
        code: the exit status; 0 where nothing was found.
        log: what libFuzzer and Python wrote.
        found: the input that was found, or None.
    """

    target: str
    code: int
    log: str
    found: bytes | None = None
    steps: list[tuple[int, str, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps = [(int(run), kind, int(edges), int(more)) for run, kind, edges, more in PROGRESS.findall(self.log)]

    @property
    def runs(self) -> int:
        return max((run for run, *_ in self.steps), default=0)

    @property
    def started_with(self) -> int:
        """Edges of instrumented code that the seeds reached."""
        return next((edges for _, kind, edges, _ in self.steps if kind == "INITED"), 0)

    @property
    def edges(self) -> int:
        return max((edges for _, _, edges, _ in self.steps), default=0)

    def __str__(self) -> str:
        lines = [
            f"{self.target}: {self.runs:,} runs, {self.started_with} edges from the seeds, {self.edges} in the end."
        ]
        if self.code:
            lines += [f"Exit status {self.code}.", self.log[-6000:]]
        if self.found is not None:
            text = base64.b64encode(self.found).decode()
            lines += [f"The input ({len(self.found):,} bytes):", repr(self.found[:2000]), "To repeat it:"]
            lines += [f"python -m tests.fuzz {self.target} --input {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}"]
        return "\n".join(lines)


def fuzz(target: str, *options: str, data: bytes | None = None, show: bool = False) -> Result:
    """Fuzz a target in a process of its own.

    Args:
        target: one of `TARGETS`, or `planted:…`.
        options: libFuzzer's (https://github.com/google/atheris).
        data: run this input once instead.
        show: let the log be seen at once.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY) as folder:
        corpus, work = Path(folder, "corpus"), Path(folder, "work")
        corpus.mkdir()
        work.mkdir()
        words = [
            *SMALL,
            sys.executable,
            "-m",
            "tests.fuzz.drive",
            target,
            str(corpus),
            f"-artifact_prefix={folder}/found-",
        ]
        if data is None:
            words += options
        else:
            Path(folder, "input").write_bytes(data)
            words += [f"{folder}/input"]
        # Equal runs for equal seeds, in a folder that goes with this process; no engine is asked, and no terminal.
        env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(work)}
        process = subprocess.Popen(
            words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        log = bytearray()
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith(b"INFO: Instrumenting"):
                log += line
                if show:
                    sys.stderr.buffer.write(line)
                    sys.stderr.flush()
        code = process.wait()
        found = sorted(Path(folder).glob("found-*"))
        return Result(target, code, log.decode(errors="replace"), found[0].read_bytes() if found else None)


if __name__ == "__main__":
    target, *rest = sys.argv[1:]
    if rest[:1] == ["--input"]:
        result = fuzz(target, data=base64.b64decode(rest[1]), show=True)
    else:
        result = fuzz(target, *rest, show=True)
    print(result if not result.code else str(result).replace(result.log[-6000:], ""))
    sys.exit(result.code)
