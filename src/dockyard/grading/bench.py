"""A process beside a worker of a cluster; it grades hand-ins that are sent to it as data.

A process of its own, because a worker's threads share what grading needs for itself: the current folder, the timer that
ends a check, the collector. What kills it leaves the worker alive. It writes into its own folder only.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from traitlets.config import Config

from dockyard.grading.converter import STAGING, Graded, HandInConverter
from dockyard.grading.marksheet import Before, Lesson
from dockyard.grading.on_worker import read_frame, write_frame
from dockyard.grading.parcel import Parcel, Unfit, pack, unpack
from dockyard.grading.workers import grade_one, start_worker

IDLE = 900  # seconds without work after which it ends: whoever started the run may be gone


@dataclass(frozen=True)
class Kit:
    """What a bench needs for a lesson, the same for all hand-ins.

    Attributes:
        config: the course's configuration without its places.
        lesson: what the gradebook knows of the lesson.
        notebooks: the released notebooks' file names.
        own: the lesson's other files, which are laid beside every hand-in.
    """

    config: Config
    lesson: Lesson
    notebooks: tuple[str, ...]
    own: Mapping[str, bytes]


Answer = tuple[Graded, Parcel | None]
"""What came of a hand-in, and its folder of autograded/: None where there is none, or one that cannot be sent."""


def kit_of(config: Config, converter: HandInConverter) -> Kit:
    """Collect what benches need. Places and the gradebook's address, which may hold a password, stay here.

    Args:
        config: the course's configuration.
        converter: made ready from it.
    """
    courses, config = converter.coursedir, deepcopy(config)
    places = config.CourseDirectory
    for name in tuple(places):
        if name in ("root", "db_url", "directory_structure") or name.endswith("_directory"):
            del places[name]
    lesson = converter.lesson.name
    source = courses.format_path(courses.source_directory, ".", lesson)
    own = {
        Path(os.path.relpath(path, source)).as_posix(): Path(path).read_bytes()
        for path in find_all_files(source, [*courses.ignore, "*.ipynb"])
    }
    released = Path(courses.format_path(courses.release_directory, ".", lesson)).glob("*.ipynb")
    return Kit(config, converter.lesson, tuple(path.name for path in released), own)


class Bench:
    """Makes this process one that grades.

    Args:
        kit: of the lesson.
        root: an empty folder of its own; it becomes the current one.
    """

    def __init__(self, kit: Kit, root: Path) -> None:
        config = deepcopy(kit.config)
        config.CourseDirectory.root = str(root)
        courses = CourseDirectory(config=config)
        name, self.own = kit.lesson.name, kit.own
        unpack(dict(kit.own), Path(courses.format_path(courses.source_directory, ".", name)), {})
        unpack(dict.fromkeys(kit.notebooks, b""), Path(courses.format_path(courses.release_directory, ".", name)), {})
        self.name, self.courses = name, courses
        start_worker(None, config, kit.lesson)

    def grade(self, student: str, before: Before, parcel: Parcel) -> Answer:
        """Grade one hand-in; nothing of it stays in the folder."""
        handed_in = Path(self.courses.format_path(self.courses.submitted_directory, student, self.name))
        staged = Path(self.courses.format_path(STAGING, student, self.name))
        try:
            unpack(parcel, handed_in, self.own)
            graded = grade_one(student, before)
            return graded, None if graded.trouble else _packed(staged, self.own)
        except OSError as error:
            return Graded(student, trouble=f"{type(error).__name__}: {error}", stop=True), None
        finally:
            for folder in (handed_in, staged):
                shutil.rmtree(folder, ignore_errors=True)


def _packed(folder: Path, own: Mapping[str, bytes]) -> Parcel | None:
    try:
        return pack(folder, own)
    except Unfit:
        return None


def main() -> None:
    """Grade what comes on standard input, until it ends; argument: the file with the kit."""
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a check prints is no answer
    try:
        bench = Bench(pickle.loads(Path(sys.argv[1]).read_bytes()), Path.cwd())
    except Exception as error:
        write_frame(answers, f"{type(error).__name__}: {error}".encode(errors="replace"))
        return
    write_frame(answers, b"")
    while True:
        _wake_after(IDLE)
        job = read_frame(jobs)
        _wake_after(0)
        if job is None:
            return
        graded, parcel = bench.grade(*pickle.loads(job))
        write_frame(answers, pickle.dumps((graded, parcel)))


def _wake_after(seconds: int) -> None:
    """Let the system end this process after that time; 0 for never."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


if __name__ == "__main__":
    main()
