"""Leave the outputs out of a notebook that is too large to be parsed, without parsing it."""

from __future__ import annotations

import re

from dockyard.grading.limits import MAX_TOKENS

# A string (one that does not end reaches to the end of the file) or a bracket. Nothing is tried twice: linear time.
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
OPENS = re.compile(rb"\s*:\s*[\[{]")
DROPPED = (b'"outputs"', b'"attachments"')
CELL_DEPTH = 3  # { "cells": [ { here


def without_outputs(content: bytes) -> bytes:
    """Return a notebook's JSON with every cell's outputs and attachments emptied.

    What is no JSON comes out as none, unless it was broken in what is left out only.

    Args:
        content: the file's bytes, or a memory map of them.

    Raises:
        ValueError: more strings and brackets than `MAX_TOKENS`.
    """
    kept: list[bytes] = []
    start = depth = position = seen = 0
    skipping = False
    while found := TOKEN.search(content, position):
        seen += 1
        if seen > MAX_TOKENS:
            raise ValueError("more parts than can be looked at")
        position, token = found.end(), content[found.start() : found.start() + 14]
        if token[0] in b"[{":
            depth += 1
        elif token[0] in b"]}":
            depth -= 1
            if skipping and depth <= CELL_DEPTH:
                skipping, start = False, found.start()
        elif skipping or depth != CELL_DEPTH or not token.startswith(DROPPED):
            continue
        elif opens := OPENS.match(content, position):
            kept.append(content[start : opens.end()])
            skipping, depth, position = True, depth + 1, opens.end()
    if not skipping:
        kept.append(content[start:])
    return b"".join(kept)
