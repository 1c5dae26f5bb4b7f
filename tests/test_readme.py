"""The README's two commands do what it says: one serves the lessons; the other is what runs this."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """The commands of the README's first shell block, without their comments."""
    block = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert block
    return [line.partition("#")[0].strip() for line in block[1].splitlines()]


def test_the_two_commands() -> None:
    assert commands() == ["./dockyard lab --yes", "./dockyard test --yes"]
    assert commands()[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_file_that_the_readme_points_at_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_lab_serves_the_lessons(engine: object) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [*commands()[0].split(), "--no-browser", f"--port={port}"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        try:
            assert server.stdout is not None
            said = ""
            for line in server.stdout:
                said += line
                if address := re.search(r"JupyterLab: (http\S+\?token=\w+)", line):
                    break
            else:
                pytest.fail(f"it ended without serving: {said}")
            contents = address[1].replace("/lab?", "/api/contents/01-foundations?")
            with urllib.request.urlopen(contents, timeout=30) as answer:
                assert "virtualization.ipynb" in answer.read().decode()
        finally:
            os.killpg(server.pid, signal.SIGTERM)
