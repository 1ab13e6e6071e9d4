"""The calibration that ships: its published readings give its law, and a separate prototype agrees."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import pytest
from tests.bundled import fit
from tests.golden.register import covers

from budgetscope.calibrate.plan.porian_rule import WARMUP_PARAMS, WEIGHT_DECAY
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.forms import Constant, LossCurve, Monomial, PowerLawParams, WarmupParams
from budgetscope.core.laws.training_run import TrainingRun
from budgetscope.fitting.fit_runs import FitSpec, fit_runs

DATA = Path(__file__).resolve().parents[2] / "docs/data"
RUNS, GRID = DATA / "english-h200-runs.csv", DATA / "english-h200-grid.csv"
ID = "budgetscope2026/english"
# A throw-away program of other code, on a similar mix of English, three seeds: (C, lowest N).
PROTOTYPE = ((1.2e14, 1.0e6), (2.4e14, 1.2e6), (4.8e14, 1.6e6))


def published_runs(table: Path) -> list[TrainingRun]:
    with table.open(newline="", encoding="utf-8") as file:
        return [
            TrainingRun(
                flops=float(row["flops"]),
                n_params=float(row["n_params"]),
                tokens=float(row["tokens"]),
                loss=float(row["loss"]),
                learning_rate=float(row["learning_rate"]),
                batch_tokens=float(row["batch_tokens"]),
                beta2=float(row["beta2"]),
                seed=int(row["seed"]),
            )
            for row in csv.DictReader(file)
        ]


def spec(kind: Literal["akima", "hyperparameters"]) -> FitSpec:
    return FitSpec(
        id="mine/again", title="again", counting=Convention.STANDARD, source="the published readings", kind=kind
    )


@covers((ID, "allocation"), (ID, "loss_curve"))
def test_the_published_readings_give_the_shipped_law() -> None:
    laws = fit_runs(published_runs(RUNS), spec("akima")).laws
    again, shipped = laws["allocation"], fit(ID).laws["allocation"]
    assert isinstance(again.law, PowerLawParams)
    assert isinstance(shipped.law, PowerLawParams)
    assert again.law.exponent == pytest.approx(shipped.law.exponent, abs=1e-4)
    assert again.law.coefficient == pytest.approx(shipped.law.coefficient, rel=1e-3)
    curve, shipped_curve = laws["loss_curve"].law, fit(ID).laws["loss_curve"].law
    assert isinstance(curve, LossCurve)
    assert isinstance(shipped_curve, LossCurve)
    assert curve.exponent == pytest.approx(shipped_curve.exponent, rel=1e-3)
    assert curve.best_loss(4.733e14) == pytest.approx(3.6289, rel=0.02)  # as the page of the calibration has it


@covers((ID, "learning_rate"), (ID, "batch_size"))
@pytest.mark.parametrize(("role", "exponent"), [("learning_rate", -1 / 3), ("batch_size", 2 / 3)])
def test_the_published_grid_gives_the_shipped_recipe_at_its_middle(role: str, exponent: float) -> None:
    again = fit_runs(published_runs(GRID), spec("hyperparameters")).laws[role].law
    shipped = fit(ID).laws[role].law
    assert isinstance(again, Monomial)
    assert isinstance(shipped, Monomial)
    assert shipped.n_params_exponent == pytest.approx(exponent)
    middle = (182720 * 356352 * 724992) ** (1 / 3)
    values = [law.coefficient * middle**law.n_params_exponent for law in (again, shipped)]
    assert values[0] == pytest.approx(values[1], rel=1e-3)


@covers((ID, "warmup"), (ID, "weight_decay"))
def test_the_constants_are_those_of_every_run() -> None:
    assert fit(ID).laws["warmup"].law == WarmupParams(WARMUP_PARAMS, 0.5)
    assert fit(ID).laws["weight_decay"].law == Constant(WEIGHT_DECAY)


def test_a_separate_prototype_found_the_same_sizes() -> None:
    points = fit(ID).points
    assert points is not None
    assert points.columns[:2] == ("flops", "n_params")
    for flops, n_params in PROTOTYPE:
        near = min(points.rows, key=lambda row: abs(row[0] / flops - 1))
        assert near[0] == pytest.approx(flops, rel=0.05)
        assert near[1] == pytest.approx(n_params, rel=0.4)
