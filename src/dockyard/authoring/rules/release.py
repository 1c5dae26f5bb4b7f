"""Rules about what learners get: nothing of a solution or a near-miss, and nothing that cannot run."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from dockyard.authoring.cells import graded, is_check, is_work, split_solution
from dockyard.authoring.rules.checks import needs_no_engine, parsed
from dockyard.authoring.rules.subject import Built, Finding, Page

MARKERS = ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
TELLING = 12  # characters from which on a line of code says something

_COURSE_NAME = re.compile(r"\blab-[a-z0-9]")


def no_markers_left(built: Built) -> Iterator[Finding]:
    """No marker of a region that nbgrader takes out is left: a misspelt one would leave its solution too."""
    for page in built.pages:
        for index, cell in enumerate(page.release.cells):
            for marker in MARKERS:
                if marker.casefold() in cell.source.casefold():
                    yield page.finding(index, f"The release has “{marker}” in it.", "no marker.")


def no_solution_in_release(built: Built) -> Iterator[Finding]:
    """No telling line of a solution stands in a released work cell, nor, if it names a lab object, anywhere else."""
    for page in built.pages:
        solution = {line for cell in page.source.cells if is_work(cell) for line in split_solution(cell.source)[0]}
        for index, content, forbidden in _released(page, _telling(solution) - _taught(page)):
            for line in sorted(line for line in forbidden if line in content):
                yield page.finding(index, f"The release holds a line of a solution: {line}", "nothing of it.")


def no_near_miss_in_release(built: Built) -> Iterator[Finding]:
    """The same for near-misses, in code only: a hint may name a command that alone is not enough."""
    for page in built.pages:
        given = {line for cell in page.source.cells if is_work(cell) for line in split_solution(cell.source)[1]}
        misses = [case for cases in page.cases.values() for case in cases if case.kind == "miss"]
        tried = {line for case in misses for line in (*case.bash.splitlines(), *case.python.splitlines())}
        for index, content, forbidden in _released(page, _telling(tried) - _telling(given) - _taught(page)):
            code = set(content.splitlines()) if page.release.cells[index].cell_type == "code" else set()
            for line in sorted(forbidden & code):
                yield page.finding(index, f"The release holds a line of a near-miss: {line}", "nothing of it.")


def _released(page: Page, lines: set[str]) -> Iterator[tuple[int, str, set[str]]]:
    """Cells of the release with those of the lines that must not stand there; checks are judged by another rule."""
    for index, cell in enumerate(page.release.cells):
        if not is_check(cell):
            forbidden = lines if is_work(cell) else {line for line in lines if _COURSE_NAME.search(line)}
            yield index, "\n".join(_plain(line) for line in cell.source.splitlines()), forbidden


def _telling(lines: set[str]) -> set[str]:
    """Lines that say something: no comments, imports, brackets."""
    plain = {_plain(line) for line in lines}
    return {line for line in plain if len(line) >= TELLING and not re.match(r"#|import |from |%%", line)}


def _taught(page: Page) -> set[str]:
    """Lines of code that the notebook shows outside exercises, and that name no lab object: common knowledge."""
    taught = {
        line
        for cell in page.source.cells
        if cell.cell_type == "code" and not graded(cell)
        for line in cell.source.splitlines()
    }
    return {line for line in _telling(taught) if not _COURSE_NAME.search(line)}


def _plain(line: str) -> str:
    return " ".join(line.split())


def no_answer_in_check(built: Built) -> Iterator[Finding]:
    """The check of a closed question holds no text that only the solution has: it compares digests."""
    for page in built.pages:
        for exercise in page.exercises:
            if exercise.by_hand or not needs_no_engine(exercise.check):
                continue
            solution, given = (_texts("\n".join(lines)) for lines in split_solution(exercise.work))
            for text in sorted((solution - given) & _texts(exercise.check)):
                index = next(i for i, cell in enumerate(page.source.cells) if cell.source == exercise.check)
                yield page.finding(index, f"The check has the answer {text!r} in clear.", "dockyard.answers.is_answer.")


def _texts(source: str) -> set[str]:
    """Texts and numbers that stand as constants in Python code; none if it is no Python."""
    tree = parsed(source)
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} if tree else set()
    return {str(value) for value in constants if (isinstance(value, str) and value) or type(value) in (int, float)}


def only_notebooks_and_files(built: Built) -> Iterator[Finding]:
    """source/ and release/ hold the notebooks and files/, no text and no cases: nbgrader hands out what lies there."""
    for path in built.files:
        inner = path.relative_to(*path.parts[:1]).relative_to(built.lesson.name)
        is_notebook = len(inner.parts) == 1 and inner.suffix == ".ipynb"
        if (not is_notebook and inner.parts[0] != built.lesson.files.name) or path.name.endswith(".cases.toml"):
            yield Finding(str(path), "", "This file would be handed out.", "notebooks and files/ only.")


def no_outputs(built: Built) -> Iterator[Finding]:
    """Built notebooks hold no outputs and no execution counts."""
    for page in built.pages:
        for notebook in (page.source, page.release):
            for index, cell in enumerate(notebook.cells):
                if cell.get("outputs") or cell.get("execution_count"):
                    yield page.finding(index, "The cell has outputs.", "none.")


def no_machine_paths(built: Built) -> Iterator[Finding]:
    """Nothing that was built says where on the author's machine it was built."""
    paths = {str(built.lesson.course.root), str(Path.home())} - {"/", "/root"}
    for path, content in built.files.items():
        for trace in sorted(paths):
            if trace.encode() in content:
                yield Finding(str(path), "", f"The file holds the path {trace}.", "no path of this machine.")


def work_cells_can_run(built: Built) -> Iterator[Finding]:
    """A released work cell is no syntax error before the learner has touched it."""
    for page in built.pages:
        for index, cell in enumerate(page.release.cells):
            if is_work(cell) and (trouble := _trouble(cell)):
                yield page.finding(
                    index, f"The released cell cannot run: {trouble}", "code that stands without the solution."
                )


def _trouble(cell: NotebookNode) -> str:
    if cell.source.startswith("%%bash"):
        script = cell.source.partition("\n")[2]
        return subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True).stderr.strip()
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        compile(TransformerManager().transform_cell(cell.source), "<cell>", "exec")
    except SyntaxError as error:
        return str(error)
    return ""
