"""Figures of notebook 1a: where a virtualization layer sits, and which kernel serves what runs on it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dockyard.figures.style import (
    FAINT,
    GREEN,
    MUTED,
    ORANGE,
    PINK,
    SKY,
    SMALL,
    TITLE,
    YELLOW,
    arrow,
    canvas,
    container_box,
    describe,
    host_box,
    label,
    layer,
    new_figure,
)

KINDS = ("hosted", "hypervisor", "container")
EXAMPLES = {
    "hosted": "VirtualBox, VMware Fusion",
    "hypervisor": "ESXi, Xen, Hyper-V, KVM",
    "container": "Docker, Podman, containerd",
}
APPLICATIONS = ("mail", "PHP", "SQL")
WAYS = {  # what a request of an application passes before it reaches the hardware
    "hosted": ("guest OS", "VirtualBox", "host OS"),
    "hypervisor": ("guest OS", "hypervisor"),
    "container": ("host OS",),
}
_START = {"hosted": (1.68, 5.5), "hypervisor": (0.33, 4.3), "container": (1.7, 3.2)}  # where mail stands
HARDWARE = "#d9dde3"  # a grey that is darker than a host's, lighter than text
PALE = "#f7f8fa"


def stacks() -> Figure:
    """Draw the three kinds of server virtualization side by side."""
    figure = new_figure(9.0, 4.2)
    axes = canvas(figure, 18.6, 8.6)
    for index, kind in enumerate(KINDS):
        _stack(axes, 0.3 + index * 6.2, kind)
    return describe(
        figure,
        "Three stacks on the same hardware, each with the applications mail, PHP and SQL. Hosted: a host OS, on it a "
        "browser and VirtualBox, which carries three guest OSes with one application each. Hypervisor: the hypervisor "
        "directly on the hardware, on it three guest OSes with one application each. Container: a host OS, on it the "
        "container engine and, beside it, three containers with one application each and no guest OS.",
    )


def way_down(kind: str) -> Figure:
    """Draw one kind alone, with the way that a request of an application takes to the hardware.

    Args:
        kind: one of `KINDS`.

    Raises:
        ValueError: it is no kind.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no kind {kind!r}; the kinds are {', '.join(KINDS)}.")
    figure = new_figure(3.2, 4.2)
    axes = canvas(figure, 6.2, 8.6)
    _stack(axes, 0.3, kind)
    x, top = _START[kind]
    arrow(axes, (0.3 + x, top), (0.3 + x, 0.8))
    return describe(
        figure,
        f"The stack of the kind {kind}. An arrow follows a request of the mail application to the hardware. "
        f"On its way lie: {', '.join(WAYS[kind])}.",
    )


def _stack(axes: Axes, x: float, kind: str) -> None:
    label(axes, x + 2.8, 8.2, kind.capitalize(), size=TITLE, weight="bold")
    label(axes, x + 2.8, 7.5, EXAMPLES[kind], size=SMALL, color=MUTED)
    host_box(axes, x, 0.3, 5.6, 6.6, color=PALE)
    layer(axes, x + 0.2, 0.5, 5.2, 1.1, "hardware", color=HARDWARE)
    {"hosted": _hosted, "hypervisor": _hypervisor, "container": _container}[kind](axes, x)


def _hosted(axes: Axes, x: float) -> None:
    layer(axes, x + 0.2, 1.7, 5.2, 1.1, "host OS", color=SKY)
    layer(axes, x + 0.2, 2.9, 1.25, 1.1, "browser", color=GREEN)
    layer(axes, x + 1.55, 2.9, 3.85, 1.1, "VirtualBox", color=ORANGE)
    _guests(axes, (x + 1.55, x + 2.86, x + 4.17), 4.1, 1.23)


def _hypervisor(axes: Axes, x: float) -> None:
    layer(axes, x + 0.2, 1.7, 5.2, 1.1, "hypervisor", color=ORANGE)
    _guests(axes, (x + 0.2, x + 1.96, x + 3.72), 2.9, 1.68)


def _guests(axes: Axes, xs: Sequence[float], y: float, width: float) -> None:
    for x, application in zip(xs, APPLICATIONS, strict=True):
        layer(axes, x, y, width, 1.1, "guest\nOS" if width < 1.5 else "guest OS", color=PINK)
        layer(axes, x, y + 1.2, width, 1.1, application, color=GREEN)


def _container(axes: Axes, x: float) -> None:
    layer(axes, x + 0.2, 1.7, 5.2, 1.1, "host OS", color=SKY)
    layer(axes, x + 0.2, 2.9, 1.25, 1.1, "engine", color=ORANGE)
    for offset, application in zip((1.55, 2.86, 4.17), APPLICATIONS, strict=True):
        container_box(axes, x + offset, 2.9, 1.23, 1.1, application, color=GREEN, size=SMALL)


def blurred_line() -> Figure:
    """Draw the two products that do not fit the three stacks: Hyper-V under Windows, and KVM inside Linux."""
    figure = new_figure(9.0, 3.4)
    axes = canvas(figure, 18.6, 7.0)
    for index, title in enumerate(("Hyper-V, as it looks", "Hyper-V, as it is", "KVM")):
        x = 0.3 + index * 6.2
        label(axes, x + 2.8, 6.4, title, size=TITLE, weight="bold")
        host_box(axes, x, 0.3, 5.6, 5.3, color=PALE)
        layer(axes, x + 0.2, 0.5, 5.2, 1.1, "hardware", color=HARDWARE)
    layer(axes, 0.5, 1.7, 5.2, 1.1, "Windows", color=SKY)
    layer(axes, 0.5, 2.9, 5.2, 1.1, "Hyper-V", color=ORANGE)
    layer(axes, 0.5, 4.1, 5.2, 1.1, "guest OS", color=PINK)
    layer(axes, 6.7, 1.7, 5.2, 1.1, "Hyper-V", color=ORANGE)
    layer(axes, 6.7, 2.9, 2.55, 1.6, "Windows\n(root partition)", color=SKY)
    layer(axes, 9.35, 2.9, 2.55, 1.6, "guest OS\n(child partition)", color=PINK)
    layer(axes, 12.9, 1.7, 3.3, 1.1, "Linux kernel", color=SKY)
    layer(axes, 16.2, 1.7, 1.9, 1.1, "+ KVM", color=ORANGE)
    layer(axes, 12.9, 2.9, 1.6, 2.3, "browser", color=GREEN)
    layer(axes, 14.6, 2.9, 3.5, 1.1, "QEMU (a process)", color=FAINT)
    layer(axes, 14.6, 4.1, 3.5, 1.1, "guest OS", color=PINK)
    return describe(
        figure,
        "Three stacks. Hyper-V as it looks: hardware, Windows, Hyper-V on Windows, a guest OS on Hyper-V. Hyper-V as "
        "it is: hardware, Hyper-V on it, and side by side on Hyper-V Windows in the root partition and a guest OS in "
        "a child partition. KVM: hardware, a Linux kernel of which KVM is a part, and on it a browser and the process "
        "QEMU with a guest OS inside.",
    )


def kernels(host: str, container: str, guest: str) -> Figure:
    """Draw which kernel serves an application in a container and one in a virtual machine.

    Args:
        host, container, guest: what `uname -r` printed in each. Equal releases get one colour.
    """
    shades = {host: SKY}
    for release in (container, guest):
        shades.setdefault(release, (SKY, PINK, YELLOW)[len(shades)])
    figure = new_figure(9.0, 5.4)
    axes = canvas(figure, 18.0, 10.9)
    host_box(axes, 0.2, 0.2, 17.6, 10.5, color=PALE)
    layer(axes, 0.5, 0.5, 17.0, 1.0, "hardware", color=HARDWARE)
    layer(axes, 0.5, 1.9, 17.0, 1.4, f"kernel of the host\n{host}", color=shades[host])
    container_box(axes, 0.9, 6.0, 7.0, 3.7, color=PALE)
    label(axes, 4.4, 9.25, "container", weight="bold")
    layer(axes, 1.4, 7.2, 6.0, 1.5, f"application\nuname -r: {container}", color=GREEN)
    arrow(axes, (4.4, 7.15), (4.4, 3.35))
    label(axes, 4.65, 4.5, "system calls", size=SMALL, ha="left")
    layer(axes, 9.6, 4.2, 7.1, 0.9, "QEMU (virtualization layer)", color=ORANGE)
    arrow(axes, (13.15, 4.2), (13.15, 3.35))
    label(axes, 13.4, 3.75, "system calls", size=SMALL, ha="left")
    layer(axes, 9.2, 5.35, 7.9, 5.0, color=FAINT)
    label(axes, 13.15, 9.9, "virtual machine", weight="bold")
    layer(axes, 10.15, 8.05, 6.0, 1.5, f"application\nuname -r: {guest}", color=GREEN)
    arrow(axes, (13.15, 8.0), (13.15, 7.1))
    label(axes, 13.4, 7.55, "system calls", size=SMALL, ha="left")
    layer(axes, 9.6, 5.65, 7.1, 1.4, f"kernel of the guest\n{guest}", color=shades[guest])
    arrow(axes, (13.15, 5.65), (13.15, 5.12))
    return describe(
        figure,
        f"Hardware, on it the kernel of the host, {host}. A container on the left: its application makes system calls "
        f"directly to the host's kernel and sees the release {container}. A virtual machine on the right: its "
        f"application makes system calls to the guest's own kernel, {guest}, inside the machine. Below the machine "
        "lies QEMU, the virtualization layer, and only QEMU makes system calls to the host's kernel.",
    )


def delivery() -> Figure:
    """Draw the way of one image from a laptop through a registry to the places that run it."""
    figure = new_figure(9.0, 3.0)
    axes = canvas(figure, 18.6, 6.2)
    host_box(axes, 0.3, 1.1, 4.2, 4.0, "laptop", color=FAINT)
    container_box(axes, 0.9, 3.6, 3.0, 1.2, "test run", color=GREEN)
    host_box(axes, 7.2, 1.1, 4.2, 4.0, "registry", color=FAINT)
    for x in (0.9, 7.8):
        for number in range(3):
            layer(axes, x, 1.75 + number * 0.5, 3.0, 0.5, "image" if number == 1 else "", color=YELLOW)
    label(axes, 9.3, 4.2, "Docker Hub, ECR,\nArtifact Registry", size=SMALL)
    arrow(axes, (4.6, 2.5), (7.1, 2.5), "push")
    for index, place in enumerate(("ECS", "GKE", "your own Kubernetes")):
        y = 4.3 - index * 1.75
        host_box(axes, 14.0, y, 4.3, 1.55, color=FAINT)
        container_box(axes, 14.3, y + 0.2, 3.7, 1.15, place, color=GREEN, size=SMALL)
        arrow(axes, (11.5, 2.9), (13.9, y + 0.75))
    label(axes, 12.1, 4.6, "pull", size=SMALL)
    return describe(
        figure,
        "An image is built and tried on a laptop, pushed to a registry (Docker Hub, ECR, Artifact Registry) and pulled "
        "from there by ECS, GKE or your own Kubernetes, which run containers from the same image.",
    )
