"""Closed questions: compare an answer with a digest, so that the released notebook does not hold the answer in clear.

A digest hides an answer from the reader's eye, not from a program: a question with three possible answers can be tried
three times. That is what the attempts in the evidence are for.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from functools import lru_cache

ROUNDS = 20_000  # of PBKDF2: a few milliseconds a guess
DIGEST_BYTES = 12


def normalise(answer: object) -> str:
    """Return an answer in the form that is compared: case, outer and repeated white space, and a leading `$` ignored.

    Args:
        answer: text, number, bool, None, or lists and dicts of them; lists keep their order, dicts do not.
    """
    if isinstance(answer, str):
        return re.sub(r"\s+", " ", answer.strip().removeprefix("$ ").strip()).casefold()
    if isinstance(answer, list | tuple):
        return json.dumps([normalise(part) for part in answer])
    if isinstance(answer, dict):
        return json.dumps(sorted([str(key), normalise(value)] for key, value in answer.items()))
    return json.dumps(answer)


def digest(answer: object, salt: str) -> str:
    """Return `salt:hex`, the digest of an answer.

    Args:
        answer: see `normalise`.
        salt: any text without a colon; by habit the question, so that equal answers have unequal digests.

    Raises:
        ValueError: the salt holds a colon.
    """
    if ":" in salt:
        raise ValueError(f"The salt {salt!r} holds a colon; take letters, digits and hyphens.")
    return f"{salt}:{_key(normalise(answer), salt).hex()}"


@lru_cache(maxsize=4096)  # slow on purpose, and a class gives the same answers again and again
def _key(answer: str, salt: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", answer.encode(errors="replace"), salt.encode(), ROUNDS, DIGEST_BYTES)


def is_answer(value: object, *digests: str) -> bool:
    """Tell whether a value is one of the answers whose digests are given.

    Args:
        value: what the learner answered.
        digests: texts made by `digest`; several where several answers are right.
    """
    return any(
        hmac.compare_digest(digest(value, known.partition(":")[0]).encode(), known.encode()) for known in digests
    )
