"""Run docs/howto/python.md, fill in its outputs, and write it as a notebook; with --check, fail when stale.

A block of Python is a cell. The block of text after it has the cell's output, and the value of its last expression as a
notebook shows it.
"""

import ast
import json
import os
import re
import sys
import tempfile
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/howto/python.md"
_CELL = re.compile(r"```python\n(?P<code>.*?)```\n(\n```text\n.*?```\n)?", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """A cell after it was run.

    Attributes:
        before: the prose above it.
        code: its source.
        printed: its output.
        shown: the value of its last expression, by MIME type; empty when it has none.
    """

    before: str
    code: str
    printed: str
    shown: dict[str, str]

    @property
    def text(self) -> str:
        """The output and the shown value, as text."""
        return self.printed + (self.shown["text/plain"] + "\n" if self.shown else "")


def run(page: str) -> tuple[list[Cell], str]:
    """Run every cell of a page in order, in the page's folder; return them and the prose below the last."""
    space: dict[str, Any] = {"__name__": "__main__"}
    cells, end = [], 0
    with chdir(PAGE.parent):
        for found in _CELL.finditer(page):
            printed, shown = _run(found["code"], space)
            cells.append(Cell(page[end : found.start()], found["code"], printed, shown))
            end = found.end()
    return cells, page[end:]


def _run(code: str, space: dict[str, Any]) -> tuple[str, dict[str, str]]:
    tree, last = ast.parse(code), None
    if isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), space)  # noqa: S102 - our own page
        value = None if last is None else eval(compile(last, "cell", "eval"), space)  # noqa: S307
    if value is None:
        return printed.getvalue(), {}
    shown = {"text/plain": repr(value)}
    if type(value).__module__.startswith("budgetscope."):  # The HTML of others differs from version to version.
        shown["text/html"] = value._repr_html_()
    return printed.getvalue(), shown


def filled(cells: list[Cell], after: str) -> str:
    """Return the page with the outputs of its cells."""
    parts = []
    for cell in cells:
        text = "\n".join(line.rstrip() for line in cell.text.splitlines())
        parts.append(f"{cell.before}```python\n{cell.code}```\n" + (f"\n```text\n{text}\n```\n" if text else ""))
    return "".join(parts) + after


def notebook(cells: list[Cell], after: str) -> str:
    """Return the page as a notebook, in the JSON of nbformat 4, without charts."""
    records: list[dict[str, Any]] = []

    def add(kind: str, source: str, **more: object) -> None:
        record = {"cell_type": kind, "id": f"cell-{len(records)}", "metadata": {}, "source": _lines(source.strip("\n"))}
        records.append(record | more)

    for number, cell in enumerate(cells, 1):
        add("markdown", cell.before)
        outputs: list[dict[str, Any]] = []
        if cell.printed:
            outputs.append({"name": "stdout", "output_type": "stream", "text": _lines(cell.printed)})
        if cell.shown:
            data = {kind: _lines(text) for kind, text in cell.shown.items()}
            outputs.append({"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"})
        add("code", cell.code, execution_count=number, outputs=outputs)
    add("markdown", after)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    record = {
        "cells": records,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def wanted(page: str) -> dict[Path, str]:
    """Return the page and its notebook as they should be."""
    cells, after = run(page)
    # The notebook leaves out the link to itself.
    prose = [Cell(_without_link(cell.before), cell.code, cell.printed, cell.shown) for cell in cells]
    return {PAGE: filled(cells, after), PAGE.with_suffix(".ipynb"): notebook(prose, after)}


def _without_link(text: str) -> str:
    return text.replace(" [The same page as a notebook](python.ipynb).", "")


def main() -> int:
    """Write or check the page and the notebook, for a user without settings."""
    check = "--check" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        os.environ |= dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), home) | {"MPLBACKEND": "Agg"}
        os.environ.pop("BUDGETSCOPE_FITS", None)
        found = wanted(PAGE.read_text(encoding="utf-8"))
    stale = [path for path, text in found.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(found[path], encoding="utf-8")
    if check and stale:
        print("run `python -m tools.python_page` and commit what it writes")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
