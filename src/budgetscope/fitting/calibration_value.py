"""The value of a calibration: how much better N* would be known after it, and the waste that this saves.

Porian et al. 2024 plot the accuracy of their fit against the compute spent on it. Here the same curve is
predicted before the compute is spent, from the noise that a finished fit shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.answers.calibration_value import Knowledge, Valuation
from budgetscope.core.budget.quantities import format_flops
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import Draws
from budgetscope.core.laws.forms import PowerLawParams
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import allocation_law
from budgetscope.fitting.refusals import MIN_BUDGETS
from budgetscope.fitting.weighing import low_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from budgetscope.core.answers.calibration_value import RunsCounted
    from budgetscope.core.laws.fit import Fit, Uncertainty
    from budgetscope.fitting.run_table import FloatArray

# 97.5% quantile of the standard normal distribution.
_Z = 1.959963984540054
_QUADRATURE_POINTS = 31


@dataclass(frozen=True)
class CalibrationDesign:
    """An IsoFLOP calibration, and how well N* would be known after it.

    Attributes:
        budgets: C of each IsoFLOP curve, ascending, shape (budgets,).
        sizes: model sizes at each budget.
        flops: training compute of all runs together.
        log_std: expected standard deviation of log N* at the target.
    """

    budgets: FloatArray
    sizes: int
    flops: float
    log_std: float

    @property
    def log_width(self) -> float:
        """Expected width of the 95% interval of log N* at the target."""
        return 2 * _Z * self.log_std


def calibration_flops(budgets: FloatArray, sizes: int, runs: RunsCounted) -> float:
    """Return the training compute of a calibration, FLOPs.

    Args:
        budgets: C of each IsoFLOP curve, shape (budgets,).
        sizes: model sizes at each budget.
        runs: "separate" trains every (budget, size) by itself, as a decaying learning rate needs;
            "shared" trains each size once and reads every budget off the same run, as a constant one
            allows: the sizes of the largest budget, and one smaller size that stops at each lower budget.
    """
    if runs == "separate":
        return float(sizes * budgets.sum())
    return float((sizes - 1) * budgets.max() + budgets.sum())


@dataclass(frozen=True)
class TypicalCalibration:
    """The design and the noise of a finished calibration, taken as typical of the next one.

    Attributes:
        budgets: C of each IsoFLOP curve, ascending, shape (budgets,).
        sizes: number of model sizes at each budget that the cost is counted with: typical for "separate" runs;
            for "shared" ones those of the largest budget, whose runs pass the smaller budgets on their way.
        log_std: typical standard deviation of log N* at one budget, the scatter about the law included.
        runs: see `calibration_flops`.
        line: the law's own error, which counts beside the noise; None where the fit states none.
    """

    budgets: FloatArray
    sizes: int
    log_std: float
    runs: RunsCounted
    line: DriftingLine | None = None

    def log_std_at(self, budgets: FloatArray, target_flops: float) -> float:
        """Return the standard deviation of log N* at a target by a calibration like this one at other budgets."""
        noise = self.log_std * _leverage(budgets, target_flops)
        if self.line is None:
            return noise
        if self.line.weighed:
            line = self.weighed_at(budgets)
            return float(np.hypot(line.noise_std(target_flops), line.law_std(target_flops)))
        line = replace(self.line, low=float(budgets[0]), high=float(budgets[-1]))
        return float(np.hypot(noise, line.law_std(target_flops)))

    def weighed_at(self, budgets: FloatArray) -> DriftingLine:
        """Return the uncertainty that a calibration like this one at other budgets would have.

        It is weighed with the published exponents as this one is: it tells the level at its largest budget.

        Raises:
            ValueError: the law of this one is not weighed.
        """
        if self.line is None or not self.line.weighed:
            raise ValueError("the law is not weighed")
        low, high = float(budgets[0]), float(budgets[-1])
        level = (self.log_std * _leverage(budgets, high)) ** 2
        return replace(self.line, level_variance=level, flops_centre=high, low=low_end(low, high), high=high)

    @property
    def spacing(self) -> float:
        """Typical ratio of neighbouring budgets."""
        return float(np.exp(np.diff(np.log(self.budgets)).mean()))


def typical_calibration(fit: Fit) -> TypicalCalibration:
    """Return the design and the noise of the calibration behind a stored fit.

    The exponent has the spread that the noise of one budget gives the fit's own design; where the
    optima scatter more about the law than that, their scatter counts. Only at a constant learning rate does one run
    serve every budget that it passes: of any other schedule, or an unknown one, every run counts by itself.

    Raises:
        UsageError: the fit keeps no points, or no uncertainty of an exponent.
    """
    law = fit.laws.get("allocation")
    if (
        fit.points is None
        or len(fit.points.rows) < MIN_BUDGETS
        or law is None
        or not isinstance(law.law, PowerLawParams)
        or (spread := _exponent_std(law.uncertainty)) is None
    ):
        raise UsageError(
            f"{fit.id} keeps no optima with an uncertainty of their law, so that it says nothing about calibrations; "
            "choose a fit that has them, such as porian2024/refinedweb-tuned."
        )
    table = np.array(fit.points.rows)
    flops, n_params, sizes = (table[:, fit.points.columns.index(name)] for name in ("flops", "n_params", "n_sizes"))
    x = np.log(flops) - np.log(flops).mean()
    residual = np.log(n_params) - np.log([law.law.allocate(float(c)).n_params for c in flops])
    scatter = float(np.sqrt((residual**2).sum() / (flops.size - 2)))
    line = law.uncertainty if isinstance(law.uncertainty, DriftingLine) else None
    if line is not None and line.weighed:
        # Optima scatter about the run's own law, which the weighed one does not follow among the budgets.
        noise, scatter = float(np.sqrt(line.level_variance)) / _leverage(flops, float(flops.max())), 0.0
    else:
        noise = spread * float(np.sqrt((x**2).sum()))
    # A calibration of ours branches off for each decay, so that its runs serve every budget too.
    ours = line is not None and line.weighed
    runs: RunsCounted = "shared" if fit.schedule == "constant" or ours else "separate"
    counted = sizes[np.argmax(flops)] if runs == "shared" else np.median(sizes)
    return TypicalCalibration(flops, round(float(counted)), max(noise, scatter), runs, line)


def foretold_line(fit: Fit, budgets: Sequence[float], seeds: int) -> DriftingLine:
    """Return the uncertainty that a calibration would have, weighed with the published laws as `fit` is.

    Args:
        fit: of a finished calibration, whose noise is taken as typical.
        budgets: C of each IsoFLOP curve, ascending, FLOPs.
        seeds: runs of each size.

    Raises:
        UsageError: the fit keeps no points.
        ValueError: the fit is not weighed.
    """
    known = typical_calibration(fit)
    theirs = len(fit.provenance["seeds"].split(","))
    known = replace(known, log_std=known.log_std * float(np.sqrt(theirs / seeds)))
    return known.weighed_at(np.array(budgets))


def _exponent_std(uncertainty: Uncertainty | None) -> float | None:
    """Return the standard deviation of the exponent; None when the law has no such uncertainty."""
    if isinstance(uncertainty, DriftingLine):
        return float(np.sqrt(uncertainty.slope_variance))
    if isinstance(uncertainty, Draws) and "exponent" in uncertainty.columns:
        return float(np.std([row[uncertainty.columns.index("exponent")] for row in uncertainty.rows]))
    return None


def value_of_calibration(
    known: TypicalCalibration, target_flops: float, spend: Sequence[float]
) -> tuple[CalibrationDesign, ...]:
    """Return calibrations of several costs, with how well each would know N* at the target.

    Each design starts at the fit's smallest budget, keeps its spacing and its typical number of sizes, and
    goes up to the largest budget that the spending allows; what is left over is spent by moving all
    budgets up together. Every budget is taken to determine log N* as well as the fit's budgets do, their
    scatter about the law included, and the law to hold up to the target.

    Args:
        known: the calibration whose design and noise are taken as typical.
        target_flops: C at which N* is wanted.
        spend: calibration compute, FLOPs, one entry a design.

    Raises:
        UsageError: the target or a spending is not positive, or a spending does not pay for three
            budgets.
    """
    if not target_flops > 0:
        raise UsageError(f"the target of {target_flops:g} FLOPs is not positive: give a compute budget.")
    sizes, runs = known.sizes, known.runs
    designs = []
    for flops in spend:
        budgets = _affordable(float(known.budgets[0]), known.spacing, sizes, flops, runs)
        designs.append(
            CalibrationDesign(
                budgets=budgets,
                sizes=sizes,
                flops=calibration_flops(budgets, sizes, runs),
                log_std=known.log_std_at(budgets, target_flops),
            )
        )
    return tuple(designs)


def expected_cost(cost: Callable[[float], float], log_std: float) -> float:
    """Return the mean cost of planning with an N* whose log is off by a normal error.

    Args:
        cost: cost, in any unit, of training `ratio` times the optimal size; zero at one.
        log_std: standard deviation of log N*.

    Returns:
        The expectation, by Gauss-Hermite quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_QUADRATURE_POINTS)
    costs = np.array([cost(float(np.exp(log_std * node))) for node in nodes])
    return float(weights @ costs / weights.sum())


def _leverage(budgets: FloatArray, target_flops: float) -> float:
    """Return the standard deviation of the line's value at the target for unit noise at every budget."""
    x = np.log(budgets)
    distance = np.log(target_flops) - x.mean()
    return float(np.sqrt(1 / x.size + distance**2 / ((x - x.mean()) ** 2).sum()))


def _affordable(lowest: float, spacing: float, sizes: int, flops: float, runs: RunsCounted) -> FloatArray:
    """Return the budgets that the spending pays for, used up exactly."""
    count = 0
    while calibration_flops(_ladder(lowest, spacing, count + 1), sizes, runs) <= flops:
        count += 1
    if count < MIN_BUDGETS:
        need = calibration_flops(_ladder(lowest, spacing, MIN_BUDGETS), sizes, runs)
        raise UsageError(
            f"a calibration of {flops:.3g} FLOPs does not pay for {MIN_BUDGETS} budgets of {sizes} sizes: "
            f"spend at least {need:.3g} FLOPs."
        )
    budgets = _ladder(lowest, spacing, count)
    budgets *= flops / calibration_flops(budgets, sizes, runs)
    return budgets


def _ladder(lowest: float, spacing: float, count: int) -> FloatArray:
    """Return `count` budgets from `lowest` upwards, FLOPs."""
    return lowest * spacing ** np.arange(count, dtype=np.float64)


SHARES = (0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Shares of the target's compute that a valuation shows beside the one asked for, where they pay for enough."""


@guarded
def value(fit: Fit, target_flops: float, share: float | None) -> Valuation:
    """Return what calibrations for shares of the target's compute would be worth: `SHARES`, and one asked for.

    Args:
        fit: the law that plans the target, and whose points and noise are taken as typical.
        target_flops: C to be planned, in the fit's own counting.
        share: of that compute to spend on calibration, above zero and at most one; None for `SHARES` alone.

    Raises:
        UsageError: the fit keeps no points with draws, the share is out of bounds, or it does not pay for
            three budgets; without one, no share does.
    """
    if share is not None and not 0 < share <= 1:
        raise UsageError(f"a calibration of {share:.3g} of the budget is out of bounds: give a share like 2%.")
    known, loss_model = typical_calibration(fit), LossModel(fit)
    n_params = allocation_law(fit).allocate(target_flops).n_params
    enough = calibration_flops(_ladder(known.budgets[0], known.spacing, MIN_BUDGETS), known.sizes, known.runs)
    shares = sorted({*(() if share is None else (share,)), *(s for s in SHARES if s * target_flops >= enough)})
    if not shares:
        remedy = f"give a share that does, such as --calibration {1.01 * enough / target_flops:.2g}"
        if 1.01 * enough > target_flops:
            remedy = f"ask with a budget of at least {format_flops(enough / SHARES[-1])} FLOPs"
        raise UsageError(
            f"{SHARES[-1]:.0%} of {format_flops(target_flops)} FLOPs pays for no calibration, which takes "
            f"{format_flops(enough)} FLOPs at least: {remedy}."
        )
    own = CalibrationDesign(
        known.budgets,
        known.sizes,
        calibration_flops(known.budgets, known.sizes, known.runs),
        known.log_std_at(known.budgets, target_flops),
    )

    def knowledge(design: CalibrationDesign) -> Knowledge:
        reach = float(np.exp(design.log_width / 2))
        return Knowledge(
            flops=design.flops,
            share=design.flops / target_flops,
            n_budgets=design.budgets.size,
            largest_budget=float(design.budgets[-1]),
            n_params_low=n_params / reach,
            n_params_high=n_params * reach,
            wasted_share=_expected_waste(loss_model, target_flops, n_params, design.log_std),
        )

    designs = value_of_calibration(known, target_flops, [s * target_flops for s in shares])
    return Valuation(fit.id, target_flops, n_params, knowledge(own), tuple(map(knowledge, designs)), known.runs)


def _expected_waste(loss_model: LossModel, flops: float, n_params: float, log_std: float) -> float | None:
    if loss_model.wasted_share(flops, n_params) is None:
        return None
    return expected_cost(lambda ratio: loss_model.wasted_share(flops, ratio * n_params) or 0.0, log_std)
