"""A picker of two images: their layers as stacks, the common ones once."""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from dockyard.figures import png
from dockyard.figures.layers import two_stacks
from dockyard.figures.style import alt_text
from dockyard.lab.layers import read

if TYPE_CHECKING:
    from docker import DockerClient


# Parts of the lab images, and what another notebook brings.
NOT_OFFERED = re.compile(r"dockyard/(base-.*|vm)")


def compare_layers(client: DockerClient, left: str = "", right: str = "") -> ipywidgets.VBox:
    """Return a widget that shows two of the engine's images side by side; images that are only parts are not offered.

    Args:
        client: connected to the engine.
        left, right: names of the images shown first; a name that the engine lacks leaves the choice open.
    """
    tags = {tag.removesuffix(":latest") for image in client.images.list() for tag in image.tags}
    names = sorted(tag for tag in tags if not NOT_OFFERED.fullmatch(tag))
    pickers = [
        ipywidgets.Dropdown(options=names, value=wanted if wanted in names else None, description=side)
        for side, wanted in (("left", left), ("right", right))
    ]
    picture = ipywidgets.HTML()

    def draw(_: object = None) -> None:
        chosen = [picker.value for picker in pickers]
        if None in chosen:
            picture.value = "<p>Pick two images.</p>"
            return
        figure = two_stacks(*(read(client, name) for name in chosen))
        source = b64encode(png(figure)).decode("ascii")
        alt, style = escape(alt_text(figure)), "width:880px;max-width:100%"
        picture.value = f'<img src="data:image/png;base64,{source}" alt="{alt}" style="{style}">'

    for picker in pickers:
        picker.observe(draw, names="value")
    draw()
    return ipywidgets.VBox([ipywidgets.HBox(pickers), picture])
