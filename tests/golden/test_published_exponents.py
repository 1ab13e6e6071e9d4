"""The exponents that calibrations are weighed with, against the bundled fits."""

import math
import statistics

import pytest

from budgetscope.api.fits import family_of
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.laws.operating_point import operate
from budgetscope.fitting.weighing import PRIOR_MEAN, PRIOR_STD, PUBLISHED
from budgetscope.store.fit_library import Library


@pytest.mark.parametrize("fit_id", PUBLISHED)
def test_exponent_is_that_of_the_bundled_fit_in_the_standard_count(fit_id: str) -> None:
    fit = Library.standard().get(fit_id)
    low, high = (operate(fit, flops, Convention.STANDARD, family_of(fit)).n_params for flops in (1e18, 1e22))
    assert math.log(high / low) / math.log(1e4) == pytest.approx(PUBLISHED[fit_id], abs=6e-4)


def test_prior_is_that_of_one_more_law() -> None:
    values = list(PUBLISHED.values())
    assert pytest.approx(statistics.mean(values)) == PRIOR_MEAN
    assert pytest.approx(statistics.stdev(values) * math.sqrt(7 / 6)) == PRIOR_STD
