"""What a fit of hyperparameters must obey, whatever the sweep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planted_sweep import planted_sweep
from tests.sizes import examples

from budgetscope.fitting.cell_optimum import Method
from budgetscope.fitting.hyperparameters import HyperparameterFit, fit_hyperparameters
from budgetscope.fitting.noise import ConstantNoise
from budgetscope.fitting.score import score
from budgetscope.fitting.sweep import SweepTable, sweep_cells

methods = st.sampled_from(["akima", "quadratic"])
NOISE = ConstantNoise(0.003)


def noisy_sweep(seed: int) -> SweepTable:
    return planted_sweep(
        cells=((1e6, 2e7), (4e6, 8e7)), lean=0.5, diverge_above=8.0, log_std=0.003, rng=np.random.default_rng(seed)
    )


def fitted(table: SweepTable, method: Method) -> HyperparameterFit:
    return fit_hyperparameters(table, method=method, noise=NOISE, keep_edges=True, draws=50)


def scaled(table: SweepTable, lr_unit: float, batch_unit: float) -> SweepTable:
    return SweepTable(
        table.n_params,
        table.tokens,
        table.learning_rate * lr_unit,
        table.batch_tokens * batch_unit,
        table.loss,
        table.beta2,
        table.seeds,
    )


@examples(25)
@given(methods, st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(method: Method, seed: int, random: np.random.Generator) -> None:
    table = noisy_sweep(seed)
    order = list(range(len(table)))
    random.shuffle(order)
    one, two = fitted(table, method), fitted(table.rows(np.array(order)), method)
    assert np.array_equal(one.learning_rate.draws, two.learning_rate.draws)
    assert np.array_equal(one.batch_tokens.draws, two.batch_tokens.draws)
    assert one.beta2 == two.beta2
    assert one.flags == two.flags


@examples(25)
@given(methods, st.integers(0, 99), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_units_of_learning_rate_and_batch_scale_the_laws_and_nothing_else(
    method: Method, seed: int, lr_unit: float, batch_unit: float
) -> None:
    table = noisy_sweep(seed)
    one, two = fitted(table, method), fitted(scaled(table, lr_unit, batch_unit), method)
    assert two.learning_rate.coefficient == pytest.approx(lr_unit * one.learning_rate.coefficient, rel=1e-6)
    assert two.batch_tokens.coefficient == pytest.approx(batch_unit * one.batch_tokens.coefficient, rel=1e-6)
    assert two.learning_rate.draws[:, 1:] == pytest.approx(one.learning_rate.draws[:, 1:], abs=1e-7)
    assert two.batch_tokens.draws[:, 1:] == pytest.approx(one.batch_tokens.draws[:, 1:], abs=1e-7)
    assert [row.best for row in two.beta2] == [row.best for row in one.beta2]


@examples(25)
@given(methods, st.floats(-0.6, 0.0), st.floats(0.3, 0.8), st.floats(0.0, 0.6))
def test_any_planted_laws_are_recovered(method: Method, lr_exponent: float, batch_exponent: float, lean: float) -> None:
    table = planted_sweep(
        cells=((1e6, 2e7), (2e6, 4e7), (4e6, 8e7)),
        lr_law=lambda n, _d: 4e-3 * (n / 2e6) ** lr_exponent,
        batch_law=lambda n, _d: 11_000 * (n / 2e6) ** batch_exponent,
        lean=lean,
    )
    fit = fit_hyperparameters(table, method=method, noise=ConstantNoise(1e-4), draws=50)
    assert fit.learning_rate.n_params_exponent == pytest.approx(lr_exponent, abs=0.1)
    assert fit.batch_tokens.n_params_exponent == pytest.approx(batch_exponent, abs=0.1)
    assert fit.learning_rate.at(2e6, 4e7) == pytest.approx(4e-3, rel=0.1)
    assert fit.batch_tokens.at(2e6, 4e7) == pytest.approx(11_000, rel=0.1)


@examples(25)
@given(st.integers(0, 99), st.floats(5e-4, 3.2e-2), st.floats(2048, 65536))
def test_no_recommendation_beats_the_best_of_the_grid(seed: int, learning_rate: float, batch_tokens: float) -> None:
    for one in score(sweep_cells(noisy_sweep(seed)), lambda _n, _d: (learning_rate, batch_tokens)):
        assert (one.loss is None) == bool(one.reason)
        if one.excess is not None:
            assert one.excess >= 0
