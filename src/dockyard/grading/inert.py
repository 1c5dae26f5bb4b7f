"""Make text that a learner wrote harmless in whatever renders Markdown: no markup that runs or loads anything."""

from __future__ import annotations

import re
from html import unescape

# What runs or loads something. Others, such as `<image>` in "docker run <image>", stay as they are.
ACTIVE = re.compile(
    r"<\s*/?\s*(?:script|iframe|frame|object|embed|applet|svg|math|link|style|meta|base|form|input|button|video|audio"
    r"|template|portal|noscript)"
    r"|\bon[a-z]+\s*=|(?:\b|:)(?:src|srcset|srcdoc|style|href|formaction|action|background|poster|data)\s*=",
    re.IGNORECASE,
)
TAG = re.compile(r"<(?=\s*[A-Za-z/!?])")
GAP = r"[\\\s\x00-\x20\u00ad\u200b-\u200f\ufeff]*"  # what renderers or browsers drop in an address
SCHEME = re.compile(
    "(" + "|".join(GAP.join(word) for word in ("javascript", "vbscript", "data")) + ")(" + GAP + "):(?!\\s)",
    re.IGNORECASE,
)
IMAGE = re.compile(r"!(?=\[)")
MATH = re.compile(r"\\(?=(?:href|url|require|html\w*|style|cssId|class|includegraphics)\b)", re.IGNORECASE)


def inert(text: str) -> str:
    """Return Markdown that shows the same to a reader but runs nothing and loads nothing.

    Tags are shown as text where a cell holds any that is active; images become text; addresses that are programs, and
    commands of formulas that make links, are broken. Text without any of these comes back unchanged.
    """
    if SCHEME.search(unescape(text)):
        text = SCHEME.sub(r"\1\2 :", text.replace("&", "&amp;"))
    if ACTIVE.search(text) or ACTIVE.search(unescape(text)):
        text = TAG.sub("&lt;", text)
    text = MATH.sub(r"\\ ", text)
    return IMAGE.sub(r"!\\", text)


def as_text(source: str) -> str:
    """Return Markdown that shows a text as it is, letter by letter."""
    return "\n".join(f"    {line}" for line in source.splitlines())
