"""`nbgrader zip_collect`: uploads end in the same submissions and the same points as hand-ins through the exchange."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.utils import notebook_hash

from dockyard.grading.handins import read_hand_ins
from dockyard.grading.sorting import Owner, Sorter, Upload, name_of
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom
from tests.grading.lms import Files, files_of, tarred, zipped
from tests.grading.test_grade import gradebook

CLASS = {"ada": {"first-one": "red", "second-one": "blue"}, "bo_b": {"first-one": "red", "second-one": "no"}, "cy": {}}
EARNED = {"ada": (2.0, 3.0), "bo_b": (2.0, 0.0), "cy": (0.0, 0.0)}
NB = f"{NOTEBOOK}.ipynb"


class Downloads:
    """A classroom whose hand-ins wait to be uploaded."""

    def __init__(self, root: Path) -> None:
        self.room = Classroom(root, make=True)
        for student, answers in CLASS.items():
            self.room.hand_in(student, answers)
        self.grade()
        self.reference = gradebook(root)
        self.made = root / "made"
        (self.room.root / "submitted").rename(self.made)

    @property
    def archive(self) -> Path:
        return self.room.root / "downloaded" / LESSON / "archive"

    @property
    def submitted(self) -> Path:
        return self.room.root / "submitted"

    def grade(self) -> None:
        command = [sys.executable, "-m", "dockyard.cli", "grade", LESSON, "--force", "--course", str(self.room.root)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0 and "3 graded" in done.stdout, done.stdout + done.stderr

    def files(self, student: str, prefix: str = "") -> Files:
        return files_of(self.made / student / LESSON, prefix)

    def collect(self, files: Files, *words: str) -> str:
        """Lay what was downloaded into the archive folder, collect it anew, and return what was said."""
        shutil.rmtree(self.archive, ignore_errors=True)
        shutil.rmtree(self.submitted, ignore_errors=True)
        for name, content in files.items():
            (self.archive / name).parent.mkdir(parents=True, exist_ok=True)
            (self.archive / name).write_bytes(content)
        done = self.room.nbgrader("zip_collect", LESSON, "--force", *words)
        return done.stdout + done.stderr

    def collected(self) -> dict[str, list[str]]:
        return {
            folder.name: sorted(files_of(folder / LESSON)) for folder in self.submitted.iterdir() if folder.is_dir()
        }


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Downloads:
    return Downloads(tmp_path_factory.mktemp("uploads") / "course")


def expected(downloads: Downloads) -> Files:
    return {
        name: text for name, text in files_of(downloads.made).items() if name.endswith((".ipynb", ".json"))
    }  # and no lock file of the recorder


FORMS = {
    "zip of zips": lambda d: {
        "class.zip": zipped({f"{s}_{LESSON}.zip": zipped(d.files(s, f"{LESSON}/")) for s in CLASS})
    },
    "zip of folders": lambda d: {
        "class.zip": zipped({k: v for s in CLASS for k, v in d.files(s, f"{s}/{LESSON}/").items()})
    },
    "tar.gz": lambda d: {"class.tar.gz": tarred({k: v for s in CLASS for k, v in d.files(s, f"{s}/").items()})},
}


@pytest.mark.parametrize("form", FORMS)
def test_from_upload_to_points(downloads: Downloads, form: str) -> None:
    said = downloads.collect(FORMS[form](downloads))
    assert files_of(downloads.submitted) == expected(downloads), said
    assert "cy: no evidence is in" in said
    if form == "tar.gz":
        downloads.room.autograde("--force")
    else:
        downloads.grade()
    assert gradebook(downloads.room.root) == downloads.reference
    for student, scores in EARNED.items():
        grades = downloads.room.grades(student)
        assert (grades["first-one"][0], grades["second-one"][0]) == scores, student
    audit = read_hand_ins(downloads.submitted, LESSON)
    assert {one.student: len(one.filed) for one in audit} == {"ada": 2, "bo_b": 2, "cy": 0}


def test_feedback_is_made_for_all_and_released_to_who_used_the_exchange(downloads: Downloads) -> None:
    room = downloads.room
    downloads.collect(FORMS["zip of zips"](downloads))
    for name, text in (("timestamp.txt", "2026-02-28 12:00:00 UTC"), ("submission_secret.txt", "f00d")):
        (downloads.submitted / "cy" / LESSON / name).write_text(text)
    downloads.grade()
    room.nbgrader("generate_feedback", LESSON)
    for student in CLASS:
        assert (room.root / "feedback" / student / LESSON / f"{NOTEBOOK}.html").is_file()
    (room.root / "exchange").mkdir()
    done = room.nbgrader("release_feedback", LESSON)
    said = done.stdout + done.stderr
    assert "feedback/ada/01-sample was not handed in through the exchange" in said
    page = f"{notebook_hash(secret='f00d', notebook_id=NOTEBOOK)}.html"
    assert [path.name for path in (room.root / "exchange" / "dockyard" / "feedback").iterdir()] == [page]


MOODLE = r".*/[^/]+_\d+_assignsubmission_file_?/?(?P<student_id>[\w.@-]+?)_01-sample"
CANVAS = r".*/[a-z]+_(late_)?\d+_\d+_(?P<student_id>[\w.@-]+?)_01-sample"
TIMED = r".*/(?P<student_id>[a-z_]+)_attempt_(?P<timestamp>[0-9-]+)"
ADA = f"ada_{LESSON}"
MORE = {
    "moodle": (
        lambda d: {
            "c.zip": zipped(
                {
                    f"Ada L_12_assignsubmission_file_/{ADA}.zip": zipped(d.files("ada")),
                    f"Bo B_13_assignsubmission_file_bo_b_{LESSON}.zip": zipped(d.files("bo_b")),
                }
            )
        },
        MOODLE,
    ),
    "canvas": (
        lambda d: {
            f"lovelaceada_late_1234_5678_{ADA}.zip": zipped(d.files("ada", "x/")),
            f"bbo_1234_5679_bo_b_{LESSON}-1.zip": zipped(d.files("bo_b")),
        },
        CANVAS,
    ),
    "timed": (
        lambda d: {
            "ada_attempt_2026-03-01-09-59-00.zip": zipped({NB: b"{}", **d.files("cy")}),
            "ada_attempt_2026-03-01-10-00-00.zip": zipped(d.files("ada")),
            "bo_b_attempt_2026-02-28-23-59-59.zip": zipped(d.files("bo_b")),
        },
        TIMED,
    ),
}


@pytest.mark.parametrize("name", MORE)
def test_named_regexp_as_the_guide_gives_it(downloads: Downloads, name: str) -> None:
    make, regexp = MORE[name]
    said = downloads.collect(make(downloads), f"--FileNameCollectorPlugin.named_regexp={regexp}")
    wanted = {key: text for key, text in expected(downloads).items() if not key.startswith("cy/")}
    found = files_of(downloads.submitted)
    times = {key: found.pop(key).decode() for key in list(found) if key.endswith("timestamp.txt")}
    assert found == wanted, said
    if name == "timed":
        assert times == {
            f"ada/{LESSON}/timestamp.txt": "2026-03-01 10:00:00",
            f"bo_b/{LESSON}/timestamp.txt": "2026-02-28 23:59:59",
        }
        assert "is newer than" in said
    else:
        assert times == {}


def test_one_class_with_every_common_trouble(downloads: Downloads) -> None:
    """All in one run: what is clear is taken, what is not is named."""
    ada, other = downloads.files("ada"), downloads.files("bo_b")
    shots = {k.replace("evidence/", ""): v for k, v in ada.items()}
    files = {
        "top.zip": zipped(ada),
        "lesson.zip": zipped(downloads.files("ada", f"{LESSON}/")),
        "deeper.zip": zipped(downloads.files("ada", f"deeper/{LESSON}/")),
        "wrapped.zip": zipped({f"{LESSON}.zip": zipped(ada)}),
        "browser (1).zip": zipped({k.replace(".", " (1)."): v for k, v in ada.items()}),
        "mac.zip": zipped(
            {**ada, "__MACOSX/._sample.ipynb": b"x", ".DS_Store": b"x", "evidence/._first-one.json": b"x"}
        ),
        "both.zip": zipped({**ada, "sample (1).ipynb": b"{}"}),
        "UPPER.ZIP": zipped({k.replace(".ipynb", ".IPYNB"): v for k, v in ada.items()}),
        "flat.zip": zipped(shots),
        **{f"single_1234_56{n}_{k}": v for n, (k, v) in enumerate(shots.items()) if k.endswith(("nb", "on"))},
        "twice.zip": zipped(ada),
        "twice (1).zip": zipped(other),
        "same.zip": zipped(ada),
        "same (1).zip": zipped(ada),
        "Dora.zip": zipped(ada),
        "dora.zip": zipped(ada),
        "..zip": zipped(ada),
        "...zip": zipped(ada),
        "nothing.zip": zipped({"holiday.jpg": b"x"}),
        "none.zip": b"hello",
        "void.zip": b"",
        "rar.rar": b"Rar!",
        "ambiguous.zip": zipped({**{f"a/{k}": v for k, v in ada.items()}, **{f"b/{k}": v for k, v in other.items()}}),
        "workspace.zip": zipped({**downloads.files("ada", f"{LESSON}/"), "02-other/other.ipynb": b"{}"}),
        "folder/sample.ipynb": ada[NB],
        "folder/evidence/first-one.json": ada["evidence/first-one.json"],
    }
    said = downloads.collect(files)
    full = [f"{folder}/{name}.json" for folder, name in (("evidence", "first-one"), ("evidence", "second-one"))] + [NB]
    taken = downloads.collected()
    whole = [
        "top",
        "lesson",
        "deeper",
        "wrapped",
        "browser",
        "mac",
        "both",
        "UPPER",
        "flat",
        "single",
        "same",
        "workspace",
    ]
    assert {name: taken.get(name) for name in whole} == dict.fromkeys(whole, full), said
    assert taken["folder"] == ["evidence/first-one.json", NB]
    assert set(taken) == {*whole, "folder"}, said
    for words in (
        "twice: nothing was collected",
        "Dora and dora differ in capitals only",
        "Refused none.zip: it is no zip or tar archive",
        "Refused void.zip: it is empty",
        "Refused rar.rar: is an archive of a kind that is not taken",
        "nothing: it holds no notebook and no evidence",
        "ambiguous: nothing was collected",
        "'-' cannot be a student's name",
        "evidence in this hand-in was recorded for ada, the upload top is top's",
    ):
        assert words in said, (words, said)


def test_where_names_are_not_compared_the_warning_says_so(downloads: Downloads) -> None:
    said = downloads.collect({"eve.zip": zipped(downloads.files("ada"))}, "--GradeFromEvidence.check_student=False")
    assert "recorded for ada, the upload eve is eve's. GradeFromEvidence.check_student is off: it counts." in said


def test_without_force_what_was_collected_is_kept(downloads: Downloads) -> None:
    downloads.collect({"ada.zip": zipped(downloads.files("ada"))})
    before = files_of(downloads.submitted)
    done = downloads.room.nbgrader("zip_collect", LESSON, check=False)
    assert done.returncode != 0 and "--force" in done.stdout + done.stderr
    assert files_of(downloads.submitted) == before


def sorter(folder: Path, files: Files) -> Sorter:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return Sorter(folder, LESSON, [NB])


@pytest.mark.parametrize(
    ("name", "recorded", "student"),
    [
        ("ada", set(), "ada"),
        (f"ada_{LESSON}", set(), "ada"),
        (f"ada_l_{LESSON}", set(), "ada_l"),
        ("ada_l", {"ada_l"}, "ada_l"),
        ("ada_l", set(), "ada"),
        ("ada_l_homework", {"ada_l"}, "ada_l"),
        (f"lovelaceada_late_12_34_ada_{LESSON}", {"ada"}, "lovelaceada"),
        (f"lovelaceada_12_34_ada_{LESSON}-1", set(), "lovelaceada"),
        ("Ada Lovelace_12345_assignsubmission_file_", {"ada"}, "Ada Lovelace"),
        (f"ada_{LESSON} (2)", set(), "ada"),
        ("bob_x", {"mallory"}, "bob"),
    ],
)
def test_whose_an_upload_is(tmp_path: Path, name: str, recorded: set[str], student: str) -> None:
    (tmp_path / name).mkdir()
    assert name_of(Upload(tmp_path / name, [], recorded), LESSON) == student


def test_a_folder_in_an_archive_names_nobody(tmp_path: Path) -> None:
    files = {f"c/mallory/ada/{NB}": b"{}", f"c/ada/{NB}": b"{}"}
    uploads = sorter(tmp_path, files).uploads()
    assert [upload.path.name for upload in uploads] == ["ada", "mallory"]


def test_what_is_taken_bears_only_plain_names(tmp_path: Path) -> None:
    for number, student in enumerate(("..", "a/b", "../../x", ".hidden", "a\x07", "", "*", "x" * 300)):
        found = sorter(tmp_path / str(number), {f"up/{NB}": json.dumps({}).encode()}).sort(
            lambda _, __, student=student: Owner(student)
        )
        assert found.taken == {} and "cannot be a student's name" in found.remarks[0], student
