"""Make text that a learner wrote harmless in whatever renders Markdown: no markup that runs or loads anything."""

from __future__ import annotations

import re
from html import unescape

# What runs or loads something. Others, such as `<image>` in "docker run <image>", stay as they are.
ACTIVE = re.compile(
    r"<\s*/?\s*(?:script|iframe|frame|object|embed|applet|svg|math|link|style|meta|base|form|input|button|video|audio"
    r"|template|portal|noscript)"
    r"|\bon[a-z]+\s*=|(?:\b|:)(?:src|srcset|srcdoc|style|href|formaction|action|background|poster|data)\s*="
    # What the scripts of nbgrader's and JupyterLab's pages look for.
    r"|\bdata-(?:toggle|target|remote|link|html|command[a-z-]*)\s*=",
    re.IGNORECASE,
)
TAG = re.compile(r"<(?=\s*[A-Za-z/!?])")
GAP = r"[\\\s\x00-\x20\u00ad\u200b-\u200f\ufeff]*"  # what renderers or browsers drop in an address
PROGRAM = f"(?:{GAP.join('javascript')}|{GAP.join('vbscript')}){GAP}:"
SCHEME = re.compile(
    # White space may follow where an address begins; elsewhere it is prose: "JavaScript: what it is".
    f"{PROGRAM}(?!\\s)|(?:[(<\"'=]|\\]:){GAP}{PROGRAM}"
    # With what makes it an address, not a volume: `--volume data:/data`.
    f"|({GAP.join('data')})({GAP}):(?={GAP}(?:[\\w!#$%&'*+.^`|~-]+/|[;,]))",
    re.IGNORECASE,
)
# Links that lead neither to a page elsewhere nor to a file beside: to the server's own addresses, or to other programs.
LINK = re.compile(
    rf"(?:\]\(|^[ \t>*+-]*\[[^\]\n]{{1,999}}\]:){GAP[:-2]}<]*(?:[/\\]|(?!https?:|mailto:)[a-z][a-z0-9+.-]{{0,40}}:)"
    r"|<(?!https?:)[a-z][a-z0-9+.-]{0,40}://",
    re.IGNORECASE | re.MULTILINE,
)
DECODED = 4  # times that a text is decoded before it is searched: some renderers do it twice
IMAGE = re.compile(r"!(?=\[)")
MATH = re.compile(r"\\(?=(?:href|url|require|html\w*|style|cssId|class|includegraphics)\b)", re.IGNORECASE)


def inert(text: str) -> str:
    """Return Markdown that shows the same to a reader but runs nothing and loads nothing.

    Tags are shown as text where a cell holds any that is active; images become text; addresses that are programs, and
    commands of formulas that make links, are broken. Text without any of these comes back unchanged.
    """
    if SCHEME.search(_decoded(text)):
        text = SCHEME.sub(lambda found: f"{found[0][:-1]} :", text)
    if (plain := _decoded(text)) and (SCHEME.search(plain) or LINK.search(plain)):  # no link remains
        text = TAG.sub("&lt;", text.replace("[", "&#91;"))
    if ACTIVE.search(text) or ACTIVE.search(_decoded(text)):
        text = TAG.sub("&lt;", text)
    text = MATH.sub(r"\\ ", text)
    return IMAGE.sub(r"!\\", text)


def _decoded(text: str) -> str:
    for _ in range(DECODED):
        text, before = unescape(text), text
        if text == before:
            break
    return text


def as_text(source: str) -> str:
    """Return Markdown that shows a text as it is, letter by letter."""
    return "\n".join(f"    {line}" for line in source.splitlines())
