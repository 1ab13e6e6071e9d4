"""Forms of law by name, their bounds, and what a fit makes of them."""

import math

import pytest

from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Draws, Range, percentiles
from budgetscope.core.laws.forms import (
    FORMS,
    LogLinear,
    LossSurface,
    PowerLawParams,
    Predictors,
    TokensPerParam,
    build_law,
)
from budgetscope.core.laws.hyperparameters import coupled_weight_decay, whole_sequences

GOOD = {"coefficient": 0.1, "exponent": 0.5}


def test_every_form_is_built_by_its_name() -> None:
    assert build_law("power-law-params", GOOD) == PowerLawParams(0.1, 0.5)
    assert all(kind.form == name for name, kind in FORMS.items())


@pytest.mark.parametrize(
    ("form", "parameters", "said"),
    [
        ("power-law", GOOD, "'power-law' is not a form of law"),
        ("power-law-params", {"coefficient": 0.1}, "lacks a parameter"),
        ("power-law-params", {**GOOD, "slope": 1.0}, "no parameter 'slope'"),
        ("power-law-params", {**GOOD, "coefficient": 0.0}, "coefficient = 0.0"),
        ("power-law-params", {**GOOD, "coefficient": -1.0}, "coefficient = -1.0"),
        ("power-law-params", {**GOOD, "coefficient": 1e61}, "coefficient = 1e[+]61"),
        ("power-law-params", {**GOOD, "coefficient": math.nan}, "coefficient = nan"),
        ("power-law-params", {**GOOD, "exponent": math.inf}, "exponent = inf"),
        ("power-law-params", {**GOOD, "exponent": 11.0}, "exponent = 11.0"),
        ("chinchilla", {"E": 1.0, "A": 1.0, "B": 1.0, "alpha": -0.3, "beta": 0.3}, "alpha = -0.3"),
        ("chinchilla", {"E": 1.0, "A": 1.0, "B": 1.0, "alpha": 10.5, "beta": 0.3}, "alpha = 10.5"),
        ("excess-power-law", {**GOOD, "skew": 1.0, "window": 1.1}, "skew times window"),
        ("excess-power-law", {**GOOD, "skew": -1.0, "window": 1.1}, "skew times window"),
    ],
)
def test_a_form_or_parameter_out_of_bounds_is_refused(form: str, parameters: dict[str, float], said: str) -> None:
    with pytest.raises(FailureError, match=said):
        build_law(form, parameters)


def test_a_ratio_of_tokens_to_parameters_by_hand() -> None:
    # D/N = 20 at 6e18: N = sqrt(1e18 / 20), D = sqrt(1e18 · 20).
    best = TokensPerParam(20.0, 0.1, 6e18).allocate(6e18)
    assert best.n_params == pytest.approx(math.sqrt(5e16))
    assert best.tokens == pytest.approx(math.sqrt(2e19))


def test_a_surface_by_hand() -> None:
    # alpha = beta and A = B: the optimum has N = D = sqrt(C / 6), and L = 1 + 2 · 10 / sqrt(sqrt(1e8)).
    surface = LossSurface(1.0, 10.0, 10.0, 0.5, 0.5)
    best = surface.allocate(6e8)
    assert (best.n_params, best.tokens) == pytest.approx((1e4, 1e4))
    assert surface.best_loss(6e8) == pytest.approx(1 + 2 * 10 / 100)
    # Twice too large: 10 / 100 · (2^-0.5 + 2^0.5 - 2).
    assert surface.excess(6e8, 2.0) == pytest.approx(0.1 * (2**-0.5 + 2**0.5 - 2))


def test_a_line_below_zero_says_nothing() -> None:
    assert LogLinear(1.0, -0.1).predict(Predictors(math.exp(10), 1, 1)) is None
    assert LogLinear(1.0, -0.1).predict(Predictors(math.exp(9), 1, 1)) == pytest.approx(0.1)


@pytest.mark.parametrize(("value", "factor"), [(50, 2), (100, 1), (300, 1), (1000, 1), (5000, 5)])
def test_how_far_outside_a_range_a_value_lies(value: float, factor: float) -> None:
    assert Range(100, 1000).factor_outside(value) == factor


def test_draws_fill_in_the_parameters_that_have_columns() -> None:
    law = PowerLawParams(1.0, 0.5, 8.64e19)
    drawn = Draws(("ln_coefficient",), ((0.0,), (1.0,))).laws(law)
    assert drawn == (PowerLawParams(1.0, 0.5, 8.64e19), PowerLawParams(math.e, 0.5, 8.64e19))


@pytest.mark.parametrize(
    ("values", "level", "ends"),
    [
        ([5.0], 0.95, (5.0, 5.0)),
        ([1.0, 2.0], 0.5, (1.25, 1.75)),
        (list(map(float, range(101))), 0.9, (5.0, 95.0)),
        ([3.0, 1.0, 2.0], 1.0, (1.0, 3.0)),
    ],
)
def test_percentiles(values: list[float], level: float, ends: tuple[float, float]) -> None:
    assert percentiles(values, level) == pytest.approx(ends)


def test_the_decay_that_libraries_take() -> None:
    # open_lm: 1e-4 at a rate of 3e-3 is a lambda of 0.0333.
    assert coupled_weight_decay(1e-4, 3e-3) == pytest.approx(0.0333, abs=5e-5)


@pytest.mark.parametrize(
    ("sequences", "whole"),
    [(0.2, 1), (1.4, 1), (7.6, 8), (31, 31), (35, 36), (659, 672), (1000, 992), (1536, 1536), (4800, 4864)],
)
def test_a_batch_in_whole_sequences(sequences: float, whole: int) -> None:
    assert whole_sequences(sequences * 2048, 2048) == whole


@pytest.mark.parametrize(
    ("sequences", "n_devices", "whole"),
    [(83, 8, 80), (1152, 100, 1200), (736, 24, 744), (1300, 512, 1536), (1088, 64, 1088), (20, 512, 20), (84, 7.5, 84)],
)
def test_no_device_is_idle_where_a_batch_hardly_changes(sequences: float, n_devices: float, whole: int) -> None:
    assert whole_sequences(sequences * 2048, 2048, n_devices) == whole
