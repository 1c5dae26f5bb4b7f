"""Every error that Dockyard raises on purpose.

Each message says what was found, what was expected, and what to type next.
"""


class DockyardError(Exception):
    """Base of all errors that a person is meant to read.

    Args:
        found: what is the case.
        expected: what should be, if `found` does not say so already.
        next_step: a command or an action, in words that can be typed or done.
    """

    def __init__(self, found: str, expected: str = "", next_step: str = "") -> None:
        self.found = found
        self.expected = expected
        self.next_step = next_step
        super().__init__("\n".join(part for part in (found, expected, next_step) if part))


class EngineError(DockyardError):
    """No usable Docker Engine: none found, not reachable, or not of a kind that the course can use."""


class EvidenceError(DockyardError):
    """An evidence file is missing, damaged, too large, or belongs to somebody or something else."""


class CheckError(DockyardError):
    """A check asks for something that a check must not do or cannot have: the lesson's author has to mend it."""


class MissingReply(CheckError):
    """The evidence holds no answer to a request of the check: a person has to grade this cell."""


class BuildError(DockyardError):
    """A lesson's text cannot be built, or what was built differs from it."""


class ImageError(DockyardError):
    """A lab image could not be built, saved or loaded."""


class ArchiveError(DockyardError):
    """An uploaded archive, or a file in it, is not taken: damaged, too large, or made to do harm."""
