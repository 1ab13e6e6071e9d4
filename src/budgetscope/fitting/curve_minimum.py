"""The lowest point of a curve through a budget's sizes, for many noisy copies of the curve at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.interpolate import Akima1DInterpolator

    from budgetscope.fitting.run_table import FloatArray


def akima(x: FloatArray, y: FloatArray, axis: int = 0) -> Akima1DInterpolator:
    """Return SciPy's Akima interpolant of `y` over the knots `x`, of one axis of `y`."""
    # It loads in 0.25 s, which a worker or an app that fits no sweep need not wait for.
    from scipy.interpolate import Akima1DInterpolator  # noqa: PLC0415

    return Akima1DInterpolator(x, y, axis=axis)


def akima_minimum(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lowest point of the Akima interpolant of each row of `y`.

    Akima's spline (J. ACM 17, 1970) is a cubic in every interval, so the lowest point is found exactly:
    it is a knot or a root of a quadratic. Porian et al. search a grid of 25 points an interval instead.

    Args:
        x: knots, ascending, shape (knots,), at least two.
        y: values, shape (curves, knots).

    Returns:
        The minimising x, NaN where the lowest point is the first or the last knot, and the lowest value,
        each of shape (curves,).
    """
    width = np.diff(x)
    slope = np.diff(y, axis=1) / width
    left, right = _akima_slopes(slope)
    # y(s) = y0 + left s + b s^2 + a s^3 inside an interval, s counted from its left knot.
    b = (3 * slope - 2 * left - right) / width
    a = (left + right - 2 * slope) / width**2
    with np.errstate(divide="ignore", invalid="ignore"):
        # The root with y'' >= 0, in the form that does not cancel when a is small.
        root = np.sqrt(b * b - 3 * a * left)
        step = np.where(b >= 0, -left / (b + root), (root - b) / (3 * a))
        value = y[:, :-1] + step * (left + step * (b + step * a))
    inside = (step > 0) & (step < width)  # False for NaN
    value = np.where(inside, value, np.inf)

    rows = np.arange(y.shape[0])
    best, knot = value.argmin(axis=1), y.argmin(axis=1)
    at_knot = y[rows, knot] <= value[rows, best]
    lowest = np.where(at_knot, y[rows, knot], value[rows, best])
    where = np.where(at_knot, x[knot], x[best] + step[rows, best])
    edge = at_knot & ((knot == 0) | (knot == x.size - 1))
    return np.where(edge, np.nan, where), lowest


def _akima_slopes(slope: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return Akima's derivative at the left and the right knot of every interval, shape (curves, intervals)."""
    if slope.shape[1] == 1:
        return slope, slope
    # Two more intervals on either side, extrapolated linearly in the slope.
    padded = np.empty((slope.shape[0], slope.shape[1] + 4))
    padded[:, 2:-2] = slope
    padded[:, 1] = 2 * padded[:, 2] - padded[:, 3]
    padded[:, 0] = 2 * padded[:, 1] - padded[:, 2]
    padded[:, -2] = 2 * padded[:, -3] - padded[:, -4]
    padded[:, -1] = 2 * padded[:, -2] - padded[:, -3]
    change = np.abs(np.diff(padded, axis=1))
    before, after = change[:, :-2], change[:, 2:]
    weight = before + after
    flat = weight <= 1e-9 * weight.max(axis=1, keepdims=True)
    mixed = after * padded[:, 1:-2] + before * padded[:, 2:-1]
    knot_slope = np.where(flat, (padded[:, 1:-2] + padded[:, 2:-1]) / 2, mixed / np.where(flat, 1.0, weight))
    return knot_slope[:, :-1], knot_slope[:, 1:]


def parabola_minimum(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the vertex of the least-squares parabola through each row of `y` (Hoffmann et al. 2022, approach 2).

    Args:
        x: abscissas, ascending, shape (points,), at least three.
        y: values, shape (curves, points).

    Returns:
        The vertex, NaN where the parabola opens downwards or its vertex is outside the points, and the
        value there, each of shape (curves,).
    """
    centre, scale = x.mean(), x.std()
    z = (x - centre) / scale
    basis = np.stack([np.ones_like(z), z, z * z], axis=1)
    c0, c1, c2 = np.linalg.lstsq(basis, y.T, rcond=None)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = -c1 / (2 * c2)
    valid = (c2 > 0) & (vertex > z[0]) & (vertex < z[-1])
    value = np.where(valid, c0 + vertex * c1 / 2, y.min(axis=1))
    return np.where(valid, centre + scale * vertex, np.nan), value
