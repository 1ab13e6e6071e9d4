"""Power laws fitted to bootstrap draws, their percentile intervals, and the one-dimensional search of all fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from budgetscope.fitting.run_table import FloatArray

LEVEL = 0.95
Intervals = Literal["noise", "scatter"]
"""What intervals hold: the noise of the runs alone, or also the scatter about the law that it does not explain."""
# Numbers in one array of a block of draws, 16 MiB: with a dozen such arrays a bootstrap stays within 200 MiB.
_BLOCK = 2**21


def blocks(draws: int, width: int) -> Iterator[slice]:
    """Yield slices that cover so many draws of so many numbers each, in blocks of bounded memory."""
    size = max(1, _BLOCK // max(width, 1))
    for start in range(0, draws, size):
        yield slice(start, min(start + size, draws))


def interval(draws: FloatArray, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of scalar draws, shape (draws,)."""
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def residual_variance(basis: FloatArray, solve: FloatArray, variances: FloatArray) -> FloatArray:
    """Return the variance of each residual of a linear fit, of points with these variances, shape (points,).

    With hat matrix H = basis @ solve, it is the sum over the row of (I - H)^2 times the variances; H is not formed.

    Args:
        basis: shape (points, parameters).
        solve: from values to parameters, shape (parameters, points).
        variances: shape (points,).
    """
    own = np.einsum("ik,ki->i", basis, solve)
    of_others = np.einsum("ik,kl,il->i", basis, (solve * variances) @ solve.T, basis)
    return np.asarray((1 - 2 * own) * variances + of_others, dtype=np.float64)


@dataclass(frozen=True)
class PowerLaw:
    """y = coefficient * C^exponent, with bootstrap draws.

    Attributes:
        coefficient: y at C = 1 FLOP.
        exponent: slope in log-log.
        r2: unweighted coefficient of determination of log y.
        draws: bootstrap draws of (ln coefficient, exponent), shape (draws, 2).
    """

    coefficient: float
    exponent: float
    r2: float
    draws: FloatArray

    def at(self, flops: float) -> float:
        """Return the law's value at `flops`."""
        return float(np.exp(np.log(self.coefficient) + self.exponent * np.log(flops)))

    def exponent_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the exponent."""
        return interval(self.draws[:, 1], level)

    def coefficient_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the coefficient."""
        low, high = interval(self.draws[:, 0], level)
        return float(np.exp(low)), float(np.exp(high))

    def interval_at(self, flops: float, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the law's value at `flops`."""
        low, high = interval(self.draws @ np.array([1.0, np.log(flops)]), level)
        return float(np.exp(low)), float(np.exp(high))


def fit_power_law(flops: FloatArray, y: FloatArray, weights: FloatArray, y_draws: FloatArray) -> PowerLaw:
    """Fit log y on log C by weighted least squares, once for the points and once for each draw.

    Args:
        flops: C, shape (budgets,).
        y: values, shape (budgets,).
        weights: weight of each budget, 1/variance of log y, shape (budgets,).
        y_draws: values in each draw, shape (draws, budgets).
    """
    x = np.log(flops)
    # The intercept is taken at the weighted mean of log C, where it does not depend on the slope.
    centre = np.average(x, weights=weights)
    slope_row = weights * (x - centre) / (weights * (x - centre) ** 2).sum()
    mean_row = weights / weights.sum()

    def solve(log_y: FloatArray) -> FloatArray:
        slope = log_y @ slope_row
        return np.stack([log_y @ mean_row - slope * centre, slope], axis=-1)

    log_y = np.log(y)
    ln_coefficient, exponent = solve(log_y)
    residual = log_y - ln_coefficient - exponent * x
    total = ((log_y - log_y.mean()) ** 2).sum()
    r2 = 1 - (residual**2).sum() / total if total > 0 else 1.0
    return PowerLaw(float(np.exp(ln_coefficient)), float(exponent), float(r2), solve(np.log(y_draws)))


def extra_variance(basis: FloatArray, y: FloatArray, weights: FloatArray, explained: FloatArray) -> tuple[float, float]:
    """Return the variance of y about its law beyond what is explained, and the ratio of the standard deviations.

    The method of moments of DerSimonian and Laird (1986), for any linear law: with hat matrix H, the weighted sum
    of squared residuals is expected to be the sum of w (I - H) V (I - H)^T over the diagonal.

    Args:
        basis: terms of the law at each point, shape (points, terms).
        y: values, shape (points,).
        weights: of the points in the fit, shape (points,).
        explained: variance of each point that the noise explains, shape (points,).
    """
    solve = np.asarray(np.linalg.solve(basis.T @ (weights[:, None] * basis), basis.T * weights), dtype=np.float64)
    seen = float(weights @ (y - basis @ (solve @ y)) ** 2)
    from_noise = float(weights @ residual_variance(basis, solve, explained))
    from_one = float(weights @ residual_variance(basis, solve, np.ones_like(explained)))
    ratio = float(np.sqrt(seen / from_noise)) if from_noise > 0 else float("inf")
    return max(0.0, (seen - from_noise) / from_one), ratio


def golden_section(
    objective: Callable[[FloatArray], FloatArray], grid: FloatArray, rows: int, refinements: int = 40
) -> FloatArray:
    """Minimise one-dimensional objectives, all rows at once: the best of a grid, then golden section.

    Args:
        objective: maps one abscissa a row to one value a row, shapes (rows,).
        grid: abscissas tried first, ascending; the search never leaves them.
        rows: number of objectives.
        refinements: each narrows the bracket by 0.618.

    Returns:
        The minimisers, shape (rows,).
    """
    best = np.argmin([objective(np.full(rows, point)) for point in grid], axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, grid.size - 1)]
    ratio = (np.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = objective(left), objective(right)
    for _ in range(refinements):
        worse = at_left > at_right
        low, high = np.where(worse, left, low), np.where(worse, high, right)
        # One of the two points divides the narrower bracket as well.
        new = np.where(worse, low + ratio * (high - low), high - ratio * (high - low))
        at_new = objective(new)
        left, right = np.where(worse, right, new), np.where(worse, new, left)
        at_left, at_right = np.where(worse, at_right, at_new), np.where(worse, at_new, at_left)
    middle: FloatArray = (low + high) / 2
    return middle
