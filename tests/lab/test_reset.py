"""Reset removes what it should, on an engine full of things that look similar and are not its own.

The engine is shared with whoever else works on it, so every name here is unique and every real removal is limited to
the names of an invented lesson.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from docker.errors import NotFound

from dockyard.course import Course
from dockyard.errors import DockyardError
from dockyard.lab import reset
from dockyard.lab.reset import Scope


class Yard:
    """Things on the engine whose names share one unique mark; all are removed at the end, whoever made them."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.mark = secrets.token_hex(4)
        self.made: list[Any] = []

    def container(self, name: str, image: str = "dockyard/busybox", **options: Any) -> Any:
        made = self.engine.containers.run(image, ["sleep", "300"], name=name, detach=True, **options)
        self.made.insert(0, made)
        return made

    def volume(self, name: str) -> Any:
        self.made.append(made := self.engine.volumes.create(name))
        return made

    def network(self, name: str) -> Any:
        self.made.append(made := self.engine.networks.create(name))
        return made

    def image(self, tag: str) -> str:
        self.engine.images.get("dockyard/busybox").tag(tag)
        return tag

    def remove(self) -> None:
        for made in self.made:
            with suppress(NotFound):
                made.remove(force=True) if hasattr(made, "logs") else made.remove()
        for tag in self.tags():
            self.engine.images.remove(tag)

    def tags(self) -> set[str]:
        return {tag for image in self.engine.images.list() for tag in image.tags if self.mark in tag}

    def names(self) -> set[str]:
        """The names of everything on the engine that bears the mark."""
        found = {one.name for one in self.engine.containers.list(all=True)}
        found |= {one.name for one in self.engine.volumes.list()} | {one.name for one in self.engine.networks.list()}
        return {name for name in found if self.mark in name} | self.tags()


@pytest.fixture
def yard(engine: Any) -> Iterator[Yard]:
    yard = Yard(engine)
    yield yard
    yard.remove()


def scope(*names: str) -> Scope:
    return Scope(frozenset(names), frozenset(names))


@pytest.mark.engine
def test_only_its_own_goes(engine: Any, yard: Yard) -> None:
    m = yard.mark
    own = {f"lab-{m}", f"lab-{m}-data", f"lab-{m}-net", f"dockyard/lab-{m}:latest", f"dockyard/lab-{m}:two"}
    yard.container(f"lab-{m}")
    yard.volume(f"lab-{m}-data")
    yard.network(f"lab-{m}-net")
    yard.image(f"dockyard/lab-{m}:latest")
    yard.image(f"dockyard/lab-{m}:two")
    foreign = {
        *(one.name for one in (yard.container(f"my-lab-{m}"), yard.container(f"laboratory-{m}"))),
        *(one.name for one in (yard.volume(f"my-lab-{m}-data"), yard.volume(f"lab{m}-data"), yard.volume(f"LAB-{m}"))),
        *(one.name for one in (yard.network(f"my-lab-{m}-net"), yard.network(f"labs-{m}-net"))),
        *(
            yard.image(tag)
            for tag in (f"lab-{m}:latest", f"other/dockyard/lab-{m}:latest", f"dockyard/labor-{m}:latest")
        ),
        yard.container(f"lab-{m}-of-another-lesson").name,
    }
    assert yard.names() == own | foreign
    names = {name.partition(":")[0] for name in own | foreign} - {f"lab-{m}-of-another-lesson"}

    todo = reset.plan(engine, scope(*names))
    assert {thing.name for thing in todo.remove} == own
    assert yard.names() == own | foreign, "a plan changes nothing"
    done = reset.carry_out(engine, todo)

    assert {thing.name for thing in done.remove} == own and not done.leave
    assert yard.names() == foreign
    assert engine.images.get("dockyard/busybox"), "lab images stay"


@pytest.mark.engine
def test_what_others_use_is_left_with_the_reason(engine: Any, yard: Yard) -> None:
    m = yard.mark
    network, volume = yard.network(f"lab-{m}-net"), yard.volume(f"lab-{m}-data")
    image = yard.image(f"dockyard/lab-{m}:latest")
    yard.container(f"lab-{m}", network_mode="none")
    user = yard.container(
        f"foreign-{m}",
        image=image,
        network=network.name,
        volumes={volume.name: {"bind": "/data", "mode": "rw"}},
    )
    user.stop(timeout=0)  # one that is stopped would not start again either
    yard.container(f"joined-{m}", network_mode=f"container:lab-{m}")

    todo = reset.plan(engine, scope(f"lab-{m}", f"lab-{m}-net", f"lab-{m}-data", f"dockyard/lab-{m}"))
    assert not todo.remove
    assert {thing.name: thing.note for thing in todo.leave} == {
        f"lab-{m}": f"in use by container joined-{m}",
        f"lab-{m}-net": f"in use by container foreign-{m}",
        f"lab-{m}-data": f"in use by container foreign-{m}",
        image: f"in use by container foreign-{m}",
    }


@pytest.mark.engine
def test_own_users_go_first(engine: Any, yard: Yard) -> None:
    m = yard.mark
    network, volume, image = yard.network(f"lab-{m}-net"), yard.volume(f"lab-{m}-v"), yard.image(f"dockyard/lab-{m}:1")
    mounts = {volume.name: {"bind": "/data", "mode": "rw"}}
    yard.container(f"lab-{m}", image=image, network=network.name, volumes=mounts)
    todo = reset.plan(engine, scope(f"lab-{m}", network.name, volume.name, f"dockyard/lab-{m}"))
    assert [thing.kind for thing in todo.remove] == ["container", "network", "volume", "image"]
    reset.carry_out(engine, todo)
    assert yard.names() == set()


@pytest.mark.engine
def test_image_goes_when_its_last_user_is_our_own(engine: Any, yard: Yard) -> None:
    m = yard.mark
    container = yard.container(f"builder-{m}")
    tag = f"dockyard/lab-{m}:latest"
    container.commit(*tag.split(":"))
    user = yard.container(f"foreign-{m}", image=engine.images.get(tag).id)
    todo = reset.plan(engine, scope(f"dockyard/lab-{m}"))
    assert [str(thing) for thing in todo.leave] == [f"image {tag} (in use by container foreign-{m})"]
    assert not todo.remove
    user.remove(force=True)
    reset.carry_out(engine, reset.plan(engine, scope(f"dockyard/lab-{m}")))
    assert yard.names() == {container.name}


@pytest.mark.engine
def test_second_name_of_an_image_in_use_goes(engine: Any, yard: Yard) -> None:
    m = yard.mark
    yard.container(f"foreign-{m}")  # from dockyard/busybox
    yard.image(f"dockyard/lab-{m}:latest")
    reset.carry_out(engine, reset.plan(engine, scope(f"dockyard/lab-{m}")))
    assert yard.names() == {f"foreign-{m}"}


@pytest.mark.engine
def test_label_and_compose_project_count(engine: Any, yard: Yard) -> None:
    m = yard.mark
    yard.container(f"any-name-{m}", labels={reset.EXERCISE_LABEL: f"exercise-{m}"})
    yard.container(f"other-{m}", labels={reset.EXERCISE_LABEL: "of-another-lesson"})
    yard.container(f"lab-{m}-app-web-1", labels={reset.PROJECT_LABEL: f"lab-{m}-app"})
    yard.container(f"web-{m}-1", labels={reset.PROJECT_LABEL: f"lab-{m}-app"})
    todo = reset.plan(engine, scope(f"lab-{m}-app", f"exercise-{m}"))
    assert {thing.name for thing in todo.remove} == {f"any-name-{m}", f"lab-{m}-app-web-1"}


@pytest.mark.engine
def test_what_is_gone_meanwhile_is_no_failure(engine: Any, yard: Yard) -> None:
    name = f"lab-{yard.mark}"
    container = yard.container(name)
    todo = reset.plan(engine, scope(name))
    container.remove(force=True)
    assert [thing.name for thing in reset.carry_out(engine, todo).remove] == [name]


@pytest.mark.engine
def test_what_the_engine_refuses_is_left_in_its_words(engine: Any, yard: Yard) -> None:
    volume = yard.volume(f"lab-{yard.mark}")
    todo = reset.plan(engine, scope(volume.name))
    yard.container(f"late-{yard.mark}", volumes={volume.name: {"bind": "/data", "mode": "rw"}})
    done = reset.carry_out(engine, todo)
    assert not done.remove
    assert "in use" in done.leave[0].note


@pytest.mark.engine
def test_whole_course_means_every_lab_name_and_no_other(engine: Any, yard: Yard) -> None:
    m = yard.mark
    yard.container(f"lab-{m}")
    for name in (f"my-lab-{m}", f"laboratory-{m}", f"lab_{m}"):
        yard.container(name)
    todo = reset.plan(engine)  # only looked at: others' work is on this engine too
    assert {thing.name for thing in todo.remove if m in thing.name} == {f"lab-{m}"}
    assert all(thing.name.startswith(("lab-", "dockyard/lab-")) for thing in todo.remove if thing.kind != "container")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    for folder in ("notebooks/09-invented", "release/09-invented", "notebooks/10-unbuilt"):
        (tmp_path / folder).mkdir(parents=True)
    cells = [
        {"cell_type": "markdown", "source": ["Make one\n", "lab-red, and\nlab-green.\n"], "metadata": {}},
        {
            "cell_type": "code",
            "source": "x = 'dockyard/lab-tool:v2'",
            "metadata": {"nbgrader": {"grade_id": "an-exercise"}},
        },
    ]
    notebook = tmp_path / "release/09-invented/one.ipynb"
    notebook.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    (tmp_path / "notebooks/09-invented/one.md").write_text("lab-solution-only", encoding="utf-8")
    (tmp_path / "notebooks/10-unbuilt/one.md").write_text("Make `lab-blue`.", encoding="utf-8")
    return Course(tmp_path)


def test_names_come_from_what_was_released(course: Course) -> None:
    found = reset.scope_of(course, "09-invented")
    assert found.names == {"lab-red", "lab-green", "dockyard/lab-tool"}
    assert found.covers_exercise("an-exercise") and not found.covers_exercise("another")
    assert reset.scope_of(course, "10-unbuilt").names == {"lab-blue"}
    assert reset.scope_of(course, None) == Scope()
    for wrong in ("11-missing", "..", "."):
        with pytest.raises(DockyardError, match="no lesson called"):
            reset.scope_of(course, wrong)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("lab-a, lab-b. lab-c!", {"lab-a", "lab-b", "lab-c"}),
        ("my-lab-a collab-b /lab-c x/lab-d evil.lab-e", set()),
        ("dockyard/lab-x:2 and other/dockyard/lab-y", {"dockyard/lab-x"}),
        ("lab-", set()),
        ("--name=lab-a --name lab-a-b_c.d-", {"lab-a", "lab-a-b_c.d"}),
        ("laboratory lab lab-*", set()),
    ],
)
def test_names_in_text(text: str, names: set[str]) -> None:
    assert reset.names_in(text) == names


@pytest.mark.engine
def test_command(engine: Any, yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dockyard import course as courses
    from dockyard.cli.reset import reset as command

    name = f"lab-{yard.mark}"
    lesson = tmp_path / "notebooks" / "09-invented"
    lesson.mkdir(parents=True)
    (lesson / "one.md").write_text(f"docker container run --name {name} …", encoding="utf-8")
    monkeypatch.setattr(courses, "find_course", lambda: Course(tmp_path))
    yard.container(name)

    asked = CliRunner().invoke(command, ["09-invented"])
    assert f"container {name} (running)" in asked.output and "To agree in advance: --yes" in asked.output
    assert yard.names() == {name}
    agreed = CliRunner().invoke(command, ["09-invented", "--yes"])
    assert "✓ Removed: 1" in agreed.output
    assert yard.names() == set()
    assert "Nothing to remove" in CliRunner().invoke(command, ["09-invented", "--yes"]).output
