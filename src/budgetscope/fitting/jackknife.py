"""The change of a least-squares answer when groups of its rows are left out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import FloatArray, IntArray


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
    weighted = weights[:, None] * slopes
    normal = slopes.T @ weighted
    total = np.bincount(np.maximum(level, 0), np.where(level < 0, 0.0, weights), n_levels)
    order = np.argsort(cluster, kind="stable")
    order = order[weights[order] > 0]
    edges = np.flatnonzero(np.diff(cluster[order], prepend=-1, append=-1))
    moves = np.empty((edges.size - 1, size))
    ridge = 1e-9 * np.diag(np.diag(normal))
    for number, (start, stop) in enumerate(pairwise(edges)):
        gone = order[start:stop]
        # Without these rows the levels move, too.
        levels, place = np.unique(level[gone], return_inverse=True)
        shift = np.zeros((levels.size, size))
        np.add.at(shift, place, weighted[gone])
        missing = np.bincount(place, weights[gone] * residual[gone], levels.size)
        rest = total[levels] - np.bincount(place, weights[gone], levels.size)
        free = (levels >= 0) & (rest > 1e-9 * total[levels])
        inverse = np.where(free, 1 / np.where(free, rest, 1.0), 0.0)
        left = normal - slopes[gone].T @ weighted[gone] - shift.T @ (inverse[:, None] * shift)
        gradient = -weighted[gone].T @ residual[gone] - shift.T @ (inverse * missing)
        moves[number] = np.linalg.solve(left + ridge, gradient)
    return moves
