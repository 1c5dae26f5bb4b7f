"""Warm start: seconds from the command to the first answer of the server, `./dockyard lab` against bare `jupyter lab`.

Both are started in turn on free ports, with the same Python. Everything must have been set up before.

    python benchmarks/start.py [RUNS]
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def seconds_to_answer(command: list[str], port: int, folder: Path) -> float:
    """Start a server, wait until /api answers, end it; return the seconds to the answer."""
    started = time.perf_counter()
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        while time.perf_counter() - started < 120:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=2):
                    return time.perf_counter() - started
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.02)
        raise SystemExit(f"{command[0]} did not answer within 120 s")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    bare, ours = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(runs + 1):
            port = free_port()
            words = [f"--ServerApp.port={port}", "--no-browser", "--allow-root", "--IdentityProvider.token=benchmark"]
            one = seconds_to_answer([sys.executable, "-m", "jupyterlab", *words], port, Path(scratch))
            port = free_port()
            other = seconds_to_answer([str(ROOT / "dockyard"), "lab", "--no-browser", f"--port={port}"], port, ROOT)
            if number:  # the first pair warms the caches
                bare.append(one)
                ours.append(other)
                print(f"jupyter lab {one:.2f} s  dockyard lab {other:.2f} s", flush=True)
    extra = statistics.median(a - b for a, b in zip(ours, bare, strict=True))
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    print(f"median of {runs}: {extra:+.2f} s, {ratio:.2f} times bare jupyter lab")


if __name__ == "__main__":
    main()
