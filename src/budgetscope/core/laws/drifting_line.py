"""The uncertainty of N*(C) by the joint fit: the noise of the runs, and an error of the law that grows with distance.

For ln N* = level + slope * ln(C / flops_centre). Ten numbers instead of a thousand draws; standard library only.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

MAX_DOF = 10_000
"""Degrees of freedom above which Student's t is a normal to five digits."""

_WIDEST = 50.0
"""Largest half width of ln N*: a factor of 5e21 either way says nothing, and its powers stay ordinary numbers."""


@dataclass(frozen=True, slots=True)
class DriftingLine:
    """Covariance of a line in ln C, and a law error that grows with the distance to its budgets.

    Attributes:
        level_variance: of ln N* at `flops_centre`, by noise.
        slope_variance: of the exponent.
        covariance: of the two.
        flops_centre: geometric mean of the budgets.
        dof: degrees of freedom of those three, a whole number.
        drift: standard deviation of ln N* an e-fold of compute, of the law.
        drift_start: e-folds of it that count at the edge of the budgets already.
        bend: the same for the bend of the budgets' own optima, up to a distance of the budgets' own span.
        low: the smallest budget.
        high: the largest.
    """

    level_variance: float
    slope_variance: float
    covariance: float
    flops_centre: float
    dof: int
    drift: float
    drift_start: float
    bend: float
    low: float
    high: float

    @property
    def weighed(self) -> bool:
        """Whether its exponent is weighed with published ones: then the slope's variance holds the law's drift."""
        return self.drift == 0

    def noise_std(self, flops: float) -> float:
        """Return the standard deviation of ln N* by the noise of the runs."""
        shift = math.log(flops / self.flops_centre)
        return math.sqrt(max(self.level_variance + 2 * shift * self.covariance + shift**2 * self.slope_variance, 0.0))

    def law_std(self, flops: float) -> float:
        """Return the standard deviation of ln N* by the law's own error."""
        distance = max(0.0, math.log(flops / self.high), math.log(self.low / flops))
        straight = self.drift * (self.drift_start + distance)
        return math.hypot(straight, self.bend * (self.drift_start + min(distance, math.log(self.high / self.low))))

    def half_width(self, flops: float, level: float = 0.95, *, law: bool = True) -> float:
        """Return half of the interval of ln N* at a budget.

        Args:
            flops: the budget.
            level: probability inside.
            law: whether the law's own error counts, in quadrature: a normal beside Student's t of the noise.
        """
        probability = (1 + level) / 2
        noise = t_quantile(self.dof, probability) * self.noise_std(flops)
        width = math.hypot(noise, NormalDist().inv_cdf(probability) * self.law_std(flops)) if law else noise
        return min(width, _WIDEST)

    def exponent_half_width(self, level: float = 0.95) -> float:
        """Return half of the interval of the exponent.

        Among the budgets it is by the noise of the runs, of `dof` degrees of freedom. A weighed one is a normal: the
        published exponents bound it, however few the runs are.
        """
        probability = (1 + level) / 2
        quantile = NormalDist().inv_cdf(probability) if self.weighed else t_quantile(self.dof, probability)
        return quantile * math.sqrt(self.slope_variance)


@lru_cache(maxsize=256)
def t_quantile(dof: int, probability: float) -> float:
    """Return the quantile of Student's t with a whole number of degrees of freedom, for a probability above 1/2."""
    low, high = 0.0, 1.0
    while _t_inside(dof, high) < 2 * probability - 1:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_inside(dof, middle) < 2 * probability - 1 else (low, middle)
    return (low + high) / 2


def _t_inside(dof: int, t: float) -> float:
    """Return the probability that |t| is less (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(dof))
    cosine = math.cos(angle)
    odd = dof % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for k in range(1 + odd, dof, 2):
        total += term
        term *= cosine**2 * k / (k + 1)
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
