"""Notebooks that are broken or hostile. The evidence beside them is honest, and so earns all its points."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from tests.grading.classroom import NOTEBOOK
from tests.hostile.room import ANSWER, Case, Document, Honest, Lay

CHECKS = ("first-one", "second-one", "box-runs")
WRONG = (None, True, -1, 1e308, "", "x" * 5000, "\ud800", "\x00", [], [[]], {}, {"a": {"b": []}}, [None, 1, "x"])
ADDRESS = "http://127.0.0.1:9"  # where whatever loads something would be seen to ask
ACTIVE = {
    "text/html": "<script>window.canary=1;fetch('CANARY/html')</script><img src=x onerror='window.canary=1'>",
    "application/javascript": "window.canary=1",
    "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' onload='window.canary=1'>"
    "<script>window.canary=1</script></svg>",
    "application/vnd.jupyter.widget-view+json": {"model_id": "x", "version_major": 2, "version_minor": 0},
    "text/markdown": "<script>window.canary=1</script>",
    "text/latex": "$\\href{javascript:window.canary=1}{x}$",
    "application/pdf": "JVBERi0=",
    "text/vnd.mermaid": 'graph TD; A-->B; click A href "javascript:window.canary=1"',
}
MARKUP = {
    "script": "<script>window.canary=1</script>",
    "script-split": "<scr<script>ipt>window.canary=1</scr</script>ipt>",
    "image-onerror": '<img src="CANARY/img" onerror="window.canary=1">',
    "image-remote": "![tracking](CANARY/image.png)",
    "image-reference": "![x][r]\n\n[r]: CANARY/reference.png",
    "svg": "<svg onload=window.canary=1><animate onbegin=window.canary=1 attributeName=x dur=1s></svg>",
    "iframe": '<iframe src="javascript:window.top.canary=1"></iframe><iframe srcdoc="<script>top.canary=1</script>">',
    "object": '<object data="CANARY/object"></object><embed src="CANARY/embed">',
    "style": "<style>@import 'CANARY/style'; *{background:url(CANARY/bg)}</style>",
    "link": '<link rel=stylesheet href="CANARY/sheet"><base href="CANARY/">'
    '<meta http-equiv=refresh content="0;CANARY/">',
    "form": '<form action="CANARY/form"><button autofocus onfocus="window.canary=1">go</button></form>',
    "details": '<details open ontoggle="window.canary=1"><summary>hint</summary>x</details>',
    "javascript-link": "[click](javascript:window.canary=1)",
    "javascript-entity": "[click](&#106;avascript&colon;window.canary=1) [c](java&Tab;script:window.canary=1)",
    "javascript-autolink": "<javascript:window.canary=1>",
    "javascript-reference": "[click][r]\n\n[r]: JaVaScRiPt:window.canary=1",
    "javascript-escape": r"[click](javascript\:window.canary=1)",
    "data-link": "[click](data:text/html,<script>window.canary=1</script>)",
    "vbscript-link": "[click](vbscript:window.canary)",
    "href": '<a href="javascript:window.canary=1">click</a><a href="jav&#x0A;ascript:window.canary=1">click</a>',
    "math-href": r"$\href{javascript:window.canary=1}{click}$",
    "math-break": "$</script><script>window.canary=1</script>$",
    "mermaid": '```mermaid\ngraph TD\nA["<img src=x onerror=window.canary=1>"]\n'
    'click A href "javascript:window.canary=1"\n```',
    "entity": "&lt;script&gt;window.canary=1&lt;/script&gt;",
    "fence-break": '```"><script>window.canary=1</script>\nx\n```',
    "comment": "<!--><script>window.canary=1</script>-->",
    "cdata": "<![CDATA[<script>window.canary=1</script>]]>",
    "template": "{{ 7*7 }} {% raw %}<script>window.canary=1</script>",
    "attachment": "![x](attachment:x.svg)",
}
MARKUP = {name: text.replace("CANARY", ADDRESS) for name, text in MARKUP.items()}


def notebook_cases() -> Iterator[Case]:
    yield from _unreadable()
    yield from _cells()
    yield from _marks()
    yield from _wrong_types()
    yield from _active()


def cell_of(document: Document, grade_id: str) -> Document:
    return next(cell for cell in document["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def file_of(folder: Path) -> Path:
    return folder / f"{NOTEBOOK}.ipynb"


def changed(change: Callable[[Document, Honest], None]) -> Lay:
    def lay(folder: Path, honest: Honest, random: Random) -> None:
        document = honest.notebook
        change(document, honest)
        file_of(folder).write_text(json.dumps(document))

    return lay


def content(make: Callable[[bytes, Random], bytes]) -> Lay:
    def lay(folder: Path, honest: Honest, random: Random) -> None:
        file_of(folder).write_bytes(make(json.dumps(honest.notebook).encode(), random))

    return lay


def _unreadable() -> Iterator[Case]:
    texts: dict[str, tuple[Callable[[bytes, Random], bytes], str]] = {
        "not-json": (lambda _, r: b"this is no notebook", "not JSON"),
        "python": (lambda _, r: b"import os\nos.system('id')\n", "not JSON"),
        "html": (lambda _, r: b"<html><script>alert(1)</script></html>", "not JSON"),
        "empty": (lambda _, r: b"", "is empty"),
        "blank": (lambda _, r: b" \n\t ", "is empty"),
        "list": (lambda _, r: b"[]", "not that of a notebook"),
        "number": (lambda _, r: b"4", "not that of a notebook"),
        "null": (lambda _, r: b"null", "not that of a notebook"),
        "object": (lambda _, r: b"{}", "no list of cells"),
        "cells-object": (lambda _, r: b'{"nbformat": 4, "cells": {}}', "no list of cells"),
        "version-3": (lambda _, r: b'{"nbformat": 3, "worksheets": [{"cells": []}]}', "format 3; expected 4"),
        "deep-lists": (lambda _, r: b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
        "deep-objects": (lambda _, r: b'{"a":' * 100_000, "nested too deeply"),
        "null-bytes": (lambda _, r: bytes(100_000), "not JSON"),
        "utf-16": (lambda text, r: text.decode().encode("utf-16"), "not text in UTF-8"),
        "latin-1": (lambda text, r: text.replace(b"kernel", b"k\xe9rnel"), "not text in UTF-8"),
        "noise": (lambda _, r: r.randbytes(50_000), "not text in UTF-8|not JSON"),
        "merge-conflict": (lambda text, r: b"<<<<<<< HEAD\n" + text + b"\n=======\n", "not JSON"),
        "twice": (lambda text, r: text + text, "not JSON"),
    }
    for name, (make, reason) in texts.items():
        yield Case(f"nb-{name}", content(make), says=f"could not be read.*{reason}")
    for number in range(10):
        cut = content(lambda text, random: text[: random.randrange(10, len(text) - 10)])
        yield Case(f"nb-truncated-{number}", cut, says="could not be read.*not JSON")


def code_cell(source: str, **fields: Any) -> Document:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **fields}


def _cells() -> Iterator[Case]:
    def only(keep: Callable[[Document], bool]) -> Lay:
        return changed(lambda document, _: document.update(cells=[c for c in document["cells"] if keep(c)]))

    def grade_id(cell: Document) -> str:
        return cell["metadata"].get("nbgrader", {}).get("grade_id", "")

    yield Case("nb-no-cells", only(lambda c: False), says="why is missing", answered=False)
    yield Case("nb-only-text", only(lambda c: c["cell_type"] == "markdown"), says="first-one is missing")
    for name in CHECKS:
        yield Case(f"nb-without-{name}", only(lambda c, name=name: grade_id(c) != name), says=f"{name} is missing")
        yield Case(f"nb-no-work-{name}", only(lambda c, name=name: name not in grade_id(c)), says=f"{name} is missing")

    def duplicate(document: Document, honest: Honest) -> None:
        document["cells"] += [{**deepcopy(cell), "source": "pass"} for cell in document["cells"][1:6]]

    yield Case("nb-duplicated", changed(duplicate), says="More than one cell has the id first-one")
    yield Case("nb-reversed", changed(lambda d, _: d["cells"].reverse()), says="another order")
    for number in range(3):

        def shuffle(folder: Path, honest: Honest, random: Random) -> None:
            document = honest.notebook
            while document["cells"] == honest.notebook["cells"]:
                random.shuffle(document["cells"])
            file_of(folder).write_text(json.dumps(document))

        yield Case(f"nb-shuffled-{number}", shuffle)
    for kind in ("markdown", "raw", "heading", None, 7, ["code"]):

        def retype(document: Document, honest: Honest, kind: Any = kind) -> None:
            for name in CHECKS:
                cell_of(document, name)["cell_type"] = kind

        yield Case(f"nb-checks-{str(kind).strip('[]')}".replace("'", ""), changed(retype), says="instead of code")

    def answer_as_code(document: Document, honest: Honest) -> None:
        cell_of(document, "why").update(cell_type="code", outputs=[], source=MARKUP["script"] + ANSWER)

    yield Case("nb-answer-as-code", changed(answer_as_code), says="type code instead of markdown")

    def other_lesson(document: Document, honest: Honest) -> None:
        for number, cell in enumerate(document["cells"][1:]):
            cell["metadata"]["nbgrader"]["grade_id"] = f"other-lesson-{number}"

    yield Case("nb-other-lesson", changed(other_lesson), says="no cell other-lesson-0", answered=False)

    def swap(document: Document, honest: Honest) -> None:
        one, two = (cell_of(document, name)["metadata"]["nbgrader"] for name in ("first-one", "box-runs"))
        one["grade_id"], two["grade_id"] = two["grade_id"], one["grade_id"]

    yield Case("nb-ids-swapped", changed(swap), says="another text, although it is locked")

    def rewrite(document: Document, honest: Honest) -> None:
        for name in CHECKS:
            cell_of(document, name)["source"] = f"open({os.fspath(honest.canary)!r}, 'a').write('ran')"

    yield Case("nb-checks-rewritten", changed(rewrite), says="another text, although it is locked")

    def same_ids(document: Document, honest: Honest) -> None:
        for cell in document["cells"]:
            cell["id"] = "same"

    yield Case("nb-cell-ids-same", changed(same_ids))


def _marks() -> Iterator[Case]:
    def mark(*names: str, **changes: Any) -> Lay:
        def change(document: Document, honest: Honest) -> None:
            for name in names or CHECKS:
                cell_of(document, name)["metadata"]["nbgrader"].update(changes)

        return changed(change)

    yield Case("nb-points-1000", mark(points=1000), says="points 1000 instead of 2")
    yield Case("nb-points-negative", mark(points=-5), says="points -5 instead of 2")
    yield Case("nb-points-text", mark(points="all"), says="points all instead of 2")
    yield Case("nb-points-infinite", mark(points=1e400), says="points None instead of 2|points inf instead of 2")
    yield Case("nb-unlocked", mark(locked=False), says="locked False instead of True")
    yield Case("nb-solutions", mark(solution=True), says="solution True instead of False")
    yield Case("nb-not-graded", mark(grade=False), says="grade False instead of True")
    yield Case("nb-tasks", mark(task=True), says="task True instead of False")
    yield Case("nb-answer-locked", mark("why", locked=True), says="locked True instead of False")
    yield Case("nb-old-schema", mark(schema_version=1))
    yield Case("nb-new-schema", mark(schema_version=99))
    yield Case("nb-checksum", mark(checksum="0" * 32))


def _wrong_types() -> Iterator[Case]:
    for number, value in enumerate(WRONG):

        def everywhere(document: Document, honest: Honest, value: Any = value) -> None:
            for cell in document["cells"]:
                cell["metadata"] = deepcopy(value)

        def nbgrader(document: Document, honest: Honest, value: Any = value) -> None:
            for cell in document["cells"]:
                cell["metadata"]["nbgrader"] = deepcopy(value)

        def ids(document: Document, honest: Honest, value: Any = value) -> None:
            for name in CHECKS:
                cell_of(document, name)["metadata"]["nbgrader"]["grade_id"] = deepcopy(value)

        def top(document: Document, honest: Honest, value: Any = value) -> None:
            document.update(metadata=deepcopy(value), nbformat_minor=deepcopy(value))

        def sources(document: Document, honest: Honest, value: Any = value) -> None:
            cell_of(document, "first-one-work").update(
                source=deepcopy(value), outputs=deepcopy(value), execution_count=deepcopy(value), id=deepcopy(value)
            )

        yield Case(f"nb-metadata-{number}", changed(everywhere), says="first-one is missing", answered=False)
        yield Case(f"nb-nbgrader-{number}", changed(nbgrader), says="first-one is missing", answered=False)
        yield Case(f"nb-grade-id-{number}", changed(ids), says="first-one is missing")
        yield Case(f"nb-top-{number}", changed(top))
        yield Case(f"nb-fields-{number}", changed(sources))
    for version in ("4", 5, 99, True, None):
        version_4 = changed(lambda document, _, version=version: document.update(nbformat=version))
        yield Case(f"nb-version-{version}", version_4, says="says that it is of format")
    cells = changed(lambda document, _: document["cells"].extend([None, 1, "cell", [], {}]))
    yield Case("nb-cells-that-are-none", cells, says="not of the form of a cell")
    bom = content(lambda text, r: b"\xef\xbb\xbf" + text)
    yield Case("nb-byte-order-mark", bom)
    for language in ("bash", "R", "../../etc/passwd", "<script>", "\ud800"):
        kernel = {"name": language, "display_name": language, "language": language, "argv": ["touch", "canary"]}
        info = {"name": language, "pygments_lexer": language, "mimetype": language, "file_extension": language}
        metadata = {"kernelspec": kernel, "language_info": info, "title": "<script>window.canary=1</script>"}
        other = changed(lambda document, _, metadata=metadata: document.update(metadata=metadata))
        yield Case(f"nb-kernel-{''.join(filter(str.isalpha, ascii(language)))}", other)


def _active() -> Iterator[Case]:
    for kind, value in ACTIVE.items():

        def show(document: Document, honest: Honest, kind: str = kind, value: Any = value) -> None:
            bundle = {"output_type": "display_data", "metadata": {kind: {"isolated": True}}, "data": {kind: value}}
            result = {**bundle, "output_type": "execute_result", "execution_count": 1}
            for cell in document["cells"]:
                if cell["cell_type"] == "code":
                    cell["outputs"] = [bundle, result, {"output_type": "stream", "name": "stdout", "text": str(value)}]

        yield Case(f"nb-output-{kind.replace('/', '-').replace('+', '-')}", changed(show))
    for name, text in {**MARKUP, "all": "\n\n".join(MARKUP.values())}.items():

        def write(document: Document, honest: Honest, text: str = text) -> None:
            cell_of(document, "why")["source"] = f"{ANSWER}\n\n{text}"
            extra = {"metadata": {"tags": ['"><script>window.canary=1</script>']}, "source": text}
            svg = {"x.svg": {"image/svg+xml": ACTIVE["image/svg+xml"]}}
            document["cells"] += [
                {"cell_type": "markdown", "attachments": svg, **deepcopy(extra)},
                {"cell_type": "raw", **extra, "metadata": {"raw_mimetype": "text/html", "format": "text/html"}},
                {"cell_type": "raw", **deepcopy(extra)},
                {"cell_type": "code", "outputs": [], "execution_count": "<script>window.canary=1</script>", **extra},
            ]

        yield Case(f"nb-markup-{name}", changed(write))
