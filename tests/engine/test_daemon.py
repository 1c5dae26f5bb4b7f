"""Starting and stopping: only what was started here is ever stopped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dockyard.cli.engine import engine as engine_command
from dockyard.engine import connect, daemon, ensure, machine, packages
from dockyard.engine.daemon import Layout, Record
from dockyard.engine.problems import DaemonStopped, EngineError, NoEngine, NotPermitted
from tests.engine.fake import FakeEngine

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="a daemon needs root")


@pytest.fixture
def layout(home: Path) -> Layout:
    return Layout(home / "d.sock", home / "data", home / "exec", ("--bridge=none", "--iptables=false"))


@pytest.fixture
def own_network(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start dockerd in a network namespace of its own: with --bridge=none it would delete the machine's docker0."""
    dockerd = machine.which("dockerd")
    wrapper = home / "wrapped" / "dockerd"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec unshare --net {dockerd} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def foreign(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else that is called dockerd."""
    shutil.copy("/bin/sleep", home / "dockerd")
    process = subprocess.Popen([home / "dockerd", "60"])
    yield process
    process.kill()
    process.wait()


def bridges() -> set[str]:
    """The machine's network interfaces that are no ends of a container's cable."""
    return {name for name in os.listdir("/sys/class/net") if not name.startswith("veth")}


def remember(layout: Layout, pid: int, ticks: int, boot: str = "") -> None:
    record = Record(pid, ticks, boot or daemon._boot(), str(layout.socket), "")
    daemon.state(layout, "json").write_text(json.dumps(record.__dict__))


def test_files_of_two_daemons_have_two_names(layout: Layout) -> None:
    assert daemon.state(Layout(), "log").name == "engine.log"
    assert daemon.state(layout, "log") != daemon.state(Layout(), "log")
    assert f"--data-root={layout.data_root}" in layout.arguments()


def test_a_record_of_another_process_is_none(layout: Layout, foreign: subprocess.Popen[bytes]) -> None:
    ticks = daemon._ticks(foreign.pid)
    remember(layout, foreign.pid, ticks)
    assert daemon.recorded(layout)
    remember(layout, foreign.pid, ticks - 1)
    assert daemon.recorded(layout) is None
    remember(layout, foreign.pid, ticks, boot="another boot")
    assert daemon.recorded(layout) is None
    remember(layout, os.getpid(), daemon._ticks(os.getpid()))  # right pid and time, but not a dockerd
    assert daemon.recorded(layout) is None
    daemon.state(layout, "json").write_text("{")
    assert daemon.recorded(layout) is None


def test_a_foreign_daemon_is_left_alone(layout: Layout, foreign: subprocess.Popen[bytes]) -> None:
    remember(layout, foreign.pid, daemon._ticks(foreign.pid) - 1)
    with FakeEngine(layout.socket), pytest.raises(EngineError, match="left alone"):
        daemon.stop(layout)
    with pytest.raises(EngineError, match="No daemon that was started here"):
        daemon.stop(layout)
    assert foreign.poll() is None


def test_an_engine_that_answers_is_not_started_again(layout: Layout) -> None:
    with FakeEngine(layout.socket):
        assert daemon.start(layout) is None


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="dockerd is for Linux")
def test_no_daemon_to_start(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "which", lambda program: None)
    with pytest.raises(NoEngine, match="dockerd") as caught:
        daemon.start(layout)
    assert caught.value.next_step.endswith("engine install")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("failed to start daemon: Devices cgroup isn't mounted", "mount -t cgroup2"),
        (
            "Error initializing network controller: failed to create NAT chain DOCKER: iptables failed",
            "iptables-legacy",
        ),
        ("failed to start daemon: process with PID 7 is still running", "doctor"),
        ("write /var/lib/docker: no space left on device", "disk space"),
        ("mount: operation not permitted", "--privileged"),
        ("something new", ""),
    ],
)
def test_advice(line: str, words: str) -> None:
    assert words in daemon.advice([line]) and bool(words) == bool(daemon.advice([line]))


@root_only
@pytest.mark.engine
@pytest.mark.usefixtures("own_network")
def test_a_daemon_that_ends_at_once(engine: object, layout: Layout) -> None:
    broken = Layout(layout.socket, layout.data_root, layout.exec_root, ("--no-such-option",))
    with pytest.raises(DaemonStopped, match=r"ended at once.*\n.*no-such-option") as caught:
        daemon.start(broken)
    assert "engine-tmp" in caught.value.expected


@root_only
@pytest.mark.engine
@pytest.mark.usefixtures("own_network")
def test_start_and_stop_a_second_daemon(engine: object, layout: Layout) -> None:
    options = ["--socket", str(layout.socket), "--data-root", str(layout.data_root)]
    options += ["--exec-root", str(layout.exec_root)]
    run = CliRunner()
    before = bridges()
    started = run.invoke(
        engine_command, ["start", *options, *(part for option in layout.options for part in ("--option", option))]
    )
    assert started.exit_code == 0, started.output
    try:
        record = daemon.recorded(layout)
        assert record and str(record.pid) in started.output
        client = connect(layout.endpoint)
        info = client.info()
        client.close()
        assert info["DockerRootDir"] == str(layout.data_root)
        assert info["ID"] != engine.info()["ID"]  # type: ignore[attr-defined]
        assert "already" in run.invoke(engine_command, ["start", *options]).output
        assert bridges() == before
    finally:
        stopped = run.invoke(engine_command, ["stop", *options])
    assert stopped.exit_code == 0, stopped.output
    assert not daemon.answers(layout) and daemon.recorded(layout) is None
    assert engine.ping()  # type: ignore[attr-defined]


@pytest.mark.engine
def test_status(engine: object) -> None:
    answer = CliRunner().invoke(engine_command, ["status"])
    assert answer.exit_code == 0 and "Docker Engine" in answer.output and "Storage" in answer.output


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine without an engine, where trying to get one is written down."""
    done: list[str] = []
    wish = packages.Wish(("docker.io",))
    plan = packages.Plan(wish, {}, (packages.Change("docker.io", "", "26.1"),), 1)

    def connected() -> str:
        if "start" not in done:
            raise NoEngine("There is no Docker Engine on this machine.")
        return "client"

    monkeypatch.setattr(ensure, "connect", connected)
    monkeypatch.setattr(packages, "plan", lambda progress: plan)
    monkeypatch.setattr(packages, "install", lambda plan, progress: done.append("install"))
    monkeypatch.setattr(machine, "as_root", lambda: [])
    monkeypatch.setattr(daemon, "answers", lambda: False)
    monkeypatch.setattr(daemon, "start", lambda: done.append("start"))
    return done


def test_an_engine_is_had_by_agreement(bare: list[str]) -> None:
    asked: list[str] = []
    assert ensure.ensure_engine(ask=lambda question: not asked.append(question)) == "client"  # type: ignore[func-returns-value]
    assert bare == ["install", "start"] and len(asked) == 2


def test_yes_agrees_in_advance(bare: list[str]) -> None:
    assert ensure.ensure_engine(yes=True) == "client"


def test_a_no_changes_nothing(bare: list[str]) -> None:
    with pytest.raises(NoEngine):
        ensure.ensure_engine(ask=lambda question: False)
    assert bare == []
    with pytest.raises(NoEngine):
        ensure.ensure_engine(ask=lambda question: "Start" not in question)
    assert bare == ["install"]


def test_without_a_terminal_nobody_agrees(bare: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing, pytest.raises(NoEngine):
        monkeypatch.setattr("sys.stdin", nothing)
        ensure.ensure_engine()
    assert bare == []


def test_other_problems_are_not_answered_by_installing(bare: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def closed() -> str:
        raise NotPermitted("closed")

    monkeypatch.setattr(ensure, "connect", closed)
    monkeypatch.setattr(ensure, "_again_as_member", lambda: None)
    with pytest.raises(NotPermitted):
        ensure.ensure_engine(yes=True)
    assert bare == []
