"""Rules about the code of a check cell. It is executed alone, in an empty namespace, when a hand-in is graded."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

from dockyard.authoring.cells import grade_id, graded, is_check
from dockyard.authoring.rules.subject import Finding, Page

# What waits, or tells the time of the moment, under the names that Python's own modules give it.
CLOCKS = {"sleep", "now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "wait"}
ENGINE_PARAMETERS = {"docker", "http"}


def check_is_python(page: Page) -> Iterator[Finding]:
    """The check can be compiled at all; the other rules say nothing about one that cannot."""
    for index, cell in enumerate(page.source.cells):
        if is_check(cell) and parsed(cell.source) is None:
            yield page.finding(index, "The check is a syntax error.", "plain Python, without ! and %.")


def check_names_its_exercise(page: Page) -> Iterator[Finding]:
    """`@exercise(name, points=…)` says what the cell's metadata says."""
    for index, tree in _checks(page):
        cell = page.source.cells[index]
        expected = f'one function under @exercise("{grade_id(cell)}", points={graded(cell).get("points")}).'
        said = [_said(decorator) for function in _functions(tree) for decorator in function.decorator_list]
        said = [pair for pair in said if pair]
        if said != [(grade_id(cell), graded(cell).get("points"))]:
            yield page.finding(index, f"The check says {said}.", expected)


def asserts_have_messages(page: Page) -> Iterator[Finding]:
    """A learner whose check fails is always told what was found."""
    for index, tree in _checks(page):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert) and node.msg is None:
                yield page.finding(index, f"`{ast.unparse(node)}` has no message.", "what is the case, in a sentence.")


def check_is_self_contained(page: Page) -> Iterator[Finding]:
    """Every name that a check uses comes from the cell itself; what it needs of the learner is a parameter."""
    for index, _ in _checks(page):
        free = sorted(free_names(page.source.cells[index].source))
        if free:
            yield page.finding(index, f"The check uses {', '.join(free)} from elsewhere.", "an import or a parameter.")


def check_does_not_wait(page: Page) -> Iterator[Finding]:
    """A check looks once, at the state that there is: who waits, or asks for the time, judges another moment again."""
    for index, tree in _checks(page):
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called.rpartition(".")[2] in CLOCKS:
                yield page.finding(index, f"The check calls `{called}`.", "the state as it is, read once.")


def free_names(source: str) -> set[str]:
    """Names that code uses but neither defines nor imports, builtins aside."""
    top = symtable.symtable(source, "<check>", "exec")
    defined = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    free = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                free.add(symbol.get_name())
    return {name for name in free - defined if not hasattr(builtins, name)}


def needs_no_engine(source: str) -> bool:
    """Whether a check only looks at the learner's answer: a closed question."""
    tree = parsed(source)
    parameters = {arg.arg for function in _functions(tree) for arg in function.args.args} if tree else ENGINE_PARAMETERS
    return not parameters & ENGINE_PARAMETERS


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of Python code; None if it is none."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _checks(page: Page) -> Iterator[tuple[int, ast.Module]]:
    for index, cell in enumerate(page.source.cells):
        if is_check(cell) and (tree := parsed(cell.source)) is not None:
            yield index, tree


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


def _said(decorator: ast.expr) -> tuple[object, object] | None:
    """Name and points in `exercise(name, points=…)`; None for another decorator."""
    if not (
        isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "exercise"
    ):
        return None
    values = [*decorator.args, *(keyword.value for keyword in decorator.keywords if keyword.arg == "points")]
    constants = [value.value if isinstance(value, ast.Constant) else None for value in values]
    return (constants[0], constants[1]) if len(constants) == 2 else (None, None)
