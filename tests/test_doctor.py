"""The doctor's findings, on healthy and on broken things."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dockyard import doctor
from dockyard.cli.doctor import doctor as doctor_command
from dockyard.doctor import Finding
from dockyard.engine.command import Command

LISTING = """\
JupyterLab v4.6.6
/venv/share/jupyter/labextensions
        jupyterlab_pygments v0.3.0 enabled OK (python, jupyterlab_pygments)
        @jupyter/nbgrader v0.9.6 \x1b[32menabled\x1b[0m \x1b[32mOK\x1b[0m
        @jupyter-widgets/jupyterlab-manager v5.0.16 {} OK (python, jupyterlab_widgets)
"""


def test_lab_extensions() -> None:
    assert doctor.extensions_listed(LISTING.format("enabled")).status == "ok"
    lacking = doctor.extensions_listed(LISTING.format("disabled"))
    assert lacking.status == "failure" and "jupyterlab-manager" in lacking.found
    assert lacking.next_step.endswith("enable @jupyter-widgets/jupyterlab-manager")
    assert doctor.extensions_listed("").status == "failure"


def test_packages_are_compared_with_the_lock() -> None:
    from importlib.metadata import version

    lock = f"""\
click=={version("click")} \\
    --hash=sha256:0
rich==0.1 ; python_version >= '3'
no-such-package==1.0
only-on-a-moon==1.0 ; sys_platform == 'moon'
"""
    missing, other, count = doctor.compare_with_lock(lock)
    assert missing == ["no-such-package"] and other[0].startswith("rich ") and count == 3


def test_this_environment_is_that_of_the_lock() -> None:
    assert [finding.status for finding in doctor.check_packages()] == ["ok"]


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        (Command(), "failure", "no docker command"),
        (Command("/usr/bin/docker", "20.10.24"), "failure", "no Compose and no buildx plugin"),
        (Command("/usr/bin/docker", "28.0.1", "2.40.0"), "failure", "no buildx plugin"),
        (Command("/usr/bin/docker", "20.10.24", "2.40.0", "0.20.0"), "warning", "older than the engine (28.0.1)"),
        (Command("/usr/bin/docker", "29.0.0", "2.40.0", "0.20.0"), "ok", "Compose 2.40.0"),
    ],
)
def test_the_docker_command(command: Command, status: str, words: str) -> None:
    (finding,) = doctor.check_command(command, "28.0.1")
    assert finding.status == status and words in finding.found and (status == "ok") == (not finding.next_step)


def test_ports() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (finding,) = doctor.check_port(port)
        assert finding.status == "warning" and f"127.0.0.1:{port} is taken" in finding.found
    (finding,) = doctor.check_port(port)
    assert finding.status == "ok"


def test_an_engine_problem_is_a_failure_with_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    findings, engine = doctor.check_engine()
    assert engine is None and findings[0].status == "failure"
    assert "DOCKER_HOST points to" in findings[0].found and "unset DOCKER_HOST" in findings[0].next_step


def test_too_little_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TOO_LITTLE", 1e30)
    (finding,) = doctor.check_disk(None)
    assert finding.status == "failure" and finding.next_step


def test_a_check_that_breaks_is_a_finding() -> None:
    def broken() -> list[Finding]:
        raise RuntimeError("oh")

    (finding,) = doctor._guard("disk", broken)  # type: ignore[arg-type]
    assert (finding.check, finding.status) == ("disk", "failure") and "oh" in finding.found


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("warning", 0), ("failure", 1)])
def test_the_command(monkeypatch: pytest.MonkeyPatch, status: doctor.Status, code: int) -> None:
    finding = Finding("disk", status, "[3] GB free", "Free some." if code else "")
    monkeypatch.setattr(doctor, "examine", lambda: [finding])
    text = CliRunner().invoke(doctor_command)
    assert text.exit_code == code and "[3] GB free" in text.output
    answer = CliRunner().invoke(doctor_command, ["--json"])
    assert answer.exit_code == code
    assert json.loads(answer.output) == [
        {"check": "disk", "status": status, "found": "[3] GB free", "next_step": finding.next_step}
    ]


@pytest.mark.engine
def test_the_real_machine(engine: object) -> None:
    findings = doctor.examine()
    checks = [finding.check for finding in findings]
    for name in ("engine", "docker command", "permissions", "disk", "lab images", "packages", "lab extensions", "port"):
        assert name in checks
    first = findings[0]
    assert first.status == "ok" and "storage driver" in first.found and "API" in first.found
    assert sys.prefix in next(finding.found for finding in findings if finding.check == "packages")
