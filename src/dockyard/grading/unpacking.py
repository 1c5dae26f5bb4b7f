"""Unpack what learners uploaded: only notebooks and evidence, only into its own folder, only within limits."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dockyard.errors import ArchiveError
from dockyard.grading.archives import BROKEN, Entry, EntryError, ending_of, entries_of, safe_path
from dockyard.grading.intake import printable
from dockyard.grading.limits import (
    MAX_CLASS_BYTES,
    MAX_CLASS_ENTRIES,
    MAX_FILE,
    MAX_FILES,
    MAX_FILES_BYTES,
    MAX_NESTED,
    MAX_NOTEBOOK,
    MAX_NOTEBOOKS,
    MAX_NOTES,
    MAX_UPLOAD_BYTES,
    MAX_UPLOAD_ENTRIES,
    MIB,
)

JUNK = ("__MACOSX", ".DS_Store", ".ipynb_checkpoints", ".git", ".venv", "__pycache__")
MAX_CLASS_NOTES = 1000
FOREIGN = (".7z", ".rar", ".bz2", ".xz", ".zst")  # archives that nobody here reads


@dataclass
class Budget:
    """How much may still be unpacked: by one learner's archive, and by the class of which it is a part."""

    size: int = MAX_CLASS_BYTES
    files: int = MAX_CLASS_ENTRIES
    entries: int = MAX_CLASS_ENTRIES
    whole: Budget | None = None
    spent: int = 0

    def of_learner(self) -> Budget:
        """Return the budget of one learner's archive in a class's; that of a learner, which is shared by all in it."""
        return self if self.whole else Budget(MAX_UPLOAD_BYTES, MAX_FILES + MAX_NOTEBOOKS, MAX_UPLOAD_ENTRIES, self)

    @property
    def is_used_up(self) -> bool:
        """Whether nothing more may be unpacked."""
        return self.spent > self.size or self.files < 0

    def read(self, size: int) -> None:
        """Count bytes that were unpacked.

        Raises:
            ArchiveError: more than there may be.
        """
        self.spent += size
        if self.spent > self.size:
            raise ArchiveError(f"it unpacks to more than {self.size // MIB:,} MiB")
        if self.whole:
            self.whole.read(size)

    def wrote(self) -> None:
        """Count a file that was kept."""
        self.files -= 1
        if self.files < 0:
            raise ArchiveError("it holds too many notebooks and evidence files")


@dataclass
class Unpacking:
    """One run over the uploads of a class.

    Args:
        endings: of files that are taken; all others are left out.
        archives: endings of files that are unpacked.

    Attributes:
        refused: archive or file, as a path from the folder of uploads, and why, in the order of meeting them.
        left_out: how many files of other kinds there were.
    """

    endings: Collection[str]
    archives: Collection[str]
    refused: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0

    def run(self, uploads: Path, into: Path) -> None:
        """Unpack every archive of a folder, and copy the other files, into a folder that is empty.

        What is refused is told in `refused`, and nothing of it stays; the others are unpacked all the same.
        """
        self._uploads = uploads
        tops = [name for name in os.listdir(uploads) if not _is_junk(PurePosixPath(name)) and self._kind(name)]
        self._only = tops[0] if len(tops) == 1 else ""  # the archive of the class
        with contextlib.suppress(ArchiveError):  # it is told already
            self._unpack(uploads, into, Budget(), 0, "")

    def _kind(self, name: str) -> str:
        """What a file is by its name: an archive, one to take, a folder; an empty text for what is left out."""
        if (self._uploads / name).is_dir():
            return "folder"
        if self._is_archive(name):
            return "archive"
        return "file" if PurePosixPath(name).suffix.lower() in self.endings else ""

    def _is_archive(self, name: str) -> bool:
        ending = ending_of(name)
        return bool(ending) and (ending in self.archives or f".{ending.rpartition('.')[2]}" in self.archives)

    def _unpack(self, source: Path, into: Path, budget: Budget, level: int, shown: str) -> None:
        """Unpack one archive or folder.

        Raises:
            ArchiveError: not to be taken as a whole; it is told, and what was written of it is removed.
        """
        notes = len(self.refused)
        try:
            seen: set[str] = set()
            for entry in entries_of(source, budget.read, budget.entries):
                self._take(entry, into, budget, level, shown, seen)
        except ArchiveError as error:
            if level:
                shutil.rmtree(into, ignore_errors=True)
            del self.refused[notes:]
            self.refused.append((shown or str(source), error.found))
            raise
        most = MAX_NOTES if budget.whole else MAX_CLASS_NOTES
        if (more := len(self.refused) - notes - most) > 0:
            self.refused[notes + most :] = [(shown or str(source), f"{more:,} more of its files were refused")]

    def _take(self, entry: Entry, into: Path, budget: Budget, level: int, shown: str, seen: set[str]) -> None:
        where, trouble = safe_path(entry.name)
        if where is not None and _is_junk(where):
            return
        label = "/".join(part for part in (shown, printable(entry.name)) if part)
        trouble = trouble or entry.trouble
        archive = where is not None and self._is_archive(where.name)
        if where is not None and not trouble:
            if not archive and where.suffix.lower() not in self.endings:
                self.left_out += 1
                if where.suffix.lower() in FOREIGN:
                    self.refused.append((label, "is an archive of a kind that is not taken; ask for a zip"))
                return
            if str(where) in seen:
                trouble = "has the name of another file in the same archive"
            seen.add(str(where))
        if where is None or trouble:
            self.refused.append((label, f"it {trouble}"))
            return
        if archive:
            self._nested(entry, into / where, budget, level, label)
        else:
            most = MAX_NOTEBOOK if where.suffix.lower() == ".ipynb" else MAX_FILE
            target = into / where.with_suffix(where.suffix.lower())
            if self._write(entry, target, most, label):
                budget.wrote()

    def _nested(self, entry: Entry, target: Path, budget: Budget, level: int, label: str) -> None:
        if level >= MAX_NESTED:
            self.refused.append((label, "it is an archive in too many others"))
            return
        is_class = level == 0 and entry.name == self._only
        inner = budget if is_class else budget.of_learner()
        stem = target.name[: -len(ending_of(target.name))].strip(" .")  # `...zip` names no other folder
        folder = _free(target.with_name(stem or "-"))
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory(prefix=".archive-", dir=folder.parent) as aside:
            path = entry.path or Path(aside) / "archive"
            if not entry.path and not self._write(entry, path, MAX_FILES_BYTES, label):
                folder.rmdir()
                return
            try:
                self._unpack(path, folder, inner, level + 1, label)
            except ArchiveError:
                if inner is not budget:  # one learner's bomb costs the class nothing
                    budget.spent -= inner.spent
                elif budget.is_used_up:
                    raise

    def _write(self, entry: Entry, target: Path, most: int, label: str) -> bool:
        """Write a file anew; tell whether it could be read to its end."""
        size, trouble = 0, ""
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as file:  # never through a link, never over a file
                for piece in entry.chunks():
                    size += len(piece)
                    if size > most:
                        trouble = f"it has more than {most // MIB} MiB"
                        break
                    file.write(piece)
        except FileExistsError:
            self.refused.append((label, "it has the name of another file or folder"))
            return False
        except NotADirectoryError:
            self.refused.append((label, "it lies in a file"))
            return False
        except PermissionError as error:
            trouble = f"it cannot be read or written by you ({error.filename})"
        except BROKEN as error:
            trouble = f"it is damaged ({str(error)[:80] or type(error).__name__})"
        except EntryError as error:
            trouble = error.found
        if trouble:
            target.unlink(missing_ok=True)
            self.refused.append((label, trouble))
        return not trouble


def _is_junk(where: PurePosixPath) -> bool:
    return any(part in JUNK or part.startswith("._") for part in where.parts)


def _free(folder: Path) -> Path:
    """Return a folder that is not there yet: beside one of the same name, as a browser would call it."""
    number = 1
    while os.path.lexists(folder if number == 1 else folder.with_name(f"{folder.name} ({number})")):
        number += 1
    return folder if number == 1 else folder.with_name(f"{folder.name} ({number})")
