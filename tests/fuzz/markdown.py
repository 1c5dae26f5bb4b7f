"""Text of a learner's, made inert: whatever it was, its page holds nothing that runs or loads."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from random import Random

from nbconvert.filters.markdown_mistune import InvalidNotebook, markdown2html_mistune

from dockyard.grading.inert import inert
from dockyard.grading.pages import text as shown_in_pages
from tests.fuzz.guard import nothing_outside
from tests.fuzz.mutation import MutateBytes
from tests.hostile.notebooks import MARKUP

LIMITS = ("-timeout=10", "-rss_limit_mb=700", "-max_len=1500")
PIECES = (
    *(
        "<script>",
        "</script>",
        "<img src=x onerror=f>",
        "<a href=",
        "<b ",
        "<svg ",
        "<iframe src=",
        "<x onload=",
        "<!--",
    ),
    *(
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "javascript:",
        "java\tscript:",
        "vbscript:",
        "data:text/html,",
        "&#106;",
        "&colon;",
    ),
    *(
        "&Tab;",
        "&NewLine;",
        "&lt;",
        "&gt;",
        "&amp;",
        "&#x6A;avascript",
        "&#0000106",
        "&#58;",
        "\\:",
        "\\",
        "`",
        "```\n",
    ),
    *(
        "```mermaid\n",
        "$",
        "$$",
        "\\(",
        "\\\\(",
        "\\\\[",
        "\\begin{a}",
        "\\end{a}",
        "\\href{",
        "![",
        "[",
        "](",
        ")",
        "]: ",
    ),
    *(
        "[a]: ",
        "[a]",
        "[x](",
        "<javascript:f>",
        "\n\n",
        "\n",
        "    ",
        "> ",
        "- ",
        "# ",
        "|a|b|\n|-|-|\n|",
        "~~",
        "**",
        "_",
    ),
    *(
        "\x00",
        "\u200b",
        "\u00ad",
        "\ufeff",
        "\x0b",
        "\x0c",
        "\x1f",
        "\u2028",
        "\u0130",
        "\u017f",
        "\u212a",
        "style=",
        "src=",
    ),
    *(" onx=f", "/onx=f", '"', "'", ">", "<", "</", "&", ";", "=", "*[HTML]: x", "[^1]: x", "- [ ] x", ": x", "&#33;["),
)
RUNS = re.compile(
    r"script|iframe|frame|frameset|object|embed|applet|svg|math|link|style|meta|base|form|input|button|video|audio"
    r"|template|portal|noscript"  # others, such as <img>, only by what they load
)
LOADS = ("src", "srcset", "srcdoc", "background", "poster", "action", "formaction", "data", "ping", "manifest", "code")
ADDRESSES = ("href", "xlink:href", "cite", "longdesc", *LOADS)
# Of `data:`, what a browser shows as a page that can hold programs; nothing is, without a comma.
TOKEN = r"[!#$%&'*+.^_`|~0-9a-z-]+"
PAGE = rf"data:(?:text/html|image/svg|{TOKEN}/(?:xml|{TOKEN}\+xml))[^,]*,"
PROGRAM = re.compile(rf"(?:javascript|vbscript):|{PAGE}", re.IGNORECASE)
EVENT = re.compile(r"on[a-z]+\Z")
IGNORED = re.compile(r"[\x00-\x20]")  # what browsers drop in an address, at its start or within
LOADING = re.compile(r"url|image|@|import|expression|binding|behavior|position|\\", re.IGNORECASE)  # in a style


class Active(AssertionError):
    """Something in a page runs or loads."""


class Page(HTMLParser):
    """Reads a page as a browser does and stops at what runs or loads."""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name.casefold(): value or "" for name, value in attributes}
        if tag == "input" and named == {"class": "task-list-item-checkbox", "type": "checkbox", "disabled": ""} | (
            {"checked": ""} if "checked" in named else {}
        ):
            return  # the renderer's own box before a task
        if RUNS.fullmatch(tag):
            raise Active(f"<{tag}>")
        for name, value in named.items():
            address = IGNORED.sub("", value)
            loads = (name in LOADS or EVENT.match(name)) and value
            loads = loads or (name == "style" and LOADING.search(value))
            if loads or (name in ADDRESSES and PROGRAM.match(address)):
                raise Active(f"<{tag} {name}={value[:80]!r}>")

    handle_startendtag = handle_starttag


def seeds() -> list[bytes]:
    texts = [
        *MARKUP.values(),
        "Plain *text* with `code`.",
        "# Title\n\n- [ ] task\n- [x] done\n\n|a|b|\n|-|:-:|\n|1|2|\n",
    ]
    texts += ["$x^2$ and\n\n$$\ny\n$$", "term\n: what it is", "See https://example.org/ and <https://example.org/>."]
    return [text.encode() for text in texts]


def mutate(data: bytes, chance: Random, mutate_bytes: MutateBytes) -> bytes:
    if chance.random() < 0.3:
        return mutate_bytes(data)
    text = (chance.choice(seeds()) if chance.random() < 0.1 else data).decode(errors="replace")
    for _ in range(chance.choice((1, 1, 2, 4))):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 0, 1, 3, 12)))
        copied = text[start:][: chance.randrange(1, 30)]
        text = text[:start] + chance.choice((*chance.choices(PIECES, k=4), copied)) + text[end:]
    return text.encode(errors="replace")


def one_input(data: bytes) -> None:
    text = data.decode(errors="replace")
    with nothing_outside():
        shown = inert(text)
        look(rendered(shown))
        look(rendered(inert(shown)))
        look(str(shown_in_pages({}, text)))  # the wall behind, for text that nobody made inert


def rendered(text: str) -> str:
    """The text as nbconvert shows it, without any sanitizer; nothing where it cannot."""
    try:
        return markdown2html_mistune(text)
    except InvalidNotebook as error:
        raise Active(f"an attachment is asked for: {error}") from None
    except Exception:  # mistune does not take every text, such as "```&Tab;"; the pages show it letter by letter
        return ""


def look(html: str) -> None:
    """Read a page.

    Raises:
        Active: something in it runs or loads.
    """
    page = Page()
    page.feed(html)
    page.close()
