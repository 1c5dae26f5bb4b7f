"""Hand-ins whose files are not what files of a hand-in should be: links, pipes, devices, names, too many of them."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.grading.classroom import LESSON, NOTEBOOK
from tests.hostile.notebooks import MARKUP
from tests.hostile.room import Case, Honest, Lay

NOTHING: dict[str, float | None] = {"first-one": 0.0, "second-one": 0.0, "box-runs": 0.0}
LOST: dict[str, float | None] = {"first-one": 0.0}
OTHER = "{folder}/../../honest/" + LESSON + "/evidence"


def folder_cases() -> Iterator[Case]:
    yield from _evidence()
    yield from _notebooks()
    yield from _others()
    yield from _times()


def instead(name: str, target: str) -> Lay:
    """Put a link in the place of a file or folder."""

    def lay(folder: Path, honest: Honest, random: Random) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(target.format(secret=honest.secret, folder=folder))

    return lay


def special(name: str, kind: str) -> Lay:
    """Put something that is no file in the place of a file."""

    def lay(folder: Path, honest: Honest, random: Random) -> None:
        path = folder / name
        path.unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as end:  # the name of a socket has at most 107 bytes
                before = os.getcwd()
                os.chdir(path.parent)
                try:
                    end.bind(path.name)
                finally:
                    os.chdir(before)
        elif kind == "folder":
            (path / "inner").mkdir(parents=True)
        else:
            numbers = {"null": (1, 3), "zero": (1, 5)}[kind]
            try:
                os.mknod(path, 0o20666, os.makedev(*numbers))
            except PermissionError:  # only root makes devices
                path.symlink_to(f"/dev/{kind}")

    return lay


def _evidence() -> Iterator[Case]:
    one = "evidence/first-one.json"
    aside = "put aside: it is a link"
    targets = ("{secret}/secret.json", "/dev/zero", "/dev/stdin", "/proc/self/mem", "second-one.json", "first-one.json")
    for number, target in enumerate((*targets, "/", "../../../../gradebook.db", "{folder}/../missing")):
        yield Case(f"dir-evidence-link-{number}", instead(one, target), LOST, aside)
    for number, target in enumerate(("{secret}", "/", "/proc/self", OTHER, ".")):
        yield Case(f"dir-folder-link-{number}", instead("evidence", target), NOTHING, aside)
    for kind, word in (("pipe", "a pipe"), ("socket", "a socket"), ("zero", "a device|a link"), ("null", "a device|a")):
        yield Case(f"dir-evidence-{kind}", special(one, kind), LOST, f"put aside: it is ({word})")
    yield Case("dir-evidence-folder", special(one, "folder"), LOST, "not a regular file|no evidence|cannot be opened")

    def sparse(folder: Path, honest: Honest, random: Random) -> None:
        os.truncate(folder / one, 10**11)

    yield Case("dir-evidence-100-gb", sparse, LOST, r"has 95,367 MiB, more than 16")

    def many(folder: Path, honest: Honest, random: Random) -> None:
        for number in range(600):
            (folder / "evidence" / f"x{number}.txt").touch()

    yield Case("dir-600-files", many, says="more files than a hand-in may have")


def _notebooks() -> Iterator[Case]:
    name = f"{NOTEBOOK}.ipynb"
    for number, target in enumerate(("{secret}/" + name, "/dev/zero", "/dev/stdin", name, "missing", "/")):
        yield Case(f"dir-notebook-link-{number}", instead(name, target), says="could not be read: it is a link")
    for kind in ("pipe", "socket", "zero", "folder"):
        reason = "could not be read: it is (not a regular file|a link)"
        yield Case(f"dir-notebook-{kind}", special(name, kind), says=reason)

    def renamed(folder: Path, honest: Honest, random: Random) -> None:
        (folder / name).rename(folder / f"{NOTEBOOK} (1).ipynb")

    yield Case("dir-notebook-renamed", renamed, says="there is no file of its name")

    def many(folder: Path, honest: Honest, random: Random) -> None:
        for number in range(80):
            (folder / f"{number}.ipynb").write_text("{")

    yield Case("dir-80-notebooks", many, says="more files than a hand-in may have")


def _others() -> Iterator[Case]:
    plain = "has a name that is not plain text"
    names: dict[str, tuple[str | bytes, str]] = {
        "line-break": ("a\nb.txt", plain),
        "terminal": ("\x1b[2J\x1b]0;x\x07.txt", plain),
        "bytes": (b"\xff\xfe.txt", plain),
        "right-to-left": ("\u202etxt.exe", plain),
        "backslash": ("..\\..\\evil.txt", plain),
        "dots": ("....txt", ""),
        "percent": ("..%2f..%2fevil.txt", ""),
        "option": ("-rf", ""),
        "shell": ("$(touch canary);`id`|x", ""),
        "glob": ("[a-z]*?.txt", ""),
        "long": ("x" * 255, ""),
        "windows": ("CON", ""),
        "markup": ("<img src=x onerror=window.canary=1>", ""),
        "html": ("evil.html", "programs for a browser"),
        "svg": ("EVIL.SVG", "programs for a browser"),
        "xhtml": ("evil.xht", "programs for a browser"),
        "javascript": ("evil.mjs", "programs for a browser"),
        "feedback": (f"{NOTEBOOK}.html", "programs for a browser"),
        "config": ("nbgrader_config.py", ""),
        "site": ("sitecustomize.py", ""),
        "docker": ("docker.py", ""),
        "gradebook": ("gradebook.db", ""),
    }
    for case, (name, reason) in names.items():

        def lay(folder: Path, honest: Honest, random: Random, name: str | bytes = name) -> None:
            code = f"open({os.fspath(honest.canary)!r}, 'a').write('ran')\n"
            path = os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else name.encode())
            with open(path, "w") as file:
                file.write(MARKUP["script"] if b".ht" in path.lower() or b"svg" in path.lower() else code)

        yield Case(f"dir-name-{case}", lay, says=reason)
    links = {"secret": "{secret}/secret.json", "zero": "/dev/zero", "folder": "{secret}", "root": "/", "self": "extra"}
    for case, target in links.items():
        yield Case(f"dir-extra-link-{case}", instead("extra", target), says="extra was put aside: it is a link")
    for kind in ("pipe", "socket", "zero"):
        yield Case(f"dir-extra-{kind}", special("extra", kind), says="extra was put aside: it is a")
    for case, target in (("link", "{secret}"), ("file-link", "{secret}/secret.json"), ("missing-link", "nowhere")):
        both = instead(".refused", target)
        yield Case(f"dir-refused-{case}", both, says="put aside: it is a link")

    def inner(folder: Path, honest: Honest, random: Random) -> None:
        (folder / ".refused").mkdir()
        (folder / ".refused" / "evidence").symlink_to(honest.secret)
        (folder / "evidence" / "x").symlink_to(honest.secret / "secret.json")

    yield Case("dir-refused-inner", inner, says="evidence/x was put aside: it is a link")

    def deep(folder: Path, honest: Honest, random: Random) -> None:
        before = os.getcwd()
        os.chdir(folder)
        try:
            for _ in range(1500):
                os.mkdir("d")
                os.chdir("d")
            os.symlink(honest.secret, "link")
        finally:
            os.chdir(before)

    yield Case("dir-deep", deep, says="is a folder in too many others")

    def unsearchable(folder: Path, honest: Honest, random: Random) -> None:
        (folder / "closed").mkdir()
        (folder / "closed" / "x").symlink_to(honest.secret / "secret.json")
        (folder / "closed").chmod(0)

    yield Case("dir-closed", unsearchable, says="closed/x was put aside: it is a link")


def _times() -> Iterator[Case]:
    no_time = "timestamp.txt was put aside: it holds no time"
    texts = {
        "words": "yesterday, about noon",
        "range": "9999-99-99 99:99:99 UTC",
        "zone": "2026-01-01 12:00:00 +999999",
        "null": "noon\x00",
        "digits": "9" * 100,
    }
    for case, text in texts.items():

        def lay(folder: Path, honest: Honest, random: Random, text: str = text) -> None:
            (folder / "timestamp.txt").write_text(text)

        yield Case(f"dir-time-{case}", lay, says=no_time if case != "zone" else "")

    def long(folder: Path, honest: Honest, random: Random) -> None:
        (folder / "timestamp.txt").write_text("2026-01-01 " * 10_000)

    yield Case("dir-time-long", long, says="timestamp.txt was put aside: it holds more than a time")
    yield Case("dir-time-link", instead("timestamp.txt", "/dev/zero"), says="timestamp.txt was put aside: it is a link")
    yield Case("dir-time-pipe", special("timestamp.txt", "pipe"), says="timestamp.txt was put aside: it is a pipe")
