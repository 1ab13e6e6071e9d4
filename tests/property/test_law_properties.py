"""Laws do what their form says: splits spend the budget, optima beat their neighbours, losses fall."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from budgetscope.core.laws.forms import (
    AllocationLaw,
    BatchStep,
    ExcessLaw,
    LossCurve,
    LossSurface,
    Monomial,
    PowerLawFlopsPerToken,
    PowerLawParams,
    PowerLawTokens,
    Predictors,
    TokenHalfLife,
    TokensPerParam,
    WarmupParams,
)

budgets = st.floats(12, 30).map(lambda exponent: 10.0**exponent)
shares = st.floats(0.05, 0.95)
scales = st.floats(-6, 6).map(lambda exponent: 10.0**exponent)

surfaces = st.builds(
    LossSurface,
    E=st.floats(0.1, 5),
    A=st.floats(1, 1e5),
    B=st.floats(1, 1e5),
    alpha=st.floats(0.05, 1),
    beta=st.floats(0.05, 1),
)
allocations: st.SearchStrategy[AllocationLaw] = st.one_of(
    st.builds(PowerLawParams, scales, shares, st.sampled_from([1.0, 8.64e19])),
    st.builds(PowerLawTokens, scales, shares),
    st.builds(PowerLawFlopsPerToken, scales, shares),
    st.builds(TokensPerParam, st.floats(0.1, 1e4), st.floats(-0.5, 0.5), st.just(6e18)),
    surfaces,
)
excesses = st.builds(
    ExcessLaw,
    coefficient=st.floats(1e-3, 1e4),
    exponent=st.floats(0, 0.4),
    skew=st.floats(-0.9, 0.9),
    window=st.just(math.log(3)),
).filter(lambda law: abs(law.skew) * law.window < 1)
counts = st.floats(3, 15).map(lambda exponent: 10.0**exponent)


@given(allocations, budgets)
def test_every_split_spends_the_budget(law: AllocationLaw, flops: float) -> None:
    best = law.allocate(flops)
    assert 6 * best.n_params * best.tokens == pytest.approx(flops, rel=1e-9)
    assert best.n_params > 0
    assert best.tokens > 0


@given(allocations, budgets, st.floats(1.01, 1e6))
def test_a_larger_budget_never_shrinks_model_or_data(law: AllocationLaw, flops: float, factor: float) -> None:
    small, large = law.allocate(flops), law.allocate(flops * factor)
    assert large.n_params > small.n_params * (1 - 1e-9)
    assert large.tokens > small.tokens * (1 - 1e-9)


@given(surfaces, counts, counts, st.floats(1.001, 1e4))
def test_loss_falls_with_size_and_with_data(surface: LossSurface, n: float, d: float, factor: float) -> None:
    loss = surface.loss(n, d)
    assert surface.E <= surface.loss(n * factor, d) <= loss
    assert surface.E <= surface.loss(n, d * factor) <= loss


@given(surfaces, budgets, st.floats(0.01, 3), st.booleans())
def test_the_closed_form_optimum_beats_its_neighbours(
    surface: LossSurface, flops: float, shift: float, larger: bool
) -> None:
    best = surface.allocate(flops)
    n_params = best.n_params * math.exp(shift if larger else -shift)
    neighbour = surface.loss(n_params, flops / (6 * n_params))
    lowest = surface.loss(best.n_params, best.tokens)
    assert lowest == surface.best_loss(flops)
    # Beyond the resolution of a float next to E, the neighbour is truly worse.
    assert neighbour >= lowest * (1 - 1e-15)
    if lowest - surface.E > 1e-6:
        assert neighbour > lowest


@given(surfaces, budgets, st.floats(0.1, 10))
def test_the_excess_of_a_surface_is_the_difference_of_its_losses(
    surface: LossSurface, flops: float, ratio: float
) -> None:
    best = surface.allocate(flops)
    n_params = ratio * best.n_params
    difference = surface.loss(n_params, flops / (6 * n_params)) - surface.best_loss(flops)
    assert surface.excess(flops, ratio) == pytest.approx(difference, rel=1e-6, abs=1e-9 * surface.best_loss(flops))


@given(surfaces, budgets)
def test_the_exponent_of_a_surface_is_the_slope_of_its_optimum(surface: LossSurface, flops: float) -> None:
    slope = math.log(surface.allocate(flops * 10).n_params / surface.allocate(flops).n_params) / math.log(10)
    assert surface.optimal_exponent == pytest.approx(slope, rel=1e-6)


@given(st.one_of(surfaces, excesses), budgets, st.floats(0.001, 1000))
def test_being_off_never_pays_and_being_right_costs_nothing(
    law: LossSurface | ExcessLaw, flops: float, ratio: float
) -> None:
    assert law.excess(flops, 1.0) == 0
    assert law.excess(flops, ratio) >= 0


@given(excesses, budgets, st.floats(0.05, 6), st.floats(1.01, 3), st.booleans())
def test_the_excess_grows_away_from_the_optimum(
    law: ExcessLaw, flops: float, off: float, further: float, larger: bool
) -> None:
    # A skewed cubic turns over beyond |u| = 2 / (3 |skew|): the window is meant to end before.
    assume(abs(law.skew) * law.window < 2 / 3)
    sign = 1 if larger else -1
    near, far = (law.excess(flops, math.exp(sign * u)) for u in (off, off * further))
    assert far > near > 0


@given(st.builds(LossCurve, scales, st.floats(0.01, 1), st.floats(0, 5)), budgets, st.floats(1.01, 1e6))
def test_the_loss_curve_falls_towards_its_floor(law: LossCurve, flops: float, factor: float) -> None:
    assert law.floor <= law.best_loss(flops * factor) <= law.best_loss(flops)


@given(scales, st.floats(-1, 1), st.floats(-1, 1), counts, counts, scales)
def test_a_unit_inside_a_monomial_is_a_factor_outside(
    coefficient: float, a: float, b: float, n: float, d: float, unit: float
) -> None:
    inside = Monomial(coefficient, n_params_exponent=a, n_params_unit=unit, tokens_exponent=b, tokens_unit=2 * unit)
    outside = Monomial(coefficient, n_params_exponent=a, tokens_exponent=b, scale=unit**-a * (2 * unit) ** -b)
    at = Predictors(n, d, 6 * n * d)
    assert inside.predict(at) == pytest.approx(outside.predict(at), rel=1e-9)


@given(st.floats(1e5, 1e9), st.floats(1e3, 1e9), st.floats(1.01, 8))
def test_beta2_of_a_half_life_halves_over_it(half_life: float, batch: float, factor: float) -> None:
    law = TokenHalfLife(half_life)
    beta2 = law.at_batch(batch)
    assert 0 <= beta2 < 1
    assert beta2 ** (half_life / batch) == pytest.approx(0.5, rel=1e-6) or beta2 == 0
    assert law.at_batch(batch * factor) <= beta2
    assert law.at_batch(batch * factor) == pytest.approx(beta2**factor, rel=1e-6, abs=1e-300)


@given(st.floats(1, 1e9))
def test_the_step_of_beta2_is_at_its_threshold(threshold: float) -> None:
    law = BatchStep(threshold, 0.99, 0.95)
    assert law.at_batch(threshold) == 0.95
    assert law.at_batch(math.nextafter(threshold, 0)) == 0.99


@given(counts, counts, st.floats(0.1, 4), st.floats(0.01, 1))
def test_warmup_never_takes_more_than_its_share(n: float, d: float, multiple: float, share: float) -> None:
    warmup = WarmupParams(multiple, share).warmup_tokens(Predictors(n, d, 6 * n * d))
    assert warmup <= share * d
    assert warmup <= multiple * n
    assert warmup in (share * d, multiple * n)
