"""The loss model of every bundled fit: lowest at the law's own optimum, flat where it says, and invertible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bundled import WITH_EXCESS, WITH_LOSS, bundled, fit

from budgetscope.core.laws.loss_model import FLAT_SHARE, LossModel
from budgetscope.core.laws.operating_point import allocation_law

with_excess = st.sampled_from(WITH_EXCESS)
with_loss = st.sampled_from(WITH_LOSS)
budgets = st.floats(12, 30).map(lambda exponent: 10.0**exponent)


@given(with_excess, budgets, st.floats(0.01, 100))
def test_no_model_beats_the_laws_own_optimum(name: str, flops: float, factor: float) -> None:
    loss_model, best = LossModel(fit(name)), allocation_law(fit(name)).allocate(flops)
    assert loss_model.excess_loss(flops, best.n_params) == pytest.approx(0, abs=1e-12)
    excess = loss_model.excess_loss(flops, factor * best.n_params)
    assert excess is not None
    assert excess >= 0


@given(with_excess, budgets)
def test_the_ends_of_the_flat_band_cost_what_it_says(name: str, flops: float) -> None:
    loss_model = LossModel(fit(name))
    band, best = loss_model.flat_band(flops), loss_model.best_loss(flops)
    assert band is not None
    assert best is not None
    optimum = allocation_law(fit(name)).allocate(flops).n_params
    assert band[0] < optimum < band[1]
    for end, inner in zip(band, (optimum / 1e4, optimum * 1e4), strict=True):
        if end == pytest.approx(inner, rel=1e-6):
            # The band is cut at a factor of 1e4: there it costs no more yet.
            excess = loss_model.excess_loss(flops, end)
            assert excess is not None
            assert excess <= FLAT_SHARE * best * (1 + 1e-6)
        else:
            assert loss_model.excess_loss(flops, end) == pytest.approx(FLAT_SHARE * best, rel=1e-6)


@given(with_loss, budgets)
def test_the_budget_for_a_loss_inverts_the_best_loss(name: str, flops: float) -> None:
    loss_model = LossModel(fit(name))
    loss = loss_model.best_loss(flops)
    assert loss is not None
    if loss - loss_model.floor < 1e-9 * loss:
        return
    found = loss_model.flops_for_loss(loss)
    assert found is not None
    # The loss hardly tells budgets apart close to its floor.
    assert loss_model.best_loss(found) == pytest.approx(loss, rel=1e-9)
    if flops < 1e24:
        assert found == pytest.approx(flops, rel=1e-4)


@given(with_loss, st.floats(0.001, 1))
def test_a_loss_at_or_below_the_floor_has_no_budget(name: str, share: float) -> None:
    loss_model = LossModel(fit(name))
    assert loss_model.flops_for_loss(loss_model.floor * share) is None
    assert loss_model.flops_for_loss(1e9) is None


@given(with_loss, budgets, st.floats(1.01, 1e6))
def test_the_best_loss_falls_with_the_budget_and_stays_above_its_floor(name: str, flops: float, factor: float) -> None:
    loss_model = LossModel(fit(name))
    small, large = loss_model.best_loss(flops), loss_model.best_loss(flops * factor)
    assert small is not None
    assert large is not None
    assert loss_model.floor < large < small


@given(with_excess, budgets, st.floats(0.05, 20))
def test_the_wasted_share_is_what_a_smaller_budget_would_have_saved(name: str, flops: float, factor: float) -> None:
    loss_model = LossModel(fit(name))
    n_params = factor * allocation_law(fit(name)).allocate(flops).n_params
    wasted, excess, level = (
        loss_model.wasted_share(flops, n_params),
        loss_model.excess_loss(flops, n_params),
        loss_model.best_loss(flops),
    )
    assert wasted is not None
    assert excess is not None
    assert level is not None
    assert 0 <= wasted <= 1
    if 0 < wasted < 1:
        assert loss_model.best_loss(flops * (1 - wasted)) == pytest.approx(level + excess, rel=1e-6)


@given(with_loss, st.floats(15, 22).map(lambda exponent: 10.0**exponent))
def test_the_interval_of_the_loss_holds_the_loss(name: str, flops: float) -> None:
    loss_model = LossModel(fit(name))
    interval, loss = loss_model.loss_interval(flops), loss_model.best_loss(flops)
    assert loss is not None
    if interval is not None:
        assert interval[0] <= loss <= interval[1]


@pytest.mark.parametrize("name", sorted(set(bundled()) - set(WITH_LOSS)))
def test_a_fit_without_a_law_of_loss_says_nothing_of_it(name: str) -> None:
    loss_model = LossModel(fit(name))
    assert loss_model.best_loss(1e21) is None
    assert loss_model.excess_loss(1e21, 1e9) is None
    assert loss_model.flat_band(1e21) is None
    assert loss_model.loss_interval(1e21) is None
    assert loss_model.flops_for_loss(2.0) is None
    assert loss_model.wasted_share(1e21, 1e9) is None
