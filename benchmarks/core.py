"""What a check costs: the import, a live run with its evidence, the replay. Needs an engine with `dockyard/busybox`.

python benchmarks/core.py
"""

from __future__ import annotations

import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

RUNS = 9
NAME = f"lab-bench-{os.getpid()}"
RAW = f"""
container = docker.containers.get({NAME!r})
assert container.status == "running", "not running"
assert container.top()["Processes"], "no process"
assert container.image.history(), "no history"
"""
HEAD = "from dockyard import exercise\n\n@exercise('bench', points=1)\ndef check(docker):"
CHECK = HEAD + RAW.replace("\n", "\n    ")


def median_ms(action: Callable[[], object], runs: int = RUNS) -> float:
    """Median time of an action in milliseconds, after one run that does not count."""
    action()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    from dockyard.engine import connect
    from dockyard.exercise import live, replay, run_cell

    bare, imported = median_ms(lambda: python("pass")), median_ms(lambda: python("from dockyard import exercise"))
    print(f"import: {imported - bare:.0f} ms (Python itself {bare:.0f} ms)")

    engine = connect()
    container = engine.containers.run("dockyard/busybox", ["sleep", "600"], name=NAME, detach=True)
    try:
        with tempfile.TemporaryDirectory() as folder:

            def raw() -> None:
                client = connect()
                exec(RAW, {"docker": client})
                client.close()

            def run_live() -> None:
                with live(folder, "bench") as outcomes:
                    run_cell(CHECK, {})
                assert outcomes[0].passed, outcomes[0]

            def run_replay() -> None:
                with replay(folder, "bench") as outcomes:
                    run_cell(CHECK, {})
                assert outcomes[0].passed, outcomes[0]

            print(f"the check's own requests: {(plain := median_ms(raw)):.0f} ms")
            print(f"live, recorded: {(whole := median_ms(run_live)):.0f} ms ({whole - plain:.0f} ms more)")
            print(f"replayed: {median_ms(run_replay):.0f} ms")
            content = (Path(folder) / "evidence" / "bench.json").read_bytes()
            print(f"evidence: {len(content) / 1024:.0f} KiB, {len(gzip.compress(content)) / 1024:.1f} KiB gzipped")
    finally:
        container.remove(force=True)


if __name__ == "__main__":
    main()
