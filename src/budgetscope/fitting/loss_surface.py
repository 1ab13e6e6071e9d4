"""The loss surface L(N, D) = E + A/N^alpha + B/D^beta and its Huber fit, for many weightings at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import BoolArray, FloatArray

# Hoffmann et al. 2022, section 3.3: Huber loss on log loss with this threshold.
HUBER_DELTA = 1e-3
# Exponents published for language models lie between 0.05 and 0.7; at an end of this range the data say nothing.
EXPONENT_BOUNDS = (0.01, 2.5)
# Below this share of the smallest loss an irreducible loss cannot be told from none.
_SMALLEST_SHARE = 1e-4
_GRID = 24
_ITERATIONS = 1000
# A fit has converged when the Newton decrement predicts a relative gain below this.
_GAIN = 1e-12
_MAX_DAMPING = 1e12


@dataclass(frozen=True)
class Points:
    """The logs that a surface is fitted to, N and D counted from their geometric means.

    Attributes:
        x: log N - mean, shape (points,).
        z: log D - mean, shape (points,).
        y: log loss, shape (points,).
        x_mean: mean of log N.
        z_mean: mean of log D.
    """

    x: FloatArray
    z: FloatArray
    y: FloatArray
    x_mean: float
    z_mean: float

    @classmethod
    def of(cls, n_params: FloatArray, tokens: FloatArray, loss: FloatArray) -> Points:
        """Centre the logs: A and B at the mean of the data are nearly uncorrelated with the exponents."""
        x, z = np.log(n_params), np.log(tokens)
        return cls(x - x.mean(), z - z.mean(), np.log(loss), float(x.mean()), float(z.mean()))

    def uncentred(self, theta: FloatArray) -> FloatArray:
        """Return (ln A, ln B, ln E, alpha, beta) at N = D = 1 from the centred ones, shape (..., 5)."""
        out = theta.copy()
        out[..., 0] += theta[..., 3] * self.x_mean
        out[..., 1] += theta[..., 4] * self.z_mean
        return out


def log_loss(theta: FloatArray, points: Points) -> FloatArray:
    """Return the log of the surface at the points for each row of `theta`, shape (rows, points)."""
    surface: FloatArray = _terms(theta, points).sum(axis=0)
    return np.log(surface)


def _terms(theta: FloatArray, points: Points) -> FloatArray:
    """Return the three terms A/N^alpha, B/D^beta, E, shape (3, rows, points)."""
    ln_a, ln_b, ln_e, alpha, beta = theta.T[:, :, None]
    return np.stack(
        [
            np.exp(ln_a - alpha * points.x),
            np.exp(ln_b - beta * points.z),
            np.broadcast_to(np.exp(ln_e), (len(theta), points.y.size)),
        ]
    )


def starts(points: Points, count: int = 8) -> FloatArray:
    """Return starting points by variable projection: exponents on a grid, the linear part solved exactly.

    For given (alpha, beta) the surface is linear in (E, A, B), which non-negative least squares on
    relative residuals gives without a start. The condition number falls from about 1e11 to about 10.

    Returns:
        Centred (ln A, ln B, ln E, alpha, beta) at the grid's `count` best local minima, shape (<= count, 5).
    """
    exponents = np.geomspace(0.03, 1.5, _GRID)
    alpha, beta = (g.ravel() for g in np.meshgrid(exponents, exponents, indexing="ij"))
    inverse_loss = np.exp(-points.y)
    basis = np.stack(
        [
            np.exp(-alpha[:, None] * points.x) * inverse_loss,
            np.exp(-beta[:, None] * points.z) * inverse_loss,
            np.broadcast_to(inverse_loss, (alpha.size, points.y.size)),
        ],
        axis=1,
    )
    linear, left = _non_negative(basis)
    around = np.pad(left.reshape(_GRID, _GRID), 1, constant_values=np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3))
    minima = np.flatnonzero(left == windows.min(axis=(2, 3)).ravel())
    best = minima[np.argsort(left[minima], kind="stable")[:count]]
    smallest = _SMALLEST_SHARE * np.exp(points.y.min())
    logs = np.log(np.maximum(linear[best], smallest))
    return np.column_stack([logs, alpha[best], beta[best]])


def _non_negative(basis: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Solve non-negative least squares of 1 on three columns, for many bases at once.

    With three unknowns the active set is found by trying all seven.

    Args:
        basis: shape (problems, 3, points).

    Returns:
        Coefficients, shape (problems, 3), and the sums of squares left, shape (problems,).
    """
    gram = basis @ basis.swapaxes(1, 2)
    moment = basis.sum(axis=2)
    total = basis.shape[2]
    best = np.zeros(moment.shape)
    left = np.full(len(basis), float(total))
    for size in (1, 2, 3):
        for columns in combinations(range(3), size):
            pick = list(columns)
            solved = (np.linalg.pinv(gram[:, pick][:, :, pick], hermitian=True) @ moment[:, pick, None])[..., 0]
            rest = total - (solved * moment[:, pick]).sum(axis=1)
            better = (solved >= 0).all(axis=1) & (rest < left)
            left[better] = rest[better]
            best[better] = 0.0
            best[np.ix_(better, pick)] = solved[better]
    return best, left


def minimise_huber(
    theta: FloatArray, points: Points, weights: FloatArray, y: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Minimise the weighted Huber loss of log loss from each start, all rows at once.

    Newton's method with the exact second derivative of log-sum-exp; negative curvature is made positive and a step is
    damped until it lowers the loss, so every row descends monotonically.

    Args:
        theta: starts, centred (ln A, ln B, ln E, alpha, beta), shape (rows, 5).
        points: the data.
        weights: weight of each point in each row (bootstrap counts), shape (rows, points).
        y: log loss of each row where it differs from the data's, shape (rows, points).

    Returns:
        The minimisers, shape (rows, 5), their losses and whether each converged, shape (rows,).
    """
    target = np.broadcast_to(points.y, weights.shape) if y is None else y
    theta = theta.copy()
    lowest, highest = bounds(points)
    loss, gradient, hessian = _derivatives(theta, points, weights, target)
    damping = np.full(len(theta), 1e-3)
    active = np.arange(len(theta))
    # For exact data the relative gain never falls below rounding: residuals of a millionth of a nat are enough.
    enough = _GAIN * (1e-3 * HUBER_DELTA) ** 2 * weights.sum(axis=1)
    for _ in range(_ITERATIONS):
        at = theta[active]
        blocked = ((at <= lowest) & (gradient > 0)) | ((at >= highest) & (gradient < 0))
        step, gain = _step(gradient, hessian, damping[active], blocked)
        going = gain > enough[active] + _GAIN * loss[active]
        active, step, gradient, hessian = active[going], step[going], gradient[going], hessian[going]
        if active.size == 0:
            break
        trial = np.clip(theta[active] + step, lowest, highest)
        value, new_gradient, new_hessian = _derivatives(trial, points, weights[active], target[active])
        better = value < loss[active]
        moved = active[better]
        theta[moved], loss[moved] = trial[better], value[better]
        gradient[better], hessian[better] = new_gradient[better], new_hessian[better]
        damping[active] = np.minimum(damping[active] * np.where(better, 0.2, 8.0), _MAX_DAMPING)
    converged = np.ones(len(theta), dtype=bool)
    converged[active] = False
    return theta, loss, converged


def bounds(points: Points) -> tuple[FloatArray, FloatArray]:
    """Return the bounds of the search; a fit that ends on one is refused or flagged by the caller."""
    ln_low = np.log(_SMALLEST_SHARE) + points.y.min()
    ln_high = points.y.max() + 10
    low, high = EXPONENT_BOUNDS
    return np.array([ln_low] * 3 + [low] * 2), np.array([ln_high] * 2 + [points.y.max()] + [high] * 2)


def at_bounds(theta: FloatArray, points: Points) -> BoolArray:
    """Return which parameters of each row lie on a bound of the search, shape (..., 5)."""
    low, high = bounds(points)
    hit: BoolArray = (theta <= low + 1e-6) | (theta >= high - 1e-6)
    return hit


def _derivatives(
    theta: FloatArray, points: Points, weights: FloatArray, target: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Huber loss, gradient and Hessian of each row, shapes (rows,), (rows, 5), (rows, 5, 5)."""
    terms = _terms(theta, points)
    surface = terms.sum(axis=0)
    share = terms / surface
    residual = np.log(surface) - target
    size = np.abs(residual)
    inside = size <= HUBER_DELTA
    huber = np.where(inside, 0.5 * residual**2, HUBER_DELTA * (size - 0.5 * HUBER_DELTA))
    psi = weights * np.clip(residual, -HUBER_DELTA, HUBER_DELTA)
    share_a, share_b, share_e = share
    jacobian = np.stack([share_a, share_b, share_e, -points.x * share_a, -points.z * share_b], axis=1)
    loss = (weights * huber).sum(axis=1)
    gradient = (jacobian @ psi[:, :, None])[..., 0]
    hessian = (jacobian * (weights * inside - psi)[:, None]) @ jacobian.swapaxes(1, 2)
    # The part of log-sum-exp's second derivative that is diagonal in the three terms.
    curve_a, curve_b = psi * share_a, psi * share_b
    hessian[:, 0, 0] += curve_a.sum(axis=1)
    hessian[:, 1, 1] += curve_b.sum(axis=1)
    hessian[:, 2, 2] += (psi * share_e).sum(axis=1)
    cross_a, cross_b = -(curve_a @ points.x), -(curve_b @ points.z)
    hessian[:, 0, 3] += cross_a
    hessian[:, 3, 0] += cross_a
    hessian[:, 1, 4] += cross_b
    hessian[:, 4, 1] += cross_b
    hessian[:, 3, 3] += curve_a @ points.x**2
    hessian[:, 4, 4] += curve_b @ points.z**2
    return loss, gradient, hessian


def row_derivatives(theta: FloatArray, points: Points) -> tuple[FloatArray, FloatArray]:
    """Return the gradient of each point's Huber loss, shape (points, 5), and the Hessian of their sum, shape (5, 5)."""
    terms = _terms(theta[None], points)[:, 0]
    surface = terms.sum(axis=0)
    share_a, share_b, share_e = terms / surface
    psi = np.clip(np.log(surface) - points.y, -HUBER_DELTA, HUBER_DELTA)
    jacobian = np.stack([share_a, share_b, share_e, -points.x * share_a, -points.z * share_b], axis=1)
    ones = np.ones((1, points.y.size))
    return jacobian * psi[:, None], _derivatives(theta[None], points, ones, points.y[None])[2][0]


def _step(
    gradient: FloatArray, hessian: FloatArray, damping: FloatArray, blocked: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Return the damped Newton step of each row, and the decrease that the undamped one predicts.

    Parameters that are `blocked`, held on a bound by the gradient, stay where they are.
    """
    free = ~blocked
    gradient = gradient * free
    hessian = hessian * (free[:, :, None] & free[:, None, :])
    values, vectors = np.linalg.eigh(hessian)
    largest = np.abs(values).max(axis=1, keepdims=True)
    curvature = np.maximum(np.abs(values), 1e-14 * largest)
    along = (vectors.swapaxes(1, 2) @ gradient[:, :, None])[..., 0]
    step = -(vectors @ (along / (curvature + damping[:, None] * largest))[:, :, None])[..., 0]
    step[blocked] = 0.0
    return step, 0.5 * (along**2 / curvature).sum(axis=1)


def condition(theta: FloatArray, points: Points) -> float:
    """Return the condition number of the Jacobian of log loss at one solution, its columns scaled to length one."""
    terms = _terms(theta[None], points)[:, 0]
    share = terms / terms.sum(axis=0)
    jacobian = np.stack([*share, -points.x * share[0], -points.z * share[1]], axis=1)
    length = np.linalg.norm(jacobian, axis=0)
    return float(np.linalg.cond(jacobian / np.where(length > 0, length, 1.0)))
