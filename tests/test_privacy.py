"""What the evidence never holds: what is private, and what is secret."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard import evidence
from dockyard.privacy import MASK, masked, of_course, reduce
from tests.cells import agree, cell, run_live, run_replay
from tests.fake_engine import FakeEngine, identity

SECRET = "s3cr3t-value"
READ_MODE = """
environment = docker.containers.get("lab-a").attrs["Config"]["Env"]
assert "APP_MODE=safe" in environment, f"The environment is {environment}."
"""


def written(directory: Path) -> str:
    return evidence.path_of(directory, "try-it").read_text(encoding="utf-8")


@pytest.fixture
def town(fake_engine: FakeEngine) -> FakeEngine:
    """A course's container among strangers."""
    fake_engine.image("secret-project:1", env=[f"TOKEN={SECRET}"])
    fake_engine.container("lab-a", env=["APP_MODE=safe", f"TOKEN={SECRET}", "EMPTY=", "BARE"])
    fake_engine.container("secret-project", image="secret-project:1", env=[f"TOKEN={SECRET}"])
    fake_engine.network("secret-project")
    fake_engine.network("lab-net", {"lab-a": "", "secret-project": ""})
    fake_engine.volume("secret-project")
    fake_engine.volume("lab-data")
    return fake_engine


def test_the_value_that_a_check_reads_stays_and_no_other(town: FakeEngine, tmp_path: Path) -> None:
    assert agree(tmp_path, cell(READ_MODE)).passed
    text = written(tmp_path)
    assert "APP_MODE=safe" in text and f"TOKEN={MASK}" in text and f"EMPTY={MASK}" in text and '"BARE"' in text
    assert SECRET not in text


def test_the_check_itself_sees_the_mask(town: FakeEngine, tmp_path: Path) -> None:
    """Live as when it is graded; else the two would disagree."""
    body = 'assert False, " ".join(docker.containers.get("lab-a").attrs["Config"]["Env"])'
    assert agree(tmp_path, cell(body)).message == "APP_MODE=*** TOKEN=*** EMPTY=*** BARE"


def test_a_mended_check_that_reads_a_masked_value_needs_a_person(town: FakeEngine, tmp_path: Path) -> None:
    run_live(tmp_path, cell('docker.containers.get("lab-a")'))
    outcome = run_replay(tmp_path, cell(READ_MODE))
    assert outcome.passed is None and "masks the value of APP_MODE" in outcome.message
    beside = 'WANTED = {"APP_MODE": "safe"}'
    body = """
    found = dict(entry.partition("=")[::2] for entry in docker.containers.get("lab-a").attrs["Config"]["Env"])
    assert all(found[name] == value for name, value in WANTED.items()), "another mode"
    """
    assert run_replay(tmp_path, cell(body, beside=beside)).passed is None
    helper = "def mode():\n    return 'APP_MODE=safe'\n"
    assert run_replay(tmp_path, cell(READ_MODE.replace('"APP_MODE=safe"', "mode()"), beside=helper)).passed is None
    assert run_replay(tmp_path, cell('docker.containers.get("lab-a").name')).passed is True


def test_a_name_beside_the_check_counts_when_it_runs_live(town: FakeEngine, tmp_path: Path) -> None:
    source = cell(READ_MODE.replace('"APP_MODE=safe"', "WANTED"), beside='WANTED = "APP_MODE=safe"')
    assert agree(tmp_path, source).passed


LISTS = {
    "containers": "[c.name for c in docker.containers.list(all=True)]",
    "images": "[i.tags[0] for i in docker.images.list()]",
    "networks": "[n.name for n in docker.networks.list()]",
    "volumes": "[v.name for v in docker.volumes.list()]",
}
SEEN = {"containers": "lab-a", "images": "dockyard/busybox:latest", "networks": "bridge lab-net", "volumes": "lab-data"}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_show_what_the_course_named(town: FakeEngine, tmp_path: Path, kind: str) -> None:
    outcome = agree(tmp_path, cell(f'assert False, " ".join({LISTS[kind]})'))
    assert outcome.message == SEEN[kind]
    assert "secret-project" not in written(tmp_path) and SECRET not in written(tmp_path)
    assert not any(identity("secret-project") in request for request in town.requests), "strangers were asked for"


def test_a_network_shows_no_stranger(town: FakeEngine, tmp_path: Path) -> None:
    body = 'assert False, " ".join(c["Name"] for c in docker.networks.get("lab-net").attrs["Containers"].values())'
    assert agree(tmp_path, cell(body)).message == "lab-a"
    assert "secret-project" not in written(tmp_path)


def test_the_neighbourhood_of_a_strangers_container_is_left_alone(town: FakeEngine, tmp_path: Path) -> None:
    """A check that names it sees it; nothing more is asked."""
    run_live(tmp_path, cell('docker.containers.get("secret-project")'))
    asked = [request for request in town.requests if "secret-project" in request]
    assert asked == ["GET /containers/secret-project/json"] and SECRET not in written(tmp_path)


def test_info_says_nothing_of_proxies_labels_and_names(fake_engine: FakeEngine, tmp_path: Path) -> None:
    info = {
        "ID": "E",
        "Driver": "overlay2",
        "Name": "annas-laptop",
        "HttpProxy": f"http://anna:{SECRET}@proxy:3128",
        "HttpsProxy": f"http://anna:{SECRET}@proxy:3128",
        "NoProxy": "intranet.example",
        "Labels": ["room=4"],
        "RegistryConfig": {"Mirrors": ["https://mirror.intranet.example"]},
        "Swarm": {"NodeAddr": "10.1.2.3"},
    }
    fake_engine.json("/info", info)
    assert agree(tmp_path, cell('assert docker.info()["Driver"] == "overlay2", "another"')).passed
    text = written(tmp_path)
    assert not any(word in text for word in (SECRET, "annas-laptop", "intranet", "room=4", "10.1.2.3", "proxy"))


STEPS = {
    f"ENV TOKEN={SECRET}": "ENV TOKEN=***",
    f"ENV APP_MODE=safe TOKEN={SECRET}": "ENV APP_MODE=safe TOKEN=***",
    f"ENV TOKEN={SECRET} with words APP_MODE=safe": "ENV TOKEN=*** APP_MODE=safe",
    f"/bin/sh -c #(nop)  ENV TOKEN={SECRET}": "/bin/sh -c #(nop)  ENV TOKEN=***",
    f"ARG TOKEN={SECRET}": "ARG TOKEN=***",
    f"RUN |2 TOKEN={SECRET} APP_MODE=safe /bin/sh -c make # buildkit": "RUN |2 TOKEN=*** APP_MODE=safe /bin/sh -c make "
    "# buildkit",
    f"|1 TOKEN={SECRET} /bin/sh -c make": "|1 TOKEN=*** /bin/sh -c make",
    "RUN /bin/sh -c A=1 make # buildkit": "RUN /bin/sh -c A=1 make # buildkit",
    'CMD ["sh", "A=1"]': 'CMD ["sh", "A=1"]',
    "COPY a=b /c": "COPY a=b /c",
}


@pytest.mark.parametrize("step", STEPS)
def test_an_images_history_keeps_no_values(step: str) -> None:
    answer = [{"CreatedBy": step, "Size": 0}, {"CreatedBy": None}]
    seen = reduce("GET /images/dockyard/lab-x/history", copy.deepcopy(answer), frozenset({"APP_MODE"}))
    assert seen[0]["CreatedBy"] == STEPS[step]
    assert ("TOKEN" in masked(seen)) is (SECRET in step)


def test_tokens_of_a_swarm_are_not_kept() -> None:
    answer = {"ID": "x", "JoinTokens": {"Worker": SECRET}}
    assert reduce("GET /swarm", answer, frozenset()) == {"ID": "x"}


@pytest.mark.parametrize("path", ["/services", "/tasks", "/secrets", "/configs", "/tasks?filters=x"])
def test_swarm_lists_show_what_the_course_named(path: str) -> None:
    def task(image: str) -> dict[str, Any]:
        return {"Spec": {"ContainerSpec": {"Image": image, "Env": [f"TOKEN={SECRET}"]}}}

    items = [{"Spec": {"Name": "lab-web"}}, {"Spec": {"Name": "web"}}, task("dockyard/busybox"), task("nginx")]
    seen = reduce(f"GET {path}", items, frozenset())
    assert len(seen) == 2 and SECRET not in json.dumps(seen)


OURS: list[dict[str, Any]] = [
    {"Names": ["/lab-a"]},
    {"Names": ["/a", "/lab-a"]},
    {"Name": "lab-net"},
    {"RepoTags": ["other:1", "dockyard/busybox:latest"]},
    {"RepoTags": ["localhost/dockyard/busybox:latest"]},
    {"Names": ["/x"], "Image": "docker.io/dockyard/busybox"},
    {"Name": "x", "Labels": {"dev.dockyard.lesson": "1"}},
    {"Spec": {"Name": "lab-web", "Labels": None}},
]
STRANGERS: list[dict[str, Any]] = [
    {},
    {"Names": None, "Labels": None, "RepoTags": None, "Image": None},
    {"Names": ["/collab-a"]},
    {"Names": ["/lab"]},
    {"Name": "my-lab-net"},
    {"RepoTags": ["evil.example/dockyard/busybox:latest"]},
    {"RepoTags": ["dockyard:latest"]},
    {"Image": {"x": 1}},
    {"Labels": {"dev.dockyardish": "1"}},
    {"RepoTags": ["private:1"], "Labels": {"dev.dockyard.image": "busybox"}},  # made FROM dockyard/busybox
    {"Names": ["/private"], "Image": "private:1", "Labels": {"dev.dockyard.image": "busybox"}},
    {"Spec": None, "Name": None},
]


@pytest.mark.parametrize("item", OURS)
def test_what_is_the_courses(item: dict[str, Any]) -> None:
    assert of_course(item)


@pytest.mark.parametrize("item", STRANGERS)
def test_what_is_not(item: dict[str, Any]) -> None:
    assert not of_course(item)


names = st.from_regex(r"[A-Z][A-Z_]{0,8}", fullmatch=True)


@given(st.dictionaries(names, st.text(min_size=4), max_size=6), st.sets(names, max_size=3))
def test_masking_keeps_names_and_hides_the_rest(environment: dict[str, str], named: set[str]) -> None:
    answer = {"Config": {"Env": [f"{name}={value}" for name, value in environment.items()]}, "List": [{"Env": None}]}
    seen = reduce("GET /containers/lab-a/json", answer, frozenset(named))
    for entry, (name, value) in zip(seen["Config"]["Env"], environment.items(), strict=True):
        assert entry == f"{name}={value if name in named else MASK}"
    assert masked(seen) >= set(environment) - named
    assert reduce("GET /containers/lab-a/json", seen, frozenset(named)) == seen
