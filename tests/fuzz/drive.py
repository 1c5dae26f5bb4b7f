"""The process that fuzzes: `python -m tests.fuzz.drive TARGET CORPUS [options of libFuzzer]`; see `__main__`."""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path
from random import Random

ALSO = {"markdown": ("mistune",)}  # a few patterns are no guide; what renders the text is


def main(name: str, corpus: str, *options: str) -> None:
    import atheris

    name, _, kind = name.partition(":")
    with atheris.instrument_imports(include=["dockyard", *ALSO.get(name, ())]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    if kind:
        target.KIND = kind
    seeds = target.seeds()
    if hasattr(target, "instrument"):
        target.instrument(atheris)
    places = [Path(corpus, hashlib.sha256(seed).hexdigest()[:20]) for seed in seeds]
    for place, seed in zip(places, seeds, strict=True):
        place.write_bytes(seed)
    inputs = Path(corpus, "inputs")  # in this order; that of a folder is another each time
    inputs.write_text(",".join(map(str, dict.fromkeys(places))))

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        def mutate_bytes(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, min(most, len(part) + 64)))

        other = target.mutate(bytes(data), Random(seed), mutate_bytes)
        return other if len(other) <= most else bytes(data)

    def one_input(data: bytes) -> None:
        target.one_input(bytes(data))

    atheris.Setup([sys.argv[0], f"-seed_inputs=@{inputs}", *target.LIMITS, *options], one_input, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
