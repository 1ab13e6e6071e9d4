"""The change of a least-squares answer when groups of its rows are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import FloatArray, IntArray

# Rows of which the changes are computed together.
_PART = 2**17


def delete_one(
    slopes: FloatArray, residual: FloatArray, weights: FloatArray, cluster: IntArray, level: IntArray
) -> tuple[FloatArray, int]:
    """Return the covariance by leaving out one cluster at a time.

    Exact for a linear model with a free level in each group. The jackknife (CR3 of Bell and McCaffrey 2002) needs no
    model of the correlation of errors within a cluster and errs to the wide side with few clusters.

    Args:
        slopes: derivatives of the model less their weighted mean in each level, shape (rows, parameters).
        residual: measured minus fitted, less the same mean, shape (rows,).
        weights: of the rows, shape (rows,).
        cluster: number of each row's cluster, shape (rows,).
        level: number of each row's group with a level of its own, shape (rows,).

    Returns:
        The covariance of the parameters, shape (parameters, parameters), and the clusters that carry weight.
    """
    moves = deletions(slopes, residual, weights, cluster, level)
    n = len(moves)
    return (n - 1) / n * moves.T @ moves, n


def deletions(
    slopes: FloatArray, residual: FloatArray, weights: FloatArray, cluster: IntArray, level: IntArray
) -> FloatArray:
    """Return the change of the parameters without each cluster, by cluster number.

    Shape (clusters with weight, parameters).

    For a model without free levels give every row its own column of `slopes` and the level -1: no mean is taken back.
    """
    n_levels, size = max(int(level.max()) + 1, 1), slopes.shape[1]
    normal = slopes.T @ (weights[:, None] * slopes)
    total = np.bincount(np.maximum(level, 0), np.where(level < 0, 0.0, weights), n_levels).astype(np.float64)
    order = np.lexsort((level, cluster))
    order = order[weights[order] > 0]
    edges: IntArray = np.flatnonzero(np.diff(cluster[order], prepend=-1)).astype(np.int64)
    # In parts, since every row has a matrix of its own.
    step = max(1, edges.size * _PART // max(order.size, 1))
    parts = [edges[at : at + step] for at in range(0, edges.size, step)]
    stops = [*(int(part[0]) for part in parts[1:]), order.size]
    return np.concatenate(
        [
            _moves(normal, total, order[part[0] : stop], part - part[0], slopes, residual, weights, level)
            for part, stop in zip(parts, stops, strict=True)
        ]
    ).reshape(-1, size)


def _moves(
    normal: FloatArray,
    total: FloatArray,
    gone: IntArray,
    first: IntArray,
    slopes: FloatArray,
    residual: FloatArray,
    weights: FloatArray,
    level: IntArray,
) -> FloatArray:
    """Return the changes without each of some clusters, whose rows are `gone`, each from its `first` on."""
    slope, own, place = slopes[gone], weights[gone], level[gone]
    weighted = own[:, None] * slope
    squares: FloatArray = np.add.reduceat(weighted[:, :, None] * slope[:, None, :], first)
    gradient: FloatArray = -np.add.reduceat(weighted * residual[gone][:, None], first)
    # Without these rows the levels move, too: one group of rows for each cluster and level.
    starts = np.zeros(gone.size, dtype=bool)
    starts[first] = True
    groups = np.flatnonzero(starts | (np.diff(place, prepend=-2) != 0))
    of_cluster = np.searchsorted(groups, first)
    shift = np.add.reduceat(weighted, groups)
    missing = np.add.reduceat(own * residual[gone], groups)
    at = place[groups]
    rest = total[at] - np.add.reduceat(own, groups)
    free = (at >= 0) & (rest > 1e-9 * total[at])
    inverse = np.where(free, 1 / np.where(free, rest, 1.0), 0.0)
    squares += np.add.reduceat((inverse[:, None] * shift)[:, :, None] * shift[:, None, :], of_cluster)
    gradient -= np.add.reduceat((inverse * missing)[:, None] * shift, of_cluster)
    ridge = 1e-9 * np.diag(np.diag(normal))
    return np.asarray(np.linalg.solve(normal - squares + ridge, gradient[..., None])[..., 0], dtype=np.float64)
