"""The table of runs that fits take, and its rows grouped into compute budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import NEAR_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

# Rows whose FLOPs differ by less than this share one budget; Porian et al. accept the same tolerance
# when they read a learning curve at a budget (`flop_tolerance` in their analysis.py).
BUDGET_TOLERANCE = 0.1
# Without seeds, two rows of one cell are the same measurement only if their losses agree this closely.
DUPLICATE_RTOL = 1e-6
# Runs of nearly one D whose losses differ by more are not one point: one of them failed, or is another configuration.
_NEAR_LOSS = 0.05


@dataclass(frozen=True, init=False, eq=False)
class RunTable:
    """Training runs as columns of equal length, in any order.

    Attributes:
        flops: training FLOPs C, shape (rows,).
        n_params: parameters N in the same counting convention for every row, shape (rows,).
        tokens: training tokens D, shape (rows,).
        loss: loss in nats per token, shape (rows,).
        seeds: seed of each row, shape (rows,), or None when the runs were not repeated.

    Raises:
        UsageError: a column is empty, has another length, or holds a value that is not finite and
            positive.
    """

    flops: FloatArray
    n_params: FloatArray
    tokens: FloatArray
    loss: FloatArray
    seeds: IntArray | None

    def __init__(
        self,
        flops: npt.ArrayLike,
        n_params: npt.ArrayLike,
        tokens: npt.ArrayLike,
        loss: npt.ArrayLike,
        seeds: npt.ArrayLike | None = None,
    ) -> None:
        columns = {"flops": flops, "n_params": n_params, "tokens": tokens, "loss": loss}
        for name, values in columns.items():
            column = np.array(values, dtype=np.float64)
            _check_column(name, column)
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        whole = None if seeds is None else np.array(seeds, dtype=np.int64)
        object.__setattr__(self, "seeds", whole)
        lengths = {name: np.size(values) for name, values in columns.items()}
        check_lengths(lengths if whole is None else {**lengths, "seeds": whole.size})

    def __len__(self) -> int:
        """Number of rows."""
        return self.loss.size

    def rows(self, index: BoolArray | IntArray) -> RunTable:
        """Return the table of the rows that `index` (a mask or row numbers) selects."""
        seeds = None if self.seeds is None else self.seeds[index]
        return RunTable(self.flops[index], self.n_params[index], self.tokens[index], self.loss[index], seeds)


@dataclass(frozen=True)
class Budget:
    """The sizes trained to one compute budget, sorted by size, repeated seeds merged.

    Attributes:
        flops: the budget: geometric mean of its rows' FLOPs.
        n_params: distinct sizes, ascending, shape (sizes,).
        tokens: tokens at each size, shape (sizes,).
        loss: loss at each size, mean over seeds, shape (sizes,).
        n_seeds: runs that were merged at each size, shape (sizes,).
    """

    flops: float
    n_params: FloatArray
    tokens: FloatArray
    loss: FloatArray
    n_seeds: IntArray


def budgets(table: RunTable, tolerance: float = BUDGET_TOLERANCE) -> tuple[Budget, ...]:
    """Group a table's rows by compute, ascending.

    Args:
        table: the runs.
        tolerance: largest relative spread of FLOPs within one budget.

    Returns:
        One `Budget` for each distinct compute value.

    Raises:
        UsageError: two rows of one budget and size disagree and neither seeds nor nearly equal D explain it.
    """
    return tuple(_merge(table, group) for group in _by_compute(table, tolerance))


def budget_levels(table: RunTable, tolerance: float = BUDGET_TOLERANCE) -> FloatArray:
    """Return the compute values of the groups that `budgets` makes, ascending, whether repeats agree or not."""
    return np.array([np.exp(np.log(table.flops[rows]).mean()) for rows in _by_compute(table, tolerance)])


def _by_compute(table: RunTable, tolerance: float) -> list[IntArray]:
    """Return the row numbers of each distinct compute value, ascending."""
    order = np.argsort(table.flops, kind="stable")
    flops = table.flops[order]
    groups: list[IntArray] = []
    start = 0
    while start < flops.size:
        stop = int(np.searchsorted(flops, flops[start] * (1 + tolerance), side="right"))
        groups.append(order[start:stop])
        start = stop
    return groups


def _merge(table: RunTable, index: IntArray) -> Budget:
    """Make one budget of its rows; the rows of one size are merged into their mean."""
    rows_flops = table.flops[index]
    flops = float(rows_flops[0] if np.ptp(rows_flops) == 0 else np.exp(np.log(rows_flops).mean()))
    sizes, cell = np.unique(table.n_params[index], return_inverse=True)
    count = np.bincount(cell)
    loss, tokens = table.loss[index], table.tokens[index]
    seeds = None if table.seeds is None else table.seeds[index]
    bad = disagreeing(cell, loss, seeds, tokens)
    if bad is not None:
        found = loss[cell == bad]
        raise UsageError(
            f"{found.size} runs with N={sizes[bad]:.4g} at C={flops:.3g} have losses from "
            f"{found.min():.4f} to {found.max():.4f} and no seed tells them apart: "
            "--repeats takes them for repeats, --best takes the lowest loss."
        )
    return Budget(
        flops=flops,
        n_params=sizes,
        tokens=np.bincount(cell, tokens) / count,
        loss=np.bincount(cell, loss) / count,
        n_seeds=count,
    )


def disagreeing(
    cell: IntArray, loss: FloatArray, seeds: IntArray | None, tokens: FloatArray | None = None
) -> int | None:
    """Return the first cell whose losses differ although no seed tells its rows apart; None when there is none.

    Args:
        cell: number of each row's cell, shape (rows,).
        loss: of each row, shape (rows,).
        seeds: of each row, shape (rows,), or None.
        tokens: of each row, shape (rows,); rows whose D differs little may differ in loss. None where D is one.
    """
    spread = _spread(cell, loss)
    bad = spread > DUPLICATE_RTOL
    if tokens is not None:
        of_tokens = _spread(cell, tokens)
        bad &= (of_tokens <= DUPLICATE_RTOL) | (of_tokens > NEAR_TOKENS) | (spread > _NEAR_LOSS)
    if seeds is not None:
        order = np.lexsort((seeds, cell))
        again = (np.diff(cell[order]) == 0) & (np.diff(seeds[order]) == 0)
        twice = np.zeros_like(bad)
        twice[cell[order][1:][again]] = True
        bad &= twice
    return int(bad.argmax()) if bad.any() else None


def _spread(cell: IntArray, values: FloatArray) -> FloatArray:
    """Return by how much the largest value of each cell is above its smallest, relative to it."""
    low, high = np.full(int(cell.max()) + 1, np.inf), np.zeros(int(cell.max()) + 1)
    np.minimum.at(low, cell, values)
    np.maximum.at(high, cell, values)
    return np.asarray(high / low - 1, dtype=np.float64)


def _differ_in_seed(table: RunTable, rows: IntArray) -> bool:
    return table.seeds is not None and np.unique(table.seeds[rows]).size == rows.size


def _are_near(table: RunTable, rows: IntArray) -> bool:
    """Return whether rows of one size differ in D, but little."""
    spread = float(np.ptp(table.tokens[rows]) / table.tokens[rows].min())
    return DUPLICATE_RTOL < spread <= NEAR_TOKENS


def near_duplicates(table: RunTable, tolerance: float = BUDGET_TOLERANCE) -> list[IntArray]:
    """Return the rows of each point that `budgets` makes of runs that no seed tells apart and that differ little in D.

    Args:
        table: the runs.
        tolerance: as for `budgets`.
    """
    points: list[IntArray] = []
    for group in _by_compute(table, tolerance):
        index = group[np.argsort(table.n_params[group], kind="stable")]
        points += np.split(index, np.flatnonzero(np.diff(table.n_params[index])) + 1)
    return [rows for rows in points if _are_near(table, rows) and not _differ_in_seed(table, rows)]


def check_lengths(lengths: Mapping[str, int]) -> None:
    """Refuse columns of different lengths.

    Raises:
        UsageError: they are.
    """
    if len(set(lengths.values())) > 1:
        sizes = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise UsageError(f"the columns have different lengths ({sizes}): give every run all of them.")


def _check_column(name: str, column: FloatArray) -> None:
    """Refuse a column that is empty, not one-dimensional, or not finite and positive."""
    if column.ndim != 1 or column.size == 0:
        raise UsageError(f"the column {name} holds no runs: give at least one row.")
    bad = ~(np.isfinite(column) & (column > 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        more = f" (and {int(bad.sum()) - 1} more rows)" if bad.sum() > 1 else ""
        raise UsageError(
            f"row {row + 1} has {name}={column[row]:g}{more}, which is not a positive finite number: "
            "drop the run if it diverged, or correct the value."
        )
