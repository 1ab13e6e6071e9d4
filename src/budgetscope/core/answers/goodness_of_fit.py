"""Goodness of fit: how far the measured optima lie from a fit's law of N*(C), in the fit's own convention."""

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
"""Where a law is drawn whose source says no range of budgets."""

_CURVE_POINTS_PER_DECADE = 4


@dataclass(frozen=True, slots=True)
class Residual:
    """How far one measured optimum lies from the law.

    Attributes:
        flops: training FLOPs.
        value: ln(measured N / N*(C)).
        low: lower end of its 95% interval, by the standard deviation that weighted it: the noise, but never less
            than a share of the spacing between sizes.
        high: upper end.
    """

    flops: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GoodnessOfFit:
    """A fit's law of N*(C) over its own range, beside its points.

    Attributes:
        curve: the law with its interval and its points; None for a fit without a law for N and D.
        fitted: the budgets it was fitted on; None when the source says none.
        residuals: of its points; empty when it keeps none.
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
        fit: whatever it has laws for.
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
