"""`nbgrader zip_collect` for hand-ins with evidence: its two plugins, named in nbgrader_config.py.

Learners upload a zip of their hand-in, or its files, to a learning-management system; the instructor downloads all of
it into `downloaded/<lesson>/archive/`. The extractor unpacks what is safe, the collector sorts it by learner. nbgrader
itself copies it into `submitted/`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.utils import find_all_notebooks, parse_utc
from traitlets import List, Unicode

from dockyard.grading.intake import printable
from dockyard.grading.limits import TooSlow, time_limit
from dockyard.grading.sorting import Owner, Placed, Sorted, Sorter, Upload, name_of
from dockyard.grading.unpacking import Unpacking

TAKEN = [".ipynb", ".json"]
SIX_NUMBERS = re.compile(r"(\d{4})\D+(\d\d?)\D+(\d\d?)\D+(\d\d?)\D+(\d\d?)\D+(\d\d?)\Z")
MATCH_SECONDS = 5.0  # an instructor's expression on one name; a few can take for ever on a learner's
NAMED = "Set c.FileNameCollectorPlugin.named_regexp in nbgrader_config.py to tell how uploads are named."


class UploadExtractor(ExtractorPlugin):
    """Unpacks uploads within bounds, and tells by name what is refused; see `dockyard.grading.unpacking`."""

    zip_ext = List([".zip", ".gz", ".tgz", ".tar"], help="Endings of the archives that are unpacked.").tag(config=True)

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack every archive of a folder, and copy its other notebooks and evidence.

        Args:
            archive_path: the folder of what was downloaded.
            extracted_path: an empty folder.
        """
        collector = getattr(self.parent, "collector_plugin_inst", None)
        unpacking = Unpacking(getattr(collector, "valid_ext", TAKEN), self.zip_ext)
        unpacking.run(Path(archive_path), Path(extracted_path))
        for name, why in unpacking.refused:
            self.log.warning("Refused %s: %s.", name, why)
        if unpacking.left_out:
            self.log.info("Left out %d files that are neither notebooks nor evidence.", unpacking.left_out)


class UploadCollector(FileNameCollectorPlugin):
    """Tells of each unpacked file whose it is and where in the hand-in it belongs.

    With `named_regexp` the instructor says how uploads are named, as in nbgrader. It is matched against the path of
    the upload joined with the file's own name, so that folders in a learner's archive name nobody; where that does not
    match, against the whole path. Without it, an upload is its learner's who is named before the first `_` or before
    `_<lesson>`.
    """

    valid_ext = List(TAKEN, help="Endings of the files that are collected.").tag(config=True)
    named_regexp = Unicode(
        "",
        help="""How uploads are named: a regular expression with the group student_id, and if the names tell them
        timestamp, file_id, first_name, last_name and email. Empty: <student>, <student>_<lesson>, <student>_….""",
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._sorted: Sorted | None = None

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Return what nbgrader asks for of one file, or None where it is not taken: the reason was logged.

        Args:
            submitted_file: path of a file below the folder of unpacked uploads.
        """
        if self._sorted is None:
            self._sorted = self._sort()
        placed = self._sorted.taken.get(Path(submitted_file))
        if placed is None:
            return None
        info = {"student_id": placed.student, "file_id": placed.place}
        return {**info, "timestamp": placed.time} if placed.time else info

    def _sort(self) -> Sorted:
        app = self.parent
        lesson = app.coursedir.assignment_id
        released = app.coursedir.format_path(app.coursedir.release_directory, ".", lesson)
        extracted = Path(app._format_collect_path(app.extracted_directory))
        self._lesson = lesson
        notebooks = find_all_notebooks(released)
        others = tuple(ending for ending in self.valid_ext if ending not in TAKEN)
        sorter = Sorter(extracted, lesson, notebooks, others)
        found = sorter.sort(self._owner)
        for remark in found.remarks:
            self.log.warning("%s", remark)
        by_student: dict[str, list[Placed]] = defaultdict(list)
        for placed in found.taken.values():
            by_student[placed.student].append(placed)
        for student, files in sorted(by_student.items()):
            self._warn(student, files, sorter, notebooks)
        self.log.info("%d learners' uploads were sorted.", len(by_student))
        return found

    def _warn(self, student: str, files: list[Placed], sorter: Sorter, notebooks: list[str]) -> None:
        """Say what grading will say of a hand-in, while the instructor can still ask."""
        upload = sorter.label(files[0].upload)
        if not {placed.place for placed in files} & set(notebooks):
            self.log.warning("%s: no notebook of the lesson is in %s.", student, upload)
        filed = [found for placed in files if (found := sorter.recorded(placed.source))]
        if not filed:
            self.log.warning("%s: no evidence is in %s.", student, upload)
        counts = str(self.config.GradeFromEvidence.get("check_student")) == "False"  # text on the command line
        then = "GradeFromEvidence.check_student is off: it counts." if counts else f"Grading refuses it. {NAMED}"
        said = "%s: evidence in this hand-in was recorded for %s, the upload %s is %s's. %s"
        for other in sorted({name for _, name in filed} - {student}):
            self.log.warning(said, student, printable(other), upload, student, then)

    def _owner(self, upload: Upload, file: Path) -> Owner | None:
        if not self.named_regexp:
            return Owner(name_of(upload, self._lesson))
        # The path as if the upload held the file itself: what a learner calls folders in an archive is no name.
        own = upload.path / file.name if upload.path != file else file
        groups = self._groups(own) or self._groups(file)
        if not groups or not groups.get("student_id"):
            return None
        return Owner(groups["student_id"], self._time(groups.get("timestamp"), file), groups.get("file_id") or "")

    def _groups(self, path: Path) -> dict[str, Any] | None:
        try:
            with time_limit(MATCH_SECONDS):
                match = re.match(self.named_regexp, path.as_posix())
        except TooSlow:
            self.log.warning("named_regexp takes more than %g s on %s", MATCH_SECONDS, printable(path.name))
            return None
        return match.groupdict() if match else None

    def _time(self, text: str | None, file: Path) -> str:
        """Return a time as ISO 8601 in UTC; an empty text where there is none, or none that can be read."""
        if not text:
            return ""
        numbers = SIX_NUMBERS.match(text.strip())
        if numbers:  # nbgrader's own example, 2016-01-30-15-00-00, whose minutes dateutil takes for a time zone
            text = "{}-{:0>2}-{:0>2} {:0>2}:{:0>2}:{:0>2}".format(*numbers.groups())
        try:
            time = parse_utc(text)
            return str(time.isoformat(" ", timespec="microseconds"))
        except Exception:  # whatever dateutil makes of it: nbgrader would end the whole run
            self.log.warning("%s: %s is no time that can be read.", printable(file.name), printable(text))
            return ""
