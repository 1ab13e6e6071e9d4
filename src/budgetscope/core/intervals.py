"""Intervals from what a fit says of its own uncertainty."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from budgetscope.core.fit import Draws, ExponentInterval, Fit, percentiles
from budgetscope.core.laws import AllocationLaw

LEVEL = 0.95
"""Probability inside every interval that budgetscope shows."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with what is known of its uncertainty.

    Attributes:
        value: the number, in the unit of the field that holds it.
        low: lower end of the interval, None when nothing is known.
        high: upper end.
        basis: what the interval is, or why there is none.
    """

    value: float
    low: float | None = None
    high: float | None = None
    basis: str = ""


def params_interval(fit: Fit, flops: float) -> Estimate:
    """Return N*(C) of a fit in its own convention, with the 95% interval that the fit supports.

    Bootstrap draws are evaluated one by one. A published interval of the exponent alone is turned about the
    middle of the fitted budgets, where the law is taken as known; that understates the truth, and the basis
    says so.
    """
    law = fit.allocation
    if law is None or not isinstance(law.law, AllocationLaw):
        raise TypeError(f"{fit.id} has no allocation law")
    value = law.law.allocate(flops).n_params
    match law.uncertainty:
        case Draws() as draws:
            drawn = [each.allocate(flops).n_params for each in draws.laws(law.law)]
            low, high = percentiles(drawn, LEVEL)
            return Estimate(value, low, high, f"95% of {len(drawn)} bootstrap draws")
        case ExponentInterval() as interval:
            z = NormalDist()
            deviations = z.inv_cdf((1 + LEVEL) / 2) / z.inv_cdf((1 + interval.level) / 2)
            half_width = deviations * (interval.high - interval.low) / 2
            factor = math.exp(half_width * abs(math.log(flops / interval.pivot_flops)))
            basis = f"95%, from the exponent's published {interval.level:.0%} interval alone: too narrow"
            return Estimate(value, value / factor, value * factor, basis)
        case None:
            return Estimate(value, basis="the source publishes no uncertainty")
