"""A real guest boots, a real container starts, and nothing is left of either."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dockyard.errors import EngineError
from dockyard.lab import vm

pytestmark = pytest.mark.engine


def left(engine: Any) -> set[str]:
    found = engine.containers.list(all=True, filters={"label": "dev.dockyard.helper=vm"})
    return {container.id for container in found}


def test_experiment_within_its_time(engine: Any) -> None:
    before = left(engine)
    told: list[float] = []
    start = time.monotonic()
    result = vm.compare(engine, boots=1, containers=2, progress=lambda part, words: told.append(part))
    assert time.monotonic() - start < 60
    assert told == sorted(told) and told[-1] == 1.0
    guest, container = result.guests[0], result.containers[0]
    assert container.kernel == guest.host_kernel, "a container runs on the host's kernel"
    assert guest.kernel != guest.host_kernel, "a guest brings its own"
    assert guest.accelerator in ("tcg", "kvm")
    assert 0 < result.container_seconds < result.guest_seconds
    assert result.ratio > 1
    assert 0 < container.used < guest.used < 2 * guest.memory
    assert container.own_size == container.image_size < guest.own_size < guest.image_size
    assert left(engine) <= before


def test_guest_that_does_not_boot_in_time_is_said_and_removed(engine: Any) -> None:
    before = left(engine)
    start = time.monotonic()
    with pytest.raises(EngineError, match="did not boot within 2 s"):
        vm.boot_guest(engine, accelerator="tcg", memory=2 << 20, limit=2)
    assert time.monotonic() - start < 20
    assert left(engine) <= before


def test_missing_device_means_no_kvm(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise EngineError("The engine does not run dockyard/vm: no such device")

    monkeypatch.setattr(vm, "_accelerators", {})
    monkeypatch.setattr(vm, "boot_guest", refuse)
    assert vm.accelerator_of(engine) == "tcg"
