"""What nbgrader makes of a hand-in for a browser: the feedback, and the page for grading by hand.

`inert` and `outputs` make the autograded notebook harmless. Behind them stand two more walls, in case that one has a
gap: text becomes no other markup than is listed here, and the templates beside this module forbid the browser, by a
Content-Security-Policy, to run or load anything but the page's own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbgrader
from bleach.css_sanitizer import CSSSanitizer
from bleach.sanitizer import Cleaner
from jinja2 import pass_context
from mistune import HTMLRenderer, import_plugin
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.token import STANDARD_TYPES

TEMPLATES = Path(__file__).parent / "templates"
NBGRADER = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
NBGRADER_TEMPLATES = NBGRADER / "templates"
NBGRADER_STYLES = NBGRADER / "static" / "node_modules" / "bootstrap" / "dist" / "css"

# fmt: off
TAGS = frozenset([
    "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small", "span",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
])
STYLES = (
    "border-left", "color", "font-size", "font-weight", "margin", "opacity", "padding", "text-align", "white-space",
)
# fmt: on
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*\Z")
COLOURED = frozenset(STANDARD_TYPES.values())
# Not nbconvert's "task_lists": it makes input fields.
PLUGINS = ("strikethrough", "table", "url", "def_list")
SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>|\son[a-z]+=\"([^\"]*)\"", re.DOTALL)


class FeedbackExporter(HTMLExporter):
    """nbconvert's, under a name of its own: the feedback has other settings than the page for grading by hand."""


class LessonRenderer(IPythonRenderer):
    """Puts the pictures of a lesson into the page, and leaves HTML in pieces, as Markdown has it: `<details>` may stay
    open over a paragraph.
    """

    def block_html(self, html: str) -> str:
        return HTMLRenderer.block_html(self, html)

    def inline_html(self, html: str) -> str:
        return HTMLRenderer.inline_html(self, html)


@pass_context
def text(context: Any, source: str) -> str:
    """Return Markdown as HTML in which nothing runs and nothing is loaded: nbconvert's filter `markdown2html`.

    Pictures of the lesson are put into the page. Where Markdown cannot be read, it is shown letter by letter.
    """
    path = context.get("resources", {}).get("metadata", {}).get("path", "")
    renderer = LessonRenderer(escape=False, embed_images=True, exclude_anchor_links=True, path=path)
    try:
        html = MarkdownWithMath(renderer, plugins=map(import_plugin, PLUGINS)).render(source)
    except Exception:  # whatever mistune makes of a text that nobody wrote for it: the page must open
        return f"<pre>{escape(source)}</pre>"
    return harmless(html)


def harmless(html: Any) -> str:
    """Return HTML with the listed tags and attributes alone, others shown as text: nbconvert's filter `clean_html`."""
    cleaner = Cleaner(
        tags=TAGS,
        attributes=_may_stay,
        protocols=("http", "https", "mailto", "data"),
        css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES, allowed_svg_properties=()),
    )
    return str(cleaner.clean(str(html)))


def script_hashes(html: str) -> str:
    """Return the hashes of a piece of a page's scripts and event handlers, as a Content-Security-Policy names them.

    Source: Content Security Policy Level 3, section 8.4.
    """
    found = (unescape(match[2]) if match[1] is None else match[1] for match in SCRIPT.finditer(html))
    hashes = (b64encode(sha256(script.encode()).digest()).decode() for script in found)
    return " ".join(dict.fromkeys(f"'sha256-{one}'" for one in hashes))


def _may_stay(tag: str, name: str, value: str) -> bool:
    if name == "href":
        return tag == "a" and _leads_away(value)
    if name == "src":
        return tag == "img" and bool(PICTURE.match(value))
    if name == "class":
        return (tag == "span" and value in COLOURED) or (tag == "div" and value == "highlight")
    if tag in ("ol", "td", "th", "img") and name in ("start", "colspan", "rowspan", "width", "height"):
        return value.isdecimal() and len(value) < 5
    return name in ("alt", "aria-label", "open", "role", "style", "title")


def _leads_away(address: str) -> bool:
    """Tell whether a link leads to a page elsewhere: not to this server, where following it can have effects."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    if parts.scheme == "mailto":
        return True
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]+", host):
        return False  # an address in numbers or without a dot is this machine, or near it
    return not host.endswith((".localhost", ".local", ".internal"))
