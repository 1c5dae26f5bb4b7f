"""A folder as data, to be laid out again on a machine that shares no disk with this one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dockyard.errors import EvidenceError
from dockyard.grading.handins import bytes_of
from dockyard.grading.intake import REFUSED
from dockyard.grading.limits import MIB

MAX_PARCEL = 16 * MIB  # bytes of a folder that is sent
MAX_NAMES = 1000  # files and folders in it

Parcel = dict[str, bytes | None]
"""Path in the folder → content; None where that is the lesson's own file of this path, which both sides have."""


class Unfit(Exception):
    """A folder that cannot be sent as it is, or a parcel that must not be laid out; the message says why."""


def pack(folder: Path, own: Mapping[str, bytes]) -> Parcel:
    """Return what a folder holds. No link is followed, no pipe waited for; empty folders are left out.

    Args:
        folder: a hand-in, or what came of one.
        own: the lesson's own files.

    Raises:
        Unfit: it holds something else than readable files, too much, or what was put aside from a hand-in before.
    """
    parcel: Parcel = {}
    left, names, waiting = MAX_PARCEL, 0, [""]
    if folder.is_symlink():
        raise Unfit("It is a link.")
    try:
        while waiting:
            inside = waiting.pop()
            with os.scandir(folder / inside) as entries:
                for entry in entries:
                    names += 1
                    name = f"{inside}{entry.name}"
                    if names > MAX_NAMES or name == REFUSED:
                        raise Unfit(f"It holds {'things put aside' if name == REFUSED else 'too many files'}.")
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{name}/")
                        continue
                    content = bytes_of(Path(entry.path), left)
                    left -= len(content)
                    parcel[name] = None if own.get(name) == content else content
    except (OSError, EvidenceError) as error:
        raise Unfit(" ".join(str(error).split())) from None
    return parcel


def unpack(parcel: Mapping[str, bytes | None], folder: Path, own: Mapping[str, bytes]) -> None:
    """Lay out a parcel.

    Args:
        parcel: of `pack`.
        folder: where to; made if it is not there.
        own: the lesson's own files, as `pack` had them.

    Raises:
        Unfit: a path leads out of the folder, or names a file of the lesson that is not there.
        OSError: the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parcel.items():
        path = PurePosixPath(name)
        if path.is_absolute() or str(path) != name or ".." in path.parts or (os.sep != "/" and os.sep in name):
            raise Unfit(f"There is a file with the path {name[:100]!r} in it.")
        if content is None and name not in own:
            raise Unfit(f"The lesson has no file {name[:100]!r}.")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(own[name] if content is None else content)
