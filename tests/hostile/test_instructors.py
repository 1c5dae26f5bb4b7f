"""Audit and report read every broken and hostile hand-in as it came, before grading has put anything aside."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.grading.limits import MIB
from tests.grading.classroom import LESSON
from tests.hostile.conftest import Graded, remove, things
from tests.hostile.corpus import lay_all

PROGRAM = """
import json, re, sys
from pathlib import Path
from dockyard.course import Course
from dockyard.grading.audit import audit
from dockyard.grading.report import write_report

course = Course(Path(sys.argv[1]))
if sys.argv[2] == "audit":
    print(json.dumps(audit(course, "{lesson}").as_json(course.root)))
else:
    write_report(course, "{lesson}", Path(sys.argv[2]))
held = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())  # unlike getrusage: of this program alone
print(int(held[1]) // 1024, file=sys.stderr)
"""
PEAK = {"audit": 150, "report": 400}  # MiB; the report's are matplotlib's and those of its pictures


@pytest.fixture(scope="module")
def course(graded: Graded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("hostile-instructors") / "course"
    (root / "submitted").mkdir(parents=True)
    for name in ("source", "release"):
        shutil.copytree(graded.room.root / name, root / name)
    shutil.copy(graded.room.root / "gradebook.db", root)
    lay_all(root / "submitted", graded.honest)
    yield root
    remove(root)


def run(course: Path, what: str) -> tuple[str, int]:
    """Run one of the two with bounded memory and time; returns what it printed and the most memory it held, in MiB."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1536 * MIB, 1536 * MIB))

    command = [sys.executable, "-c", PROGRAM.format(lesson=LESSON), str(course), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, preexec_fn=limit)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, int(done.stderr.split()[-1])


def test_the_audit_reads_all_and_names_what_cannot_be_read(graded: Graded, course: Path) -> None:
    before = things(course.parent)
    output, peak = run(course, "audit")
    says = json.loads(output)
    output.encode("ascii")
    assert says["hand_ins"] == len(graded.cases)
    assert peak <= PEAK["audit"]
    assert things(course.parent) == before
    assert not graded.honest.canary.exists()
    named = {name for one in says["findings"] if one["kind"] in ("unreadable", "checksum") for name in one["learners"]}
    assert {"honest", "zz-honest"}.isdisjoint(named) and len(named) > 100


def test_the_report_is_drawn(graded: Graded, course: Path, tmp_path: Path) -> None:
    before = things(course.parent)
    _, peak = run(course, str(tmp_path / "report"))
    assert peak <= PEAK["report"] and things(course.parent) == before
    page = (tmp_path / "report" / "report.html").read_text()
    assert f"Graded: {len(graded.cases)} learners" in page
    assert not graded.honest.canary.exists()
    assert page.count("<script") == 0 and page.count("<img") == len(list((tmp_path / "report").glob("*.png")))
