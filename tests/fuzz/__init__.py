"""Coverage-guided fuzzing of what takes a hand-in: `python -m tests.fuzz TARGET [options of libFuzzer]`.

A target is a module here with

- `one_input(data)`: does with the bytes what grading does with a file, and raises where the outcome is not one of those
  that are allowed;
- `seeds()`: bytes to start from, made by program;
- `mutate(data, chance, mutate_bytes)`: other bytes of the same structure, so that most get past the first checks;
- `LIMITS`: options of libFuzzer that the target needs.

`test_fuzz.py` runs each for a while with a fixed seed.
"""

TARGETS = ("evidence", "replay", "notebook", "markdown")
