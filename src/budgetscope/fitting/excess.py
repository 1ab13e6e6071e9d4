"""The loss above the optimum, measured: of a model of N instead of N* parameters at the same compute.

A loss surface of Hoffmann's form ties the curvature over size to the decrease of the optimal loss with compute. Where
runs do not follow that relation, as with a constant learning rate, the excess is better taken from the IsoFLOP curves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.bootstrap import LEVEL, blocks, golden_section, interval
from budgetscope.fitting.run_table import budgets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.fitting.isoflop import BudgetOptimum
    from budgetscope.fitting.run_table import FloatArray, IntArray, RunTable

# Sizes within a factor of three of the optimum, where plans lie and a cubic suffices.
WINDOW = float(np.log(3.0))
MIN_POINTS = 6
_EXPONENT_BOUNDS = (-0.5, 1.5)
_GRID = 41


@dataclass(frozen=True)
class ExcessLaw:
    """Excess loss = k C^-kappa (u^2 + skew u^3) nats per token, u = ln(N / N*(C)).

    Attributes:
        coefficient: k, in nats at C = 1 FLOP.
        exponent: kappa.
        skew: positive when too large a model costs more than too small a one.
        draws: bootstrap draws of (ln k, kappa, skew), shape (draws, 3).
        window: largest |u| that it was fitted to.
        residual_std: root mean square misfit, nats per token.
        n_points: measurements fitted.
    """

    coefficient: float
    exponent: float
    skew: float
    draws: FloatArray
    window: float
    residual_std: float
    n_points: int

    def at(self, ratio: float, flops: float) -> float:
        """Return the excess loss, nats per token, of a model `ratio` times the optimal size at `flops`."""
        u = np.log(ratio)
        scale = np.exp(np.log(self.coefficient) - self.exponent * np.log(flops))
        return float(scale * (u**2 + self.skew * u**3))

    def interval_at(self, ratio: float, flops: float, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the excess loss."""
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
        table: the runs that the optima were found in.
        optima: of an IsoFLOP fit.
        window: largest |ln(N/N*)| used.
        draws: bootstrap draws.
        seed: seed of the random generator.

    Raises:
        UsageError: there are too few measurements near the optima, they show no minimum, or none that widens with C.
    """
    near = _near(table, optima, window)
    kinds = np.unique(near.budget)
    if near.u.size < MIN_POINTS or kinds.size < 2:
        raise UsageError(
            f"only {near.u.size} runs at {kinds.size} budgets lie within a factor {np.exp(window):.1f} of "
            f"the optimum and the excess loss needs {MIN_POINTS} at two budgets: train more sizes near it."
        )
    counts = np.random.default_rng(seed).multinomial(kinds.size, np.full(kinds.size, 1 / kinds.size), size=draws)
    # The misfit is relative to each budget's own excess, which falls tenfold over the budgets: else the smallest
    # budgets would decide alone.
    number = np.searchsorted(kinds, near.budget)
    size = np.bincount(number, near.excess**2) / np.bincount(number)
    weights = np.vstack([np.ones(kinds.size), counts]) / size
    sums = _sums(near, number)
    found = [_search(sums, weights[block]) for block in blocks(draws + 1, kinds.size)]
    k, k_skew, kappa = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if k[0] <= 0 or abs(k_skew[0]) * window >= k[0]:
        raise UsageError(
            "the runs near the optima do not curve upwards on both sides: "
            "train more sizes near the best ones, or repeat seeds."
        )
    if kappa[0] <= 0:
        # Extrapolated to larger budgets, a slightly wrong size would ruin a large run.
        raise UsageError(
            "in these runs the loss above the optimum does not fall with compute: "
            "train at budgets further apart, or repeat seeds."
        )
    usable = k > 0
    ln_k = np.log(k[usable]) + kappa[usable] * near.log_flops.mean()
    laws = np.stack([ln_k, kappa[usable], k_skew[usable] / k[usable]], axis=1)
    law = ExcessLaw(float(np.exp(ln_k[0])), float(kappa[0]), float(laws[0, 2]), laws[1:], window, 0.0, number.size)
    fitted = np.exp(ln_k[0] - kappa[0] * near.log_flops) * (near.u**2 + law.skew * near.u**3)
    return replace(law, residual_std=float(np.sqrt(np.mean((near.excess - fitted) ** 2))))


@dataclass(frozen=True)
class _Near:
    """Measurements within the window: u, excess loss, log C and budget number, each of shape (points,)."""

    u: FloatArray
    excess: FloatArray
    log_flops: FloatArray
    budget: IntArray


@dataclass(frozen=True)
class _Sums:
    """What least squares in u^2 and u^3 needs of the measurements, summed over each budget, each of shape (budgets,).

    Attributes:
        ss: u^4.
        sc: u^5.
        cc: u^6.
        sy: u^2 times the excess loss.
        cy: u^3 times the excess loss.
        yy: the excess loss squared.
        log_flops: log C less its mean over the measurements.
    """

    ss: FloatArray
    sc: FloatArray
    cc: FloatArray
    sy: FloatArray
    cy: FloatArray
    yy: FloatArray
    log_flops: FloatArray


def _sums(near: _Near, number: IntArray) -> _Sums:
    def over_budgets(values: FloatArray) -> FloatArray:
        return np.bincount(number, values).astype(np.float64)

    square, cube, excess = near.u**2, near.u**3, near.excess
    return _Sums(
        ss=over_budgets(square**2),
        sc=over_budgets(square * cube),
        cc=over_budgets(cube**2),
        sy=over_budgets(square * excess),
        cy=over_budgets(cube * excess),
        yy=over_budgets(excess**2),
        log_flops=over_budgets(near.log_flops) / np.bincount(number) - near.log_flops.mean(),
    )


def _near(table: RunTable, optima: Sequence[BudgetOptimum], window: float) -> _Near:
    """Collect the measurements around the optima."""
    groups = budgets(table)
    log_flops = np.log([group.flops for group in groups])
    parts = []
    for number, optimum in enumerate(optima):
        group = groups[int(np.abs(log_flops - np.log(optimum.flops)).argmin())]
        u = np.log(group.n_params / optimum.n_params)
        inside = np.abs(u) <= window
        same = np.ones(int(inside.sum()))
        parts.append((u[inside], group.loss[inside] - optimum.loss, np.log(group.flops) * same, number * same))
    u, excess, log_c, budget = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Near(u, excess, log_c, budget.astype(np.int64))


def _search(sums: _Sums, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the best k, k * skew and kappa for each row of weights, shape (draws, budgets)."""
    kappa = golden_section(
        lambda value: _project(value, sums, weights)[2], np.linspace(*_EXPONENT_BOUNDS, _GRID), len(weights)
    )
    k, k_skew, _ = _project(kappa, sums, weights)
    return k, k_skew, kappa


def _project(kappa: FloatArray, sums: _Sums, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the best k (at the mean of log C) and k * skew for each row's kappa, and the sum of squares left."""
    once = weights * np.exp(-kappa[:, None] * sums.log_flops)
    twice = weights * np.exp(-2 * kappa[:, None] * sums.log_flops)
    ss, sc, cc = twice @ sums.ss, twice @ sums.sc, twice @ sums.cc
    sy, cy = once @ sums.sy, once @ sums.cy
    # A draw of one budget twice may leave skew undetermined: keep it finite.
    determinant = np.maximum(ss * cc - sc * sc, 1e-12 * ss * cc)
    k, k_skew = (cc * sy - sc * cy) / determinant, (ss * cy - sc * sy) / determinant
    left = weights @ sums.yy - 2 * (k * sy + k_skew * cy) + k**2 * ss + 2 * k * k_skew * sc + k_skew**2 * cc
    return k, k_skew, left
