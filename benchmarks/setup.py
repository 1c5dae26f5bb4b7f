"""From a fresh clone to a served lesson: seconds of `./dockyard lab --yes --no-browser` until JupyterLab answers.

What is timed is what is missing: run it on a bare machine for the whole way. Prints what was there before, then the
time.

    python3 benchmarks/setup.py
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    images = subprocess.run(["docker", "image", "ls", "--quiet"], capture_output=True, text=True, check=False)
    engine = "answers" if images.returncode == 0 else "does not answer"
    print(f"before: dockerd {'installed' if shutil.which('dockerd') else 'not installed'}, engine {engine}, no .venv")
    with tempfile.TemporaryDirectory() as scratch:
        clone = Path(scratch) / "course"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        started = time.perf_counter()
        words = ["./dockyard", "lab", "--yes", "--no-browser"]
        server = subprocess.Popen(words, cwd=clone, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            assert server.stdout is not None
            for line in server.stdout:
                print(
                    f"  {time.perf_counter() - started:6.1f} s  {re.sub(r'token=[0-9a-f]+', 'token=…', line.rstrip())}"
                )
                if "JupyterLab:" in line:
                    break
            else:
                raise SystemExit("it ended without serving JupyterLab")
            print(f"served after {time.perf_counter() - started:.0f} s")
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


if __name__ == "__main__":
    main()
