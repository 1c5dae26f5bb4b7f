"""How much of a hand-in is read, kept and waited for. What is larger is refused with a reason, never in silence."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

MIB = 1024 * 1024
# Of a notebook's JSON no more than so many bytes and parts are parsed: a list of two bytes takes 90 as an object.
MAX_PARSED = 8 * MIB
MAX_PARTS = 500_000  # lists, objects and strings
MAX_NOTEBOOK = 128 * MIB  # bytes of a notebook that are scanned, to leave its outputs out where it is over MAX_PARSED
MAX_TOKENS = 2_000_000  # strings and brackets seen in that scan: about two seconds
MAX_CELLS = 1000  # a notebook
MAX_SOURCE = 256 * 1024  # characters a cell
MAX_NOTES = 20  # remarks on a hand-in; more are counted

MAX_FILE = 16 * MIB  # bytes a file that lies beside the notebooks
MAX_FILES = 300  # such files
MAX_FILES_BYTES = 64 * MIB  # all of them together
MAX_NOTEBOOKS = 50  # a hand-in
MAX_DEPTH = 8  # folders in one another
MAX_ENTRIES = 20_000  # names looked at

MAX_UPLOAD_BYTES = MAX_NOTEBOOK + MAX_FILES_BYTES  # what one learner's archive unpacks to
MAX_UPLOAD_ENTRIES = MAX_ENTRIES  # names in it
MAX_CLASS_BYTES = 4096 * MIB  # what all uploads of a class unpack to
MAX_CLASS_ENTRIES = 100_000  # names in the archive of a class
MAX_NESTED = 3  # archives in one another: the class's, the learner's, and one that the learner wrapped it in
MAX_RATIO = 200  # times that a file of more than 1 MiB grows when it is unpacked
MAX_NAME = 200  # bytes of a file's or folder's name in an archive
MAX_PATH = 1000  # bytes of its path

CHECK_SECONDS = 20.0  # a check on its evidence; an honest one takes milliseconds


class TooSlow(BaseException):
    """The time is over. No `Exception`, so that what runs meanwhile does not take it for its own."""


class Clock:
    """Whether the time of a `time_limit` is over: what runs in the block may have swallowed the exception."""

    over = False


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[Clock]:
    """Raise `TooSlow` in the block when the time is over.

    Needs the process's main thread and a system with timers (not Windows); elsewhere the block runs without a limit.

    Args:
        seconds: wall-clock time.

    Raises:
        TooSlow: again every second until the block is left, in case something in it swallows the first.
    """
    clock = Clock()
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable or signal.getitimer(signal.ITIMER_REAL)[0]:  # somebody else's timer stays theirs
        yield clock
        return

    def ring(number: int, frame: FrameType | None) -> None:
        clock.over = True
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield clock
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
