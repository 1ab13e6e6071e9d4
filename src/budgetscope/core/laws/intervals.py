"""Intervals of N* and of the exponent a, from the uncertainty in a fit."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from statistics import NormalDist

from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import Draws, ExponentInterval, Fit, percentiles
from budgetscope.core.laws.forms import AllocationLaw, LossSurface, PowerLawParams, PowerLawTokens

LEVEL = 0.95
"""Level of all intervals of budgetscope."""

MAX_SPAN = 30.0
"""Factor from the lower to the upper end of N's interval above which there is no plan."""

_BISECTIONS = 12
"""Steps that find a budget to a few percent."""


class Kind(StrEnum):
    """What an interval rests on, where programs or sentences must know it."""

    OTHER = ""
    STATED = "stated"
    """The number is of the request."""
    ELSEWHERE = "elsewhere"
    """An MFU of other devices or sizes."""
    PUBLISHED_LAWS = "published-laws"
    """The range over published laws."""
    EXPONENT_ALONE = "exponent-alone"
    """The published interval of an exponent alone: too narrow."""
    NOISE_AND_LAW = "noise-and-law"
    """The noise of the runs and the error of the law."""
    NOISE_ALONE = "noise-alone"
    """The noise of the runs without the error of the law: too narrow beyond its data."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: in the unit of the field that holds the estimate.
        low: lower end of the interval; None without one.
        high: upper end.
        basis: the kind of interval, or why there is none, in words.
        kind: the same for programs.
    """

    value: float
    low: float | None = None
    high: float | None = None
    basis: str = ""
    kind: Kind = Kind.OTHER

    def plus(self, difference: float) -> "Estimate":
        """Return the estimate of a number that is larger by a known difference."""
        low, high = (None if end is None else end + difference for end in (self.low, self.high))
        return replace(self, value=self.value + difference, low=low, high=high)

    def times(self, factor: float) -> "Estimate":
        """Return the estimate of a number that is larger by a known factor."""
        low, high = (None if end is None else end * factor for end in (self.low, self.high))
        return replace(self, value=self.value * factor, low=low, high=high)


def params_interval(fit: Fit, flops: float) -> Estimate:
    """Return N*(C) of a fit in its own convention, with its 95% interval.

    With bootstrap draws, each draw is evaluated. The line of a joint fit has the law's own error in its interval.
    With a published interval of the exponent alone, N* is taken as exact at the middle of the fitted budgets; the
    interval is then too narrow, as its basis tells.
    """
    law = fit.allocation
    if law is None or not isinstance(law.law, AllocationLaw):
        raise TypeError(f"{fit.id} has no allocation law")
    value = law.law.allocate(flops).n_params
    match law.uncertainty:
        case Draws() as draws:
            low, high = percentiles(_sizes(law.law, draws, flops, value), LEVEL)
            return Estimate(value, low, high, draws.basis, Kind.OTHER if draws.forecast else Kind.NOISE_ALONE)
        case DriftingLine() as line:
            factor = math.exp(line.half_width(flops, LEVEL))
            basis = _("95%: noise of the runs and error of the law")
            if line.weighed:
                basis = _("95%: noise of the runs, and error of an exponent combined with published ones")
            return Estimate(value, value / factor, value * factor, basis, Kind.NOISE_AND_LAW)
        case ExponentInterval() as interval:
            half_width = _widening_factor(interval) * (interval.high - interval.low) / 2
            factor = math.exp(half_width * abs(math.log(flops / interval.pivot_flops)))
            basis = _("95%, from the exponent's published {level} interval alone: too narrow")
            return Estimate(
                value, value / factor, value * factor, basis.format(level=interval.percent), Kind.EXPONENT_ALONE
            )
        case None:
            return Estimate(value, basis=_("the source publishes no uncertainty"))


def _sizes(law: AllocationLaw, draws: Draws, flops: float, value: float) -> list[float]:
    """Return N* of every draw, where that of the law itself is `value`."""
    if isinstance(law, LossSurface):
        law, draws = law.optimum, _optima(draws, law)
    fast = draws.results(law, value, law.size_weights(flops))
    return [each.allocate(flops).n_params for each in draws.laws(law)] if fast is None else fast


@lru_cache(maxsize=64)
def _optima(draws: Draws, law: LossSurface) -> Draws:
    """Return the draws of N*(C) of a surface, which is a power law."""
    optima = [surface.optimum for surface in draws.laws(law)]
    return Draws(("ln_coefficient", "exponent"), tuple((math.log(law.coefficient), law.exponent) for law in optima))


def check_span(fit: Fit, flops: float, interval: Estimate) -> None:
    """Refuse a budget at which a fit knows N* no better than within a factor `MAX_SPAN`.

    Args:
        fit: the law.
        flops: the budget, in the fit's own convention.
        interval: of N* there; one without ends is of a source that publishes no uncertainty, and passes.

    Raises:
        UsageError: the interval is wider, with the largest budget that it allows.
    """
    if not _is_too_wide(interval):
        return
    raise UsageError(
        f"{fit.id} knows N at {flops:.3g} FLOPs only within a factor of {_span(interval):.3g}, "
        f"and a plan needs {MAX_SPAN:.0f}: {_within(fit, flops)}fit more and larger runs, or choose "
        "another law with --law."
    )


def _within(fit: Fit, flops: float) -> str:
    """Return the budget up to which N is known well enough, as advice; empty where it is so at none."""
    law = fit.allocation
    fitted = law.fitted.get("flops") if law is not None else None
    if fitted is None:
        return ""
    good, bad = math.log(min(max(flops, fitted.low), fitted.high)), math.log(flops)
    if _is_too_wide(params_interval(fit, math.exp(good))):
        return ""
    for _step in range(_BISECTIONS):
        middle = (good + bad) / 2
        good, bad = (good, middle) if _is_too_wide(params_interval(fit, math.exp(middle))) else (middle, bad)
    # Rounded inwards.
    most = good < bad
    return f"ask for at {'most' if most else 'least'} {math.exp(good) * (0.95 if most else 1.05):.2g} FLOPs, or "


def _is_too_wide(interval: Estimate) -> bool:
    return _span(interval) > MAX_SPAN


def _span(interval: Estimate) -> float:
    """Return the factor between the ends; 1 without ends, or with ends that are no sizes, which others refuse."""
    low, high = interval.low, interval.high
    return high / low if low is not None and high is not None and 0 < low <= high < math.inf else 1.0


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
            return Estimate(value, *percentiles(exponents, LEVEL), draws.basis)
        case DriftingLine() as line:
            half_width = line.exponent_half_width(LEVEL)
            basis = _("95%, without the law's error beyond its budgets")
            if line.weighed:
                basis = _("95%, combined with the published exponents")
            return Estimate(value, value - half_width, value + half_width, basis)
        case ExponentInterval() as interval:
            half_width = _widening_factor(interval) * (interval.high - interval.low) / 2
            basis = _("95%, from the published {level} interval").format(level=interval.percent)
            return Estimate(value, value - half_width, value + half_width, basis)
        case None:
            return Estimate(value, basis=_("the source publishes no uncertainty"))


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
