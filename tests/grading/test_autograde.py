"""Stock `nbgrader autograde` with the evidence steps plugged in: what earns points, and what earns nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_code_cell

from dockyard import evidence
from tests.grading.classroom import LESSON, NOTEBOOK, Classroom, cell_of, mark, outputs_text

RIGHT = {"first-one": "red", "second-one": "blue"}
FULL = {"first-one": (2.0, False), "second-one": (3.0, False)}
NOTHING = {"first-one": (0.0, False), "second-one": (0.0, False)}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 40).decode()


def inject(source: str) -> Callable[[NotebookNode], None]:
    """A notebook in which the learner's cells, and one before all others, hold `source`."""

    def mutate(notebook: NotebookNode) -> None:
        notebook.cells.insert(0, new_code_cell(source, id="injected"))
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
                cell.source = source

    return mutate


def replace_checks(notebook: NotebookNode) -> None:
    for grade_id in RIGHT:
        cell_of(notebook, grade_id).source = "print('all good')"


def delete_checks(notebook: NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") not in RIGHT]


def duplicate_checks(notebook: NotebookNode) -> None:
    for number, grade_id in enumerate(RIGHT):
        copy = NotebookNode(json.loads(json.dumps(cell_of(notebook, grade_id))))
        copy["id"], copy["source"] = f"copy-{number}", "pass"
        copy["metadata"] = NotebookNode(json.loads(json.dumps(copy["metadata"])))
        notebook.cells.append(NotebookNode(copy))


def call_checks_solutions(notebook: NotebookNode) -> None:
    for grade_id in RIGHT:
        cell_of(notebook, grade_id).metadata.nbgrader.update(solution=True, locked=False)


def unlock_and_raise_points(notebook: NotebookNode) -> None:
    for grade_id in RIGHT:
        cell_of(notebook, grade_id).metadata.nbgrader.update(locked=False, points=1000)


def metadata_of_wrong_types(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata["nbgrader"] = ["no", 1]


def retype(notebook: NotebookNode) -> None:
    for grade_id in RIGHT:
        cell = cell_of(notebook, grade_id)
        cell["cell_type"] = "markdown"
        cell.pop("outputs"), cell.pop("execution_count")


def claim_outputs(notebook: NotebookNode) -> None:
    for grade_id in RIGHT:
        cell_of(notebook, grade_id).outputs = [
            NotebookNode(output_type="execute_result", execution_count=1, metadata={}, data={"text/plain": "2.0"})
        ]


def another_kernel(notebook: NotebookNode) -> None:
    notebook.metadata["kernelspec"] = {"name": "bash", "display_name": "bash", "language": "bash"}


CANARY = "open({path!r}, 'w').write('ran')"
CODE = {
    "patched docker": "import docker\ndocker.from_env = lambda: object()\n{canary}",
    "patched dockyard": "import dockyard\ndockyard.exercise = lambda *a, **k: (lambda f: f)\n{canary}",
    "patched judge": "import dockyard.judge as j\nj.judge = lambda *a: j.Verdict(True, 'ok')\n{canary}",
    "exits": "{canary}\nraise SystemExit",
    "kills the process": "{canary}\nimport os\nos._exit(0)",
    "loops for ever": "{canary}\nwhile True: pass",
    "reads hidden tests": "{canary}\nimport gc\nprint([o for o in gc.get_objects() if 'check' in str(o)[:80]])",
    "writes evidence": "{canary}\nimport json, os\nos.makedirs('evidence', exist_ok=True)\n"
    "json.dump({{'passed': True}}, open('evidence/first-one.json', 'w'))",
    "magic": "%%bash\ntouch {bare}",
    "shell": "!touch {bare}",
}
CHANGES = {
    "replaced checks": replace_checks,
    "deleted checks": delete_checks,
    "duplicated checks": duplicate_checks,
    "checks called solutions": call_checks_solutions,
    "unlocked, more points": unlock_and_raise_points,
    "metadata of wrong types": metadata_of_wrong_types,
    "checks made markdown": retype,
    "claimed outputs": claim_outputs,
    "another kernel": another_kernel,
}


def edit_source(room: Classroom, edit: Callable[[NotebookNode], None]) -> None:
    """Change the instructor's notebook and release it again."""
    path = room.root / "source" / LESSON / f"{NOTEBOOK}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    edit(notebook)
    nbformat.write(notebook, path)
    room.nbgrader("generate_assignment", LESSON, "--force")


def slug(text: str) -> str:
    return text.replace(" ", "-").replace(",", "")


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """One class, graded once: every kind of hand-in beside the others."""
    room = Classroom(tmp_path_factory.mktemp("course"))
    canary = room.root / "canary"
    room.hand_in("perfect", RIGHT)
    room.hand_in("partial", {"first-one": "red", "second-one": "green"})
    room.hand_in("untouched")
    room.hand_in("borrowed", RIGHT, recorded_as="perfect")
    for name, source in CODE.items():
        code = source.format(canary=CANARY.format(path=str(canary)), bare=canary)
        room.hand_in(f"code-{slug(name)}", mutate=inject(code))
        room.hand_in(f"honest-code-{slug(name)}", RIGHT, mutate=inject(code))
    for name, change in CHANGES.items():
        room.hand_in(f"change-{slug(name)}", mutate=change)
        room.hand_in(f"honest-change-{slug(name)}", RIGHT, mutate=change)
    forged = room.hand_in("forged")
    honest = evidence.read(room.root / "submitted" / "partial" / LESSON / "evidence" / "second-one.json")
    claims = {**honest, "student": "forged", "passed": True, "message": "Everything that was asked for is there."}
    evidence.write(evidence.path_of(forged, "second-one"), claims)
    edited = room.hand_in("edited", {"first-one": "red", "second-one": "green"})
    path = evidence.path_of(edited, "second-one")
    path.write_text(path.read_text().replace('"green"', '"blue"'))
    room.log = room.autograde().stderr  # type: ignore[attr-defined]
    return room


def scores(room: Classroom, student: str) -> dict[str, tuple[float | None, bool]]:
    return {name: grade for name, grade in room.grades(student).items() if name != "why"}


def test_the_right_evidence_earns_the_points(classroom: Classroom) -> None:
    assert scores(classroom, "perfect") == FULL
    assert scores(classroom, "partial") == {"first-one": (2.0, False), "second-one": (0.0, False)}
    assert scores(classroom, "untouched") == NOTHING


def test_a_written_answer_waits_for_a_person(classroom: Classroom) -> None:
    assert classroom.grades("untouched")["why"] == (0.0, False)  # unchanged: nbgrader grades it 0


@pytest.mark.parametrize("name", CODE)
def test_code_in_the_notebook_earns_nothing_and_harms_nothing(classroom: Classroom, name: str) -> None:
    assert scores(classroom, f"code-{slug(name)}") == NOTHING
    assert scores(classroom, f"honest-code-{slug(name)}") == FULL
    assert not (classroom.root / "canary").exists(), "a learner's cell was executed while grading"


def test_the_canary_sings_where_cells_are_executed(tmp_path: Path) -> None:
    """The proof above is worth something only if the injected code would have left its trace."""
    source = CODE["patched docker"].format(canary=CANARY.format(path=str(tmp_path / "canary")))
    exec(source, {})
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", CHANGES)
def test_changes_of_the_notebook_earn_nothing_and_cost_nothing(classroom: Classroom, name: str) -> None:
    assert scores(classroom, f"change-{slug(name)}") == NOTHING
    assert scores(classroom, f"honest-change-{slug(name)}") == FULL


def test_evidence_of_somebody_else_earns_nothing_and_says_so(classroom: Classroom) -> None:
    assert scores(classroom, "borrowed") == NOTHING
    text = outputs_text([cell_of(classroom.autograded("borrowed"), "first-one")])
    assert "recorded for 'perfect'" in text and "handed in by 'borrowed'" in text


def test_a_claimed_pass_is_not_believed(classroom: Classroom) -> None:
    """A forger who recomputes the checksum still has to make the instructor's check pass."""
    assert scores(classroom, "forged") == NOTHING
    assert "is not it" in outputs_text([cell_of(classroom.autograded("forged"), "second-one")])


def test_an_edited_answer_breaks_the_checksum(classroom: Classroom) -> None:
    assert scores(classroom, "edited") == {"first-one": (2.0, False), "second-one": (0.0, False)}
    assert "checksum" in outputs_text([cell_of(classroom.autograded("edited"), "second-one")])


def test_a_card_gives_message_and_points_together(classroom: Classroom) -> None:
    cell = cell_of(classroom.autograded("partial"), "second-one")
    card = cell.outputs[0].data["text/plain"]
    assert "green is not it." in card and "0 of 3 points" in card
    assert "2 of 2 points" in outputs_text([cell_of(classroom.autograded("partial"), "first-one")])


def test_every_hand_in_was_graded(classroom: Classroom) -> None:
    handed_in = {path.parent.name for path in (classroom.root / "submitted").glob(f"*/{LESSON}")}
    graded = {path.parents[1].name for path in (classroom.root / "autograded").glob(f"*/{LESSON}/{NOTEBOOK}.ipynb")}
    assert graded == handed_in


def test_outputs_keep_text_and_png_and_lose_what_a_browser_would_run(tmp_path: Path) -> None:
    def show_off(notebook: NotebookNode) -> None:
        cell = cell_of(notebook, "first-one-work")
        data = {
            "text/plain": "plain text",
            "text/html": "<script>alert(1)</script>",
            "application/javascript": "alert(2)",
            "image/svg+xml": "<svg onload='alert(3)'/>",
            "image/png": PNG,
        }
        cell.outputs = [
            {"output_type": "stream", "name": "stdout", "text": "pri"},
            {"output_type": "stream", "name": "stdout", "text": "nted"},
            {"output_type": "display_data", "data": data, "metadata": {"text/html": {"isolated": True}}},
            {"output_type": "display_data", "data": {"image/png": '"><script>alert(4)</script>'}, "metadata": {}},
            {"output_type": "stream", "name": ["x"], "text": 7},
        ]

    room = Classroom(tmp_path)
    room.hand_in("artist", RIGHT, mutate=show_off)
    room.autograde()
    assert scores(room, "artist") == FULL
    text = outputs_text([cell_of(room.autograded("artist"), "first-one-work")])
    assert "plain text" in text and "printed" in text and PNG in text
    assert "alert" not in text and "script" not in text and "svg" not in text
    room.nbgrader("generate_feedback", LESSON)
    feedback = (room.root / "feedback" / "artist" / LESSON / f"{NOTEBOOK}.html").read_text()
    assert "alert(" not in feedback
    assert "2 of 2 points" in feedback


def test_stderr_costs_nothing(tmp_path: Path) -> None:
    def warn(notebook: NotebookNode) -> None:
        cell = cell_of(notebook, "first-one")
        cell.source = "import sys\nprint('careful', file=sys.stderr)\n" + cell.source

    room = Classroom(tmp_path)
    edit_source(room, warn)
    room.hand_in("warned", RIGHT)
    room.autograde()
    assert scores(room, "warned") == FULL


MENDED = """from dockyard import exercise

@exercise("first-one", points=2)
def check(docker, first_one):
    assert docker.containers.get("lab-new").status == "running", "lab-new does not run."
"""


def test_a_mended_check_is_graded_by_a_person_where_the_evidence_is_silent(tmp_path: Path) -> None:
    def mend(notebook: NotebookNode) -> None:
        cell_of(notebook, "first-one").source = MENDED

    room = Classroom(tmp_path)
    room.hand_in("early", RIGHT)
    edit_source(room, mend)
    room.autograde("--force")
    assert scores(room, "early") == {"first-one": (None, True), "second-one": (3.0, False)}
    assert "/containers/lab-new/json" in outputs_text([cell_of(room.autograded("early"), "first-one")])


def test_a_check_cell_without_an_exercise_is_left_to_a_person(tmp_path: Path) -> None:
    def add(notebook: NotebookNode) -> None:
        metadata = mark("extra", grade=True, locked=True, points=1, cell_type="code")
        notebook.cells.append(new_code_cell("1 / 0", metadata=metadata))

    room = Classroom(tmp_path)
    edit_source(room, add)
    room.hand_in("somebody", RIGHT)
    room.autograde()
    assert scores(room, "somebody") == {**FULL, "extra": (None, True)}


def test_a_hand_in_without_check_and_work_cells_is_graded_all_the_same(tmp_path: Path) -> None:
    def empty(notebook: NotebookNode) -> None:
        notebook.cells = []

    room = Classroom(tmp_path)
    room.hand_in("emptied", RIGHT, mutate=empty)
    room.autograde()
    assert scores(room, "emptied") == FULL
    assert room.grades("emptied")["why"] == (0.0, False)
