"""Gains of a decay and losses on repeated data, against published numbers."""

import math
import os
from pathlib import Path

import pytest
from benchmarks.coverage_data import porian
from tests.bundled import fit

from budgetscope.core.laws.decay import LUO_2025, decay_gain
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import allocation_law
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


@pytest.mark.parametrize(("dataset", "law"), [("ref", "refinedweb"), ("ope", "openwebtext2")])
def test_overtrained_runs_have_the_loss_that_the_price_of_a_constraint_takes(dataset: str, law: str) -> None:
    """Porian et al.'s tuned runs of 3 to 9 times fewer parameters than the optimum, at 1e17 FLOPs and more."""
    reference = os.environ.get("BUDGETSCOPE_REFERENCE")
    if not reference:
        pytest.skip("BUDGETSCOPE_REFERENCE names no folder of published points")
    (runs,) = (each.table for each in porian(Path(reference)) if each.name == f"{dataset}/tuned/short/const/standard")
    found = fit(f"porian2024/{law}-tuned")
    model, optimum = LossModel(found), allocation_law(found)
    errors = []
    for flops, n_params, loss in zip(runs.flops, runs.n_params, runs.loss, strict=True):
        ratio = n_params / optimum.allocate(flops).n_params
        if flops > 1e17 and 1 / 9 < ratio < 1 / 3:
            best, above = model.best_loss(flops), model.excess_loss(flops, n_params)
            assert best is not None
            assert above is not None
            errors.append(math.log((best + above) / loss))
    assert len(errors) >= 7
    assert math.sqrt(math.fsum(error**2 for error in errors) / len(errors)) < 0.009
