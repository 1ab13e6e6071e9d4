"""Fits N*(C) to all budgets at once, for planning beyond the data.

Near the optimum every budget's curve is ln L = m_C + k C^-kappa (u^2 + s u^3), u = ln N - (p + a ln C), with the
least loss m_C free at each budget. All budgets share one width and one skew, so that N* varies less with the noise than
minima found budget by budget, as Porian et al. 2024 do it (arXiv 2406.19146).

Residuals count relative to the width of their budget's curve: an unmodelled bend of the curve moves its minimum
alike at every budget, while in plain least squares the small budgets, whose curves are steep, would dominate. Weights
fall smoothly to zero at the edge of the window, so that a size that enters or leaves it does not move the answer by
a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.fitting.bootstrap import LEVEL
from budgetscope.fitting.curve_minimum import akima_minimum
from budgetscope.fitting.jackknife import delete_one
from budgetscope.fitting.refusals import (
    MIN_SIZES,
    Dropped,
    Flag,
    check_loss_unit,
    dropped_flags,
    edge_reason,
    refuse_few_budgets,
)
from budgetscope.fitting.run_table import budgets

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import Budget, FloatArray, IntArray, RunTable

WINDOW = float(np.log(4.0))
"""Weights reach zero at 1.2 times this distance in ln N, and are near one inside half of it."""
DRIFT = 0.05
"""The law's own error: standard deviation of ln N* an e-fold of compute; see `benchmarks/coverage.py`."""
DRIFT_START = 1.5
"""The e-folds of law error at the edge of the data: inside them a power law is not exact either."""
_TAPER = 1.2
# Huber's threshold in standard deviations, 95% efficient under normal errors.
_HUBER = 1.345
_MAD_TO_STD = 1.4826
_ITERATIONS = 200
_TOLERANCE = 1e-7
# Beyond this the cubic turns down inside the window, and beyond those the width changes as no curves do.
MAX_SKEW = 0.45
KAPPA_BOUNDS = (-0.5, 1.0)
# Sizes this close in ln N are one cluster: readings of one run, or of runs that share their tuning.
_CLUSTER = 0.02
_PARAMETERS = 5
_BENT = (
    "The best sizes of the budgets bend away from a power law, their local exponent by some {:.2f} between the middle "
    "and the end: beyond the data the interval is wide."
)


@dataclass(frozen=True)
class JointFit:
    """N*(C) = exp(log_n_centre + exponent * ln(C / flops_centre)), with its error.

    Attributes:
        log_n_centre: ln N* at `flops_centre`.
        exponent: a.
        flops_centre: geometric mean of the budgets used, where level and slope are nearly independent.
        covariance: of (log_n_centre, exponent), shape (2, 2), the runs' noise alone.
        dof: degrees of freedom of that covariance, for Student's t.
        drift: standard deviation of ln N* an e-fold of distance, the law's own error.
        bend: the same for how far the budgets' own optima bend away from the line; it counts as far beyond the
            budgets as they span themselves.
        drift_start: distance in e-folds that is counted at the edge of the data already.
        flops_range: smallest and largest budget used.
        width: k C^-kappa at `flops_centre`, of ln L.
        width_exponent: kappa.
        skew: s.
        flops: budgets used, ascending, shape (budgets,).
        log_loss: m_C, ln of the least loss at each, shape (budgets,).
        log_loss_std: its standard deviation by the noise, shape (budgets,).
        own_log_n: ln N* that each budget alone asks for, given the common curve, shape (budgets,).
        own_log_n_std: its standard deviation by the noise, shape (budgets,).
        residual_std: of ln L about the curves, near the optimum.
        n_points: measurements with weight.
        dropped: budgets that were left out, and why.
        flags: doubts about the fit.
    """

    log_n_centre: float
    exponent: float
    flops_centre: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    dof: int
    drift: float
    drift_start: float
    bend: float
    flops_range: tuple[float, float]
    width: float
    width_exponent: float
    skew: float
    flops: tuple[float, ...]
    log_loss: tuple[float, ...]
    log_loss_std: tuple[float, ...]
    own_log_n: tuple[float, ...]
    own_log_n_std: tuple[float, ...]
    residual_std: float
    n_points: int
    dropped: tuple[Dropped, ...]
    flags: tuple[Flag, ...]

    @property
    def log_coefficient(self) -> float:
        """p: ln N* at C = 1 FLOP."""
        return self.log_n_centre - self.exponent * float(np.log(self.flops_centre))

    def at(self, flops: float) -> float:
        """Return N* at `flops`."""
        return float(np.exp(self.log_n_centre + self.exponent * np.log(flops / self.flops_centre)))

    @property
    def uncertainty(self) -> DriftingLine:
        """The uncertainty of N*(C), as it is stored."""
        (level, both), (_, slope) = self.covariance
        low, high = self.flops_range
        return DriftingLine(
            level, slope, both, self.flops_centre, self.dof, self.drift, self.drift_start, self.bend, low, high
        )

    def half_width(self, flops: float, level: float = LEVEL, *, law: bool = True) -> float:
        """Return half of the interval of ln N*, with or without the law's own error."""
        return self.uncertainty.half_width(flops, level, law=law)

    def interval_at(self, flops: float, level: float = LEVEL) -> tuple[float, float]:
        """Return the interval of N* at `flops`."""
        factor = float(np.exp(self.half_width(flops, level)))
        return self.at(flops) / factor, self.at(flops) * factor

    def exponent_interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the interval of the exponent by the runs' noise: of the slope among the data, not beyond them."""
        half = self.uncertainty.exponent_half_width(level)
        return self.exponent - half, self.exponent + half


@dataclass(frozen=True)
class _Rows:
    """Measurements of the budgets used, sorted by budget: ln N, ln C - mean, ln L, seeds merged, each (rows,)."""

    x: FloatArray
    c: FloatArray
    y: FloatArray
    seeds: FloatArray
    budget: IntArray
    first: IntArray

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sums over each budget, shape (budgets, ...)."""
        return np.add.reduceat(values, self.first, axis=0)

    def centred(self, values: FloatArray, weights: FloatArray) -> FloatArray:
        """Return values less their weighted mean in each budget: what is left when m_C is fitted."""
        columns = weights.reshape(-1, *[1] * (values.ndim - 1))
        means = self.sums(columns * values) / np.maximum(self.sums(columns), 1e-300)
        return values - means[self.budget]


def fit_joint(
    table: RunTable, *, window: float = WINDOW, drift: float = DRIFT, drift_start: float = DRIFT_START
) -> JointFit:
    """Fit N*(C) to the runs of all budgets at once.

    Args:
        table: the runs; rows of one budget need not have exactly the same FLOPs.
        window: distance from the optimum in ln N within which runs count.
        drift: of the law, ln N* an e-fold.
        drift_start: E-folds of it at the edge of the data.

    Raises:
        UsageError: If fewer than three budgets have an interior minimum, the curves do not bend upwards, or the
            losses cannot be nats per token.
    """
    check_loss_unit(table)
    groups = budgets(table)
    reasons = [_unusable(group) for group in groups]
    dropped = tuple(reason for reason in reasons if reason is not None)
    kept = [group for group, reason in zip(groups, reasons, strict=True) if reason is None]
    refuse_few_budgets(dropped, len(kept))
    rows = _rows(kept)
    theta, weights = _solve(_start(kept, rows), rows, window)
    return _result(theta, weights, rows, kept, dropped, drift, drift_start)


def _unusable(group: Budget) -> Dropped | None:
    """Return why a budget has no optimum; None when it has one."""
    size = group.n_params.size
    if size < MIN_SIZES:
        why = f"At C={group.flops:.3g} there are {size} sizes and a minimum needs {MIN_SIZES}: train more sizes."
        return Dropped(group.flops, "few-sizes", why)
    return edge_reason(group) if int(group.loss.argmin()) in (0, size - 1) else None


def _rows(kept: list[Budget]) -> _Rows:
    sizes = np.array([group.n_params.size for group in kept])
    budget = np.repeat(np.arange(len(kept)), sizes)
    log_flops = np.log([group.flops for group in kept])
    return _Rows(
        x=np.log(np.concatenate([group.n_params for group in kept])),
        c=(log_flops - log_flops.mean())[budget],
        y=np.log(np.concatenate([group.loss for group in kept])),
        seeds=np.concatenate([group.n_seeds for group in kept]).astype(np.float64),
        budget=budget,
        first=np.cumsum(sizes) - sizes,
    )


def _start(kept: list[Budget], rows: _Rows) -> FloatArray:
    """Return (p, a, ln k, kappa, s) from the budgets' own minima, by the medians of Theil and Sen."""
    best = np.array([akima_minimum(np.log(g.n_params), np.log(g.loss)[None])[0][0] for g in kept])
    c = rows.c[rows.first]
    # At most 300 budgets: a median of 45,000 slopes is as good as one of all.
    some = np.unique(np.linspace(0, c.size - 1, min(c.size, 300)).round().astype(int))
    i, j = (some[index] for index in np.triu_indices(some.size, 1))
    slope = float(np.median((best[j] - best[i]) / (c[j] - c[i])))
    return np.array([float(np.median(best - slope * c)), slope, np.log(0.03), 0.0, 0.0])


def _curves(theta: FloatArray, rows: _Rows) -> tuple[FloatArray, FloatArray]:
    """Return the excess of ln L, shape (rows,), and its derivatives, shape (rows, 5)."""
    p, a, ln_k, kappa, skew = theta
    u = rows.x - p - a * rows.c
    width = np.exp(ln_k - kappa * rows.c)
    excess = width * u**2 * (1 + skew * u)
    shift = -width * u * (2 + 3 * skew * u)
    return excess, np.stack([shift, shift * rows.c, excess, -rows.c * excess, width * u**3], axis=1)


def _weights(theta: FloatArray, rows: _Rows, window: float) -> FloatArray:
    """Return the weight of each row: its seeds, the taper in u, the width of its curve, and Huber's, shape (rows,)."""
    u = rows.x - theta[0] - theta[1] * rows.c
    prior: FloatArray = rows.seeds * np.maximum(0.0, 1 - (np.abs(u) / (_TAPER * window)) ** 3) ** 3
    # Residuals relative to the width: 1 / (k C^-kappa)^2 but for a constant.
    prior *= np.exp(2 * theta[3] * rows.c)
    residual = rows.centred(rows.y - _curves(theta, rows)[0], prior)
    size = np.abs(residual) * np.sqrt(rows.seeds) * np.exp(theta[3] * rows.c)
    near = prior > 0
    free = int(near.sum()) - rows.first.size - _PARAMETERS
    if free <= 0:
        return prior
    scale = _MAD_TO_STD * float(np.median(size[near])) * np.sqrt(near.sum() / free)
    if scale > 0:
        prior *= np.minimum(1.0, _HUBER * scale / np.maximum(size, 1e-300))
    return prior


def _solve(theta: FloatArray, rows: _Rows, window: float) -> tuple[FloatArray, FloatArray]:
    """Solve by iteratively reweighted least squares, one damped Gauss-Newton step a reweighting."""
    low = np.array([-np.inf, -np.inf, -25.0, KAPPA_BOUNDS[0], -MAX_SKEW])
    high = np.array([np.inf, np.inf, 5.0, KAPPA_BOUNDS[1], MAX_SKEW])
    damping = 1e-3
    weights = _weights(theta, rows, window)
    for _ in range(_ITERATIONS):
        excess, slopes = _curves(theta, rows)
        residual = rows.centred(rows.y - excess, weights)
        slopes = rows.centred(slopes, weights)
        normal = slopes.T @ (weights[:, None] * slopes)
        gradient = slopes.T @ (weights * residual)
        cost = float(weights @ residual**2)
        scale = np.diag(normal) + 1e-12 * np.trace(normal) + 1e-300
        trial = theta
        while damping < 1e8:
            step = np.linalg.solve(normal + damping * np.diag(scale), gradient)
            trial = np.clip(theta + np.clip(step, -0.5, 0.5), low, high)
            if float(weights @ rows.centred(rows.y - _curves(trial, rows)[0], weights) ** 2) <= cost:
                break
            damping *= 8
        damping = float(np.clip(damping * 0.2, 1e-10, 1.0))
        moved = float(np.abs(trial - theta).max())
        theta, weights = trial, _weights(trial, rows, window)
        if moved < _TOLERANCE:
            break
    return theta, weights


def _result(
    theta: FloatArray,
    weights: FloatArray,
    rows: _Rows,
    kept: list[Budget],
    dropped: tuple[Dropped, ...],
    drift: float,
    drift_start: float,
) -> JointFit:
    excess, slopes = _curves(theta, rows)
    residual = rows.centred(rows.y - excess, weights)
    bounded = (abs(theta[4]) >= MAX_SKEW, theta[3] in KAPPA_BOUNDS)
    free = [0, 1, 2, *([] if bounded[1] else [3]), *([] if bounded[0] else [4])]
    _, sizes = np.unique(np.round(rows.x / _CLUSTER), return_inverse=True)
    covariance, clusters = _covariance(rows, rows.centred(slopes[:, free], weights), residual, weights, sizes)
    near = weights > 0
    flops = np.array([group.flops for group in kept])
    total = rows.sums(weights)
    left = max(int(near.sum()) - flops.size - len(free), 1)
    # Weighted residuals over their degrees of freedom: the standard deviation at weight one, the centre's width.
    unit = float(np.sqrt(weights @ residual**2 / left))
    if not np.isfinite(covariance).all() or theta[2] <= -20:
        raise UsageError(
            "the curves do not bend upwards around a best size: train sizes further from it on both sides."
        )
    # The change of ln N* by each budget alone: one Gauss-Newton step along the shift of its curve.
    turn = rows.centred(slopes[:, 0], weights)
    grip = np.maximum(rows.sums(weights * turn**2), 1e-300)
    own = theta[0] + theta[1] * rows.c[rows.first] + rows.sums(weights * turn * residual) / grip
    bend = _bend(rows.c[rows.first], own, unit / np.sqrt(grip))
    level = rows.sums(weights * (rows.y - excess)) / np.maximum(total, 1e-300)
    return JointFit(
        log_n_centre=float(theta[0]),
        exponent=float(theta[1]),
        flops_centre=float(np.exp(np.log(flops).mean())),
        covariance=((covariance[0, 0], covariance[0, 1]), (covariance[0, 1], covariance[1, 1])),
        dof=max(min(flops.size, clusters) - 2, 1),
        drift=drift,
        drift_start=drift_start,
        bend=bend,
        flops_range=(float(flops.min()), float(flops.max())),
        width=float(np.exp(theta[2])),
        width_exponent=float(theta[3]),
        skew=float(theta[4]),
        flops=tuple(flops.tolist()),
        log_loss=tuple(level.tolist()),
        log_loss_std=tuple((unit / np.sqrt(np.maximum(total, 1e-300))).tolist()),
        own_log_n=tuple(own.tolist()),
        own_log_n_std=tuple((unit / np.sqrt(grip)).tolist()),
        residual_std=unit,
        n_points=int(near.sum()),
        dropped=dropped,
        flags=(
            *dropped_flags(dropped),
            *_bound_flags(*bounded),
            *((Flag("bent", _BENT.format(bend)),) if bend > drift else ()),
        ),
    )


def _covariance(
    rows: _Rows, slopes: FloatArray, residual: FloatArray, weights: FloatArray, sizes: IntArray
) -> tuple[FloatArray, int]:
    """Return the covariance of (p, a) by leaving out one size at a time, and the number of sizes.

    Rows of one size share their run, or at least its tuning, at every budget; leaving out whole sizes counts that,
    and where every run is one of its own it counts the noise as well. Leaving out budgets covers 75 to 83% of planted
    truths where runs are read at several budgets, and 88 to 90% where they are not.
    """
    covariance, clusters = delete_one(slopes, residual, weights, sizes, rows.budget)
    return covariance[:2, :2], clusters


def _bend(c: FloatArray, own: FloatArray, std: FloatArray) -> float:
    """Return half of how far the local exponent moves from the middle of the budgets to their end, beyond the noise.

    A parabola through the budgets' own optima; the square of its error is taken off the square of its bend. Half of it
    covers Hoffmann et al.'s figure 4 as all of it does, at 0.6 of the width (chosen on that set).
    """
    if c.size <= 3:
        return 0.0
    basis = np.stack([np.ones_like(c), c, c**2], axis=1)
    inverse = np.linalg.inv(basis.T @ (basis / std[:, None] ** 2))
    found = inverse @ (basis.T @ (own / std**2))
    misfit = float((((own - basis @ found) / std) ** 2).sum()) / (c.size - 3)
    square = float(found[2]) ** 2 - float(inverse[2, 2]) * max(1.0, misfit)
    return float(np.ptp(c)) / 2 * float(np.sqrt(max(square, 0.0)))


def _bound_flags(skew: bool, kappa: bool) -> tuple[Flag, ...]:
    """Flag parameters that the runs do not determine."""
    names = [name for name, hit in (("skew", skew), ("change of width with compute", kappa)) if hit]
    return tuple(
        Flag("not-determined", f"The {name} of the curves about the best size is at its bound: not determined.")
        for name in names
    )
