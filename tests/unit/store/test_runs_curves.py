"""Which rows are points of one run, and which are runs of their own."""

import math
from pathlib import Path

import pytest

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.store.tables.curves import common_budgets
from budgetscope.store.tables.intake import Intake
from budgetscope.store.tables.read import read_runs

STEPS = (100, 200, 300, 400)
SIZES = (10**7, 2 * 10**7, 4 * 10**7)


def read(path: Path, rows: list[dict[str, object]], curves: str = "final") -> Intake:
    columns = list(rows[0])
    lines = [",".join(columns), *(",".join(str(row[column]) for column in columns) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_runs(path, counting="standard", curves=curves)


def cosine(n_params: int, batch: int = 1000, peak: float = 1e-3) -> list[dict[str, object]]:
    """A run with a cosine schedule that ends at zero."""
    return [
        {
            "N": n_params,
            "step": step,
            "D": step * batch,
            "loss": 3 + 1e6 / n_params + 10 / step,
            "lr": peak * (1 + math.cos(math.pi * step / STEPS[-1])) / 2,
        }
        for step in STEPS
    ]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (None, {"N", "step", "D", "loss", "lr"}),
        ("shared", {"N", "step", "D", "loss", "lr", "run"}),
        ("shared", {"N", "D", "loss", "lr", "run"}),
        ("own", {"N", "D", "loss", "lr", "run"}),
        ("own", {"N", "step", "D", "loss", "lr", "run"}),
    ],
)
def test_rates_of_a_schedule_do_not_make_several_runs_of_one(
    tmp_path: Path, name: str | None, columns: set[str]
) -> None:
    full = [row | {"run": f"{name} {n}" if name == "own" else name} for n in SIZES for row in cosine(n)]
    rows = [{column: value for column, value in row.items() if column in columns} for row in full]
    intake = read(tmp_path / "runs.csv", rows)
    assert [(run.n_params, run.tokens) for run in intake.runs] == [(n, 400_000) for n in SIZES]
    assert {run.learning_rate for run in intake.runs} == {max(float(str(row["lr"])) for row in rows)}
    assert (intake.curves, intake.decaying) == (3, 3)
    assert "learning_rate is the peak of its schedule in 3 runs." in intake.assumptions
    assert any("a name for each run would tell runs apart" in told for told in intake.assumptions) == (name != "own")


def test_a_sweep_of_learning_rates_at_one_length_stays_a_sweep(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"N": n, "step": 400, "D": 20 * n, "loss": 3 + abs(math.log(lr)), "lr": lr, "batch_tokens": batch}
        for n in SIZES
        for batch in (1000, 2000)
        for lr in (1e-3, 2e-3, 4e-3)
    ]
    intake = read(tmp_path / "runs.csv", rows)
    assert intake.used == len(rows)
    assert {run.learning_rate for run in intake.runs} == {1e-3, 2e-3, 4e-3}
    named = [row | {"run": "sweep"} for row in rows]
    assert read(tmp_path / "runs.csv", named).used == len(rows)


def test_curves_at_several_constant_rates_stay_apart(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"N": 10**7, "step": step, "D": 1000 * step, "loss": 3 + 1 / step + lr, "lr": lr}
        for lr in (1e-3, 2e-3)
        for step in STEPS
    ]
    intake = read(tmp_path / "runs.csv", rows)
    assert [(run.learning_rate, run.step) for run in intake.runs] == [(1e-3, 400), (2e-3, 400)]
    assert (intake.curves, intake.decaying) == (2, 0)


def test_several_schedules_of_one_size_that_nothing_tells_apart_are_asked_about(tmp_path: Path) -> None:
    rows = [row for batch, peak in ((1000, 1e-3), (2000, 2e-3)) for row in cosine(10**7, batch, peak)]
    for row in rows:
        row["lr"] = float(str(row["lr"])) + 1e-5
    with pytest.raises(UsageError, match=r"rows 1, 2, 3, .* points of several runs with a schedule; .*--map run="):
        read(tmp_path / "runs.csv", rows)


def test_rows_without_name_and_step_are_said_to_be_runs(tmp_path: Path) -> None:
    told = "Rows of one size at several token counts are taken as final losses"
    grid: list[dict[str, object]] = [{"N": n, "D": d, "loss": 3.0} for n in SIZES for d in (1e9, 2e9)]
    intake = read(tmp_path / "runs.csv", grid)
    assert intake.used == 6
    assert any(sentence.startswith(told) for sentence in intake.assumptions)
    asked = read(tmp_path / "runs.csv", grid, curves="all")
    assert (asked.used, asked.curves) == (6, 3)
    lone: list[dict[str, object]] = [{"N": n, "D": 1e9, "loss": 3.0} for n in SIZES]
    assert not any(told in sentence for sentence in read(tmp_path / "runs.csv", lone).assumptions)


def test_the_ladder_doubles_and_keeps_within_the_curves_of_enough_sizes() -> None:
    ends = {1e7: (1e16, 8e16), 2e7: (2e16, 2e17), 4e7: (3e16, 6e17), 8e7: (6e16, 6e17), 16e7: (1e18, 2e18)}
    runs = [TrainingRun(c, n, c / 6 / n, 3.0) for n, reached in ends.items() for c in reached]
    assert common_budgets(runs, 3) == (3e16, 6e16, 12e16)
    assert common_budgets([*runs, TrainingRun(24e16, 1e7, 4e9, 3.0)], 4) == (6e16, 12e16)
    assert common_budgets(runs, 6) == ()
    assert common_budgets([], 3) == ()
