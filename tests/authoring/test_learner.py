"""What a learner's cell does, done without a kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.authoring.learner import CellFailed, run_bash, run_python


def test_variables_go_to_the_namespace_and_the_folder_is_the_notebooks(tmp_path: Path) -> None:
    before = os.getcwd()
    (tmp_path / "note.txt").write_text("read me")
    namespace: dict[str, object] = {}
    run_python('text = open("note.txt").read()\nprint(text)', tmp_path, namespace)
    assert namespace["text"] == "read me"
    assert "get_ipython" not in namespace
    assert os.getcwd() == before


def test_shell_lines_and_bash_cells_run(tmp_path: Path) -> None:
    namespace: dict[str, object] = {}
    run_python("!echo one > a\nlines = !cat a\n", tmp_path, namespace)
    assert namespace["lines"] == ["one"]
    run_python("%%bash\necho two > b\n", tmp_path, namespace)
    assert (tmp_path / "b").read_text() == "two\n"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("%%bash\nfalse\ntouch never", "bash ended with 1"),
        ("%%bash\necho broken >&2; exit 3", "bash ended with 3: broken"),
        ("1 / 0", "ended with ZeroDivisionError"),
        ("%%writefile x\ny", "begins with %%writefile x"),
        ("%time 1", "has the line %time 1"),
    ],
)
def test_a_cell_that_fails_says_how(tmp_path: Path, source: str, says: str) -> None:
    with pytest.raises(CellFailed, match=says):
        run_python(source, tmp_path, {})
    assert not (tmp_path / "never").exists()


def test_bash_gives_back_what_was_printed(tmp_path: Path) -> None:
    assert run_bash("pwd", tmp_path).strip() == str(tmp_path.resolve())
