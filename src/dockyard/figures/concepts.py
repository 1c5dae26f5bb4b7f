"""Figures of the ground terms: three things and their commands, the steps inside `run`, the grammar WHAT × HOW."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from dockyard.figures.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    SKY,
    SMALL,
    TITLE,
    arrow,
    canvas,
    container_box,
    describe,
    label,
    layer_stack,
    new_figure,
)

# What each WHAT can do, and the old form where there was one. Read from `docker image|container|volume|network --help`
# of CLI 28.2; the old forms from `docker --help`. None = no such command; "" = always had this form. `docker inspect`
# finds things of any kind by their name.
HOWS = ("build", "pull", "create", "start", "run", "exec", "stop", "ls", "inspect", "rm", "prune")
GRAMMAR: dict[str, dict[str, str | None]] = {
    "image": {"build": "build", "pull": "pull", "ls": "images", "inspect": "inspect", "rm": "rmi", "prune": ""},
    "container": {
        "create": "create",
        "start": "start",
        "run": "run",
        "exec": "exec",
        "stop": "stop",
        "ls": "ps",
        "inspect": "inspect",
        "rm": "rm",
        "prune": "",
    },
    "volume": {"create": "", "ls": "", "inspect": "inspect", "rm": "", "prune": ""},
    "network": {"create": "", "ls": "", "inspect": "inspect", "rm": "", "prune": ""},
}


def _page(axes: Axes, x: float, y: float, width: float, height: float, lines: tuple[str, ...]) -> None:
    """Draw a text file: a sheet with a folded corner."""
    axes.add_patch(Rectangle((x, y), width, height, facecolor=PAPER, edgecolor=INK, linewidth=1.2))
    fold = 0.35
    axes.plot(
        [x + width - fold, x + width - fold, x + width], [y + height, y + height - fold, y + height - fold], color=INK
    )
    for number, line in enumerate(lines):
        label(axes, x + 0.2, y + height - 0.4 - 0.42 * number, line, size=SMALL, ha="left", family="monospace")


def three_things() -> Figure:
    """Draw Dockerfile, image and container, and the command that leads from each to the next."""
    figure = new_figure(8.6, 3.0)
    axes = canvas(figure, 13.0, 4.5)
    axes.set_ylim(0.5, 5.0)
    _page(axes, 0.4, 2.0, 2.5, 2.0, ("FROM …", "RUN …", "COPY …", "CMD …"))
    layers = [("base", FAINT), ("software", SKY), ("your files", ORANGE), ("config: CMD …", PAPER)]
    layer_stack(axes, 4.9, 2.0, 2.5, 0.5, layers)
    for y, color in ((3.05, SKY), (1.95, GREEN)):
        container_box(axes, 9.6, y, 2.6, 1.0, "process", color=color, size=SMALL)
        loop = FancyArrowPatch(
            (12.25, y + 0.25), (12.25, y + 0.75), connectionstyle="arc3,rad=1.3", arrowstyle="-|>", mutation_scale=11
        )
        loop.set(color=INK, linewidth=1.3)
        axes.add_patch(loop)
    for x, name, what in (
        (1.65, "Dockerfile", "text,\nshared with Git"),
        (6.15, "image", "layers and a config,\nshared through a registry"),
        (10.9, "containers", "processes,\nnot shared"),
    ):
        label(axes, x, 4.65, name, size=TITLE, weight="bold")
        label(axes, x, 0.85, what, size=SMALL, color=MUTED)
    arrow(axes, (3.0, 3.0), (4.8, 3.0))
    for y in (3.5, 2.5):
        arrow(axes, (7.5, 3.0), (9.5, y))
    for x, y, command in (
        (3.9, 3.35, "image build"),
        (8.35, 3.8, "container run"),
        (10.9, 1.6, "container exec, stop"),
    ):
        label(axes, x, y, command, size=SMALL, color=BLUE, weight="bold")
    return describe(
        figure,
        "Three things in a row: a Dockerfile, which is text; an image, drawn as a stack of layers with a config; and "
        "two containers with a process each. The command image build leads from Dockerfile to image, container run "
        "from image to container, and container exec or stop acts on each container.",
    )


def run_steps() -> Figure:
    """Draw the three steps of `container run` and what each leaves behind."""
    figure = new_figure(8.6, 2.9)
    axes = canvas(figure, 12.6, 4.2)
    axes.add_patch(Rectangle((0.1, 0.2), 12.4, 3.2, facecolor=PAPER, edgecolor=BLUE, linewidth=1.4, linestyle="--"))
    label(axes, 6.3, 3.8, "docker container run", size=TITLE, color=BLUE, weight="bold")
    steps = (
        (2.2, "1  image pull", "only if the image\nis not here yet"),
        (6.3, "2  container create", "a writable layer, a name,\na config; no process"),
        (10.4, "3  container start", "namespaces are made,\nthe process begins"),
    )
    for x, name, what in steps:
        label(axes, x, 2.95, name, weight="bold")
        label(axes, x, 0.75, what, size=SMALL, color=MUTED)
    layer_stack(axes, 1.3, 1.4, 1.8, 0.35, [("", FAINT), ("", SKY), ("", ORANGE)])
    container_box(axes, 5.3, 1.3, 2.0, 1.3, "created", color=FAINT)
    container_box(axes, 9.4, 1.3, 2.0, 1.3, "running", color=GREEN)
    arrow(axes, (3.4, 1.95), (5.2, 1.95))
    arrow(axes, (7.5, 1.95), (9.3, 1.95))
    return describe(
        figure,
        "docker container run as a frame around three steps: image pull, which is done only if the image is missing; "
        "container create, which leaves a container in the state created, without a process; container start, after "
        "which the container is running.",
    )


def grammar() -> Figure:
    """Draw the grid of WHAT (image, container, volume, network) and HOW, with each old form in its place."""
    figure = new_figure(8.6, 5.0)
    axes = canvas(figure, 12.6, 7.3)
    left, width, height, top = 1.9, 2.6, 0.5, 6.6
    for column, (what, commands) in enumerate(GRAMMAR.items()):
        x = left + column * (width + 0.05)
        label(axes, x + width / 2, top + 0.3, f"docker {what} …", weight="bold", color=BLUE)
        for row, how in enumerate(HOWS):
            y = top - (row + 1) * height
            old = commands.get(how)
            if old is None:
                continue
            color = ORANGE if old and old != how else SKY
            axes.add_patch(Rectangle((x, y + 0.03), width, height - 0.06, facecolor=color, edgecolor=PAPER))
            if old:
                label(axes, x + width / 2, y + height / 2, f"docker {old}", size=SMALL, family="monospace")
    for row, how in enumerate(HOWS):
        label(axes, left - 0.2, top - (row + 0.5) * height, how, ha="right", weight="bold")
    label(axes, left - 0.2, top + 0.3, "HOW \\ WHAT", ha="right", size=SMALL, color=MUTED)
    story = "in the cell: the old form · orange: the old form has another word"
    label(axes, 6.3, 0.65, story, size=SMALL, color=MUTED)
    story = "coloured without text: it never had another form · white: there is no such command"
    label(axes, 6.3, 0.25, story, size=SMALL, color=MUTED)
    return describe(
        figure,
        "A grid. Columns are what a command acts on: image, container, volume, network. Rows are how: build, pull, "
        "create, start, run, exec, stop, ls, inspect, rm, prune. A coloured cell is a command that exists, with its "
        "old form in it. Three old forms have another word than the new: docker images is image ls, docker ps is "
        "container ls, docker rmi is image rm. One old form, docker inspect, stands in all four columns.",
    )
