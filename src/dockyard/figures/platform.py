"""Figures of notebook 1b: the parts of the Docker platform, and what lies between a command and a process."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dockyard.figures.style import (
    FAINT,
    INK,
    MUTED,
    ORANGE,
    PAPER,
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

# A tool of the same job has the same colour, inside Docker and beside it.
CLIENT = YELLOW
ENGINE = SKY
REGISTRY = PINK
MACHINE = "#d9dde3"
MANY = ORANGE


def _dashed(axes: Axes, x: float, y: float, width: float, height: float, color: str = PAPER) -> None:
    """Draw the outline of what is not always there."""
    axes.add_patch(Rectangle((x, y), width, height, facecolor=color, edgecolor=MUTED, linewidth=1.2, linestyle="--"))


def _part(
    axes: Axes, x: float, y: float, width: float, height: float, name: str, job: str, color: str, edge: str = INK
) -> None:
    """Draw one part of a platform: its name, and below it what it does."""
    layer(axes, x, y, width, height, color=color, edge=edge)
    label(axes, x + width / 2, y + height - 0.42, name, weight="bold")
    label(axes, x + width / 2, y + (height - 0.7) / 2, job, size=SMALL)


def platform_map() -> Figure:
    """Draw the five parts of the Docker platform, and beside them the neighbours that they are mistaken for."""
    figure = new_figure(9.4, 5.2)
    axes = canvas(figure, 18.8, 10.4)
    host_box(axes, 0.05, 0.05, 11.95, 9.45, color=FAINT, edge=MUTED)
    label(axes, 6.0, 10.0, "Docker, the platform", size=TITLE, weight="bold")
    label(axes, 15.65, 10.0, "beside it", size=TITLE, weight="bold")

    _dashed(axes, 0.3, 0.25, 7.8, 9.0)
    label(axes, 4.2, 8.9, "Docker Desktop", weight="bold")
    label(
        axes, 4.2, 8.35, "an application that brings all in this box,\nand, if you like, a small Kubernetes", size=SMALL
    )
    label(axes, 10.05, 7.6, "Without Desktop:\nEngine, CLI and\nCompose directly on\na Linux of yours", size=SMALL)
    _part(axes, 0.6, 5.9, 3.3, 1.8, "CLI", "docker …\na client of the API", CLIENT)
    _part(axes, 4.4, 5.9, 3.3, 1.8, "Compose", "YAML in,\ncontainers out", MANY)
    host_box(axes, 0.6, 0.5, 7.1, 4.3, color=MACHINE)
    label(axes, 2.4, 0.88, "Linux, in Desktop's VM", size=SMALL)
    _part(axes, 0.9, 1.3, 3.0, 2.9, "Engine", "dockerd\ncontainerd\nrunc", ENGINE)
    for index, y in enumerate((1.3, 2.3, 3.3)):
        container_box(axes, 5.0, y, 2.3, 0.8, f"container {index + 1}", color=PAPER, size=SMALL)
        arrow(axes, (3.95, 2.75), (4.95, y + 0.4))
    arrow(axes, (2.25, 5.85), (2.25, 4.25))
    arrow(axes, (5.2, 5.85), (3.3, 4.25))
    label(axes, 2.15, 5.3, "API", size=SMALL, ha="right")
    label(axes, 4.75, 5.3, "API", size=SMALL, ha="left")

    _part(axes, 9.4, 1.6, 2.4, 2.3, "Hub", "registry:\nstores and\nshares images", REGISTRY)
    axes.annotate("", (7.75, 2.75), (9.35, 2.75), arrowprops={"arrowstyle": "<|-|>", "color": INK, "lw": 1.3})
    label(axes, 8.72, 3.35, "pull\npush", size=SMALL)

    host_box(axes, 12.6, 0.05, 6.1, 9.45, color=FAINT, edge=MUTED)
    neighbours = (
        ("Podman", "compatible, no daemon", ENGINE),
        ("ECR · Artifact Registry", "private registries", REGISTRY),
        ("Kubernetes", "many containers on many machines", MANY),
        ("GKE · ECS", "the same job, rented in a cloud", MANY),
        ("WSL 2 · Lima", "a Linux for the Engine", MACHINE),
    )
    for index, (name, job, color) in enumerate(neighbours):
        _part(axes, 12.9, 7.7 - index * 1.8, 5.5, 1.5, name, job, color)
    return describe(
        figure,
        "Map of the Docker platform. Docker Desktop is a dashed box around the CLI, Compose and a Linux in a virtual "
        "machine, which holds the Engine (dockerd, containerd, runc) with three containers; without Desktop, Engine, "
        "CLI and Compose are directly on a Linux of yours. CLI and Compose both speak to the Engine through its API. "
        "Docker Hub, outside that box, is where the Engine pulls and pushes images. Beside the platform, in the "
        "colours of the parts with a like job: Podman (Engine), ECR and Artifact Registry (registries), Kubernetes, "
        "GKE and ECS (many containers), WSL 2 and Lima (a Linux for the Engine).",
    )


def engine_homes() -> Figure:
    """Draw where the Engine runs: on a Linux machine, inside Docker Desktop's VM, inside WSL 2 or Lima."""
    figure = new_figure(9.0, 4.6)
    axes = canvas(figure, 18.6, 9.4)
    homes = (
        ("Linux", "no Desktop needed", "your Linux"),
        ("Docker Desktop", "macOS, Windows, Linux", "macOS, Windows or Linux"),
        ("WSL 2 or Lima", "Windows or macOS, no Desktop", "Windows or macOS"),
    )
    for index, (title, note, system) in enumerate(homes):
        x = 0.3 + index * 6.2
        label(axes, x + 2.8, 9.0, title, size=TITLE, weight="bold")
        label(axes, x + 2.8, 8.3, note, size=SMALL, color=MUTED)
        host_box(axes, x, 0.3, 5.6, 7.5, color=PAPER)
        layer(axes, x + 0.2, 0.5, 5.2, 1.0, system, color=FAINT)
    _engine_and_containers(axes, 0.7, 1.7, 3.9, 3)
    layer(axes, 0.7, 6.0, 4.8, 1.4, "CLI", color=CLIENT)

    _machine(axes, 6.7, 4.5, "Desktop's VM\n(on Windows often WSL 2's)")
    _engine_and_containers(axes, 6.9, 3.7, 2.3, 2)
    layer(axes, 6.7, 6.4, 2.5, 1.2, "CLI", color=CLIENT)
    layer(axes, 9.4, 6.4, 2.5, 1.2, "Desktop's GUI", color=CLIENT)

    _machine(axes, 12.9, 5.0, "the VM of WSL 2,\nor of Lima")
    _engine_and_containers(axes, 13.1, 3.7, 1.8, 2)
    layer(axes, 13.1, 5.65, 4.8, 0.8, "CLI", color=CLIENT)
    _dashed(axes, 12.9, 6.75, 5.2, 0.9, color=CLIENT)
    label(axes, 15.5, 7.2, "or CLI, by Lima's forwarded socket", size=SMALL)
    return describe(
        figure,
        "Three machines. Linux: the Engine and the CLI run directly on it. Docker Desktop: on macOS, Windows or Linux, "
        "a virtual machine with its own Linux kernel (on Windows often that of WSL 2) holds the Engine and the "
        "containers; CLI and GUI stay outside. WSL 2 or Lima: the same kind of virtual machine without Desktop, with "
        "Engine, containers and CLI inside; with Lima the CLI may be outside too, through a forwarded socket.",
    )


def _machine(axes: Axes, x: float, height: float, name: str) -> None:
    host_box(axes, x, 1.6, 5.2, height, color=MACHINE)
    label(axes, x + 2.6, 2.2, name, size=SMALL)
    layer(axes, x + 0.2, 2.8, 4.8, 0.8, "Linux kernel", color=FAINT)


def _engine_and_containers(axes: Axes, x: float, y: float, height: float, containers: int) -> None:
    layer(axes, x, y, 2.3, height, "Engine", color=ENGINE)
    step = height / containers
    for index in range(containers):
        container_box(axes, x + 2.5, y + index * step + 0.05, 2.3, step - 0.1, "container", color=PAPER, size=SMALL)


def licence_path() -> Figure:
    """Draw the questions that decide whether Docker Desktop needs a paid plan (terms in force since 2021-08-31)."""
    figure = new_figure(9.0, 3.3)
    axes = canvas(figure, 18.6, 6.8)
    questions = (
        ("Do you use\nDocker Desktop?", "no"),
        ("Personal use, education,\nnon-commercial\nopen source?", "yes"),
        ("A business under 250 people\nand under 10 million USD\na year?", "yes"),
    )
    for index, (question, leave) in enumerate(questions):
        x = 0.2 + index * 5.1
        layer(axes, x, 3.5, 4.3, 2.4, question, color=FAINT)
        arrow(axes, (x + 2.15, 3.45), (x + 2.15, 1.9))
        label(axes, x + 2.35, 2.7, leave, size=SMALL, ha="left")
        layer(axes, x + 0.4, 0.6, 3.5, 1.25, "free", color=PAPER)
        if index < 2:
            arrow(axes, (x + 4.35, 4.7), (x + 5.05, 4.7), "yes" if leave == "no" else "no")
    arrow(axes, (14.75, 4.7), (15.75, 4.7), "no")
    # Not in a colour of the parts: those stand for jobs, in every other figure here.
    layer(axes, 15.8, 3.9, 2.6, 1.6, color=INK)
    label(axes, 17.1, 4.7, "paid plan", size=SMALL, color=PAPER)
    return describe(
        figure,
        "Three questions in a row. Do you use Docker Desktop? No: free. Yes: is it personal use, education or "
        "non-commercial open source? Yes: free. No: is it a business with fewer than 250 people and less than "
        "10 million US dollars of revenue a year? Yes: free. No: a paid plan.",
    )


def command_path() -> Figure:
    """Draw the way of one `docker container run`: CLI, socket, dockerd, containerd, shim, runc, process."""
    figure = new_figure(9.7, 3.2)
    axes = canvas(figure, 19.4, 6.8)
    axes.set_ylim(0.5, 6.8)
    _dashed(axes, 0.05, 0.6, 4.95, 6.1)
    label(axes, 2.4, 5.8, "the same Linux, or\noutside its virtual\nmachine", size=SMALL)
    host_box(axes, 5.0, 0.6, 14.35, 6.1, color=PAPER)
    label(axes, 5.3, 6.2, "the Engine's host: Linux", size=SMALL, ha="left")
    layer(axes, 0.2, 2.6, 2.5, 1.5, color=CLIENT)
    layer(axes, 4.8, 2.85, 0.4, 1.0, color=INK)
    container_box(axes, 16.95, 2.6, 2.2, 1.5, color=PAPER)
    for x in (6.2, 9.6, 13.0):
        layer(axes, x, 2.6, 2.4, 1.5, color=ENGINE)
    steps = (
        (1.45, "docker", "the CLI: writes\nan HTTP request"),
        (7.4, "dockerd", "API, networks,\nvolumes, builds"),
        (10.8, "containerd", "watches over\nall containers"),
        (14.2, "shim", "one per container:\nholds its output,\nawaits its end"),
        (18.05, "PID 1", "your process,\nin namespaces"),
    )
    for x, name, job in steps:
        label(axes, x, 3.35, name, weight="bold")
        label(axes, x, 2.35, job, size=SMALL, va="top")
    label(axes, 4.9, 4.25, "socket", size=SMALL, backgroundcolor=PAPER)
    for start, end, text in ((2.75, 4.75, "HTTP"), (8.65, 9.55, ""), (12.05, 12.95, ""), (15.45, 16.9, "parent of")):
        arrow(axes, (start, 3.35), (end, 3.35), text)
    arrow(axes, (5.25, 3.35), (6.15, 3.35))
    _dashed(axes, 14.6, 4.95, 2.9, 1.2)
    label(axes, 16.05, 5.55, "runc: builds it,\nstarts it, exits", size=SMALL)
    for tail, tip in (((14.3, 4.15), (15.1, 4.9)), ((17.0, 4.9), (17.7, 4.15))):
        axes.annotate("", tip, tail, arrowprops={"arrowstyle": "-|>", "color": MUTED, "ls": "--"})
    return describe(
        figure,
        "The way of one command, left to right. The docker CLI, on the same Linux or outside its VM, sends "
        "HTTP through a socket into the Engine's host. There dockerd takes it and asks containerd, which asks a shim, "
        "one per container. For a moment runc is there: it builds the container, starts its process and exits, so it "
        "is drawn dashed. What remains is the shim as the parent of your process, which is PID 1 inside the container.",
    )
