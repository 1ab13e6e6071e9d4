"""Weighs a calibration's own law of N*(C) with the published tuned laws.

A few decades of small models hardly tell the exponent that holds ten decades above them, and every published law whose
runs were tuned has nearly the same one. So the run has its say on the level, at its own largest budget, and on the
exponent as far as its interval allows; the published laws' spread is the prior of the exponent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.forms import PowerLawParams
from budgetscope.fitting.stored_laws import rounded

if TYPE_CHECKING:
    from collections.abc import Collection

    from budgetscope.fitting.joint import JointFit
    from budgetscope.fitting.stored_fit import FitPart

PUBLISHED = {
    "porian2024/refinedweb-tuned": 0.499,
    "porian2024/openwebtext2-tuned": 0.506,
    "besiroglu2024/refit": 0.529,
    "hoffmann2022/approach-1": 0.513,
    "hoffmann2022/approach-2": 0.505,
    "deepseek2024/current-data": 0.535,
}
"""Exponents of N*(C) by the standard count between 1e18 and 1e22 FLOPs, of the bundled fits of these ids: Porian et al.
2024 (arXiv 2406.19146), Besiroglu et al. 2024 (arXiv 2404.10102), Hoffmann et al. 2022 (arXiv 2203.15556), DeepSeek
2024 (arXiv 2401.02954). Kaplan's, Porian's untuned steps and Hoffmann's approach 3 are left out: later work corrects
them."""


def prior_of(exponents: Collection[float]) -> tuple[float, float]:
    """Return the mean of some exponents, and the standard deviation of one more of them about it."""
    mean = math.fsum(exponents) / len(exponents)
    variance = math.fsum((value - mean) ** 2 for value in exponents) / (len(exponents) - 1)
    return mean, math.sqrt(variance * (1 + 1 / len(exponents)))


PRIOR_MEAN, PRIOR_STD = prior_of(PUBLISHED.values())
"""Of the exponent of one more tuned law."""
OWN_REACH = 2.6
"""E-folds beyond its largest budget over which the level of a run is told to err as its own law does alone: the
farthest that a calibration was measured beyond its own budgets (`benchmarks/coverage.py`: c by a and b, 14 times).
Farther on, the combined exponent's error alone holds the optima of planted calibrations whose heads bend them, and
Porian et al.'s law at 1e22 FLOPs."""
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Weighed:
    """The law to plan by: ln N* = ln `n_params` + `exponent` * ln(C / `flops`).

    Attributes:
        n_params: N* by the run's own law at its largest budget.
        flops: that budget.
        exponent: the precision-weighted mean of the run's own and the published ones.
        line: its uncertainty.
        own: the run's own exponent and its standard deviation, of the noise and of the law beyond the budgets.
    """

    n_params: float
    flops: float
    exponent: float
    line: DriftingLine
    own: tuple[float, float]

    @property
    def coefficient(self) -> float:
        """N* at C = 1 FLOP."""
        return math.exp(math.log(self.n_params) - self.exponent * math.log(self.flops))

    def log_n_at(self, flops: float) -> float:
        """Return ln N* at a budget."""
        return math.log(self.n_params) + self.exponent * math.log(flops / self.flops)

    @property
    def facts(self) -> dict[str, str]:
        """Own, published and combined exponent with 95%, by name."""
        own, std = self.own
        return {
            "exponent_own": f"{_interval(own, std)}, by noise and the error of a law beyond its budgets",
            "exponent_published": f"{_interval(PRIOR_MEAN, PRIOR_STD)}, {len(PUBLISHED)} tuned laws",
            # `DriftingLine.exponent_half_width` says the same.
            "exponent_combined": _interval(self.exponent, math.sqrt(self.line.slope_variance)),
        }


def weighed(fit: JointFit, prior: tuple[float, float] = (PRIOR_MEAN, PRIOR_STD)) -> Weighed:
    """Return a calibration's law, weighed with the published ones.

    The error of its own law grows beyond its largest budget as alone, over `OWN_REACH`; from there on that of the
    combined exponent alone does. Its line has no drift: `DriftingLine.weighed`.

    Args:
        fit: of the run.
        prior: mean and standard deviation of the exponent.
    """
    mean, std = prior
    own = fit.uncertainty
    own_variance = own.slope_variance + fit.drift**2 + fit.bend**2
    precision = 1 / own_variance + 1 / std**2
    top = fit.flops_range[1]
    line = DriftingLine(
        level_variance=own.noise_std(top) ** 2,
        slope_variance=1 / precision,
        covariance=0.0,
        flops_centre=top,
        dof=own.dof,
        drift=0.0,
        drift_start=fit.drift_start,
        bend=math.hypot(fit.drift, fit.bend),
        low=low_end(*fit.flops_range),
        high=top,
    )
    exponent = (fit.exponent / own_variance + mean / std**2) / precision
    return Weighed(fit.at(top), top, exponent, line, (fit.exponent, math.sqrt(own_variance)))


def low_end(low: float, high: float) -> float:
    """Return the smallest budget of a weighed line: the run's own one, within `OWN_REACH` of its largest."""
    return max(low, high * math.exp(-OWN_REACH))


def weigh_in(part: FitPart, law: Weighed) -> FitPart:
    """Return the laws of a joint fit with the weighed one of N*(C) in place of its own."""
    own = part.laws["allocation"]
    numbers = {f.name: rounded(getattr(law.line, f.name)) for f in fields(DriftingLine) if f.name != "dof"}
    exponents = "; ".join(f"{name.removeprefix('exponent_')} {text}" for name, text in law.facts.items())
    allocation = replace(
        own,
        law=PowerLawParams(law.coefficient, law.exponent),
        uncertainty=DriftingLine(dof=law.line.dof, **numbers),
        note=f"Exponent: {exponents}; plans follow it from the level at the largest budget. {own.note}".rstrip(),
    )
    return replace(part, laws={**part.laws, "allocation": allocation}, dropped={**part.dropped, **law.facts})


def _interval(value: float, std: float) -> str:
    return f"{value:.3f} [{value - _Z95 * std:.3f}, {value + _Z95 * std:.3f}]"
