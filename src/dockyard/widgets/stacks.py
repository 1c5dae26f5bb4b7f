"""A chooser for the three kinds of virtualization: one button a kind, its stack, and its answers beside it."""

from __future__ import annotations

from base64 import b64encode
from html import escape

import ipywidgets

from dockyard.figures import png
from dockyard.figures.style import alt_text
from dockyard.figures.virtualization import KINDS, WAYS, way_down

QUESTIONS = (
    "Where is the layer installed?",
    "What does it manage?",
    "What starts, when mail is started?",
    "Who keeps mail and SQL apart?",
    "What lies open, if mail breaks its kernel?",
    "What speaks for it?",
)
FACTS = {  # kind → the answers
    "hosted": (
        "on a host OS, as an application",
        "guest OSes",
        "a guest OS, then mail",
        "VirtualBox: each sees a machine of its own",
        "its own guest OS; VirtualBox still stands in the way",
        "a machine that is already in use: the browser keeps running beside the guests",
    ),
    "hypervisor": (
        "on the hardware",
        "guest OSes",
        "a guest OS, then mail",
        "the hypervisor: each sees a machine of its own",
        "its own guest OS; the hypervisor still stands in the way",
        "a server that exists to run guests: the layer needs no OS below it",
    ),
    "container": (
        "on a host OS",
        "applications",
        "mail, which is a process",
        "the host's kernel, asked to by the engine",
        "the host, and with it every other container",
        "starting and discarding often: there is no guest OS to boot",
    ),
}


def choose_stack() -> ipywidgets.VBox:
    """Return a widget that shows one of the three kinds at a time: the way of a request, and six answers."""
    buttons = ipywidgets.ToggleButtons(options=[(kind.capitalize(), kind) for kind in KINDS], description="Kind")
    picture = ipywidgets.HTML()
    facts = ipywidgets.HTML()

    def draw(kind: str) -> None:
        figure = way_down(kind)
        source = b64encode(png(figure)).decode("ascii")
        picture.value = f'<img src="data:image/png;base64,{source}" alt="{escape(alt_text(figure))}" width="320">'
        facts.value = _table(kind)

    buttons.observe(lambda change: draw(change["new"]), names="value")
    draw(KINDS[0])
    return ipywidgets.VBox([buttons, ipywidgets.HBox([picture, facts])])


def _table(kind: str) -> str:
    rows = (*zip(QUESTIONS, FACTS[kind], strict=True), ("On a request's way lie", ", ".join(WAYS[kind])))
    style = "text-align:left;vertical-align:top;padding:0.3em 1.5em 0.3em 0"
    cells = "".join(
        f'<tr><th scope="row" style="{style}">{name}</th><td style="{style}">{escape(text)}</td></tr>'
        for name, text in rows
    )
    return f'<table style="line-height:1.4">{cells}</table>'
