"""Every option that reading and fitting runs advises exists, and advice that is pasted helps."""

import ast
import math
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import typer.main
from tests.cli.conftest import Cli

import budgetscope
from budgetscope.cli.main import app

SOURCE = Path(budgetscope.__file__).parent
OPTION = re.compile(r"--[a-z][a-z0-9-]*")


def advised() -> Iterator[tuple[str, str]]:
    """Yield the options in the texts of the modules that read and fit runs, docstrings apart."""
    files = [SOURCE / "api/runs.py", *(SOURCE / "store/tables").glob("*.py"), *(SOURCE / "fitting").glob("*.py")]
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                yield from ((file.name, option) for option in OPTION.findall(node.value))


def test_every_option_that_is_advised_exists() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    known = {text for name in ("fit", "value") for parameter in commands[name].params for text in parameter.opts}
    found = set(advised())
    assert {"--map", "--where", "--best", "--repeats", "--seq-len"} <= {option for _, option in found}
    assert {(file, option) for file, option in found if option not in known} == set()


Row = Sequence[object]


def iso_flop(folder: Path, header: str, row: Callable[[float, float, float], list[Row]]) -> Path:
    """Write five budgets of five sizes; `row` makes the rows of one run from N, D and its loss."""
    lines = [header]
    for flops in (1e18, 4e18, 1.6e19, 6.4e19):
        for k in range(-2, 3):
            n = math.sqrt(flops / 120) * 2.0**k
            d = flops / 6 / n
            loss = 1.8 + 400 / n**0.34 + 1100 / d**0.35
            lines += [",".join(map(str, cells)) for cells in row(n, d, loss)]
    path = folder / "runs.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def rates(n: float, d: float, loss: float) -> list[Row]:
    return [(n, d, rate, loss + 0.01 * math.log(rate / 1.2e-3) ** 2) for rate in (5e-4, 1e-3, 2e-3)]


def losses(n: float, d: float, loss: float) -> list[Row]:
    return [(n, d, loss, loss + 0.1)]


def repeats(n: float, d: float, loss: float) -> list[Row]:
    return [(f"run-{n:g}-{d:g}-{seed}", n, d, loss * (1 + 0.001 * math.sin(n + seed))) for seed in (0, 1)]


def corpora(n: float, d: float, loss: float) -> list[Row]:
    return [(corpus, n, d, loss + shift) for shift, corpus in enumerate(("the web", "books"))]


@pytest.mark.parametrize(
    ("header", "row", "advice"),
    [
        ("params,tokens,peak_lr,val_loss", rates, r"--best"),
        ("params,tokens,C4 Eval Loss,Wiki Loss", losses, r"--map '[^']*'"),
        ("name,params,tokens,loss", repeats, r"--repeats"),
        ("corpus,params,tokens,loss", corpora, r"--where '[^*']*'"),
        ("params (M),tokens (B),loss", lambda n, d, loss: [(n, d, loss)], r"--map '[^']*'"),
    ],
)
def test_advice_that_is_pasted_leads_to_a_fit(
    cli: Cli, tmp_path: Path, header: str, row: Callable[[float, float, float], list[Row]], advice: str
) -> None:
    words = ["fit", str(iso_flop(tmp_path, header, row)), "--counting", "standard", "--draws", "100"]
    for _ in range(2):
        refused = cli(*words)
        if refused.code == 0:
            break
        found = re.search(advice, refused.err)
        assert found, refused.err
        words += shlex.split(found[0])
    shown = cli(*words)
    assert shown.code == 0
    assert "kind: isoflop, since 4 budgets of 3 sizes or more hold" in shown.out
