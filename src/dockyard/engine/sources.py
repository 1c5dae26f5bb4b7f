"""A machine's own apt sources, and the entry that brings one more suite from the same mirror.

Formats: sources.list(5), both the deb822 style of `*.sources` and the one-line style of `*.list`; priorities:
apt_preferences(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OWN = "dockyard-"  # our own files begin so, and are not the machine's own sources


@dataclass(frozen=True)
class Entry:
    """One entry for binary packages."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""
    trusted: str = ""
    file: Path = Path()


def entries(apt: Path = Path("/etc/apt")) -> list[Entry]:
    """Read all enabled entries for binary packages below an apt configuration directory, in apt's own order."""
    found: list[Entry] = []
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for file in files:
        if file.suffix in (".list", ".sources") and file.is_file():
            text = file.read_text(errors="replace")
            found += _stanzas(text, file) if file.suffix == ".sources" else _lines(text, file)
    return found


def carrying(found: list[Entry], suite: str) -> Entry | None:
    """The first of the machine's own entries with this suite."""
    return next((entry for entry in found if suite in entry.suites and not entry.file.name.startswith(OWN)), None)


def extra_suite(base: Entry, suite: str, apt: Path = Path("/etc/apt")) -> dict[Path, str]:
    """The files that add `suite` from the mirror of `base`, used only for packages that are asked for from it.

    Returns:
        Path and text of each file. Priority 50 is below everything that is installed or belongs to the machine's
        suite, so nothing else is ever upgraded to `suite`.
    """
    lines = ["Types: deb", f"URIs: {' '.join(base.uris)}", f"Suites: {suite}", "Components: main"]
    if base.signed_by:
        lines.append(f"Signed-By: {base.signed_by}".replace(": \n", ":\n"))
    if base.trusted:
        lines.append(f"Trusted: {base.trusted}")
    return {
        apt / f"sources.list.d/{OWN}{suite}.sources": "\n".join(lines) + "\n",
        apt / f"preferences.d/{OWN}{suite}": f"Package: *\nPin: release n={suite}\nPin-Priority: 50\n",
    }


def missing(files: dict[Path, str]) -> dict[Path, str]:
    """Those of `files` that are not there yet, or say something else (comments aside)."""
    return {path: text for path, text in files.items() if not path.is_file() or _bare(path.read_text()) != _bare(text)}


def _bare(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _stanzas(text: str, file: Path) -> Iterator[Entry]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace() and name:
                fields[name] += "\n" + line  # a key block keeps its line breaks
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() not in (
            "no",
            "false",
            "0",
        ):
            yield Entry(
                tuple(fields.get("uris", "").split()),
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
                fields.get("trusted", ""),
                file,
            )


def _lines(text: str, file: Path) -> Iterator[Entry]:
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.strip())
        if match:
            options = dict(option.split("=", 1) for option in (match[1] or "").split() if "=" in option)
            signed_by = options.get("signed-by", "").replace(",", " ")
            trusted = options.get("trusted", "")
            yield Entry((match[2],), (match[3],), tuple(match[4].split()), signed_by, trusted, file)
