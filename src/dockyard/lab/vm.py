"""Boot a real guest, start real containers, and measure both on this machine.

The guest is that of the lab image dockyard/vm: QEMU, the distribution's kernel and an initramfs of one program.
"""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dockyard.errors import EngineError, ImageError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

GUEST_IMAGE = "dockyard/vm"
CONTAINER_IMAGE = "dockyard/busybox"
GUEST_FILES = "/usr/share/guest"  # kernel and initramfs in the guest's image

PROBE_SECONDS = 5
"""How long a guest may take to boot under KVM. Where KVM itself runs in a virtual machine it may hang instead."""

Progress = Callable[[float, str], None]
"""Is told the part that is done (0 to 1) and what is being done."""

_accelerators: dict[str, str] = {}  # by engine: a probe is made once


@dataclass(frozen=True)
class GuestBoot:
    """One boot of the guest.

    Attributes:
        seconds: from the start of the emulator to the line in which the guest names its kernel.
        kernel: the guest's kernel release (`uname -r`).
        host_kernel: that of the host that the emulator runs on.
        memory: bytes of memory given to the guest.
        used: bytes that the emulator held in memory when the guest was up (VmRSS, proc_pid_status(5)).
        image_size: bytes of the image with emulator, kernel and initramfs, unpacked.
        own_size: bytes of the kernel and the initramfs alone.
        accelerator: "kvm" (the processor runs the guest) or "tcg" (QEMU translates its instructions).
    """

    seconds: float
    kernel: str
    host_kernel: str
    memory: int
    used: int
    image_size: int
    own_size: int
    accelerator: str


@dataclass(frozen=True)
class ContainerStart:
    """One start of a container.

    Attributes:
        seconds: from asking the engine to create it to its process's first output.
        kernel: what `uname -r` says in it.
        used: bytes of memory that its control group held, without the file cache; 0 where the engine does not say.
        image_size: bytes of its image, unpacked.
    """

    seconds: float
    kernel: str
    used: int
    image_size: int

    @property
    def own_size(self) -> int:
        """Bytes of what starts: the image holds nothing else."""
        return self.image_size


@dataclass(frozen=True)
class Comparison:
    """Guests and containers, measured one after the other on the same machine."""

    guests: tuple[GuestBoot, ...]
    containers: tuple[ContainerStart, ...]

    @property
    def guest_seconds(self) -> float:
        """Median of the guests' seconds."""
        return statistics.median(guest.seconds for guest in self.guests)

    @property
    def container_seconds(self) -> float:
        """Median of the containers' seconds."""
        return statistics.median(start.seconds for start in self.containers)

    @property
    def ratio(self) -> float:
        """How many containers start, one after the other, while one guest boots."""
        return self.guest_seconds / self.container_seconds


def boot_guest(
    client: DockerClient, *, accelerator: str = "auto", memory: int = 256 << 20, limit: int = 50
) -> GuestBoot:
    """Boot the guest in a container of its own, which is removed afterwards, whatever happens.

    Args:
        client: the engine.
        accelerator: "tcg", "kvm", or "auto": KVM where a guest was seen to boot with it, else TCG.
        memory: bytes to give to the guest.
        limit: seconds to wait for the guest's first line.

    Raises:
        ImageError: the lab image is not there.
        EngineError: the guest did not boot in time.
    """
    chosen = accelerator_of(client) if accelerator == "auto" else accelerator
    size, own = _sizes(client, GUEST_IMAGE)
    megabytes = max(memory >> 20, 1)
    command = ["boot", "--accel", chosen, "--memory", str(megabytes), "--limit", str(limit)]
    devices = {"devices": ["/dev/kvm:/dev/kvm:rw"]} if chosen == "kvm" else {}
    with _container(client, GUEST_IMAGE, command, network_mode="none", **devices) as container:
        container.start()
        said = _output(container, limit + 15)
    facts = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    if "seconds" not in facts or "guest_kernel" not in facts:
        last = (said.strip().splitlines() or ["no output"])[-1]
        raise EngineError(
            f"The guest did not boot within {limit} s: {last}",
            f"With {chosen} it takes a few seconds on a machine that is not busy.",
            "Run the cell again; to see more: docker container run --rm dockyard/vm",
        )
    return GuestBoot(
        seconds=float(facts["seconds"]),
        kernel=facts["guest_kernel"],
        host_kernel=facts["host_kernel"],
        memory=megabytes << 20,
        used=int(facts.get("emulator_memory_kb") or 0) << 10,
        image_size=size,
        own_size=own,
        accelerator=chosen,
    )


def accelerator_of(client: DockerClient) -> str:
    """Return "kvm" if a guest boots with it within PROBE_SECONDS on this engine's host, else "tcg"."""
    engine = client.info().get("ID", "")
    if engine not in _accelerators:
        try:
            boot_guest(client, accelerator="kvm", limit=PROBE_SECONDS)
            _accelerators[engine] = "kvm"
        except EngineError:
            _accelerators[engine] = "tcg"
    return _accelerators[engine]


def start_container(client: DockerClient) -> ContainerStart:
    """Start a container that prints its kernel's release, and remove it again.

    Raises:
        ImageError: the lab image is not there.
        EngineError: the container did not start.
    """
    size, _ = _sizes(client, CONTAINER_IMAGE)
    begin = time.perf_counter()
    # exec: one process, as in most containers; it stays so that its memory can be read.
    script = ["sh", "-c", "uname -r; exec sleep 60"]
    with _container(client, CONTAINER_IMAGE, script, network_mode="none") as container:
        output = container.attach(stream=True, stdout=True, stderr=True)  # before the start, so that nothing is missed
        container.start()
        first = next(iter(output), b"")
        seconds = time.perf_counter() - begin
        used = _memory(client, container)
    if not first:
        raise EngineError("The container ended without a word.", "Expected the release of its kernel.", "Try it again")
    return ContainerStart(seconds, first.decode().strip(), used, size)


def compare(
    client: DockerClient,
    boots: int = 2,
    containers: int = 5,
    progress: Progress | None = None,
    limit: float = 60,
) -> Comparison:
    """Boot the guest and start a container several times each.

    Args:
        client: the engine.
        boots: boots of the guest; fewer where the machine is so slow that the time would not do, at least one.
        containers: starts of the container.
        progress: is told what is being done.
        limit: seconds for the whole.

    Raises:
        ImageError, EngineError: see `boot_guest` and `start_container`.
    """
    tell = progress or (lambda part, words: None)
    begin = time.monotonic()
    steps = boots + containers + 1
    starts = []
    for number in range(containers):
        tell(number / steps, f"Starting a container ({number + 1} of {containers})")
        starts.append(start_container(client))
    tell(containers / steps, "Looking whether KVM can be used")
    accelerator = accelerator_of(client)
    guests: list[GuestBoot] = []
    for number in range(boots):
        left = limit - (time.monotonic() - begin)
        # A boot takes its seconds, and about two more to switch off and to remove its container.
        if guests and left < guests[-1].seconds * 1.5 + 3:
            break
        tell((containers + 1 + number) / steps, f"Booting a guest ({number + 1} of {boots})")
        guests.append(boot_guest(client, accelerator=accelerator, limit=max(int(left) - 3, 1)))
    tell(1.0, "Measured")
    return Comparison(tuple(guests), tuple(starts))


@contextmanager
def _container(client: DockerClient, image: str, command: list[str], **options: Any) -> Iterator[Container]:
    """A container that is created, not yet started, and removed at the end whatever happens."""
    from docker.errors import APIError, NotFound

    name = f"lab-vm-{secrets.token_hex(4)}"
    try:
        container = client.containers.create(image, command, name=name, labels={"dev.dockyard.helper": "vm"}, **options)
        try:
            yield container
        finally:
            with suppress(NotFound):
                container.remove(force=True, v=True)
    except APIError as error:
        raise EngineError(f"The engine does not run {image}: {error.explanation or error}") from error


def _output(container: Container, limit: int) -> str:
    """All that a container prints until it ends, or until `limit` seconds are over."""
    from requests.exceptions import RequestException

    with suppress(RequestException):  # its own limit is shorter; this one is for an engine that hangs
        container.wait(timeout=limit)
    return container.logs(stdout=True, stderr=True).decode(errors="replace")


def _memory(client: DockerClient, container: Container) -> int:
    """Bytes in use, counted as `docker container stats` does: without the file cache that can be given back."""
    try:
        stats = client.api.stats(container.id, stream=False, one_shot=True)
    except Exception:  # not every engine keeps statistics; the experiment is worth having without
        return 0
    memory = stats.get("memory_stats") or {}
    details = memory.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    return max(memory.get("usage", 0) - cache, 0)


def _sizes(client: DockerClient, image: str) -> tuple[int, int]:
    """Bytes of an image, and of the guest's files in it.

    They are added up from the layers: what an engine calls the size of an image may be that of its compressed form.
    """
    from docker.errors import ImageNotFound

    try:
        found = client.images.get(image)
    except ImageNotFound:
        raise ImageError(f"The engine has no image {image}.", next_step="Type: ./dockyard images build") from None
    steps = [(step.get("CreatedBy") or "", int(step.get("Size") or 0)) for step in found.history()]
    own = sum(size for command, size in steps if GUEST_FILES in command)
    return sum(size for _, size in steps) or int(found.attrs["Size"]), own
