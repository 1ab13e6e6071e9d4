"""The lowest loss of one cell over learning rate and batch, for many noisy copies of the cell at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.fitting.curve_minimum import akima, akima_minimum

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import BoolArray, FloatArray, IntArray
    from budgetscope.fitting.sweep import SweepCell

MIN_LEARNING_RATES = 3
MIN_BATCHES = 3
# The smooth surface has seven coefficients; two points more let it smooth.
MIN_SURFACE_POINTS = 9
# Misfit of the smooth surface, as a share of the loss above the minimum: high points weigh less, and the more so the
# less noise the runs have.
_MISFIT_SHARE = 0.2
# Share of that misfit that is added to the copies. On planted surfaces, all of it makes intervals half as wide again
# as needed; with none of it they miss the optimum of a skewed surface.
_MISFIT_DRAWN = 0.5
_REWEIGHTINGS = 8
# Less noise than any training run has: keeps the weights finite where no noise is stated.
_LEAST_STD = 1e-5
# Bound of the slope of the best learning rate in the batch, in units of the grid: keeps the reweighting stable.
_MAX_TILT = 2.0
# Grid steps beyond the grid within which the surface's minimum is still taken, so that draws near the edge keep their
# spread.
_BEYOND_STEPS = 1.0


@dataclass(frozen=True)
class Minima:
    """The lowest point of each copy of a cell; the first copy is the cell as measured.

    Attributes:
        log_lr: natural log of the best learning rate, shape (copies,).
        log_batch: natural log of the best batch in tokens, shape (copies,).
        log_loss: log loss there, shape (copies,).
        lr_edge: -1 where the learning rate is at the low end of the grid, 1 at the high end, else 0.
        batch_edge: the same for the batch.
        convex: False where a smoothed surface has no minimum, shape (copies,).
    """

    log_lr: FloatArray
    log_batch: FloatArray
    log_loss: FloatArray
    lr_edge: IntArray
    batch_edge: IntArray
    convex: BoolArray

    @property
    def interior(self) -> BoolArray:
        """Copies whose minimum lies inside the grid."""
        inside: BoolArray = self.convex & (self.lr_edge == 0) & (self.batch_edge == 0)
        return inside


@dataclass(frozen=True)
class Grid:
    """The points of a cell, each with its best beta2.

    Attributes:
        log_lr: shape (points,), ascending within a batch.
        log_batch: shape (points,), ascending.
    """

    log_lr: FloatArray
    log_batch: FloatArray

    @classmethod
    def of(cls, cell: SweepCell) -> Grid:
        """Return the grid of a cell."""
        return cls(np.log(cell.learning_rate[cell.starts]), np.log(cell.batch_tokens[cell.starts]))

    def rows(self) -> list[IntArray]:
        """Return the points of each batch that has enough learning rates for an interior minimum."""
        rows = [np.flatnonzero(self.log_batch == level) for level in np.unique(self.log_batch)]
        return [row for row in rows if row.size >= MIN_LEARNING_RATES]


def interpolated_minima(grid: Grid, log_loss: FloatArray) -> Minima:
    """Minimise as Porian et al. 2024 do: over the learning rate at each batch, then over the batch.

    Akima's spline through log loss over log learning rate gives the best learning rate of each batch and its
    loss; another through those losses over log batch gives the best batch; a third, of the best learning
    rates over log batch, gives the learning rate there (`get_interpolated_hparams_dfs` in analysis.py of
    formll/resolving-scaling-law-discrepancies, which searches 100 points where this solves exactly).

    Args:
        grid: at least three batches with three learning rates each.
        log_loss: shape (copies, points).
    """
    rows = grid.rows()
    log_batch = np.array([grid.log_batch[row[0]] for row in rows])
    by_row = [_minimum(grid.log_lr[row], log_loss[:, row]) for row in rows]
    log_lr, lowest, row_edge = (np.stack(part, axis=1) for part in zip(*by_row, strict=True))
    best, log_loss_there, batch_edge = _minimum(log_batch, lowest)
    # The rows on either side of the best batch decide whether its learning rate is bracketed.
    copies = np.arange(best.size)
    left = row_edge[copies, np.searchsorted(log_batch, best, side="right") - 1]
    right = row_edge[copies, np.searchsorted(log_batch, best, side="left")]
    return Minima(
        log_lr=_akima_at(log_batch, log_lr, best),
        log_batch=best,
        log_loss=log_loss_there,
        lr_edge=np.where(left != 0, left, right),
        batch_edge=batch_edge,
        convex=np.ones(best.size, dtype=bool),
    )


def smoothed_minima(grid: Grid, log_loss: FloatArray, log_std: FloatArray, rng: np.random.Generator) -> Minima:
    """Minimise a smooth surface in log learning rate and log batch, fitted by least squares near the minimum.

    The surface is a quadratic with a cubic term in the distance of the log learning rate from the best one of its
    batch: too high a learning rate costs more than too low a one, and a quadratic alone would answer too low. Points
    near the minimum weigh most: the variance of a point is that of its noise plus the square of a share of its loss
    above the minimum, for the misfit of such a surface. So runs of little noise are fitted close to the minimum and
    noisy ones over more of the grid. The copies get half of that misfit beside the noise.

    Args:
        grid: at least three learning rates, three batches and `MIN_SURFACE_POINTS` points.
        log_loss: shape (copies, points), the noise of the runs included in all but the first.
        log_std: standard deviation of each point's log loss, shape (points,).
        rng: of the misfit that is added to the copies.
    """
    u, u_unit = _centred(grid.log_lr)
    v, v_unit = _centred(grid.log_batch)
    measured = log_loss[0]
    lowest, tilt = float(measured.min()), 0.0
    for _ in range(_REWEIGHTINGS):
        misfit = _MISFIT_SHARE * np.maximum(measured - lowest, 0.0)
        root_weight = 1 / np.sqrt(np.maximum(log_std, _LEAST_STD) ** 2 + misfit**2)
        basis = _surface_basis(u - tilt * v, v)
        solve = np.linalg.pinv(root_weight[:, None] * basis) * root_weight
        fitted = basis @ solve @ measured
        lowest = float(fitted.min())
        bottom = int(fitted.argmin())
        slope = _slope_of_best(solve @ measured, float(u[bottom] - tilt * v[bottom]))
        tilt, fitted_tilt = float(np.clip(tilt + slope, -_MAX_TILT, _MAX_TILT)), tilt
    c = log_loss @ solve.T
    c[1:] += (_MISFIT_DRAWN * misfit * rng.standard_normal((len(c) - 1, u.size))) @ solve.T
    at_x, at_v, convex = _surface_minimum(c)
    # Without a minimum, the lowest of the points.
    point = (c @ basis.T).argmin(axis=1)
    at_u, lr_edge = _held(np.where(convex, at_x + fitted_tilt * at_v, u[point]), u, convex)
    at_v, batch_edge = _held(np.where(convex, at_v, v[point]), v, convex)
    return Minima(
        log_lr=grid.log_lr.mean() + u_unit * at_u,
        log_batch=grid.log_batch.mean() + v_unit * at_v,
        log_loss=(_surface_basis(at_u - fitted_tilt * at_v, at_v) * c).sum(axis=1),
        lr_edge=lr_edge,
        batch_edge=batch_edge,
        convex=convex,
    )


def surface_scatter(grid: Grid, log_loss: FloatArray) -> tuple[float, int]:
    """Return the sum of squares about a smooth surface through a cell's lower points, and its degrees of freedom.

    The misfit of the surface counts as noise, so this errs upwards.
    """
    keep = np.argsort(log_loss, kind="stable")[: max(MIN_SURFACE_POINTS + 1, log_loss.size // 2)]
    basis = _surface_basis(_centred(grid.log_lr[keep])[0], _centred(grid.log_batch[keep])[0])
    rank = int(np.linalg.matrix_rank(basis))
    residual = log_loss[keep] - basis @ np.linalg.lstsq(basis, log_loss[keep], rcond=None)[0]
    return float((residual**2).sum()), max(0, keep.size - rank)


def spacing(log_values: FloatArray) -> float:
    """Return the mean step between the distinct values of one axis of a grid."""
    levels = np.unique(log_values)
    return float((levels[-1] - levels[0]) / (levels.size - 1))


def _minimum(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the lowest point of each row's Akima interpolant, its value, and the end of x it lies at: -1, 1, or 0."""
    where, lowest = akima_minimum(x, y)
    knot = y.argmin(axis=1)
    edge = np.where(np.isnan(where), np.where(knot == 0, -1, 1), 0)
    return np.where(edge == 0, where, x[knot]), lowest, edge


def _akima_at(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    """Return the Akima interpolant of each row of `y`, each at its own abscissa."""
    spline = akima(x, y, axis=1)
    interval = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    cubic = spline.c[:, interval, np.arange(at.size)]
    return np.asarray(np.polyval(cubic, at - x[interval]), dtype=np.float64)


def _surface_basis(x: FloatArray, v: FloatArray) -> FloatArray:
    """Return the terms of the smooth surface in x and v, shape (points, 7); see `smoothed_minima`."""
    return np.stack([np.ones_like(x), x, v, x * x, x * v, v * v, x**3], axis=1)


def _slope_of_best(c: FloatArray, x: float) -> float:
    """Return the slope of the best x in v, for the coefficients of one surface; 0 where it has no best x."""
    curvature = 2 * c[3] + 6 * c[6] * x
    return float(-c[4] / curvature) if curvature > 0 else 0.0


def _surface_minimum(c: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the local minimum of each surface, coefficients of shape (copies, 7), and whether there is one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # v is eliminated by its own equation; what is left is a quadratic equation in x, of whose roots the
        # one with a positive second derivative is the minimum.
        share = c[:, 4] / (2 * c[:, 5])
        square, linear, constant = 3 * c[:, 6], 2 * c[:, 3] - c[:, 4] * share, c[:, 1] - c[:, 2] * share
        root = np.sqrt(linear**2 - 4 * square * constant)
        x = np.where(linear >= 0, -2 * constant / (linear + root), (root - linear) / (2 * square))
        v = -(c[:, 2] + c[:, 4] * x) / (2 * c[:, 5])
    convex = (c[:, 5] > 0) & (root > 0) & np.isfinite(x) & np.isfinite(v)
    return x, v, convex


def _centred(values: FloatArray) -> tuple[FloatArray, float]:
    """Return values about their mean in units of their standard deviation, and that unit."""
    unit = float(values.std()) or 1.0
    return (values - values.mean()) / unit, unit


def _held(at: FloatArray, axis: FloatArray, convex: BoolArray) -> tuple[FloatArray, IntArray]:
    """Return positions clipped to the axis and one step beyond, and the end each lies at or beyond: -1, 1, or 0."""
    low, high = float(axis.min()), float(axis.max())
    # A minimum may touch the end of the grid; the lowest of the points may not.
    edge = np.where(convex, (at > high).astype(int) - (at < low), (at >= high).astype(int) - (at <= low))
    reach = _BEYOND_STEPS * spacing(axis)
    return np.clip(at, low - reach, high + reach), edge
