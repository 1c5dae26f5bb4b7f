"""Sort unpacked uploads: which files are one learner's hand-in, whose it is, and where each file belongs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dockyard import evidence as evidence_file
from dockyard.errors import EvidenceError
from dockyard.grading.intake import printable
from dockyard.grading.limits import MAX_DEPTH, MAX_NESTED

EVIDENCE = "evidence"
# What browsers, file managers and learning-management systems add to a name that is taken: " (1)", "-1", " copy".
AGAIN = re.compile(
    r"(?P<name>.+?)(?:[ _]?\((?P<a>\d{1,4})\)|-(?P<b>\d{1,4})|[ _-]+copy ?\(?(?P<c>\d{0,4})\)?)\Z", re.IGNORECASE
)
STUDENT = re.compile(r"[^\W_.-][^/\\*?\[\]{}:<>|\"]{0,99}\Z")


@dataclass(frozen=True)
class Owner:
    """What a name tells of a file: whose it is, when it was uploaded (ISO 8601, or empty), and what it was called."""

    student: str
    time: str = ""
    file_id: str = ""


@dataclass
class Upload:
    """What one learner uploaded at one time, as far as folders tell.

    Attributes:
        path: its folder or file.
        files: the notebooks and evidence in it.
        recorded_for: the names for which its evidence was recorded.
    """

    path: Path
    files: list[Path]
    recorded_for: set[str] = field(default_factory=set)


Who = Callable[[Upload, Path], Owner | None]
"""Tells of a file of an upload its owner; None where the names do not tell."""


@dataclass(frozen=True)
class Placed:
    """A file and where it belongs.

    Attributes:
        student, place: whose it is, and its path in the hand-in.
        source, upload: where it lies, and in which upload.
        time: of the upload, as text that sorts; empty where nobody knows.
        rank: how far it is from the usual place and name; the lowest is taken.
    """

    student: str
    place: str
    source: Path
    time: str
    rank: tuple[int, int, int]
    upload: Path


@dataclass
class Sorted:
    """The outcome: what is taken, and remarks on what is not."""

    taken: dict[Path, Placed] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


class Sorter:
    """Sorts the uploads of one lesson.

    Args:
        extracted: the folder of unpacked uploads.
        lesson: its name.
        notebooks: names of its notebooks, as released.
        others: endings of other files that are taken, beside .ipynb and .json.
    """

    def __init__(self, extracted: Path, lesson: str, notebooks: list[str], others: tuple[str, ...] = ()) -> None:
        self.extracted, self.lesson, self.others = extracted, lesson, others
        self._notebooks = {_folded(name): name for name in notebooks}
        self._evidence: dict[Path, tuple[str, str] | None] = {}

    def sort(self, who: Who) -> Sorted:
        """Tell for each file whose it is and where it belongs; see `Sorted`."""
        result = Sorted()
        found: dict[str, list[Placed]] = defaultdict(list)
        for upload in self.uploads():
            label = self.label(upload.path)
            placed = list(self._placed(upload, who, result))
            if not upload.files:
                result.remarks.append(f"{label}: it holds no notebook and no evidence.")
            for one in placed:
                found[one.student].append(one)
        for names in _alike(found):
            result.remarks.append(f"{' and '.join(names)} differ in capitals only: neither was collected.")
            for name in names:
                del found[name]
        for student in sorted(found):
            self._settle(student, found[student], result)
        return result

    def uploads(self) -> list[Upload]:
        """Return the uploads: what lies in the folder, or one level deeper where one archive holds the class."""
        places = _children(self.extracted)
        for _ in range(MAX_NESTED + MAX_DEPTH):
            if len(places) != 1 or not places[0].is_dir() or self._is_hand_in(places[0]):
                break
            places = _children(places[0])
        return [self._upload(path) for path in places]

    def _is_hand_in(self, folder: Path) -> bool:
        """Whether a folder holds a lesson's files itself, and not the folders of several learners."""
        return any(
            name.casefold() in (self.lesson.casefold(), EVIDENCE) or self._notebook(name)[0] in self._notebooks.values()
            for name in os.listdir(folder)
        )

    def recorded(self, file: Path) -> tuple[str, str] | None:
        """Return of which exercise and for whom a file is evidence; None where it is none that can be read."""
        if file not in self._evidence:
            self._evidence[file] = None
            if file.suffix == ".json":
                with contextlib.suppress(EvidenceError):
                    filed = evidence_file.read(file)
                    self._evidence[file] = filed["exercise"], filed["student"]
        return self._evidence[file]

    def _upload(self, path: Path) -> Upload:
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        return Upload(path, files, {filed[1] for file in files if (filed := self.recorded(file))})

    def _placed(self, upload: Upload, who: Who, result: Sorted) -> Iterator[Placed]:
        troubles: Counter[str] = Counter()
        files = self._of_the_lesson(upload)
        left = len(upload.files) - len(files)
        for file in files:
            inside = file.relative_to(upload.path if upload.path.is_dir() else upload.path.parent)
            owner = who(upload, file)
            place, rank = self._place(file, len(inside.parts), owner.file_id if owner else "")
            if not place:
                left += 1
            elif owner is None:
                troubles["the names do not tell whose they are"] += 1
            elif not is_student(student := unicodedata.normalize("NFC", owner.student).strip()):
                troubles[f"{printable(student)!r} cannot be a student's name"] += 1
            else:
                yield Placed(student, place, file, owner.time, rank, upload.path)
        if left:
            troubles["they are of no use for this lesson"] += left
        for trouble, count in troubles.items():
            what = f"{count} files were" if count > 1 else "1 file was"
            result.remarks.append(f"{self.label(upload.path)}: {what} not collected: {trouble}.")

    def _of_the_lesson(self, upload: Upload) -> list[Path]:
        """Of an upload that holds a folder of the lesson's name, what lies in the one nearest to the top."""
        folders: dict[tuple[int, str], list[Path]] = defaultdict(list)
        for file in upload.files:
            parts = [part.casefold() for part in file.relative_to(self.extracted).parts[:-1]]
            start = len(upload.path.relative_to(self.extracted).parts)
            if self.lesson.casefold() in parts[start:]:
                depth = parts.index(self.lesson.casefold(), start)
                folders[depth, "/".join(parts[:depth])].append(file)
        if not folders:
            return upload.files
        shallowest = min(depth for depth, _ in folders)
        return sorted(file for (depth, _), files in folders.items() if depth == shallowest for file in files)

    def _place(self, file: Path, depth: int, called: str) -> tuple[str, tuple[int, int, int]]:
        """Return where a file belongs in the hand-in, or an empty text; and its rank."""
        ending = file.suffix.lower()
        if ending == ".ipynb":
            name, number = self._notebook(f"{PurePosixPath(called).stem}.ipynb")
            if not called or name not in self._notebooks.values():
                name, number = self._notebook(file.name)
            return name, (depth, int(number != 0), -number)
        if ending == ".json":
            filed, in_folder = self.recorded(file), file.parent.name.casefold() == EVIDENCE
            stem, number = _again(file.stem)
            named = file.stem if evidence_file.NAME.match(file.stem) else stem
            if in_folder and (not filed or filed[0] == file.stem) and evidence_file.NAME.match(named):
                return f"{EVIDENCE}/{named}.json", (depth, int(named != file.stem), -number)
            if filed:
                return f"{EVIDENCE}/{filed[0]}.json", (depth + int(not in_folder), 1, -number)
            return "", (0, 0, 0)
        return (file.name, (depth, 0, 0)) if ending in self.others else ("", (0, 0, 0))

    def _notebook(self, name: str) -> tuple[str, int]:
        """Return which notebook of the lesson a file's name means, else the name; and the number of the copy."""
        if PurePosixPath(name).suffix.lower() != ".ipynb":
            return name, 0
        stem, number = PurePosixPath(name).stem, 0
        if _folded(name) in self._notebooks:
            return self._notebooks[_folded(name)], 0
        again, number = _again(stem)
        for tried in (again, stem):
            for known in sorted(self._notebooks, key=len, reverse=True):
                if _folded(f"{tried}.ipynb") == known or _folded(f"{tried}.ipynb").endswith(f"_{known}"):
                    return self._notebooks[known], max(number, 1)
        return name, 0

    def _settle(self, student: str, files: list[Placed], result: Sorted) -> None:
        """Of several files for one place take the newest, else the likeliest; where nobody can tell, take none."""
        by_place: dict[str, list[Placed]] = defaultdict(list)
        for one in files:
            by_place[one.place].append(one)
        chosen: list[Placed] = []
        for place, rivals in sorted(by_place.items()):
            best = _best(rivals)
            names = [self.label(path) for path in sorted({one.upload for one in best})]
            if len(best) == 1 or len({_digest(one.source) for one in best}) == 1:
                chosen.append(best[0])
                if older := sorted({self.label(one.upload) for one in rivals} - set(names)):
                    result.remarks.append(f"{student}: {place} is from {names[0]}, which is newer than {older[0]}.")
                continue
            where = " and ".join(names) if len(names) > 1 else f"{names[0]}, which holds it twice"
            said = f"{place} came from {where}, and nothing tells which one counts"
            if place.endswith(".ipynb") and place not in self._notebooks.values():
                result.remarks.append(f"{student}: {said}; it is no notebook of the lesson and was left out.")
                continue
            result.remarks.append(f"{student}: nothing was collected: {said}.")
            return
        result.taken.update({one.source: one for one in chosen})

    def label(self, path: Path) -> str:
        """Return a path as it is shown: from the folder of unpacked uploads on."""
        return printable(path.relative_to(self.extracted).as_posix())


def is_student(name: str) -> bool:
    """Tell whether a name can be a learner's: one that is a folder's name on any system, and no pattern."""
    return bool(STUDENT.match(name)) and name.isprintable() and ".." not in name


def name_of(upload: Upload, lesson: str) -> str:
    """Return whose an upload is by its own name: `ada`, `ada_01-foundations`, `ada_late_1234_5678_anything`.

    Of several readings (`ada_l.zip` may be ada's or ada_l's) the longest counts that the evidence was recorded for.
    """
    name = upload.path.stem if upload.path.is_file() else upload.path.name
    name = _again(name)[0] if re.search(r"\(\d+\)\Z", name) else name
    parts = name.split("_")
    readings = ["_".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if known := [reading for reading in readings if reading in upload.recorded_for]:
        return known[0]
    if f"_{lesson}" in name:
        before = name[: name.index(f"_{lesson}")]
        return before if re.fullmatch(r"[\w.@-]+", before) and not re.search(r"_\d+_", before) else parts[0]
    return parts[0]


def _again(stem: str) -> tuple[str, int]:
    match = AGAIN.match(stem)
    return (match["name"], int(match["a"] or match["b"] or match["c"] or 1)) if match else (stem, 0)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _children(folder: Path) -> list[Path]:
    return [folder / name for name in sorted(os.listdir(folder))]


def _digest(path: Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _best(rivals: list[Placed]) -> list[Placed]:
    """Of the newest, or of all where a time is missing, the files of lowest rank in each upload."""
    newest = max(one.time for one in rivals)
    if all(one.time for one in rivals):
        rivals = [one for one in rivals if one.time == newest]
    lowest = {
        upload: min(one.rank for one in rivals if one.upload == upload) for upload in {one.upload for one in rivals}
    }
    return [one for one in rivals if one.rank == lowest[one.upload]]


def _alike(names: dict[str, list[Placed]]) -> list[list[str]]:
    by_fold: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        by_fold[name.casefold()].append(name)
    return [alike for alike in by_fold.values() if len(alike) > 1]
