"""Put a graded hand-in's folder into its place: whoever is killed meanwhile leaves a whole one there, or none."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

OLD, NEW = "old", "new"  # beside the place, so on the same disk; nobody looks at names with a dot


def put(staged: Path, place: Path) -> None:
    """Move a folder into a place; what was there before goes.

    Args:
        staged: the folder, on the same disk or another.
        place: where it belongs.

    Raises:
        OSError: the disk is full or refuses. Then the place holds what it held before, or nothing.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    new = _beside(place, NEW)
    shutil.rmtree(new, ignore_errors=True)
    try:
        _move(staged, new)
        with _taken_away(place):
            os.rename(new, place)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise


def take_away(place: Path) -> None:
    """Remove a folder, if it is there, so that nobody ever sees a part of it.

    Raises:
        OSError: it cannot be removed, and is still there.
    """
    with _taken_away(place):
        pass


def tidy(place: str) -> None:
    """Remove what somebody who was killed left beside places.

    Args:
        place: a pattern of places, as `glob` takes it.
    """
    for word in (OLD, NEW):
        for path in glob.glob(str(_beside(Path(place), word))):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _taken_away(place: Path) -> Iterator[None]:
    old = _beside(place, OLD)
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        os.rename(place, old)
    yield
    shutil.rmtree(old, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        for folder, _, names in os.walk(source):
            there = target / Path(folder).relative_to(source)
            there.mkdir(mode=0o755)
            for name in names:
                shutil.copy2(Path(folder) / name, there / name)
            shutil.copymode(folder, there)


def _beside(place: Path, word: str) -> Path:
    return place.with_name(f".{place.name}.{word}")
