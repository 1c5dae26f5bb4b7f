"""A chooser for the three kinds of virtualization: one button a kind, its stack emphasised, its facts below."""

from __future__ import annotations

from base64 import b64encode
from html import escape

import ipywidgets

from dockyard.figures import png
from dockyard.figures.style import alt_text
from dockyard.figures.virtualization import EXAMPLES, KINDS, stacks

# kind → (where the layer is installed, what it manages, what speaks for it)
FACTS = {
    "hosted": (
        "on a host OS, as an application",
        "guest OSes",
        "a machine that is already in use: browser and editor keep running beside the guests",
    ),
    "hypervisor": (
        "on the hardware",
        "guest OSes",
        "a server that exists to run guests: no general-purpose OS starts first or takes its share",
    ),
    "container": (
        "on a host OS",
        "applications",
        "starting and discarding often: there is no guest OS to boot, only a process to start",
    ),
}


def choose_stack() -> ipywidgets.VBox:
    """Return a widget that shows one of the three kinds at a time."""
    buttons = ipywidgets.ToggleButtons(options=[(kind.capitalize(), kind) for kind in KINDS], description="Kind")
    picture = ipywidgets.HTML()
    facts = ipywidgets.HTML()

    def draw(kind: str) -> None:
        figure = stacks(kind)
        source = b64encode(png(figure)).decode("ascii")
        picture.value = f'<img src="data:image/png;base64,{source}" alt="{escape(alt_text(figure))}" width="880">'
        facts.value = _table(kind)

    buttons.observe(lambda change: draw(change["new"]), names="value")
    draw(KINDS[0])
    return ipywidgets.VBox([buttons, picture, facts])


def _table(kind: str) -> str:
    where, what, why = FACTS[kind]
    rows = (("Installed", where), ("Manages", what), ("Speaks for it", why), ("Examples", EXAMPLES[kind]))
    cells = "".join(
        f'<tr><th scope="row" style="text-align:left;padding-right:1.5em">{name}</th><td>{escape(text)}</td></tr>'
        for name, text in rows
    )
    return f"<table>{cells}</table>"
