"""The learner's folder and the learner's way to the instructor: lessons are put in, never over the learner's work."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from dataclasses import dataclass, field
from getpass import getuser
from pathlib import Path

from dockyard.course import COURSE_ID, Course
from dockyard.errors import DockyardError

IGNORED = {".ipynb_checkpoints", "__pycache__"}

# nbgrader's (nbgrader/exchange/default/release_assignment.py): a learner can add a hand-in, and not list the others'
EXCHANGE_MODE = 0o777
OUTBOUND_MODE = 0o755
INBOUND_MODE = 0o2733
FILE_MODE = 0o644


@dataclass
class Sync:
    """What happened to the lessons' files; paths are relative to the workspace."""

    put: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Changed by the learner while a newer release came out: left as they are."""


def sync(course: Course) -> Sync:
    """Put the released lessons into the workspace; bring up to date what the learner did not change.

    A manifest of hashes in `workspace/.dockyard/` tells a learner's change from an older release. A file that the
    learner changed is never touched; one that the learner deleted is put again.

    Returns:
        what was put, updated, removed (no longer released, and untouched) and kept.
    """
    known = _read_manifest(course)
    released: dict[str, str] = {}
    result = Sync()
    lessons = course.released()
    for lesson in lessons:
        for path in _files(course.release / lesson):
            name = path.relative_to(course.release).as_posix()
            target = course.workspace / name
            new = _digest(path)
            released[name] = new
            if not os.path.lexists(target):
                _put(path, target)
                result.put.append(name)
                continue
            current = _digest(target)
            if current == new:
                continue
            if current and current == known.get(name):
                _put(path, target)
                result.updated.append(name)
            elif known.get(name) != new:
                result.kept.append(name)
                # Of a file that came another way (fetched, copied) only a later release is news.
                released[name] = known.get(name, new)
    for name in known.keys() - released.keys():
        target = course.workspace / name
        if name.split("/")[0] not in lessons:
            released[name] = known[name]  # a lesson that is gone for now, perhaps amid a build
        elif target.is_file() and _digest(target) == known[name]:
            target.unlink()
            result.removed.append(name)
    if released != known:
        _write_manifest(course, released)
    return result


def fresh(course: Course, lesson: str) -> Path | None:
    """Move the learner's copy of a lesson aside, so that `sync` puts a new one.

    Returns:
        where the old copy lies now, or None where there was none.

    Raises:
        DockyardError: no such lesson is released.
    """
    if lesson not in course.released():
        raise DockyardError(
            f"There is no lesson {lesson!r}.",
            f"The lessons are: {', '.join(course.released()) or 'none yet'}.",
            "Type ./dockyard lab --fresh with one of these names",
        )
    old = course.workspace / lesson
    if not os.path.lexists(old):
        return None
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = old.with_name(f"{lesson}.old-{stamp}")
    count = 1
    while os.path.lexists(aside):
        count += 1
        aside = old.with_name(f"{lesson}.old-{stamp}-{count}")
    old.rename(aside)
    return aside


def open_exchange(course: Course) -> None:
    """Make the checkout's own exchange, laid out and protected as `nbgrader release_assignment` does it.

    An exchange that DOCKYARD_EXCHANGE names belongs to the instructor and is left alone.
    """
    if course.exchange != course.own_exchange.absolute():
        return
    folder = course.own_exchange / COURSE_ID
    for path, mode in (
        (course.own_exchange, EXCHANGE_MODE),
        (folder, OUTBOUND_MODE),
        (folder / "outbound", OUTBOUND_MODE),
        (folder / "inbound", INBOUND_MODE),
    ):
        if not path.is_dir():
            path.mkdir(parents=True)
            path.chmod(mode)  # mkdir's own mode is cut by the umask


def publish(course: Course) -> list[str]:
    """Release the lessons to the checkout's own exchange, so that a lone learner can fetch and submit.

    Returns:
        the lessons whose outbound copy was made; none where DOCKYARD_EXCHANGE names another exchange.
    """
    if course.exchange != course.own_exchange.absolute():
        return []
    open_exchange(course)
    folder = course.own_exchange / COURSE_ID
    changed = []
    for lesson in course.released():
        source, target = course.release / lesson, folder / "outbound" / lesson
        if _contents(source) == _contents(target):
            continue
        making = folder / f".{lesson}-{os.getpid()}"
        shutil.copytree(source, making, ignore=shutil.ignore_patterns(*IGNORED))
        for parent, _, names in os.walk(making):
            os.chmod(parent, OUTBOUND_MODE)
            for name in names:
                os.chmod(os.path.join(parent, name), FILE_MODE)
        if target.exists():
            shutil.rmtree(target)
        making.rename(target)
        changed.append(lesson)
    return changed


def student(course: Course, given: str | None = None) -> str:
    """Return the name under which the learner hands in, and remember one that is given.

    Args:
        given: the name from the command line. Without it: DOCKYARD_STUDENT, the remembered name, the user's login.

    Raises:
        DockyardError: the name cannot be that of a hand-in.
    """
    memory = course.workspace / ".dockyard" / "student"
    remembered = memory.read_text().strip() if memory.is_file() else ""
    name = given if given is not None else os.environ.get("DOCKYARD_STUDENT") or remembered or getuser()
    if not re.fullmatch(r"[\w.@-]+", name) or name.startswith("."):
        raise DockyardError(
            f"{name!r} cannot be a student's name.",
            "Expected letters, digits, and any of . _ - @ (it becomes part of a file's name).",
            "Type ./dockyard lab --student NAME",
        )
    if given:
        _write(memory, given)
    return name


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and not IGNORED & set(path.relative_to(folder).parts)
    )


def _contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): _digest(path) for path in _files(folder)}


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, and nothing of what is no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _put(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.with_name(f".{target.name}-{os.getpid()}")
    shutil.copyfile(path, making)
    making.chmod(FILE_MODE)
    making.replace(target)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f"{path.name}-{os.getpid()}")
    making.write_text(text)
    making.replace(path)


def _manifest(course: Course) -> Path:
    return course.workspace / ".dockyard" / "released.json"


def _read_manifest(course: Course) -> dict[str, str]:
    """Return path → hash of what was put. Without a readable manifest no file counts as untouched."""
    try:
        manifest = json.loads(_manifest(course).read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(manifest, dict):
        return {}
    inside = {name for name in manifest if isinstance(name, str) and ".." not in Path(name).parts}
    return {name: manifest[name] for name in inside if not Path(name).is_absolute() and isinstance(manifest[name], str)}


def _write_manifest(course: Course, files: dict[str, str]) -> None:
    _write(_manifest(course), json.dumps(files, indent=1, sort_keys=True) + "\n")
