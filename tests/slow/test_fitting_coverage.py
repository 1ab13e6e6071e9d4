"""The 95% intervals contain the truth in 90% to 98% of repeated experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from budgetscope.fitting.isoflop import fit_isoflop
from budgetscope.fitting.noise import ConstantNoise
from budgetscope.fitting.parametric import fit_parametric

if TYPE_CHECKING:
    from collections.abc import Callable

    from budgetscope.fitting.isoflop import Intervals
    from budgetscope.fitting.parametric import LossSurface, Resample
    from budgetscope.fitting.table import RunTable

pytestmark = pytest.mark.slow

REPEATS = 200
BUDGETS = 1.25e16 * 2.0 ** np.arange(12)
TARGET = 5.88e23


def inside(truth: float, ends: tuple[float, float]) -> bool:
    return ends[0] <= truth <= ends[1]


@pytest.mark.parametrize("intervals", ["noise", "scatter"])
@pytest.mark.parametrize(("offset", "drift"), [(0.0, 0.0), (0.4, 0.05)])
def test_isoflop_intervals_cover(
    plant: Callable[..., RunTable], surface: LossSurface, intervals: Intervals, offset: float, drift: float
) -> None:
    log_std = 0.002
    hits = np.zeros(2)
    for repeat in range(REPEATS):
        rng = np.random.default_rng([1, repeat])
        table = plant(surface, budgets=BUDGETS, offset=offset, drift=drift, log_std=log_std, rng=rng)
        fit = fit_isoflop(table, noise=ConstantNoise(log_std), intervals=intervals, draws=500, seed=repeat)
        hits += [
            inside(surface.optimal_exponent(), fit.n_params.exponent_interval()),
            inside(surface.optimal_n_params(TARGET), fit.n_params.interval_at(TARGET)),
        ]
    assert ((hits / REPEATS >= 0.90) & (hits / REPEATS <= 0.98)).all(), hits / REPEATS


@pytest.mark.parametrize(("resample", "run_share"), [("points", 0.0), ("runs", 0.0), ("runs", 0.64)])
def test_parametric_intervals_cover(
    plant: Callable[..., RunTable], surface: LossSurface, resample: Resample, run_share: float
) -> None:
    hits = np.zeros(4)
    for repeat in range(REPEATS):
        rng = np.random.default_rng([2, repeat])
        table = plant(surface, budgets=BUDGETS, log_std=0.005, run_share=run_share, rng=rng)
        fit = fit_parametric(table, resample=resample, draws=400, seed=repeat)
        ends = fit.intervals()
        hits += [
            inside(surface.alpha, ends["alpha"]),
            inside(surface.beta, ends["beta"]),
            inside(surface.optimal_exponent(), ends["optimal_exponent"]),
            inside(surface.optimal_n_params(TARGET), fit.optimal_n_params_interval(TARGET)),
        ]
    assert ((hits / REPEATS >= 0.90) & (hits / REPEATS <= 0.98)).all(), hits / REPEATS


def test_resampling_points_is_too_narrow_for_rows_of_one_run(
    plant: Callable[..., RunTable], surface: LossSurface
) -> None:
    """Why "runs" exists: rows read off one training curve share its error."""
    hits = 0
    for repeat in range(REPEATS):
        rng = np.random.default_rng([2, repeat])
        table = plant(surface, budgets=BUDGETS, log_std=0.005, run_share=0.64, rng=rng)
        fit = fit_parametric(table, resample="points", draws=400, seed=repeat)
        hits += inside(surface.optimal_exponent(), fit.intervals()["optimal_exponent"])
    assert hits / REPEATS < 0.90
