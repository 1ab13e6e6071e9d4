"""Gains of a decay and losses on repeated data, against published numbers."""

import pytest

from budgetscope.core.laws.decay import LUO_2025, decay_gain
from budgetscope.core.laws.repetition import RepetitionLaw, effective


@pytest.mark.parametrize(
    ("n_params", "steps", "gain"),
    [
        (25e6, 24_000, 0.085), (25e6, 72_000, 0.096), (100e6, 24_000, 0.105), (100e6, 72_000, 0.116),
        (400e6, 24_000, 0.125), (400e6, 72_000, 0.138),
    ],
)  # fmt: skip
def test_the_multi_power_law_gives_the_gains_of_its_fits(n_params: float, steps: int, gain: float) -> None:
    assert LUO_2025[n_params].decay_gain(3e-4, steps) == pytest.approx(gain, abs=0.0015)
    span = decay_gain(n_params)
    assert span.low is not None
    assert span.high is not None
    assert span.low - 0.016 <= gain <= span.high + 0.001


def test_the_span_holds_what_porian_et_al_measured() -> None:
    """0.11 to 0.12 nats at 2.56e19 FLOPs, where the optimum has half a billion parameters."""
    span = decay_gain(0.53e9)
    assert span.low == 0.11
    assert span.high is not None
    assert span.high > 0.12


def test_nothing_is_promised_where_nothing_is_published() -> None:
    assert decay_gain(1e6).low == 0
    assert decay_gain(1e13).high == 0.2


def test_muennighoffs_losses_come_out() -> None:
    """The two test values of huggingface/datablations."""
    law = RepetitionLaw()
    assert law.loss(6.34e9, 242e9, 25e9) == pytest.approx(2.2256440889984477, abs=1e-9)
    assert law.loss(8.67e9, 178e9, 25e9) == pytest.approx(2.2269634075087867, abs=1e-9)


def test_four_epochs_are_nearly_free_and_forty_are_not() -> None:
    assert effective(4e9, 1e9, 15.387756) > 3.6e9
    assert effective(40e9, 1e9, 15.387756) < 16e9
