"""The audit: what it finds, what it must not find, and that nothing in a hand-in hurts it."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from dockyard import evidence
from dockyard.cli import dockyard
from dockyard.course import Course
from dockyard.grading.audit import KINDS, Finding, audit, released_checks
from dockyard.grading.handins import parse_time
from tests.grading.evidence_class import (
    LESSON,
    PASSED,
    START,
    answer,
    container,
    engine,
    filed,
    hand_in,
    image,
    make_course,
    stamp,
    unique,
)

EXERCISES = {"first-one": 2, "second-one": 2, "third-one": 2, "fourth-one": 2}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course with two hand-ins in which there is nothing to find."""
    course = make_course(tmp_path, EXERCISES)
    for student in ("ada", "ben"):
        hand_in(course, student, *(filed(student, name) for name in EXERCISES))
    return course


def found(course: Course) -> dict[str, Finding]:
    """Findings by kind; a test makes no two of one kind."""
    findings = audit(course, LESSON).findings
    kinds = [finding.kind for finding in findings]
    assert len(set(kinds)) == len(kinds), kinds
    return dict(zip(kinds, findings, strict=True))


def only(course: Course) -> Finding:
    findings = audit(course, LESSON).findings
    assert len(findings) == 1, [(finding.kind, finding.found) for finding in findings]
    return findings[0]


def test_honest_hand_ins_have_no_findings(course: Course) -> None:
    result = audit(course, LESSON)
    assert result.findings == [] and result.without_time == []
    assert (result.learners, result.evidence) == (["ada", "ben"], 8)


def test_a_container_of_two_learners(course: Course) -> None:
    shown = [container("lab-blue", unique("shared"), START)]
    for student in ("ada", "ben"):
        hand_in(course, student, filed(student, "first-one", exchanges=shown))
    one = only(course)
    assert (one.kind, one.weight, one.learners) == ("shared-container", 3, ("ada", "ben"))
    assert "lab-blue" in one.found and one.exercises == ("first-one",)
    assert [path.parts[-4] for path in one.files] == ["ada", "ben"]


def test_a_container_seen_in_a_list_counts_too(course: Course) -> None:
    listed = {"Id": unique("shared"), "Names": ["/lab-blue"], "State": "running", "Created": 1}
    hand_in(course, "ada", filed("ada", "first-one", exchanges=[answer("/containers/json", [listed])]))
    shown = [container("lab-blue", unique("shared"), START)]
    hand_in(course, "ben", filed("ben", "second-one", exchanges=shown))
    assert only(course).exercises == ("first-one", "second-one")


def test_lab_images_are_everybodys_and_built_ones_are_not(course: Course) -> None:
    everybodys = image("dockyard/busybox:latest", unique("base"), ["base"])
    for student in ("ada", "ben"):
        built = image("dockyard/lab-light:latest", unique("built"), ["base", "own"])
        hand_in(course, student, filed(student, "first-one", exchanges=[everybodys, built]))
    one = only(course)
    assert (one.kind, one.weight) == ("shared-image", 2)
    assert "dockyard/lab-light" in one.found and "busybox" not in one.found and "different engines" in one.found


def test_an_image_without_a_layer_of_its_own_tells_nothing(course: Course) -> None:
    everybodys = image("dockyard/busybox:latest", unique("base"), ["base"])
    for student in ("ada", "ben"):
        labelled = image("dockyard/lab-label:latest", unique("labelled"), ["base"])
        hand_in(course, student, filed(student, "first-one", exchanges=[everybodys, labelled]))
    assert audit(course, LESSON).findings == []


def test_the_build_cache_of_one_engine_explains_an_equal_image(course: Course) -> None:
    for student in ("ada", "ben"):
        built = image("dockyard/lab-light:latest", unique("built"), ["base", "own"])
        files = [filed(student, name, engine=engine("lab machine")) for name in EXERCISES]
        hand_in(course, student, *files[1:], {**files[0], "exchanges": [built]})
    kinds = found(course)
    assert set(kinds) == {"shared-image", "shared-engine"}
    assert {finding.weight for finding in kinds.values()} == {1}
    assert "one engine" in kinds["shared-image"].found


def test_one_finding_for_a_whole_lab_and_not_one_for_each_pair(tmp_path: Path) -> None:
    course = make_course(tmp_path, EXERCISES)
    for number in range(12):
        student = f"learner-{number:02}"
        hand_in(course, student, *(filed(student, name, engine=engine("hub")) for name in EXERCISES))
    one = only(course)
    assert one.kind == "shared-engine" and len(one.learners) == 12 and len(one.files) == 48


def test_an_engine_without_an_id_is_nobodys(course: Course) -> None:
    for student in ("ada", "ben"):
        hand_in(course, student, *(filed(student, name, engine={**engine("x"), "id": ""}) for name in EXERCISES))
    assert audit(course, LESSON).findings == []


def test_an_engine_that_changes_within_a_hand_in(course: Course) -> None:
    hand_in(course, "ada", filed("ada", "second-one", engine=engine("another")))
    one = only(course)
    assert (one.kind, one.learners) == ("engine-change", ("ada",)) and "2 engines" in one.found


@pytest.mark.parametrize(("seconds", "weight"), [(1, None), (30, 1), (3600, 2)])
def test_evidence_after_submission(course: Course, seconds: int, weight: int | None) -> None:
    at = START + timedelta(minutes=50)
    last = filed("ada", "first-one", at=at)
    hand_in(course, "ada", last, at=at - timedelta(seconds=seconds))
    findings = audit(course, LESSON).findings
    assert [(one.kind, one.weight) for one in findings] == ([("after-submission", weight)] if weight else [])


def test_hand_ins_without_a_time_are_named(course: Course) -> None:
    (course.submitted / "ben" / LESSON / "timestamp.txt").unlink()
    result = audit(course, LESSON)
    assert result.without_time == ["ben"] and result.findings == []


def test_evidence_of_another_learner_that_was_handed_in(course: Course) -> None:
    copied = course.submitted / "ada" / LESSON / "evidence" / "first-one.json"
    (course.submitted / "ben" / LESSON / "evidence" / "first-one.json").write_bytes(copied.read_bytes())
    kinds = found(course)
    assert set(kinds) == {"other-learner", "shared-container", "shared-engine", "same-times", "engine-change"}
    assert "'ada'" in kinds["other-learner"].found and kinds["other-learner"].learners == ("ben",)
    assert list(kinds)[:2] == ["shared-container", "other-learner"]  # what says most stands first
    assert kinds["same-times"].weight == 1


def test_a_copied_folder_with_the_name_changed(course: Course) -> None:
    for name in EXERCISES:
        hand_in(course, "ben", {**filed("ada", name), "student": "ben"})
    kinds = found(course)
    assert set(kinds) == {"shared-container", "shared-engine", "same-times"}
    assert kinds["same-times"].weight == 3 and "4 runs" in kinds["same-times"].found


def test_a_copied_folder_with_all_times_moved(course: Course) -> None:
    times = [START + timedelta(seconds=seconds) for seconds in (0, 71.123, 200.456, 331.2)]
    for student, by in (("ada", timedelta()), ("ben", timedelta(minutes=7, milliseconds=3))):
        hand_in(course, student, *(filed(student, n, at=t + by) for n, t in zip(EXERCISES, times, strict=True)))
    one = only(course)
    assert (one.kind, one.learners) == ("same-gaps", ("ada", "ben"))


def test_cells_run_one_after_the_other_have_like_pauses_by_themselves(course: Course) -> None:
    times = [START + timedelta(milliseconds=60 * number) for number in range(4)]
    for student, by in (("ada", timedelta()), ("ben", timedelta(minutes=7))):
        hand_in(course, student, *(filed(student, n, at=t + by) for n, t in zip(EXERCISES, times, strict=True)))
    assert audit(course, LESSON).findings == []


def test_attempts_that_run_backwards(course: Course) -> None:
    runs = [(START + timedelta(minutes=9), False, "not it"), (START, True, PASSED)]
    hand_in(course, "ada", filed("ada", "first-one", runs=runs))
    one = only(course)
    assert (one.kind, one.weight) == ("clock", 2) and "9 min before" in one.found


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (container("lab-x", unique(1), START + timedelta(hours=3)), "lab-x was created 3 h after"),
        (container("lab-x", unique(1), START, START + timedelta(hours=3)), "lab-x started 3 h after"),
        (container("lab-x", unique(1), START, START - timedelta(minutes=3)), "lab-x started 3 min before it was"),
        (image("lab-x:latest", unique(1), ["own"], START + timedelta(days=9)), "lab-x:latest was built 9 days after"),
        (answer("/info", {"SystemTime": stamp(START + timedelta(days=9))}), "engine's clock was 9 days ahead"),
        (answer("/info", {"SystemTime": stamp(START - timedelta(days=9))}), "engine's clock was 9 days behind"),
    ],
)
def test_clocks_of_what_the_engine_showed(course: Course, shown: dict, words: str) -> None:
    hand_in(course, "ada", filed("ada", "first-one", at=START, exchanges=[shown]))
    one = only(course)
    assert one.kind == "clock" and words in one.found


def test_a_checksum_that_does_not_fit_hides_nothing_else(course: Course) -> None:
    path = course.submitted / "ada" / LESSON / "evidence" / "first-one.json"
    hand_in(course, "ada", filed("ada", "first-one", exchanges=[container("lab-a", unique("ben", "first-one"), START)]))
    path.write_text(path.read_text().replace('"passed": true', '"passed": false'))
    kinds = found(course)
    assert set(kinds) == {"checksum", "shared-container"} and kinds["checksum"].exercises == ("first-one",)


def test_a_verdict_that_no_attempt_had(course: Course) -> None:
    hand_in(course, "ada", {**filed("ada", "first-one", runs=[(START, False, "not it")]), "passed": True})
    one = only(course)
    assert (one.kind, one.weight) == ("attempts", 2)


def test_another_check_than_the_lessons(course: Course) -> None:
    hand_in(course, "ada", filed("ada", "first-one", check="sha256:" + "0" * 64))
    one = only(course)
    assert (one.kind, one.weight, one.exercises) == ("other-check", 2, ("first-one",))


def test_a_check_mended_after_hand_in_is_one_slight_finding(course: Course) -> None:
    for student in ("ada", "ben"):
        hand_in(course, student, filed(student, "first-one", check="sha256:" + "0" * 64))
    one = only(course)
    assert (one.kind, one.weight, one.learners) == ("other-check", 1, ("ada", "ben"))


def test_the_hash_of_a_check_cell_is_what_a_run_of_it_records(course: Course, tmp_path: Path) -> None:
    from dockyard.exercise import live, run_cell
    from tests.grading.classroom import check_source

    with live(tmp_path, "ada"):
        run_cell(check_source("first-one", 2, "red") + "\n", {"first_one": "red"})
    recorded = evidence.read(evidence.path_of(tmp_path, "first-one"))
    assert released_checks(course, LESSON)["first-one"] == {recorded["check"]}


def test_what_cannot_be_read_is_a_finding_and_no_link_is_followed(course: Course, tmp_path: Path) -> None:
    folder = course.submitted / "ada" / LESSON / "evidence"
    outside = tmp_path / "outside.json"
    outside.write_bytes(evidence.dump(filed("eve", "linked")))
    (folder / "linked.json").symlink_to(outside)
    os.mkfifo(folder / "pipe.json")
    (folder / "empty.json").write_bytes(b"")
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "large.json").write_bytes(b" " * (evidence.MAX_BYTES + 1))
    (folder / "surrogate.json").write_text('{"format": "\\ud800"}')
    (folder / "nan.json").write_text('{"format": NaN}')
    (folder / "folder.json").mkdir()
    (course.submitted / "ada" / LESSON / "timestamp.txt").write_text("yesterday")
    findings = audit(course, LESSON).findings
    assert {one.kind for one in findings} == {"unreadable"} and {one.learners for one in findings} == {("ada",)}
    names = {path.name for one in findings for path in one.files}
    expected = {path.name for path in folder.iterdir()} - {f"{name}.json" for name in EXERCISES}
    assert names == expected | {"timestamp.txt"}


@pytest.mark.parametrize("place", ["ada", f"ada/{LESSON}", f"ada/{LESSON}/evidence"])
def test_folders_that_are_links_are_not_entered(course: Course, tmp_path: Path, place: str) -> None:
    original = course.submitted / place
    original.rename(tmp_path / "elsewhere")
    original.symlink_to(tmp_path / "elsewhere")
    result = audit(course, LESSON)
    assert [one.kind for one in result.findings] == ["unreadable"] and "link" in result.findings[0].found
    assert result.evidence == 4


@pytest.mark.parametrize(
    "absurd", [None, 7, "x", [], {}, [[]], {"Id": []}, {"Id": "x" * 64, "RepoTags": 7, "State": 3}]
)
def test_absurd_answers_hurt_nothing(course: Course, absurd: object) -> None:
    paths = ("/containers/{0.__class__}/json", "/containers/json", "/images/x/json", "/images/json", "/info")
    hand_in(course, "ada", filed("ada", "first-one", exchanges=[answer(path, absurd) for path in paths]))
    audit(course, LESSON)


def test_names_steer_neither_the_terminal_nor_the_words(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    nasty = container("lab-n", unique("n"), START + timedelta(hours=9))
    nasty["json"]["Name"] = "/lab-{0.__class__}\x1b[2J[red]"
    hand_in(course, "ada", filed("ada", "first-one", exchanges=[nasty]))
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    output = CliRunner().invoke(dockyard, ["audit", LESSON], env={"COLUMNS": "160"}).output
    assert "\x1b[2J" not in output and "lab-{0.__class__}[red]" in output


def test_the_command(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    clean = CliRunner().invoke(dockyard, ["audit", LESSON])
    assert clean.exit_code == 0 and "nothing found" in clean.output
    hand_in(course, "ben", {**filed("ada", "first-one")})
    table = CliRunner().invoke(dockyard, ["audit", LESSON], env={"COLUMNS": "100"})
    assert table.exit_code == 0 and "is a reason to ask, not a proof" in table.output
    assert KINDS["other-learner"].title in table.output
    as_json = CliRunner().invoke(dockyard, ["audit", LESSON, "--json"])
    says = json.loads(as_json.output)
    assert as_json.exit_code == 0 and says["hand_ins"] == 2
    assert [one["rank"] for one in says["findings"]] == [1, 2, 3, 4, 5]
    assert [one["weight"] for one in says["findings"]] == sorted((o["weight"] for o in says["findings"]), reverse=True)
    assert says["findings"][0]["files"][0] == f"submitted/ada/{LESSON}/evidence/first-one.json"


def test_misuse_is_exit_status_2(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockyard.course.find_course", lambda: course)
    for words in (["audit"], ["audit", "no-such-lesson"], ["audit", LESSON, "--wrong"]):
        assert CliRunner().invoke(dockyard, words).exit_code == 2
    assert "submitted/" in CliRunner().invoke(dockyard, ["audit", "no-such-lesson"]).output


def test_the_words_accuse_nobody() -> None:
    words = " ".join(f"{kind.title} {kind.explanation}" for kind in KINDS.values()).lower()
    for word in ("cheat", "forge", "fraud", "plagiar", "suspic", "guilt", "dishonest"):
        assert word not in words
    assert all(kind.explanation for kind in KINDS.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24 07:32:48.460341 UTC", "2026-11-24T07:32:48.460341+00:00"),
        ("2026-11-24 07:32:48 Europe/Paris", "2026-11-24T06:32:48+00:00"),
        ("2026-11-24T08:22:23.720789022Z", "2026-11-24T08:22:23.720789+00:00"),
        ("2026-11-24T08:22:23.7207890+01:00", "2026-11-24T07:22:23.720789+00:00"),
        ("2026-11-24T08:22:23Z", "2026-11-24T08:22:23+00:00"),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        ("soon", None),
        (17, None),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_times(text: object, expected: str | None) -> None:
    time = parse_time(text)
    assert (time.isoformat() if time else None) == expected
