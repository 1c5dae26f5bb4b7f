"""Uploads that are broken or made to do harm; the same ones for the same seed. Each holds an honest hand-in as well."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.grading.lms import Files, tarred, zipped

MIB = 1024 * 1024
Make = Callable[[Files, Random], bytes]


@dataclass(frozen=True)
class Upload:
    """One learner's upload.

    Attributes:
        name: the learner's name.
        make: returns the archive, given the files of an honest hand-in.
        says: what must be said of it (a regular expression).
        taken: whether the honest files in it must be collected.
        ending: of the file's name.
    """

    name: str
    make: Make
    says: str
    taken: bool = True
    ending: str = ".zip"


def uploads() -> list[Upload]:
    """Return all of them, in order."""
    found = [*_names(), *_kinds(), *_bombs(), *_broken(), *_tars()]
    assert len({one.name for one in found}) == len(found)
    return found


def _plus(name: str, content: bytes = b"{}") -> Make:
    """An honest hand-in with one more file, whose name is written as it is."""
    return lambda honest, random: _raw([*honest.items(), (name, content)])


def _raw(files: list[tuple[str, bytes]], change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            if name not in {info.filename for info in archive.infolist()}:
                change(info)
                archive.writestr(info, text)
    return content.getvalue()


def _names() -> Iterator[Upload]:
    outside = {
        "up": "../escaped.ipynb",
        "up-deep": "a/../../../../../../escaped.ipynb",
        "up-evidence": "evidence/../../honest/evidence/first-one.json",
        "up-end": "evidence/..",
        "dots": ".../../escaped.ipynb",
    }
    for name, path in outside.items():
        yield Upload(f"name-{name}", _plus(path), "would be put outside")
    others = {
        "absolute": ("/tmp/escaped.ipynb", "starts at the root"),
        "unc": ("//server/share/escaped.ipynb", "starts at the root"),
        "drive": ("C:/escaped.ipynb", "names a drive"),
        "drive-relative": ("C:escaped.ipynb", "names a drive"),
        "backslash": ("..\\..\\escaped.ipynb", "backslash"),
        "backslash-evidence": ("evidence\\x.json", "backslash"),
        "device": ("nul.ipynb", "name of a device"),
        "device-folder": ("COM1/x.ipynb", "name of a device"),
        "escape": ("\x1b]0;owned\x07.ipynb", "not plain text"),
        "newline": ("a\nb.ipynb", "not plain text"),
        "right-to-left": ("\u202egnp.ipynb", "not plain text"),
        "long": ("x" * 250 + ".ipynb", "too long"),
        "long-path": ("/".join(["y" * 190] * 6) + "/x.ipynb", "too long|too many folders"),
        "deep": ("d/" * 300 + "x.ipynb", "too many folders|too long"),
    }
    for name, (path, says) in others.items():
        yield Upload(f"name-{name}", _plus(path), says)

    def null(honest: Files, random: Random) -> bytes:
        return _raw([*honest.items(), ("evilQ.ipynb", b"{}")]).replace(b"evilQ.ipynb", b"evil\0.ipynb")

    yield Upload("name-null", null, "not plain text")

    def surrogate(honest: Files, random: Random) -> bytes:
        return zipped({**honest, "wörQQ.ipynb": b"{}"}).replace("wörQQ".encode(), b"w\xc3\xb6r\xed\xa0")

    yield Upload("name-surrogate", surrogate, "is damaged", taken=False)

    def dotted(honest: Files, random: Random) -> bytes:
        return zipped({"...zip": zipped({"escaped.ipynb": b"{}"}), **honest})

    yield Upload("name-nested-dots", dotted, "")


def _kinds() -> Iterator[Upload]:
    def mode(kind: int, path: str = "evidence/link.json") -> Make:
        def make(honest: Files, random: Random) -> bytes:
            def change(info: zipfile.ZipInfo) -> None:
                info.create_system = 3
                info.external_attr = (kind | 0o777) << 16 if info.filename == path else 0

            return _raw([*honest.items(), (path, b"/etc/passwd")], change)

        return make

    yield Upload("kind-link", mode(stat.S_IFLNK), "link.json: it is a link")
    yield Upload("kind-link-folder", mode(stat.S_IFLNK, "evidence2.ipynb"), "it is a link")
    yield Upload("kind-pipe", mode(stat.S_IFIFO), "no plain file")
    yield Upload("kind-device", mode(stat.S_IFCHR), "no plain file")

    def setuid(honest: Files, random: Random) -> bytes:
        def change(info: zipfile.ZipInfo) -> None:
            info.external_attr = (stat.S_IFREG | 0o6777) << 16

        return _raw(list(honest.items()), change)

    yield Upload("kind-setuid", setuid, "")

    def twice(honest: Files, random: Random) -> bytes:
        content = io.BytesIO(zipped(honest))
        with zipfile.ZipFile(content, "a") as archive:
            info = zipfile.ZipInfo("QQ")
            archive.writestr(info, b"{}")
            archive.writestr("sample.ipynX", b"{}")
        return content.getvalue().replace(b"sample.ipynX", b"sample.ipynb")

    yield Upload("kind-twice", twice, "sample.ipynb: it has the name of another file")
    yield Upload("kind-file-as-folder", _plus("sample.ipynb/x.ipynb"), "lies in a file|name of another")
    yield Upload("kind-hidden-archive", _plus(".zip", b"PK"), "")


def _bombs() -> Iterator[Upload]:
    def zeros(honest: Files, random: Random) -> bytes:
        return zipped({**honest, "zeros.ipynb": bytes(100 * MIB)})

    yield Upload("bomb-ratio", zeros, "grows to more than 200 times")

    def lies(honest: Files, random: Random) -> bytes:
        """The header says a few bytes; there are many."""
        content = bytearray(zipped({**honest, "zeros.ipynb": bytes(20 * MIB)}))
        size = struct.pack("<L", 20 * MIB)
        assert size in content
        return bytes(content.replace(size, struct.pack("<L", 1000)))

    yield Upload("bomb-lying-size", lies, "zeros.ipynb: it is damaged")

    def many(honest: Files, random: Random) -> bytes:
        return zipped({**honest, **{f"n{number}.ipynb": b"{}" for number in range(21_000)}})

    yield Upload("bomb-entries", many, "more than 20,000 entries", taken=False)

    def kept(honest: Files, random: Random) -> bytes:
        return zipped({**honest, **{f"n{number}.ipynb": b"{}" for number in range(400)}})

    yield Upload("bomb-files", kept, "too many notebooks", taken=False)

    def large(honest: Files, random: Random) -> bytes:
        block = random.randbytes(8 * 1024) * 2 * 64  # grows about 120 times: no single file is a bomb
        return zipped({**honest, **{f"z{number:03}.ipynb": block[: MIB - 1] for number in range(260)}})

    yield Upload("bomb-total", large, "unpacks to more than 192 MiB|too many", taken=False)

    def overlap(honest: Files, random: Random) -> bytes:
        """One piece of data that many entries of the list name."""
        single = zipped({"n0.ipynb": bytes(MIB)})
        start, count = single.index(b"PK\1\2"), 2000
        record = single[start : single.index(b"PK\5\6")]
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(record) * count, start, 0)
        return single[:start] + record * count + end

    yield Upload("bomb-overlap", overlap, "entries overlap", taken=False)

    def nested(honest: Files, random: Random) -> bytes:
        inner = zipped({f"z{number}.ipynb": bytes(MIB - 1) for number in range(150)})
        return zipped({**honest, **{f"b{number}.zip": inner for number in range(20)}})

    yield Upload("bomb-nested", nested, "unpacks to more than|too many", taken=False)

    def matryoshka(honest: Files, random: Random) -> bytes:
        content = zipped({"deep.ipynb": b"{}"})
        for _ in range(30):
            content = zipped({"in.zip": content})
        return zipped({**honest, "in.zip": content})

    yield Upload("bomb-matryoshka", matryoshka, "an archive in too many others")

    def directory(honest: Files, random: Random) -> bytes:
        record = b"PK\1\2" + bytes(42)
        count = 400_000
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(record) * count, 0, 0)
        return record * count + end

    yield Upload("bomb-directory", directory, "list of entries is too long", taken=False)


def _broken() -> Iterator[Upload]:
    damaged = "is damaged or no archive|no zip or tar archive|is empty|cut off"
    yield Upload("broken-empty", lambda honest, random: b"", "it is empty", taken=False)
    yield Upload("broken-text", lambda honest, random: b"see attachment", damaged, taken=False)
    yield Upload("broken-noise", lambda honest, random: b"PK\3\4" + random.randbytes(9000), damaged, taken=False)
    yield Upload("broken-html", lambda honest, random: b"<html>Login</html>" * 100, damaged, taken=False)
    for number in range(4):

        def cut(honest: Files, random: Random) -> bytes:
            content = zipped(honest)
            return content[: random.randrange(10, len(content) - 30)]

        yield Upload(f"broken-cut-{number}", cut, damaged, taken=False)

    def changed(honest: Files, random: Random) -> bytes:
        content = bytearray(zipped({"extra.ipynb": b'{"a": 1, "b": [1, 2, 3]}' * 50, **honest}))
        content[60] ^= 0xFF
        return bytes(content)

    yield Upload("broken-entry", changed, "extra.ipynb: it is damaged")

    def field(offset: int, value: int) -> Make:
        """Change one field of the extra file's two headers, as the format's numbers say."""

        def make(honest: Files, random: Random) -> bytes:
            content = bytearray(zipped({"extra.ipynb": b"{}" * 100, **honest}))
            central = content.index(b"PK\1\2")
            struct.pack_into("<H", content, offset, value)
            struct.pack_into("<H", content, central + offset + 2, value)
            return bytes(content)

        return make

    yield Upload("broken-encrypted", field(6, 1), "extra.ipynb: it is encrypted")
    for method in (6, 9, 12, 14, 93, 99):
        yield Upload(f"broken-method-{method}", field(8, method), rf"not taken \(method {method}\)")


def _tars() -> Iterator[Upload]:
    def plus(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", content: bytes = b"{}") -> Make:
        def make(honest: Files, random: Random) -> bytes:
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
                for path, text in [*honest.items(), (name, content)]:
                    about = tarfile.TarInfo(path)
                    about.size = len(text)
                    if path == name:
                        about.type, about.linkname = kind, target
                        about.size = len(text) if kind == tarfile.REGTYPE else 0
                    archive.addfile(about, io.BytesIO(text))
            return buffer.getvalue()

        return make

    tar = {"ending": ".tar.gz"}
    yield Upload("tar-up", plus("../escaped.ipynb"), "would be put outside", **tar)
    yield Upload("tar-absolute", plus("/tmp/escaped.ipynb"), "starts at the root", **tar)
    yield Upload("tar-long-up", plus("x/" * 60 + "../" * 70 + "escaped.ipynb"), "outside", **tar)
    yield Upload("tar-link", plus("l.ipynb", tarfile.SYMTYPE, "/etc/passwd"), "it is a link", **tar)
    yield Upload("tar-hard-link", plus("l.ipynb", tarfile.LNKTYPE, "../../honest/sample.ipynb"), "it is a link", **tar)
    yield Upload("tar-pipe", plus("p.ipynb", tarfile.FIFOTYPE), "no plain file", **tar)
    yield Upload("tar-device", plus("d.ipynb", tarfile.CHRTYPE), "no plain file", **tar)
    yield Upload("tar-surrogate", plus("a\udcff.ipynb"), "not plain text", **tar)
    yield Upload("tar-bomb", plus("z.ipynb", content=bytes(100 * MIB)), "more than 200 times", taken=False, **tar)

    def header(kind: bytes, size: int, after: bytes = b"") -> Make:
        def make(honest: Files, random: Random) -> bytes:
            about = tarfile.TarInfo("x.ipynb")
            about.type, about.size = kind, size
            return tarred(honest, "w")[:-10240] + about.tobuf(tarfile.GNU_FORMAT) + after

        return make

    yield Upload("tar-pax-huge", header(tarfile.XHDTYPE, 1 << 33, bytes(4096)), "too long", taken=False, ending=".tar")
    yield Upload("tar-cut", header(tarfile.REGTYPE, 5000, b"{}"), "cut off", taken=False, ending=".tar")
    sparse = b"29 GNU.sparse.realsize=10000\n"
    sparse_pax = header(tarfile.XHDTYPE, len(sparse), sparse.ljust(512, b"\0"))
    yield Upload("tar-sparse", sparse_pax, "not taken", taken=False, ending=".tar")
    yield Upload(
        "tar-negative", header(tarfile.REGTYPE, -512), "less than no bytes|damaged", taken=False, ending=".tar"
    )

    def trailing(honest: Files, random: Random) -> bytes:
        return tarred(honest)[:-40]

    yield Upload("tar-gz-cut", trailing, "damaged|cut off", taken=False, **tar)
