"""Between two cases only what bears the notebook's names goes."""

from __future__ import annotations

from typing import Any

import pytest
from docker import DockerClient
from docker.errors import NotFound

from dockyard.authoring.cleanup import names_in, remove

BUSYBOX = "dockyard/busybox"


def test_names_are_read_from_code_and_prose() -> None:
    named = names_in("""
        Look at `lab-blue`, lab-green-2. Not at label-x, my-lab-x, collab-x or LAB-x.
        docker container run --name "lab-c_one" dockyard/lab-hello:2 && ls /lab-path; `dockyard/lab-other`
    """)
    assert named.objects == {"lab-blue", "lab-green-2", "lab-c_one", "lab-path"}
    assert named.images == {"dockyard/lab-hello", "dockyard/lab-other"}


@pytest.mark.engine
def test_named_things_go_and_others_stay(engine: DockerClient) -> None:
    engine.images.get(BUSYBOX).tag("dockyard/lab-authoring-gone", "1")
    engine.images.get(BUSYBOX).tag("dockyard/lab-authoring-stays", "1")
    run: dict[str, Any] = {"command": ["sleep", "60"], "detach": True, "network_mode": "none"}
    project = {"com.docker.compose.project": "lab-authoring-gone"}
    gone = [
        engine.containers.run(BUSYBOX, name="lab-authoring-gone", volumes=["/data"], **run),
        engine.containers.run("dockyard/lab-authoring-gone:1", **run),
        engine.containers.run(BUSYBOX, labels=project, **run),
        engine.networks.create("lab-authoring-gone"),
        engine.volumes.create("lab-authoring-gone"),
    ]
    stays = [
        engine.containers.create(BUSYBOX, name="lab-authoring-gone-not", network_mode="none"),
        engine.networks.create("lab-authoring-gone-not"),
        engine.volumes.create("lab-authoring-gone-not"),
    ]
    try:
        remove(engine, names_in("lab-authoring-gone dockyard/lab-authoring-gone"))
        for thing in gone:
            with pytest.raises(NotFound):
                thing.reload()
        for thing in stays:
            thing.reload()
        with pytest.raises(NotFound):
            engine.images.get("dockyard/lab-authoring-gone:1")
        assert engine.images.get("dockyard/lab-authoring-stays:1")
        assert engine.images.get(BUSYBOX)
    finally:
        remove(engine, names_in("lab-authoring-gone lab-authoring-gone-not dockyard/lab-authoring-stays"))
