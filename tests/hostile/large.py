"""Notebooks that are too large for a person, a parser or a machine's memory. The evidence beside them is honest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.hostile.notebooks import cell_of, changed, code_cell, content, file_of
from tests.hostile.room import Case, Document, Honest, Lay


def large_cases() -> Iterator[Case]:
    def print_much(text: Any) -> Lay:
        def change(document: Document, honest: Honest) -> None:
            output = {"output_type": "stream", "name": "stdout", "text": text()}
            cell_of(document, "first-one-work")["outputs"] = [output]

        return changed(change)

    left_out = r"has \d+ MiB, more than 8: its outputs were left out"
    yield Case("nb-100-mb-text", print_much(lambda: "x" * 100_000_000), says=left_out)
    yield Case("nb-100-mb-lines", print_much(lambda: ["a line that is printed again\n"] * 1_500_000), says=left_out)
    yield Case("nb-escapes", print_much(lambda: '"\\\n' * 4_000_000), says=left_out)
    source = changed(lambda document, _: document["cells"].append(code_cell("#" * 9_000_000)))
    yield Case("nb-large-source", source, says="MiB without its outputs")
    brackets = content(lambda _, r: b'{"nbformat":4,"cells":[' + b"[]," * 3_000_000 + b"1]}")
    yield Case("nb-brackets", brackets, says="more parts than can be looked at")
    lists = content(
        lambda _, r: b'{"nbformat":4,"cells":[{"cell_type":"code","outputs":[' + b"[]," * 2_700_000 + b"1]}]}"
    )
    yield Case("nb-brackets-few", lists, says="more parts than can be looked at")
    for name, piece, says in (
        ("lists", b"[],", "parts (than can|without its)"),
        ("objects", b"{},", "parts (than can|without its)"),
        ("strings", b'"ab",', "parts (than can|without its)"),
        ("numbers", b"999,", ""),
        ("fractions", b".1e9,".replace(b".", b"1."), ""),
    ):

        def beside(text: bytes, random: Random, piece: bytes = piece) -> bytes:
            much = piece * ((7_900_000 - len(text)) // len(piece))
            return text.replace(b"{", b'{"extra": ["' + "\U0001f40b".encode() + b'",' + much + b"1],", 1)

        yield Case(f"nb-parts-{name}", content(beside), says=says)
    quotes = content(lambda _, r: b'"' + b'\\"' * 5_000_000)
    yield Case("nb-string-without-end", quotes, says="could not be read")

    def sparse(folder: Path, honest: Honest, random: Random) -> None:
        os.truncate(file_of(folder), 10**10)

    yield Case("nb-10-gb", sparse, says="at most 128 are looked at")
    many = changed(lambda document, _: document["cells"].extend(code_cell("1") for _ in range(5000)))
    yield Case("nb-5000-cells", many, says="5,0.. cells; the first 1,000 were kept")

    def talkative(document: Document, honest: Honest) -> None:
        piece = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "x" * 100}}
        cell_of(document, "first-one-work")["outputs"] = [piece] * 20_000

    yield Case("nb-20000-outputs", changed(talkative))

    def wide(document: Document, honest: Honest) -> None:
        whale = {"output_type": "stream", "name": "stdout", "text": "\U0001f40b" + "x" * 60_000}
        shown = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": whale["text"]}}
        cell_of(document, "first-one-work")["outputs"] = [whale, shown] * 60

    yield Case("nb-wide-letters", changed(wide))
