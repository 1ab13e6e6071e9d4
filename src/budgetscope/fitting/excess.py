"""What being off the optimum costs, measured: the excess loss of N against N* at the same compute.

A loss surface of Hoffmann's form ties the steepness across sizes to the slow fall along the optimum. Where
runs do not obey that tie, as with a constant learning rate, the excess is better read off the IsoFLOP
curves themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.bootstrap import LEVEL, golden_section, interval
from budgetscope.fitting.table import budgets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.fitting.isoflop import BudgetOptimum
    from budgetscope.fitting.table import FloatArray, RunTable

# Sizes within a factor of three of the optimum: where plans are made, and where a cubic suffices.
WINDOW = float(np.log(3.0))
MIN_POINTS = 6
_EXPONENT_BOUNDS = (-0.5, 1.5)


@dataclass(frozen=True)
class ExcessLaw:
    """Excess loss = k C^-kappa (u^2 + skew u^3) nats per token, u = ln(N / N*(C)).

    Attributes:
        coefficient: k, in nats at C = 1 FLOP.
        exponent: kappa.
        skew: Positive when too large a model costs more than too small a one.
        draws: Bootstrap draws of (ln k, kappa, skew), shape (draws, 3).
        window: Largest |u| that it was fitted to.
        residual_std: Root mean square misfit, nats per token.
        n_points: Measurements fitted.
    """

    coefficient: float
    exponent: float
    skew: float
    draws: FloatArray
    window: float
    residual_std: float
    n_points: int

    def at(self, ratio: float, flops: float) -> float:
        """Excess loss, nats per token, of a model `ratio` times the optimal size at `flops`."""
        u = np.log(ratio)
        scale = np.exp(np.log(self.coefficient) - self.exponent * np.log(flops))
        return float(scale * (u**2 + self.skew * u**3))

    def interval_at(self, ratio: float, flops: float, level: float = LEVEL) -> tuple[float, float]:
        """Percentile interval of the excess loss."""
        u = np.log(ratio)
        ln_k, kappa, skew = self.draws.T
        return interval(np.exp(ln_k - kappa * np.log(flops)) * (u**2 + skew * u**3), level)


def fit_excess(
    table: RunTable,
    optima: Sequence[BudgetOptimum],
    *,
    window: float = WINDOW,
    draws: int = 1000,
    seed: int = 0,
) -> ExcessLaw:
    """Fit the excess law to the measurements near each budget's optimum.

    Least squares relative to each budget's mean excess; for a given kappa the rest is linear, so only kappa
    is searched. The bootstrap draws whole budgets, whose measurements share the error of N* and of the loss.

    Args:
        table: The runs that the optima were found in.
        optima: Of an IsoFLOP fit.
        window: Largest |ln(N/N*)| used.
        draws: Bootstrap draws.
        seed: Seed of the random generator.

    Raises:
        UsageError: If there are too few measurements near the optima, or they show no minimum.
    """
    u, excess, flops, budget = _near(table, optima, window)
    if u.size < MIN_POINTS or np.unique(budget).size < 2:
        raise UsageError(
            f"Only {u.size} runs at {np.unique(budget).size} budgets lie within a factor {np.exp(window):.1f} of "
            f"the optimum and the excess loss needs {MIN_POINTS} at two budgets: train more sizes near it."
        )
    c = np.log(flops)
    centre = c.mean()
    kinds = np.unique(budget)
    counts = np.random.default_rng(seed).multinomial(kinds.size, np.full(kinds.size, 1 / kinds.size), size=draws)
    # Misfit grows with the excess itself, which falls tenfold over the budgets: count it relative to the
    # budget's own, or the smallest budgets decide alone.
    number = np.searchsorted(kinds, budget)
    size = np.bincount(number, excess**2) / np.bincount(number)
    weights = np.vstack([np.ones(u.size), counts[:, number]]) / size[number]

    def project(kappa: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Best k and k * skew of each row, and the weighted sum of squares left."""
        scale = np.exp(-kappa[:, None] * (c - centre))
        square, cube = scale * u**2, scale * u**3
        ss, sc, cc = ((weights * p * q).sum(axis=1) for p, q in ((square, square), (square, cube), (cube, cube)))
        sy, cy = (weights * square) @ excess, (weights * cube) @ excess
        determinant = np.maximum(ss * cc - sc * sc, 1e-12 * ss * cc)
        k, k_skew = (cc * sy - sc * cy) / determinant, (ss * cy - sc * sy) / determinant
        left = (weights * (excess - k[:, None] * square - k_skew[:, None] * cube) ** 2).sum(axis=1)
        return k, k_skew, left

    kappa = golden_section(lambda value: project(value)[2], np.linspace(*_EXPONENT_BOUNDS, 41), len(weights))
    k, k_skew, _ = project(kappa)
    if k[0] <= 0 or abs(k_skew[0]) * window >= k[0]:
        raise UsageError(
            "The runs near the optima do not curve upwards on both sides: "
            "train more sizes near the best ones, or repeat seeds."
        )
    shape = k[0] * u**2 + k_skew[0] * u**3
    usable = k > 0
    ln_k = np.log(k[usable]) + kappa[usable] * centre
    all_draws = np.stack([ln_k, kappa[usable], k_skew[usable] / k[usable]], axis=1)
    return ExcessLaw(
        coefficient=float(np.exp(ln_k[0])),
        exponent=float(kappa[0]),
        skew=float(k_skew[0] / k[0]),
        draws=all_draws[1:],
        window=window,
        residual_std=float(np.sqrt(np.mean((excess - np.exp(-kappa[0] * (c - centre)) * shape) ** 2))),
        n_points=u.size,
    )


def _near(
    table: RunTable, optima: Sequence[BudgetOptimum], window: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """u, excess loss, C and budget number of every measurement within the window, shape (points,)."""
    groups = {group.flops: group for group in budgets(table)}
    parts = []
    for number, optimum in enumerate(optima):
        group = groups[optimum.flops]
        u = np.log(group.n_params / optimum.n_params)
        near = np.abs(u) <= window
        size = int(near.sum())
        parts.append(
            np.stack(
                [
                    u[near],
                    group.loss[near] - optimum.loss,
                    np.full(size, group.flops),
                    np.full(size, float(number)),
                ]
            )
        )
    u, excess, flops, budget = np.concatenate(parts, axis=1)
    return u, excess, flops, budget
