"""The runs that a fit is made from: one row a (budget, size) measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

# Rows whose FLOPs differ by less than this share one budget; Porian et al. accept the same tolerance
# when they read a learning curve at a budget (`flop_tolerance` in their analysis.py).
BUDGET_TOLERANCE = 0.1
# Without seeds, two rows of one cell are the same measurement only if their losses agree this closely.
DUPLICATE_RTOL = 1e-6


@dataclass(frozen=True, init=False, eq=False)
class RunTable:
    """Training runs as columns of equal length, in any order.

    Attributes:
        flops: Training FLOPs C, shape (rows,).
        n_params: Parameters N in the same counting convention for every row, shape (rows,).
        tokens: Training tokens D, shape (rows,).
        loss: Loss in nats per token, shape (rows,).
        seeds: Seed of each row, shape (rows,), or None when the runs were not repeated.

    Raises:
        UsageError: If a column is empty, has another length, or holds a value that is not finite and
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
        if whole is not None:
            lengths["seeds"] = whole.size
        if len(set(lengths.values())) > 1:
            sizes = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise UsageError(f"The columns have different lengths ({sizes}): give every run all of them.")

    def __len__(self) -> int:
        """Number of rows."""
        return self.loss.size

    def rows(self, index: BoolArray | IntArray) -> RunTable:
        """The table of the rows that `index` (a mask or row numbers) selects."""
        seeds = None if self.seeds is None else self.seeds[index]
        return RunTable(self.flops[index], self.n_params[index], self.tokens[index], self.loss[index], seeds)


@dataclass(frozen=True)
class Budget:
    """The sizes trained to one compute budget, sorted by size, repeated seeds merged.

    Attributes:
        flops: The budget: geometric mean of its rows' FLOPs.
        n_params: Distinct sizes, ascending, shape (sizes,).
        tokens: Tokens at each size, shape (sizes,).
        loss: Loss at each size, mean over seeds, shape (sizes,).
        n_seeds: Runs that were merged at each size, shape (sizes,).
    """

    flops: float
    n_params: FloatArray
    tokens: FloatArray
    loss: FloatArray
    n_seeds: IntArray


def budgets(table: RunTable, tolerance: float = BUDGET_TOLERANCE) -> tuple[Budget, ...]:
    """Group a table's rows by compute, ascending.

    Args:
        table: The runs.
        tolerance: Largest relative spread of FLOPs within one budget.

    Returns:
        One `Budget` for each distinct compute value.

    Raises:
        UsageError: If two rows of one budget and size disagree and no seeds tell them apart.
    """
    return tuple(_merge(table, group) for group in _by_compute(table, tolerance))


def budget_levels(table: RunTable, tolerance: float = BUDGET_TOLERANCE) -> FloatArray:
    """The distinct compute values of a table, ascending, as `budgets` groups them, whether repeats agree or not."""
    return np.array([np.exp(np.log(table.flops[rows]).mean()) for rows in _by_compute(table, tolerance)])


def _by_compute(table: RunTable, tolerance: float) -> list[list[int]]:
    """Row numbers of each distinct compute value, ascending."""
    groups: list[list[int]] = []
    for row in np.argsort(table.flops, kind="stable"):
        if groups and table.flops[row] <= table.flops[groups[-1][0]] * (1 + tolerance):
            groups[-1].append(int(row))
        else:
            groups.append([int(row)])
    return groups


def _merge(table: RunTable, rows: Iterable[int]) -> Budget:
    """One budget from its rows, the rows of one size merged into their mean."""
    index = np.array(list(rows))
    rows_flops = table.flops[index]
    flops = float(rows_flops[0] if np.ptp(rows_flops) == 0 else np.exp(np.log(rows_flops).mean()))
    sizes, cell = np.unique(table.n_params[index], return_inverse=True)
    count = np.bincount(cell)
    loss, tokens = table.loss[index], table.tokens[index]
    for size in np.flatnonzero(count > 1):
        _check_repeats(table, index[cell == size], flops)
    return Budget(
        flops=flops,
        n_params=sizes,
        tokens=np.bincount(cell, tokens) / count,
        loss=np.bincount(cell, loss) / count,
        n_seeds=count,
    )


def _check_repeats(table: RunTable, rows: IntArray, flops: float) -> None:
    """Refuse rows of one cell that no seed tells apart and that disagree."""
    loss = table.loss[rows]
    if table.seeds is None or np.unique(table.seeds[rows]).size < rows.size:
        spread = float(loss.max() / loss.min() - 1)
        if spread > DUPLICATE_RTOL:
            raise UsageError(
                f"{rows.size} runs with N={table.n_params[rows[0]]:.4g} at C={flops:.3g} have losses from "
                f"{loss.min():.4f} to {loss.max():.4f} and no seed tells them apart: "
                "give each its own seed, or keep one of them."
            )


def _check_column(name: str, column: FloatArray) -> None:
    """Refuse a column that is empty, not one-dimensional, or not finite and positive."""
    if column.ndim != 1 or column.size == 0:
        raise UsageError(f"The column {name} holds no runs: give at least one row.")
    bad = ~(np.isfinite(column) & (column > 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        more = f" (and {int(bad.sum()) - 1} more rows)" if bad.sum() > 1 else ""
        raise UsageError(
            f"Row {row + 1} has {name}={column[row]:g}{more}, which is not a positive finite number: "
            "drop the run if it diverged, or correct the value."
        )
