"""Before a hand-in is graded: put aside what must not be copied, opened or waited for.

nbgrader copies every file of a hand-in, through links, before it looks at any. What is refused is moved, as it is, to
`.refused/` in the hand-in's own folder, which `CourseDirectory.ignore` in nbgrader_config.py leaves out.
"""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

from nbgrader.utils import parse_utc

from dockyard.evidence import NAME
from dockyard.grading.limits import (
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_FILE,
    MAX_FILES,
    MAX_FILES_BYTES,
    MAX_NOTEBOOKS,
    MAX_NOTES,
    MIB,
)

REFUSED = ".refused"
TIMESTAMP = "timestamp.txt"  # nbgrader's, beside the notebooks
MAX_TIMESTAMP = 200  # bytes
# Kinds of files that a browser opens as a page with programs, when a reviewer follows a link to them.
ACTIVE_TYPES = ("html", "xml", "svg", "javascript", "ecmascript", "css", "pdf", "rfc822", "flash", "x-shockwave")
ACTIVE_ENDINGS = (".mht", ".mhtml", ".hta", ".xht", ".svgz", ".mjs", ".xsl", ".xslt", ".swf")
KINDS = ((stat.S_ISLNK, "a link"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
TOO_MANY = "is one of more files than a hand-in may have"
TOO_DEEP = "is a folder in too many others, or one with too many files"


def receive(folder: Path, lesson: Collection[str] = ()) -> dict[str, str]:
    """Put aside what a hand-in must not hold: links, pipes, devices, files that are too large, too many or active.

    The notebooks themselves stay: `reading.read_notebook` takes them as they are. Receiving twice changes nothing.

    Args:
        folder: the hand-in, `submitted/<student>/<lesson>`.
        lesson: names of the lesson's notebooks; of others only a few are kept.

    Returns:
        What was put aside, now or before: path in the hand-in → why, as the end of a sentence that starts with "it".

    Raises:
        OSError: something could not be moved.
    """
    if folder.is_symlink():
        aside = folder.with_name(f".{folder.name}{REFUSED}")
        os.rename(folder, aside)
        folder.mkdir()
        _aside(folder)
        os.rename(aside, folder / REFUSED / quote(folder.name, safe=""))
        return refused(folder)
    found: dict[str, str] = {}
    for name, why in [*_unwanted_notebooks(folder, lesson), *_unwanted(folder)]:
        found[printable(name)] = why
        _put_aside(folder, name)
    _flatten(folder, [path for path in (folder / REFUSED, *folder.glob("*.ipynb")) if _is_folder(path)])
    return {**refused(folder), **found}


def refused(folder: Path) -> dict[str, str]:
    """Return what was put aside of a hand-in before, as `receive` does."""
    result: dict[str, str] = {}
    aside = folder / REFUSED
    if not _is_folder(aside):
        return result
    with os.scandir(aside) as entries:
        for entry in entries:
            name = unquote(entry.name, errors="surrogateescape")
            why = _what_is_wrong(Path(entry.path), name)
            result[printable(name)] = why or (TOO_DEEP if _is_folder(Path(entry.path)) else TOO_MANY)
            if len(result) >= 10 * MAX_NOTES:
                break
    return dict(sorted(result.items()))


def printable(name: str) -> str:
    """Return a file's name as it can be written anywhere, of reasonable length."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return shown if len(shown) <= 100 else shown[:99] + "…"


def _unwanted(folder: Path) -> Iterator[tuple[str, str]]:
    """Paths that must go, relative to the hand-in, each with the reason. A folder goes with all that it holds."""
    files: list[tuple[bool, str, int]] = []
    seen = 0
    waiting = [("", 0)]
    while waiting:
        inside, depth = waiting.pop()
        with os.scandir(folder / inside) as entries:
            names = sorted(entry.name for entry in entries)
        seen += len(names)
        if seen > MAX_ENTRIES:
            if inside:
                yield inside, TOO_DEEP
                seen -= len(names)
            else:
                yield from ((name, TOO_MANY) for name in names if not name.endswith(".ipynb") and name != REFUSED)
                return
            continue
        for name in names:
            relative = f"{inside}/{name}" if inside else name
            path = folder / relative
            if (relative == REFUSED and _is_folder(path)) or (name.endswith(".ipynb") and not inside):
                continue
            why = _what_is_wrong(path, relative)
            if why is None and path.is_dir():
                if depth >= MAX_DEPTH:
                    why = TOO_DEEP
                else:
                    _open_up(path)
                    waiting.append((relative, depth + 1))
                    continue
            if why:
                yield relative, why
            else:
                files.append((not _is_evidence(relative), relative, path.lstat().st_size))
    total = kept = 0
    for _, relative, size in sorted(files):
        if kept >= MAX_FILES or total + size > MAX_FILES_BYTES:
            yield relative, TOO_MANY
        else:
            kept, total = kept + 1, total + size


def _open_up(folder: Path) -> None:
    mode = folder.stat().st_mode
    if mode & 0o700 != 0o700:  # asked first: where submissions cannot be written, most of them need not be
        folder.chmod(mode | 0o700)


def _unwanted_notebooks(folder: Path, lesson: Collection[str]) -> Iterator[tuple[str, str]]:
    others = sorted(path.name for path in folder.glob("*.ipynb") if path.name not in lesson)
    yield from ((name, TOO_MANY) for name in others[MAX_NOTEBOOKS:])


def _is_evidence(relative: str) -> bool:
    where, _, name = relative.rpartition("/")
    return (where == "evidence" and bool(NAME.match(name.removesuffix(".json")))) or relative == TIMESTAMP


def _what_is_wrong(path: Path, name: str) -> str | None:
    """Why a file or folder is refused, seen from outside; None where it may stay."""
    about = path.lstat()
    for test, word in KINDS:
        if test(about.st_mode):
            return f"is {word}"
    if not name.rpartition("/")[2].isprintable() or "\\" in name:  # undecodable bytes are not printable either
        return "has a name that is not plain text"
    if stat.S_ISDIR(about.st_mode):
        return None
    if not stat.S_ISREG(about.st_mode):
        return "is a device"
    if about.st_size > MAX_FILE:
        return f"has {about.st_size // MIB:,} MiB, more than {MAX_FILE // MIB}"
    if not os.access(path, os.R_OK):
        return "cannot be read by you"
    kind = mimetypes.guess_type(name.lower())[0] or ""
    if any(word in kind for word in ACTIVE_TYPES) or name.lower().endswith(ACTIVE_ENDINGS):
        return "is of a kind that can hold programs for a browser"
    return _bad_time(path) if name == TIMESTAMP else None


def handed_in_at(folder: Path) -> datetime | None:
    """Return when a hand-in was made, as its `timestamp.txt` says; None where there is none, or an empty one.

    Args:
        folder: the hand-in, or what was graded of it.

    Raises:
        ValueError: there is one that nbgrader must not read; `receive` puts it aside.
    """
    path = folder / TIMESTAMP
    if not os.path.lexists(path):
        return None
    if why := _what_is_wrong(path, TIMESTAMP):
        raise ValueError(f"{path} {why}")
    text = path.read_text(encoding="utf-8").strip()
    return parse_utc(text) if text else None


def _bad_time(path: Path) -> str | None:
    if path.stat().st_size > MAX_TIMESTAMP:
        return "holds more than a time"
    try:
        parse_utc(path.read_text(encoding="utf-8").strip() or None)
    except Exception:  # whatever dateutil makes of it: nbgrader would end the whole run
        return "holds no time that can be read"
    return None


def _put_aside(folder: Path, name: str) -> None:
    aside = _aside(folder)
    if name == REFUSED:  # that was no folder, and has made way for one
        return
    flat = quote(name, safe=" ", errors="surrogateescape")[:200]
    target, number = aside / flat, 1
    while os.path.lexists(target):
        number += 1
        target = aside / f"{flat}.{number}"
    if os.path.lexists(folder / name):
        os.rename(folder / name, target)


def _flatten(folder: Path, waiting: list[Path]) -> None:
    """Take folders apart that lie in one another without end: nbgrader walks through those that it ignores, too."""
    while waiting:
        level = [waiting.pop()]
        for _ in range(MAX_DEPTH):
            level = [child for parent in level for child in _folders(parent)]
        for deep in level:
            target = _aside(folder) / f"deep-{len(os.listdir(_aside(folder)))}"
            os.rename(deep, target)
            waiting.append(target)


def _folders(parent: Path) -> list[Path]:
    with os.scandir(parent) as entries:
        return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]


def _is_folder(path: Path) -> bool:
    return os.path.lexists(path) and stat.S_ISDIR(path.lstat().st_mode)


def _aside(folder: Path) -> Path:
    """The folder for what is refused: never one that a link leads to."""
    aside = folder / REFUSED
    if os.path.lexists(aside) and not _is_folder(aside):
        number = 1
        while os.path.lexists(folder / f"{REFUSED}-{number}"):
            number += 1
        moved = folder / f"{REFUSED}-{number}"
        os.rename(aside, moved)
        aside.mkdir()
        os.rename(moved, aside / quote(REFUSED, safe=""))
    aside.mkdir(exist_ok=True)
    return aside
