"""Processes of the Engine's host: read from a listing without an engine, and from a real one."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from dockyard.engine import connect
from dockyard.errors import EngineError, ImageError
from dockyard.lab import anatomy
from dockyard.lab.anatomy import Process, family, outline, parse, process_tree, processes, sleeper

LISTING = """PID   PPID  COMMAND
    1     0 systemd
    2     0 kthreadd
  700     1 containerd
  812     1 dockerd
  900     1 secret-program
 4012     1 containerd-shim
 4033  4012 sleep
 5012     1 containerd-shim
 5033  5012 postgres
 6000  6000 a name
"""


def test_a_listing_is_parsed() -> None:
    everything = parse(LISTING)
    assert everything[0] == Process(1, 0, "systemd")
    assert everything[-1] == Process(6000, 6000, "a name")
    assert len(everything) == 10


@pytest.mark.parametrize("line", ["", "PID PPID COMMAND", "1 0", "x 1 sh", "1 x sh"])
def test_lines_that_are_no_process_are_left_out(line: str) -> None:
    assert parse(line) == []


def test_the_family_is_daemons_shim_and_ancestors_and_nobody_else() -> None:
    tree = family(parse(LISTING), {"lab-p-tree": 4033})
    assert [(process.pid, process.kind) for process in tree] == [
        (1, "other"),
        (700, "daemon"),
        (812, "daemon"),
        (4012, "shim"),
        (4033, "container"),
    ]
    assert tree[-1].container == "lab-p-tree"


def test_a_container_whose_parent_is_no_shim_has_none() -> None:
    tree = family(parse("1 0 init\n7 1 sleep"), {"lab-p-tree": 7})
    assert [process.kind for process in tree] == ["other", "container"]


def test_podmans_shim_is_known() -> None:
    assert family(parse("1 0 init\n6 1 conmon\n7 6 sleep"), {"lab-p-tree": 7})[1].kind == "shim"


def test_a_stopped_container_is_an_error_with_a_way_out() -> None:
    with pytest.raises(EngineError, match=r"process 0[\s\S]*docker container start lab-p-tree"):
        family(parse(LISTING), {"lab-p-tree": 0})


CROWD = """
    1     0 systemd
  700     1 containerd
  812     1 dockerd
  820     1 dockerd
  821   820 containerd
 3000     1 containerd-shim
 3001  3000 dockerd
 3002  3001 containerd
 3100     1 containerd-shim
 3101  3100 containerd
 4012     1 containerd-shim
 4033  4012 sleep
"""
ROOTLESS = """
    1     0 systemd
  812     1 dockerd
  900     1 rootlesskit
  901   900 exe
  902   901 dockerd
  903   902 containerd
  950   901 containerd-shim
  951   950 sleep
"""


def daemons(listing: str, pid: int, engine: int = 0) -> list[int]:
    return [each.pid for each in family(parse(listing), {"lab-p-tree": pid}, engine) if each.kind == "daemon"]


def test_of_several_engines_only_the_one_asked_is_kin() -> None:
    assert daemons(CROWD, 4033, engine=812) == [700, 812]
    assert daemons(CROWD, 4033, engine=820) == [820, 821]


def test_engines_in_containers_are_no_kin_and_those_beside_each_other_cannot_be_told_apart() -> None:
    assert daemons(CROWD, 4033) == daemons(CROWD, 4033, engine=1) == [812, 820, 821]


def test_a_rootless_engine_is_told_from_its_neighbour() -> None:
    assert daemons(ROOTLESS, 951) == [902, 903]


def test_the_outline_is_indented() -> None:
    assert outline(family(parse("1 0 init\n6 1 conmon\n7 6 sleep"), {"lab-p-a": 7})) == (
        "init (1)\n  conmon (6)\n    sleep (7)  ← PID 1 of lab-p-a"
    )


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    opened = connect()
    yield opened
    opened.close()


@pytest.mark.engine
def test_the_tree_of_a_real_container_leads_from_the_top_to_its_process(client: docker.DockerClient) -> None:
    with sleeper(client, "lab-p-test-tree") as container:
        container.reload()
        tree = process_tree(client, "lab-p-test-tree")
        assert sum(process.name in anatomy.ENGINES for process in tree) == 1
        leaf = next(process for process in tree if process.container)
        assert leaf == Process(container.attrs["State"]["Pid"], leaf.parent, "sleep", "container", "lab-p-test-tree")
        assert next(process for process in tree if process.pid == leaf.parent).kind == "shim"
    assert not client.containers.list(all=True, filters={"name": "lab-p-test-tree"})


@pytest.mark.engine
def test_a_sleeper_replaces_a_leftover_and_goes_even_after_an_error(client: docker.DockerClient) -> None:
    client.containers.create(anatomy.HELPER_IMAGE, "true", name="lab-p-test-left")
    with pytest.raises(RuntimeError), sleeper(client, "lab-p-test-left") as container:
        container.reload()
        assert container.status == "running"
        raise RuntimeError
    assert not client.containers.list(all=True, filters={"name": "lab-p-test-left"})


@pytest.mark.engine
def test_the_helper_leaves_nothing_and_reads_no_command_lines(client: docker.DockerClient) -> None:
    everything = processes(client)
    assert {"dockerd", "podman"} & {process.name for process in everything}
    assert all(len(process.name) <= 15 or process.name.startswith("{") for process in everything)
    assert not client.containers.list(all=True, filters={"label": "dev.dockyard.helper=processes"})


@pytest.mark.engine
def test_a_missing_image_says_what_to_type(client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "HELPER_IMAGE", "dockyard/none-such")
    with pytest.raises(ImageError, match="dockyard images build"):
        processes(client)
