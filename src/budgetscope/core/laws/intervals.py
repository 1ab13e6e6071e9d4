"""Intervals of N* and of the exponent a, from the uncertainty in a fit."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from budgetscope.core.laws.fit import Draws, ExponentInterval, Fit, percentiles
from budgetscope.core.laws.forms import AllocationLaw, LossSurface, PowerLawParams, PowerLawTokens

LEVEL = 0.95
"""Level of all intervals of budgetscope."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: in the unit of the field that holds the estimate.
        low: lower end of the interval; None without one.
        high: upper end.
        basis: the kind of interval, or why there is none.
    """

    value: float
    low: float | None = None
    high: float | None = None
    basis: str = ""


def params_interval(fit: Fit, flops: float) -> Estimate:
    """Return N*(C) of a fit in its own convention, with its 95% interval.

    With bootstrap draws, each draw is evaluated. With a published interval of the exponent alone, N* is taken as exact
    at the middle of the fitted budgets; the interval is then too narrow, as its basis tells.
    """
    law = fit.allocation
    if law is None or not isinstance(law.law, AllocationLaw):
        raise TypeError(f"{fit.id} has no allocation law")
    value = law.law.allocate(flops).n_params
    match law.uncertainty:
        case Draws() as draws:
            sizes = [each.allocate(flops).n_params for each in draws.laws(law.law)]
            low, high = percentiles(sizes, LEVEL)
            return Estimate(value, low, high, f"95% of {len(sizes)} bootstrap draws")
        case ExponentInterval() as interval:
            half_width = _widening_factor(interval) * (interval.high - interval.low) / 2
            factor = math.exp(half_width * abs(math.log(flops / interval.pivot_flops)))
            basis = f"95%, from the exponent's published {interval.percent} interval alone: too narrow"
            return Estimate(value, value / factor, value * factor, basis)
        case None:
            return Estimate(value, basis="the source publishes no uncertainty")


def allocation_exponent(fit: Fit) -> Estimate | None:
    """Return a in N* = coefficient · C^a with its 95% interval; None if the law of a fit is not a power law in C.

    Only the exponents of draws are read, so that hundreds of fits are listed fast. A published interval is widened
    from its own level to 95%, about the value.
    """
    law = fit.allocation
    if law is None or not isinstance(law.law, PowerLawParams | PowerLawTokens | LossSurface):
        return None
    value = _exponent(law.law)
    match law.uncertainty:
        case Draws() as draws:
            exponents = _drawn_exponents(law.law, draws)
            return Estimate(value, *percentiles(exponents, LEVEL), f"95% of {len(exponents)} bootstrap draws")
        case ExponentInterval() as interval:
            half_width = _widening_factor(interval) * (interval.high - interval.low) / 2
            basis = f"95%, from the published {interval.percent} interval"
            return Estimate(value, value - half_width, value + half_width, basis)
        case None:
            return Estimate(value, basis="the source publishes no uncertainty")


def _exponent(law: PowerLawParams | PowerLawTokens | LossSurface) -> float:
    match law:
        case PowerLawParams():
            return law.exponent
        case PowerLawTokens():
            return 1 - law.exponent
        case LossSurface():
            return law.optimal_exponent


def _drawn_exponents(law: PowerLawParams | PowerLawTokens | LossSurface, draws: Draws) -> list[float]:
    if isinstance(law, LossSurface):
        alphas, betas = parameter_draws(draws, "alpha", law.alpha), parameter_draws(draws, "beta", law.beta)
        return [beta / (alpha + beta) for alpha, beta in zip(alphas, betas, strict=True)]
    exponents = parameter_draws(draws, "exponent", law.exponent)
    return exponents if isinstance(law, PowerLawParams) else [1 - exponent for exponent in exponents]


def parameter_draws(draws: Draws, name: str, otherwise: float) -> list[float]:
    """Return a parameter of every draw; `otherwise` if the draws do not have it."""
    if name in draws.columns:
        index = draws.columns.index(name)
        return [row[index] for row in draws.rows]
    if f"ln_{name}" in draws.columns:
        index = draws.columns.index(f"ln_{name}")
        return [math.exp(row[index]) for row in draws.rows]
    return [otherwise] * len(draws.rows)


def _widening_factor(interval: ExponentInterval) -> float:
    """Return the factor by which the 95% interval of a normal distribution is wider than the published one."""
    z = NormalDist()
    return z.inv_cdf((1 + LEVEL) / 2) / z.inv_cdf((1 + interval.level) / 2)
