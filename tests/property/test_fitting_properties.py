"""What any fit must obey, whatever the runs."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.planted_surfaces import planted_runs
from tests.sizes import examples

from budgetscope.core.laws.forms import LossSurface
from budgetscope.fitting.curve_minimum import akima_minimum
from budgetscope.fitting.isoflop import fit_isoflop
from budgetscope.fitting.noise import ConstantNoise
from budgetscope.fitting.parametric import fit_parametric
from budgetscope.fitting.refusals import MAX_NATS
from budgetscope.fitting.run_table import RunTable

BUDGETS = 1e17 * 4.0 ** np.arange(5, dtype=np.float64)

surfaces = st.builds(
    LossSurface,
    E=st.floats(1.0, 2.2),
    A=st.floats(100, 1000),
    B=st.floats(300, 3000),
    alpha=st.floats(0.28, 0.45),
    beta=st.floats(0.32, 0.45),
)


@examples(25)
@given(surfaces)
def test_any_planted_optimum_is_recovered_by_both_methods(surface: LossSurface) -> None:
    table = planted_runs(surface, budgets=BUDGETS, half=5)
    assume(table.loss.max() < MAX_NATS)
    isoflop = fit_isoflop(table, noise=ConstantNoise(1e-4), draws=100)
    assert isoflop.n_params.exponent == pytest.approx(surface.optimal_exponent, abs=0.02)
    found = fit_parametric(table, draws=5).surface
    assert found.alpha == pytest.approx(surface.alpha, rel=1e-2)
    assert found.allocate(1e22).n_params == pytest.approx(surface.allocate(1e22).n_params, rel=1e-2)


@examples(25)
@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_units_of_compute_and_size_scale_through(of_compute: float, of_size: float) -> None:
    surface = LossSurface(1.8, 478.0, 2144.0, 0.347, 0.367)
    table = planted_runs(surface, budgets=BUDGETS)
    scaled = RunTable(of_compute * table.flops, of_size * table.n_params, table.tokens, table.loss)
    one = fit_isoflop(table, noise=ConstantNoise(1e-3), draws=100)
    two = fit_isoflop(scaled, noise=ConstantNoise(1e-3), draws=100)
    assert two.n_params.exponent == pytest.approx(one.n_params.exponent, rel=1e-6)
    assert two.n_params.at(of_compute * 1e20) == pytest.approx(of_size * one.n_params.at(1e20), rel=1e-5)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=12, unique=True), st.integers(0, 2**31))
def test_the_lowest_point_is_never_above_a_knot(knots: list[float], seed: int) -> None:
    x = np.sort(np.array(knots))
    if np.diff(x).min() < 1e-3:
        return
    y = np.random.default_rng(seed).standard_normal((20, x.size))
    where, lowest = akima_minimum(x, y)
    assert (lowest <= y.min(axis=1)).all()
    inside = np.isfinite(where)
    assert ((where[inside] > x[0]) & (where[inside] < x[-1])).all()


@examples(20)
@given(st.integers(0, 2**31), st.floats(0.001, 0.01))
def test_the_interval_holds_the_estimate_and_narrows_with_the_level(seed: int, log_std: float) -> None:
    surface = LossSurface(1.8, 478.0, 2144.0, 0.347, 0.367)
    table = planted_runs(surface, budgets=BUDGETS, log_std=log_std, rng=np.random.default_rng(seed))
    law = fit_isoflop(table, noise=ConstantNoise(log_std), draws=200).n_params
    wide, narrow = law.interval_at(1e20), law.interval_at(1e20, level=0.5)
    assert wide[0] < narrow[0] <= narrow[1] < wide[1]
    assert wide[0] < law.at(1e20) < wide[1]
