"""Run nbgrader's own generate_assignment in a temporary course, with the real course's configuration."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from dockyard.errors import BuildError

# Valid in Python and in `%%bash` cells alike; nbgrader's own default, `raise NotImplementedError()`, is neither kind's.
CODE_STUB = "# Your work goes here."
TEXT_STUB = "Your answer goes here."


class _LastErrors(logging.Handler):
    """Keeps what nbgrader logs as an error, to say it when nbgrader gives up."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += record.getMessage().strip().splitlines()


def generate_release(course: Path, lesson: str, config_file: Path) -> None:
    """Make release/<lesson> from source/<lesson>.

    Args:
        course: a temporary course root with a source/ folder; no gradebook is made or opened.
        lesson: the assignment's name.
        config_file: the real course's nbgrader_config.py; it may be absent.

    Raises:
        BuildError: nbgrader refuses the notebooks; the message has its reason.
    """
    # nbgrader takes three seconds to import: only who builds pays for it.
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import SaveCells
    from traitlets.config import Config, PyFileConfigLoader

    config = Config()
    config.ClearSolutions.code_stub = {"python": CODE_STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    if config_file.is_file():
        config.merge(PyFileConfigLoader(config_file.name, path=str(config_file.parent)).load_config())
    config.CourseDirectory.root = str(course)
    config.GenerateAssignment.no_database = True
    config.CourseDirectory.assignment_id = lesson
    config.CourseDirectory.source_directory = "source"
    config.CourseDirectory.release_directory = "release"

    errors = _LastErrors()
    log = logging.Logger("dockyard.build")
    log.addHandler(errors)
    course_directory = CourseDirectory(config=config, log=log)
    try:
        converter = GenerateAssignment(coursedir=course_directory, config=config, log=log)
        # The one step that writes to the gradebook; it changes nothing in the notebook.
        converter.preprocessors = [step for step in converter.preprocessors if step is not SaveCells]
        converter.start()
    except (NbGraderException, RuntimeError) as error:
        reason = [line for line in errors.lines if line.strip()] or [str(error)]
        raise BuildError(
            f"nbgrader refuses {lesson}: {_reason(reason)}",
            "Each solution region stands in a cell marked as solution, and each grade cell has its metadata.",
        ) from error


def _reason(lines: list[str]) -> str:
    """The first exception of nbgrader's traceback is the cause; what follows it only says that something failed."""
    telling = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return (telling or lines)[0].strip()
