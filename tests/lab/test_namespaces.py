"""Namespaces as the kernel has them, compared with what the containers were told to share."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from dockyard.errors import EngineError
from dockyard.lab import namespaces

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def pair(engine: Any) -> Iterator[tuple[str, str]]:
    """Two containers: one with everything of its own, one in the first's network and the host's PID namespace."""
    stem = f"lab-ns-{secrets.token_hex(3)}"
    first = engine.containers.run(
        "dockyard/busybox",
        ["sh", "-c", "sleep 300 & exec sleep 301"],
        name=f"{stem}-a",
        network_mode="none",
        detach=True,
    )
    second = engine.containers.run(
        "dockyard/busybox",
        ["sleep", "302"],
        name=f"{stem}-b",
        network_mode=f"container:{stem}-a",
        pid_mode="host",
        detach=True,
    )
    yield first.name, second.name
    for container in (second, first):
        container.remove(force=True)


def test_each_kind_is_shared_or_not(engine: Any, pair: tuple[str, str]) -> None:
    host, first, second = namespaces.read(engine, *pair)
    assert (host.name, first.name, second.name) == ("host", *pair)
    assert {"mnt", "uts", "ipc", "pid", "net"}.isdisjoint(host.shares(first))
    assert "net" in first.shares(second) and "pid" not in first.shares(second)
    assert "pid" in host.shares(second) and "net" not in host.shares(second)
    assert set(host.namespaces) <= set(namespaces.KINDS)
    assert {"mnt", "uts", "ipc", "pid", "net", "user"} <= set(host.namespaces)


def test_pid_one_inside_is_another_number_outside(engine: Any, pair: tuple[str, str]) -> None:
    seen = namespaces.processes(engine, pair[0])
    assert [sight.name for sight in seen] == ["sleep", "sleep"]
    assert seen[0].inside == 1
    assert seen[0].outside == engine.containers.get(pair[0]).attrs["State"]["Pid"] != 1


def test_host_pid_namespace_has_one_number_for_both(engine: Any, pair: tuple[str, str]) -> None:
    pid = engine.containers.get(pair[1]).attrs["State"]["Pid"]
    seen = {sight.outside: sight for sight in namespaces.processes(engine, pair[1])}
    assert seen[pid].inside == pid


def test_stopped_and_missing_containers(engine: Any) -> None:
    container = engine.containers.create("dockyard/busybox", ["true"], name=f"lab-ns-{secrets.token_hex(3)}-c")
    try:
        with pytest.raises(EngineError, match="is created"):
            namespaces.read(engine, container.name)
    finally:
        container.remove()
    with pytest.raises(EngineError, match="There is no container named lab-ns-never-there"):
        namespaces.read(engine, "lab-ns-never-there")


def test_running_names_keep_their_order(engine: Any, pair: tuple[str, str]) -> None:
    first, second = pair
    assert namespaces.running(engine, second, "lab-ns-never-there", first) == [second, first]


def test_a_host_that_lets_nobody_look_is_left_out(
    engine: Any, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "HOST_PIDS", (2**22 + 1,))  # above the highest number that Linux gives
    assert [member.name for member in namespaces.read(engine, *pair)] == [*pair]


def test_failing_helper_is_said_and_removed(engine: Any) -> None:
    with pytest.raises(EngineError, match="status 3: what went wrong"):
        namespaces.run_helper(engine, "echo what went wrong >&2; exit 3")
    helpers = engine.containers.list(all=True, filters={"label": "dev.dockyard.helper=namespaces", "status": "exited"})
    assert not [one for one in helpers if one.attrs["State"]["ExitCode"] == 3]
