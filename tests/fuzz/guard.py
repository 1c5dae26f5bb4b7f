"""While untrusted bytes are worked on: no connection, no other program, and no file written."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

REFUSED = (
    *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"),
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.kill", "os.putenv"),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown"),
    *("os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile", "pickle.find_class", "webbrowser.open"),
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_seen: list[str] = []
_state = {"watching": False, "installed": False}


class Escaped(Exception):
    """What was done that must not be; raised after the fact, since what is tested may swallow exceptions."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _state["watching"]:
        return
    writes = False
    # A folder is "opened for writing" by `tempfile`, for a file without a name that no folder lists.
    if event == "open" and isinstance(arguments[2], int):
        writes = bool(arguments[2] & WRITES) and not os.path.isdir(arguments[0])
    if writes or event in REFUSED:
        _seen.append(f"{event}{arguments!r:.200}")
        raise Escaped(_seen[-1])


@contextlib.contextmanager
def nothing_outside() -> Iterator[None]:
    """Within the block, connections, programs and written files are refused.

    Raises:
        Escaped: one was tried.
    """
    if not _state["installed"]:
        sys.addaudithook(_watch)  # stays as long as the process
        _state["installed"] = True
    _seen.clear()
    _state["watching"] = True
    try:
        yield
    finally:
        _state["watching"] = False
        if _seen:
            raise Escaped("; ".join(_seen[:3]))
