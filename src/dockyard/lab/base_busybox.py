"""Make the busybox base from the machine's own package: one static program, and a link for each of its applets."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

from dockyard.errors import ImageError
from dockyard.lab import packages

Say = Callable[[str], None]

FOLDERS = (
    "bin",
    "dev",
    "etc",
    "home",
    "proc",
    "root",
    "sys",
    "tmp",
    "usr",
    "usr/bin",
    "usr/sbin",
    "var",
    "var/www",
)


def make(folder: Path, say: Say) -> Path:
    """Make the archive of a root folder that holds one static busybox and a link for each of its applets.

    Args:
        folder: an empty folder to work in.
        say: gets one short line for each step.

    Raises:
        ImageError: apt cannot give the package.
    """
    say("fetching busybox-static with apt")
    root = packages.unpack(["busybox-static"], folder)
    program = next((path for place in ("bin", "usr/bin") if (path := root / place / "busybox").is_file()), None)
    if program is None:
        raise ImageError("The package busybox-static holds no program called busybox.")
    applets = packages.run([str(program), "--list"], what="Asking busybox for its applets").split()
    archive = folder / "busybox.tar"
    with tarfile.open(archive, "w") as tar:
        for entry in _entries(applets):
            tar.addfile(entry)
        entry = tarfile.TarInfo("bin/busybox")
        entry.mode, entry.size = 0o755, program.stat().st_size
        with program.open("rb") as stream:
            tar.addfile(entry, stream)
        for name, text in (("etc/nsswitch.conf", "hosts: files dns\n"), ("etc/shells", "/bin/sh\n")):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o644, len(text)
            tar.addfile(entry, BytesIO(text.encode()))
    return archive


def _entries(applets: list[str]) -> Iterator[tarfile.TarInfo]:
    for name in FOLDERS:
        entry = tarfile.TarInfo(name)
        entry.type = tarfile.DIRTYPE
        entry.mode = {"tmp": 0o1777, "root": 0o700}.get(name, 0o755)
        yield entry
    for applet in sorted({Path(name).name for name in applets} - {"busybox"}):
        entry = tarfile.TarInfo(f"bin/{applet}")
        entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
        yield entry
    # Scripts name these two by their usual path.
    for name in ("env", "awk"):
        entry = tarfile.TarInfo(f"usr/bin/{name}")
        entry.type, entry.linkname = tarfile.SYMTYPE, "../../bin/busybox"
        yield entry
