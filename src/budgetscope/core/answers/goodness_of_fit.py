"""Goodness of fit: the residuals of the measured optima from the law of N*(C), in the fit's own convention."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from budgetscope.core.answers.curves import Curve, curve
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.laws.fit import Fit, Range
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import LEVEL
from budgetscope.core.laws.operating_point import allocation_law

UNKNOWN_RANGE = Range(1e18, 1e24)
"""Budgets at which a law without a stated range is drawn."""

_CURVE_POINTS_PER_DECADE = 4


@dataclass(frozen=True, slots=True)
class Residual:
    """The residual of one measured optimum.

    Attributes:
        flops: training FLOPs.
        value: ln(measured N / N*(C)).
        low: lower end of its 95% interval, from its standard deviation in the fit: the noise, but at least a share of
            the spacing between sizes.
        high: upper end.
    """

    flops: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GoodnessOfFit:
    """The law of N*(C) of a fit over its own range, with its residuals.

    Attributes:
        curve: the law with its interval and its points; None for a fit without a law for N and D.
        fitted: the range of budgets of its data; None when the source states none.
        residuals: of its points; empty without points.
    """

    curve: Curve | None
    fitted: Range | None
    residuals: tuple[Residual, ...]

    @property
    def rms(self) -> float | None:
        """Root mean square of the residuals, in units of ln N; None without points."""
        if not self.residuals:
            return None
        return math.sqrt(sum(residual.value**2 for residual in self.residuals) / len(self.residuals))


@guarded
def goodness_of_fit(fit: Fit, family: ShapeFamily) -> GoodnessOfFit:
    """Return a fit's law over whole decades around its budgets, and the residuals of its points.

    Args:
        fit: with or without a law for N and D.
        family: the shapes with its vocabulary and context.

    Raises:
        FailureError: its laws give no usable numbers there.
    """
    law = fit.allocation
    if law is None:
        return GoodnessOfFit(None, None, ())
    fitted = law.fitted.get("flops")
    around = fitted or UNKNOWN_RANGE
    first, last = math.floor(math.log10(around.low)), math.ceil(math.log10(around.high))
    steps = max(last - first, 1) * _CURVE_POINTS_PER_DECADE
    grid = [10.0 ** (first + step / _CURVE_POINTS_PER_DECADE) for step in range(steps + 1)]
    return GoodnessOfFit(curve(fit, fit.counting, family, grid), fitted, _residuals(fit))


def _residuals(fit: Fit) -> tuple[Residual, ...]:
    if fit.points is None:
        return ()
    law, deviations = allocation_law(fit), NormalDist().inv_cdf((1 + LEVEL) / 2)
    found = []
    for flops, n_params, _, _, ln_sd, *_ in fit.points.rows:
        value = math.log(n_params / law.allocate(flops).n_params)
        found.append(Residual(flops, value, value - deviations * ln_sd, value + deviations * ln_sd))
    return tuple(found)
