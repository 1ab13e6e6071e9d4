"""The calibration that ships: its run folders give its laws, and the lower half of its budgets the upper half."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import pytest
from tests.bundled import fit
from tests.golden.register import covers
from tools.own_fit import FIT_ID, joined, own_fit, run_folders

from budgetscope.calibrate.fit import isoflop_table
from budgetscope.calibrate.plan.porian_rule import WARMUP_PARAMS, WEIGHT_DECAY
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.forms import Constant, ExcessLaw, LossCurve, Monomial, PowerLawParams, WarmupParams
from budgetscope.fitting.joint import fit_joint
from budgetscope.fitting.loss_forecast import forecast_of
from budgetscope.fitting.weighing import weighed

if TYPE_CHECKING:
    from pathlib import Path

    from budgetscope.calibrate.plan.spec import Spec
    from budgetscope.calibrate.run.state import RunState
    from budgetscope.core.laws.fit import Fit

LETTERS = "abcd"


@cache
def runs(reference: Path) -> dict[str, tuple[Spec, RunState]]:
    return run_folders(reference, LETTERS)


@cache
def again(reference: Path) -> Fit:
    return own_fit([runs(reference)[letter] for letter in "ab"])


@covers((FIT_ID, "allocation"), (FIT_ID, "loss_curve"), (FIT_ID, "excess"))
def test_the_run_folders_give_the_shipped_laws(reference: Path) -> None:
    found, shipped = again(reference), fit(FIT_ID)
    assert (found.title, found.method, found.flags, found.schedule) == (
        shipped.title, shipped.method, shipped.flags, shipped.schedule,
    )  # fmt: skip
    for role, form, names in (
        ("allocation", PowerLawParams, ("coefficient", "exponent")),
        ("loss_curve", LossCurve, ("coefficient", "exponent", "floor")),
        ("excess", ExcessLaw, ("coefficient", "exponent", "skew")),
    ):
        law, other = found.laws[role].law, shipped.laws[role].law
        assert isinstance(law, form)
        assert isinstance(other, form)
        for name in names:
            assert getattr(law, name) == pytest.approx(getattr(other, name), rel=1e-3)


@covers((FIT_ID, "learning_rate"), (FIT_ID, "batch_size"))
@pytest.mark.parametrize(("role", "exponent"), [("learning_rate", -1 / 3), ("batch_size", 2 / 3)])
def test_the_run_folders_give_the_shipped_recipe(reference: Path, role: str, exponent: float) -> None:
    law, shipped = again(reference).laws[role].law, fit(FIT_ID).laws[role].law
    assert isinstance(law, Monomial)
    assert isinstance(shipped, Monomial)
    assert shipped.n_params_exponent == pytest.approx(exponent)
    assert law.coefficient == pytest.approx(shipped.coefficient, rel=1e-3)


@covers((FIT_ID, "warmup"), (FIT_ID, "weight_decay"))
def test_the_constants_are_those_of_every_run() -> None:
    assert fit(FIT_ID).laws["warmup"].law == WarmupParams(WARMUP_PARAMS, 0.5)
    assert fit(FIT_ID).laws["weight_decay"].law == Constant(WEIGHT_DECAY)


def test_n_at_1e22_agrees_with_the_tuned_law_of_porian_et_al() -> None:
    allocation = fit(FIT_ID).laws["allocation"]
    assert isinstance(allocation.law, PowerLawParams)
    assert isinstance(allocation.uncertainty, DriftingLine)
    # Their law as published: N* = 0.118926 C^0.4969, 10.1 B.
    error = math.log(allocation.law.allocate(1e22).n_params / (0.118926 * 1e22**0.4969))
    assert abs(error) < math.log(1.25)
    assert abs(error) < allocation.uncertainty.half_width(1e22) < math.log(2.1)


def test_the_lower_half_of_the_budgets_foretells_the_upper_half(reference: Path) -> None:
    spec, state = joined([runs(reference)[letter] for letter in "ab"])
    table = isoflop_table(state)
    assert table is not None
    whole = fit_joint(table)
    assert len(whole.flops) == 8
    half = fit_joint(table.rows(table.flops < 1.05 * whole.flops[3]))
    law, losses = weighed(half), forecast_of(half, bytes_per_token=spec.corpus.bytes_per_token)
    for number in range(4, 8):
        flops, measured, loss = whole.flops[number], whole.own_log_n[number], math.exp(whole.log_loss[number])
        assert abs(math.log(half.at(flops)) - measured) < min(0.13, half.half_width(flops))
        assert abs(law.log_n_at(flops) - measured) < min(0.05, law.line.half_width(flops))
        low, high = losses.interval_at(flops)
        assert low < loss < high
        assert losses.at(flops) == pytest.approx(loss, rel=0.03)


def test_seeds_of_joined_runs_stay_apart_and_other_designs_are_refused(reference: Path) -> None:
    spec, state = joined([runs(reference)[letter] for letter in "ab"])
    assert spec.design.seeds == (0, 1, 2, 3, 4, 5)
    assert [len(state.of_stage(stage)) for stage in (1, 2)] == [444, 84]
    with pytest.raises(ValueError, match="differ in design or corpus"):
        joined([runs(reference)[letter] for letter in "ac"])
