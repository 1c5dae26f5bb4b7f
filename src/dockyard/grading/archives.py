"""Read uploaded archives entry by entry: zip, tar and tar.gz. No header is believed, nothing is written here.

Python's own readers are used as far as they keep to bounds: `zipfile` for stored and deflated entries, `gzip`, and
`tarfile`'s parser of one header. `tarfile` itself reads what a header announces into memory, so its archive reader
is not used.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from dockyard.errors import ArchiveError
from dockyard.grading.limits import MAX_CLASS_ENTRIES, MAX_DEPTH, MAX_NAME, MAX_PATH, MAX_RATIO, MIB

CHUNK = 64 * 1024
ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip", ".gz")  # setuptools.archive_util, which nbgrader uses, reads these
MAX_DIRECTORY = 160 * MAX_CLASS_ENTRIES  # bytes of a zip's list of entries, which zipfile holds in memory
LOCAL_HEADER = 30  # bytes before the name in front of a zip's entry, at least
MAX_LONG_NAME = 64 * 1024  # bytes of a tar's extended header
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?\Z", re.IGNORECASE)
DRIVE = re.compile(r"[A-Za-z]:")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # LZMA's header says how much memory to take
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE)
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError)


class EntryError(ArchiveError):
    """One file of an archive is not taken; the others may be."""


@dataclass(frozen=True)
class Entry:
    """A file in an archive or folder.

    Attributes:
        name: its path as the archive gives it.
        trouble: why it is not taken, as the end of a sentence that starts with "it"; empty where it may be.
        chunks: its content, piece by piece; to be read before the next entry is asked for.
        path: where it lies, if it lies on disk already.
    """

    name: str
    trouble: str = ""
    chunks: Callable[[], Iterator[bytes]] = lambda: iter(())
    path: Path | None = None


def ending_of(name: str) -> str:
    """Return by which ending a file's name says that it is an archive; an empty text where it says no such thing."""
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")


def safe_path(name: str) -> tuple[PurePosixPath | None, str]:
    """Return where an entry may be put, relative to its own folder; or None and why it may not be put anywhere."""
    if name.startswith("/"):
        return None, "has a name that starts at the root"
    if "\\" in name:
        return None, "has a backslash in its name"
    if not name.isprintable():  # control characters, line ends and undecodable bytes
        return None, "has a name that is not plain text"
    parts = [part for part in unicodedata.normalize("NFC", name).split("/") if part not in ("", ".")]
    if ".." in parts:
        return None, "would be put outside of its folder"
    if any(DRIVE.match(part) for part in parts):
        return None, "names a drive"
    if any(DEVICES.match(part.strip()) for part in parts):
        return None, "has the name of a device"
    if any(len(part.encode()) > MAX_NAME for part in parts) or len(name.encode()) > MAX_PATH:
        return None, "has a name that is too long"
    if len(parts) > MAX_DEPTH:
        return None, "lies in too many folders"
    return PurePosixPath(*parts), "" if parts else "has no name"


def entries_of(source: Path, read: Callable[[int], None], most: int) -> Iterator[Entry]:
    """Yield the files of an archive, told by its first bytes, or of a folder.

    Args:
        source: the archive or folder.
        read: called with the number of bytes each time that some were unpacked; may raise `ArchiveError`.
        most: how many entries it may have, folders included.

    Raises:
        ArchiveError: it is no archive, or as a whole not to be taken.
    """
    if source.is_dir():
        yield from _folder(source, most)
        return
    try:
        with open(source, "rb") as file:
            start = file.read(tarfile.BLOCKSIZE)
        if not start:
            raise ArchiveError("it is empty")
        if start[:2] == b"PK":
            yield from _zip(source, read, most)
        elif start[:2] == b"\x1f\x8b":
            with gzip.open(source) as unzipped:
                yield from _tar(unzipped, read, most, source.stat().st_size)
        elif start[257:262] == b"ustar":
            with open(source, "rb") as plain:
                yield from _tar(plain, read, most, 0)
        else:
            raise ArchiveError("it is no zip or tar archive")
    except (*BROKEN, OSError, OverflowError) as error:
        raise ArchiveError(f"it is damaged or no archive ({str(error)[:80] or type(error).__name__})") from error


def too_large(size: int, packed: int) -> bool:
    """Tell whether a file grows as no honest one does.

    Args:
        size, packed: bytes when unpacked and when packed.
    """
    return size > MIB and size > MAX_RATIO * max(packed, 1)


def _folder(folder: Path, most: int) -> Iterator[Entry]:
    waiting, seen = [(folder, "")], 0
    while waiting:
        inside, prefix = waiting.pop(0)
        for name in sorted(os.listdir(inside)):
            path, seen = inside / name, seen + 1
            if seen > most:
                raise ArchiveError(f"it has more than {most:,} files")
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode) and prefix.count("/") < MAX_DEPTH:
                waiting.append((path, f"{prefix}{name}/"))
            elif stat.S_ISREG(mode):
                yield Entry(f"{prefix}{name}", "", partial(_pieces, path), path)
            else:
                what = "is a link" if stat.S_ISLNK(mode) else "lies in too many folders"
                yield Entry(f"{prefix}{name}", what if stat.S_ISDIR(mode) or stat.S_ISLNK(mode) else "is a device")


def _pieces(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(CHUNK):
            yield piece


class _Bounded(io.BufferedReader):
    """A file of which nobody reads more than a zip's list of entries at once, whatever the zip says."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or size > MAX_DIRECTORY:
            content = super().read(MAX_DIRECTORY + 1)
            if len(content) > MAX_DIRECTORY:
                raise ArchiveError("its list of entries is too long")
            return content
        return super().read(size)


def _zip(source: Path, read: Callable[[int], None], most: int) -> Iterator[Entry]:
    with _Bounded(io.FileIO(source)) as file, zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if len(infos) > most:
            raise ArchiveError(f"it has more than {most:,} entries")
        _refuse_overlaps(infos, archive.start_dir)
        for info in infos:
            name = info.orig_filename
            if name.endswith("/"):
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            trouble = ""
            if kind not in (0, stat.S_IFREG):
                trouble = "is a link" if kind == stat.S_IFLNK else "is no plain file"
            elif info.flag_bits & 0x1:
                trouble = "is encrypted"
            elif info.compress_type not in METHODS:
                trouble = f"is compressed in a way that is not taken (method {info.compress_type})"
            elif too_large(info.file_size, info.compress_size):
                trouble = f"grows to more than {MAX_RATIO} times its size"
            yield Entry(name, trouble, partial(_unzipped, archive, info, read))


def _refuse_overlaps(infos: list[zipfile.ZipInfo], end: int) -> None:
    """One piece of data under many names is how the smallest bombs are made."""
    before = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < before:
            raise ArchiveError("its entries overlap")
        before = info.header_offset + LOCAL_HEADER + info.compress_size
    if before > end:
        raise ArchiveError("its entries overlap or it is cut off")


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, read: Callable[[int], None]) -> Iterator[bytes]:
    size = 0
    with archive.open(info) as file:
        while piece := file.read(CHUNK):
            read(len(piece))
            size += len(piece)
            if too_large(size, info.compress_size):
                raise EntryError(f"it grows to more than {MAX_RATIO} times its size")
            yield piece


class _Stream:
    """What a tar holds, read once from front to end, counted."""

    def __init__(self, file: Any, read: Callable[[int], None], packed: int) -> None:
        self._file, self._read, self._packed, self._size = file, read, packed, 0

    def exactly(self, size: int) -> bytes:
        content: bytes = self._file.read(size)
        self._size += len(content)
        self._read(len(content))
        if self._packed and too_large(self._size, self._packed):
            raise ArchiveError(f"it grows to more than {MAX_RATIO} times its size")
        if len(content) < size:
            raise ArchiveError("it is cut off")
        return content

    def pieces(self, left: list[int]) -> Iterator[bytes]:
        """Yield what is left of an entry, and keep count of it in the list's one number."""
        while left[0]:
            piece = self.exactly(min(CHUNK, left[0]))
            left[0] -= len(piece)
            yield piece


def _tar(file: Any, read: Callable[[int], None], most: int, packed: int) -> Iterator[Entry]:
    stream, seen, long_name = _Stream(file, read, packed), 0, ""
    while True:
        try:
            header = tarfile.TarInfo.frombuf(stream.exactly(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            return
        seen += 1
        if seen > most:
            raise ArchiveError(f"it has more than {most:,} entries")
        if header.size < 0:
            raise ArchiveError("an entry of it has less than no bytes")
        if header.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            if header.size > MAX_LONG_NAME:
                raise ArchiveError("it has a name that is too long")
            about = stream.exactly(_blocks(header.size))[: header.size]
            if header.type == tarfile.XHDTYPE:
                long_name = _pax(about) or long_name
            elif header.type == tarfile.GNUTYPE_LONGNAME:
                long_name = about.rstrip(b"\0").decode("utf-8", "surrogateescape")
            continue
        name, long_name = long_name or header.name, ""
        left = [0 if header.type in LINKS else _blocks(header.size)]
        if header.type in PLAIN:
            yield Entry(name, "", lambda: _cut(stream.pieces(left), header.size))  # noqa: B023  (read at once)
        elif not header.isdir():
            yield Entry(name, "is a link" if header.type in LINKS else "is no plain file")
        for _ in stream.pieces(left):  # what nobody wanted
            pass


def _cut(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Take the padding off, which fills a tar's last block."""
    for piece in pieces:
        yield piece[:size]
        size -= min(size, len(piece))


def _blocks(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _pax(content: bytes) -> str:
    """Return the path of an extended header: records of `length key=value`, each with a line end (POSIX pax).

    Raises:
        ArchiveError: it gives a size, which only files of more than 8 GiB need, or is sparse.
    """
    path = ""
    while content:
        length = content.partition(b" ")[0]
        if not length.isdigit() or len(length) > 6 or not len(length) < int(length) <= len(content):
            raise ArchiveError("it has an extended header that cannot be read")
        key, _, value = content[len(length) + 1 : int(length)].rstrip(b"\n").partition(b"=")
        if key == b"size" or key.startswith(b"GNU.sparse"):
            raise ArchiveError("it has an entry of a size or form that is not taken")
        if key == b"path":
            path = value.decode("utf-8", "surrogateescape")
        content = content[int(length) :]
    return path
