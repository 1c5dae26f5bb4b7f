"""Watch what a page runs, loads, and opens, and poke whatever in it may wait to be touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Error

HOST = "away.invalid"
TRACE = "canary_"

SET = """([learner, own, links]) => {
    window.LEARNER = learner; window.OWN = own; window.PLAIN = new RegExp(links, "i");
}"""
FOUND = """trace => {
    const found = new Set(Object.keys(window).filter(key => key.startsWith(trace)).map(key => "ran: " + key));
    const mine = window.LEARNER ? [...document.querySelectorAll(window.LEARNER)] : [document.documentElement];
    const active = "script, iframe, frame, object, embed, applet, form, base, link, meta, style, svg, math, video,"
        + " audio, portal, fencedframe, dialog, input, button, select, textarea, template, map";
    const elements = mine.flatMap(root => [...root.querySelectorAll("*")]);
    for (const element of elements) {
        if (element.matches(active) && !(window.OWN && element.matches(window.OWN)))
            found.add("element: " + element.outerHTML.slice(0, 120));
        for (const {name, value} of element.attributes) {
            const own = window.OWN && element.matches(window.OWN);
            if (/^on/i.test(name) && !own) found.add("handler: " + element.outerHTML.slice(0, 120));
            if (/^(href|xlink:href|action|formaction|src|srcset|poster|data|background|ping)$/i.test(name) && !own) {
                const address = /href|action|ping/i.test(name) ? window.PLAIN : /^data:image\\/(png|jpeg|gif);base64,/;
                if (!address.test(value)) found.add("address: " + element.outerHTML.slice(0, 120));
            }
            if (/^(data-|style$)/i.test(name) && /(url|image-set)\\s*\\(|expression|data-(toggle|target|link|command)/i
                .test(name + value) && !own) found.add("attribute: " + element.outerHTML.slice(0, 120));
        }
    }
    return [...found];
}"""
"""What a learner's part of a page (`LEARNER`, the whole page by default) must not hold, but for what is `OWN`."""

POKE = """() => {
    // Links to pages lead away, as links do; all else must lead nowhere.
    window.addEventListener("click", event => {
        const link = event.target.closest && event.target.closest("a[href]");
        if (link && !/^#/.test(link.getAttribute("href")) && window.PLAIN.test(link.getAttribute("href")))
            event.preventDefault();
    }, true);
    const mine = window.LEARNER ? [...document.querySelectorAll(window.LEARNER)] : [document.body];
    for (const element of mine.flatMap(root => root ? [...root.querySelectorAll("*")] : [])) {
        if (window.OWN && element.matches(window.OWN)) continue;
        for (const kind of ["mouseover", "mouseenter", "mousemove", "mousedown", "focus", "focusin", "toggle",
                            "pointerover", "wheel", "copy", "contextmenu"])
            element.dispatchEvent(new MouseEvent(kind, {bubbles: true, cancelable: true}));
        if (element.click) element.click(); else element.dispatchEvent(new MouseEvent("click", {bubbles: true}));
    }
}"""
"""Hover over, focus and click everything that a learner may have put there."""


TRACES = "trace => Object.keys(window).filter(key => key.startsWith(trace)).map(key => 'ran in a frame: ' + key)"


def named(name: str, text: str) -> str:
    """Put a trick's name into what it runs and loads."""
    trace = f"window.{TRACE}{name.replace('-', '_')}=1"
    return (
        text.replace("parent.RUN", trace.replace("window", "parent"))
        .replace("RUN", trace)
        .replace("AWAY", f"http://{HOST}/{name}")
    )


class Watch:
    """Records what the pages of a browser's context do.

    Attributes:
        seen: what no page may do, in words: a request to elsewhere, a dialog, a download, another page or address.
    """

    def __init__(self, context: Any, own: str = "") -> None:
        """Args: context: Playwright's; own: the server's address, the only one that may be asked."""
        self.seen: list[str] = []
        self.own = urlsplit(own).netloc if own else ""
        self._quiet, self._address = False, ""
        context.route("**/*", self._route)
        context.on("page", self._page)

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Within: a page that we open ourselves."""
        self._quiet = True
        yield
        self._quiet = False

    def go(self, page: Any, address: str) -> None:
        """Send a page somewhere ourselves; from then on it must stay there."""
        with self.opening():
            page.goto(address, wait_until="load")
            self._address = page.url.partition("#")[0]

    def _route(self, route: Any) -> None:
        if self._is_own(route.request.url):
            route.continue_()
        else:
            self.seen.append(f"request: {route.request.url[:200]}")
            route.abort()

    def _is_own(self, address: str) -> bool:
        parts = urlsplit(address)
        if parts.scheme == "data":
            return address.startswith(("data:image/png", "data:image/jpeg", "data:font/", "data:application/font"))
        if not self.own:
            return parts.scheme == "file"
        return parts.scheme == "blob" or (parts.scheme in ("http", "ws") and parts.netloc == self.own)

    def _page(self, page: Any) -> None:
        if not self._quiet:
            self.seen.append(f"popup: {page.url[:200]}")
        page.on("request", lambda request: self._is_own(request.url) or self.seen.append(f"asked: {request.url[:200]}"))
        page.on("dialog", lambda dialog: (self.seen.append(f"dialog: {dialog.message[:80]}"), dialog.dismiss()))
        page.on("download", lambda download: self.seen.append(f"download: {download.url[:80]}"))
        page.on("framenavigated", lambda frame: self._navigated(page, frame))

    def _navigated(self, page: Any, frame: Any) -> None:
        address = frame.url.partition("#")[0]
        if not self._quiet and frame == page.main_frame and address != self._address:
            self.seen.append(f"navigation: {unquote(frame.url)[:200]}")


AWAY = "^(https?:|mailto:|#|$)"
BESIDE = AWAY + r"|^(?![a-z][a-z0-9+.-]*:)[^/\\\s]"  # or to a file beside the page


def look(page: Any, watch: Watch, learner: str = "", own: str = "", links: str = AWAY) -> list[str]:
    """Poke a page that is open and return what it did or holds that it must not.

    Args:
        learner: CSS selector of the parts that hold what a learner wrote; by default all of the page.
        own: CSS selector of what in them is the page's own.
        links: where links may lead, as a regular expression; these are not followed, all others are.
    """
    found: list[str] = []
    try:
        page.evaluate(SET, [learner, own, links])
        found += page.evaluate(FOUND, TRACE)
        page.evaluate(POKE)
        page.wait_for_timeout(250)
        for frame in page.frames:
            found += frame.evaluate(FOUND if frame == page.main_frame else TRACES, TRACE)
    except Error as error:
        found.append(f"the page went away: {error.message[:80]}")
    return list(dict.fromkeys([*found, *watch.seen]))
