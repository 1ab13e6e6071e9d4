"""The forecast of L*(C): planted recovery, coverage, floors and bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from budgetscope.core.errors import UsageError
from budgetscope.fitting.loss_forecast import (
    LEAST_BITS_PER_BYTE,
    MEDIAN_BITS_PER_BYTE,
    LossForecast,
    exponent_drift,
    fit_loss_forecast,
    floor_prior,
)

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import FloatArray

BYTES = 4.4
BUDGETS = 1e18 * 2.0 ** np.arange(8, dtype=np.float64)
TOKENS = np.full(8, 1e10)


def curve(flops: FloatArray | float, floor: float = 1.7) -> FloatArray:
    result: FloatArray = np.asarray(floor + 1.5 * (np.asarray(flops) / 1e18) ** -0.15)
    return result


def forecast(
    floor: float = 1.7, noise: float = 0.001, seed: int = 0, bytes_per_token: float | None = BYTES
) -> LossForecast:
    rng = np.random.default_rng(seed)
    log_loss = np.log(curve(BUDGETS, floor)) + noise * rng.standard_normal(8)
    return fit_loss_forecast(BUDGETS, log_loss, np.full(8, noise), TOKENS, bytes_per_token=bytes_per_token)


@pytest.mark.parametrize("floor", [1.2, 1.5, 1.8])
@pytest.mark.parametrize("bytes_per_token", [BYTES, None])
def test_it_holds_the_planted_loss_four_decades_beyond(floor: float, bytes_per_token: float | None) -> None:
    held = []
    for seed in range(10):
        found = forecast(floor, seed=seed, bytes_per_token=bytes_per_token)
        for flops in BUDGETS[-1] * 10.0 ** np.arange(1, 5):
            low, high = found.interval_at(float(flops))
            held.append(low <= curve(flops, floor) <= high)
            assert low <= found.at(float(flops)) <= high
    assert np.mean(held) >= 0.9


def test_the_prior_is_about_the_published_floors() -> None:
    assert pytest.approx(0.56) == MEDIAN_BITS_PER_BYTE
    assert pytest.approx(0.3) == LEAST_BITS_PER_BYTE


def test_a_floor_that_is_not_told_is_the_priors() -> None:
    """Noisy runs do not prefer a floor close under the lowest loss (flat priors of ln(L - E) do: 2.17)."""
    log_loss = np.log(curve(BUDGETS[:4]))
    found = fit_loss_forecast(BUDGETS[:4], log_loss, np.full(4, 0.01), TOKENS[:4], bytes_per_token=BYTES)
    assert found.floor == pytest.approx(MEDIAN_BITS_PER_BYTE * np.log(2) * BYTES, rel=0.05)


def test_no_loss_is_below_the_entropy_of_text() -> None:
    found = forecast()
    least = LEAST_BITS_PER_BYTE * np.log(2) * BYTES * (1 - 1e-12)
    assert found.draws[:, 2].min() >= least
    assert found.interval_at(1e40)[0] >= least


def test_losses_without_saturation_do_not_determine_a_floor() -> None:
    log_loss = np.log(5.0) - 0.05 * np.log(BUDGETS / 1e18)
    found = fit_loss_forecast(BUDGETS, log_loss, np.full(8, 0.005), TOKENS, bytes_per_token=BYTES)
    assert not found.floor_determined
    assert found.floor_interval() is None
    assert [flag.code for flag in found.flags] == ["floor-not-determined"]


def test_short_runs_are_trusted_less() -> None:
    log_loss = np.log(curve(BUDGETS))
    short = fit_loss_forecast(BUDGETS, log_loss, np.full(8, 0.001), TOKENS / 1000, bytes_per_token=BYTES)
    long = fit_loss_forecast(BUDGETS, log_loss, np.full(8, 0.001), TOKENS, bytes_per_token=BYTES)
    assert exponent_drift(1e7) > exponent_drift(1e9) > exponent_drift(1e11)
    widths = [np.log(high / low) for low, high in (each.interval_at(1e22) for each in (short, long))]
    assert widths[0] > 1.5 * widths[1]


def test_the_interval_widens_with_distance() -> None:
    found = forecast()
    widths = [np.log(high / low) for low, high in (found.interval_at(BUDGETS[-1] * 10.0**k) for k in range(5))]
    assert widths == sorted(widths)


def test_the_same_seed_gives_the_same_draws() -> None:
    assert (forecast().draws == forecast().draws).all()


def test_three_budgets_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 4"):
        fit_loss_forecast(BUDGETS[:3], np.log(curve(BUDGETS[:3])), np.full(3, 0.001), TOKENS[:3])


def test_a_loss_that_rises_with_compute_is_refused() -> None:
    with pytest.raises(UsageError, match="does not fall"):
        fit_loss_forecast(BUDGETS, np.linspace(1.0, 1.3, 8), np.full(8, 0.001), TOKENS, bytes_per_token=BYTES)


def test_a_loss_below_the_entropy_of_text_is_refused() -> None:
    with pytest.raises(UsageError, match="bits a byte"):
        floor_prior(0.8, BYTES)
