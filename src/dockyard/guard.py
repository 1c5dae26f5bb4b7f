"""Guard the formgrader where nbgrader trusts addresses, and names that whoever hands in has chosen.

A server extension of `dockyard teach`. nbgrader 0.9.6 writes parts of an address into its pages as they are, answers
its own programs' questions as if they were pages, and reads, hence executes, an `nbgrader_config.py` in any folder
that an address names. One link, followed by an instructor who is logged in, would be enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError, OutputTransform, RequestHandler

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

# What can end a text in a page or in a program, as it is or as addresses write it.
UNSAFE = r"(?:[\"'<>\\&`\x00-\x20]|%(?:22|26|27|3C|3E|5C|60|[01][0-9A-F]|7F))"


class NotHere(RequestHandler):
    """Answers for addresses that hold what no name of this course does."""

    def prepare(self) -> None:
        raise HTTPError(404)


class OneCourse(RequestHandler):
    """The formgrader's entrance, for the course that is served and for no other."""

    def initialize(self, entrance: str) -> None:
        self.entrance = entrance

    def get(self) -> None:
        if self.get_argument("path", ""):
            raise HTTPError(404, "This server grades one course; type ./dockyard teach in the other's folder.")
        self.redirect(self.entrance)


class AnswersAreData(OutputTransform):
    """Says that an answer to a program is no page: a browser that is sent there shows it as text."""

    def __init__(self, request: Any) -> None:
        self.applies = "/formgrader/api/" in request.path

    def transform_first_chunk(
        self, status_code: int, headers: Any, chunk: bytes, finishing: bool
    ) -> tuple[int, Any, bytes]:
        if self.applies:
            # Not application/json: jQuery would read it before nbgrader's own scripts do.
            headers["Content-Type"] = "text/plain; charset=utf-8"
            headers["X-Content-Type-Options"] = "nosniff"
        return status_code, headers, chunk


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "dockyard.guard"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Jupyter loads extensions in the order of their names and asks handlers in it too: these before nbgrader's."""
    start = f"{server.base_url.rstrip('/')}/formgrader"
    server.web_app.add_handlers(
        ".*$",
        [
            (rf"(?i:{start}/.*{UNSAFE}.*)", NotHere),
            (rf"{start}/?", OneCourse, {"entrance": f"{start}/manage_assignments"}),
        ],
    )
    server.web_app.add_transform(AnswersAreData)
