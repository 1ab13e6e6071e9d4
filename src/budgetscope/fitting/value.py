"""How much better N* would be known after more calibration, and what that is worth.

Porian et al. 2024 plot the accuracy of their fit against the compute spent on it. Here the same curve is
predicted before the compute is spent, from the noise that a finished fit shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.checks import MIN_BUDGETS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from budgetscope.fitting.isoflop import IsoFlopFit
    from budgetscope.fitting.table import FloatArray

Runs = Literal["shared", "separate"]

# 97.5% quantile of the standard normal distribution.
_Z = 1.959963984540054
_QUADRATURE_POINTS = 31


@dataclass(frozen=True)
class Design:
    """An IsoFLOP calibration and what it would tell.

    Attributes:
        budgets: C of each IsoFLOP curve, ascending, shape (budgets,).
        sizes: Model sizes at each budget.
        flops: Training compute of all runs together.
        log_std: Expected standard deviation of log N* at the target.
    """

    budgets: FloatArray
    sizes: int
    flops: float
    log_std: float

    @property
    def log_width(self) -> float:
        """Expected width of the 95% interval of log N* at the target."""
        return 2 * _Z * self.log_std


def calibration_flops(budgets: FloatArray, sizes: int, runs: Runs) -> float:
    """Training compute of a calibration.

    Args:
        budgets: C of each IsoFLOP curve, shape (budgets,).
        sizes: Model sizes at each budget.
        runs: "separate" trains every (budget, size) by itself, as a decaying learning rate needs;
            "shared" trains each size once and reads every budget off the same run, as a constant one
            allows: the sizes of the largest budget, and one smaller size that stops at each lower budget.
    """
    if runs == "separate":
        return float(sizes * budgets.sum())
    return float((sizes - 1) * budgets.max() + budgets.sum())


def value_of_calibration(
    fit: IsoFlopFit, target_flops: float, spend: Sequence[float], *, runs: Runs = "shared"
) -> tuple[Design, ...]:
    """Expected knowledge of N*(target) for calibrations of several costs.

    Each design starts at the fit's smallest budget, keeps its spacing and its typical number of sizes, and
    goes up to the largest budget that the spending allows; what is left over is spent by moving all
    budgets up together. Every budget is taken to determine log N* as well as the fit's budgets do, their
    scatter about the law included, and the law to hold up to the target.

    Args:
        fit: The fit whose noise is taken as typical.
        target_flops: C at which N* is wanted.
        spend: Calibration compute, FLOPs, one entry a design.
        runs: See `calibration_flops`.

    Raises:
        UsageError: If the target or a spending is not positive, or a spending does not pay for three
            budgets.
    """
    if not target_flops > 0:
        raise UsageError(f"The target of {target_flops:g} FLOPs is not positive: give a compute budget.")
    old = np.array([optimum.flops for optimum in fit.optima])
    sizes = round(float(np.median([optimum.n_sizes for optimum in fit.optima])))
    spacing = float(np.exp(np.diff(np.log(old)).mean()))
    std = _typical_std(fit, old)
    designs = []
    for flops in spend:
        budgets = _affordable(float(old[0]), spacing, sizes, flops, runs)
        designs.append(
            Design(
                budgets=budgets,
                sizes=sizes,
                flops=calibration_flops(budgets, sizes, runs),
                log_std=std * _leverage(budgets, target_flops),
            )
        )
    return tuple(designs)


def expected_cost(cost: Callable[[float], float], log_std: float) -> float:
    """Mean cost of planning with an N* whose log is off by a normal error.

    Args:
        cost: Cost, in any unit, of training `ratio` times the optimal size; zero at one.
        log_std: Standard deviation of log N*.

    Returns:
        The expectation, by Gauss-Hermite quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_QUADRATURE_POINTS)
    costs = np.array([cost(float(np.exp(log_std * node))) for node in nodes])
    return float(weights @ costs / weights.sum())


def _typical_std(fit: IsoFlopFit, flops: FloatArray) -> float:
    """Standard deviation of log N* at one budget that the fit's own draws imply.

    The exponent's draws have the spread that such a standard deviation gives the fit's own design; where the
    optima scatter more than the draws explain, that scatter counts.
    """
    x = np.log(flops) - np.log(flops).mean()
    spread = float(fit.n_params.draws[:, 1].std() * np.sqrt((x**2).sum()))
    return spread * (max(fit.scatter_ratio, 1.0) if fit.intervals == "noise" else 1.0)


def _leverage(budgets: FloatArray, target_flops: float) -> float:
    """Standard deviation of the line's value at the target for unit noise at every budget."""
    x = np.log(budgets)
    distance = np.log(target_flops) - x.mean()
    return float(np.sqrt(1 / x.size + distance**2 / ((x - x.mean()) ** 2).sum()))


def _affordable(lowest: float, spacing: float, sizes: int, flops: float, runs: Runs) -> FloatArray:
    """The budgets that the spending pays for, used up exactly."""
    count = 0
    while calibration_flops(_ladder(lowest, spacing, count + 1), sizes, runs) <= flops:
        count += 1
    if count < MIN_BUDGETS:
        need = calibration_flops(_ladder(lowest, spacing, MIN_BUDGETS), sizes, runs)
        raise UsageError(
            f"A calibration of {flops:.3g} FLOPs does not pay for {MIN_BUDGETS} budgets of {sizes} sizes: "
            f"spend at least {need:.3g} FLOPs."
        )
    budgets = _ladder(lowest, spacing, count)
    budgets *= flops / calibration_flops(budgets, sizes, runs)
    return budgets


def _ladder(lowest: float, spacing: float, count: int) -> FloatArray:
    """`count` budgets from `lowest` upwards."""
    return lowest * spacing ** np.arange(count, dtype=np.float64)
