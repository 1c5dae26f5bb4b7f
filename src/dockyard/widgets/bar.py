"""A progress bar in the notebook, for an experiment that takes a while."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets


def progress_bar() -> Callable[[float, str], None]:
    """Show a bar below the cell.

    Returns:
        What to tell it: the part that is done (0 to 1) and what is being done, in words.
    """
    from IPython.display import display

    bar = ipywidgets.FloatProgress(min=0.0, max=1.0)
    words = ipywidgets.Label()
    display(ipywidgets.HBox([bar, words]))

    def tell(part: float, what: str) -> None:
        bar.value, words.value = part, what
        bar.bar_style = "success" if part >= 1 else "info"

    return tell
