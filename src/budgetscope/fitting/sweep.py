"""The table of a sweep of learning rate, batch and beta2, and its runs grouped into cells of one (N, D)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.refusals import MAX_NATS, check_lowest_loss
from budgetscope.fitting.run_table import check_lengths, disagreeing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.fitting.run_table import BoolArray, FloatArray, IntArray

# Runs of one size whose D differs by less than this share a cell: whole steps of different batches end at
# slightly different D.
TOKENS_TOLERANCE = 0.1
MOST_CELLS = 10_000
"""Cells that are fitted: each takes some milliseconds and 50 KB."""
# Natural logs that agree to so many decimals are the same setting.
_SAME_DECIMALS = 6
# Log loss above the cell's best beyond which seeds do not count for the noise: runs that are about to diverge scatter
# more.
_NEAR_BEST = 0.1
# A run above so many times its cell's best loss diverged, unless a higher learning rate of its batch does better.
# 181 of Step Law's 1,911 dense runs (Li et al. 2025, arXiv 2503.04715) are above: by 1.70 times and more, the others
# below 1.21.
DIVERGED_ABOVE = 1.25

_POSITIVE = ("n_params", "tokens", "learning_rate", "batch_tokens")


@dataclass(frozen=True)
class SweepTable:
    """Training runs that vary the hyperparameters, as columns of equal length, in any order.

    Attributes:
        n_params: parameters N in the same counting convention for every row, shape (rows,).
        tokens: training tokens D, shape (rows,).
        learning_rate: peak learning rate, shape (rows,).
        batch_tokens: tokens a step, shape (rows,).
        loss: final loss in nats per token, shape (rows,); infinite or NaN for a run that diverged.
        beta2: AdamW beta2, shape (rows,), or None (or NaN in every row) when it was not varied.
        seeds: seed of each row, shape (rows,), or None when the runs were not repeated.

    Raises:
        UsageError: a column is empty, has another length, or holds a value that cannot be.
    """

    n_params: FloatArray
    tokens: FloatArray
    learning_rate: FloatArray
    batch_tokens: FloatArray
    loss: FloatArray
    beta2: FloatArray | None = None
    seeds: IntArray | None = None

    def __post_init__(self) -> None:
        """Turn the columns into arrays and check each value."""
        columns: dict[str, FloatArray | IntArray] = {
            name: np.array(getattr(self, name), dtype=np.float64) for name in (*_POSITIVE, "loss")
        }
        if self.beta2 is not None and not np.isnan(np.array(self.beta2, dtype=np.float64)).all():
            columns["beta2"] = np.array(self.beta2, dtype=np.float64)
        else:
            object.__setattr__(self, "beta2", None)
        if self.seeds is not None:
            columns["seeds"] = np.array(self.seeds, dtype=np.int64)
        check_lengths({name: column.size for name, column in columns.items()})
        if columns["loss"].size == 0:
            raise UsageError("the sweep holds no runs: give at least one row.")
        for name, column in columns.items():
            _check_column(name, column)
            column.flags.writeable = False
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        """Number of rows."""
        return self.loss.size

    def rows(self, index: BoolArray | IntArray) -> SweepTable:
        """Return the table of the rows that `index` (a mask or row numbers) selects."""
        return SweepTable(
            self.n_params[index],
            self.tokens[index],
            self.learning_rate[index],
            self.batch_tokens[index],
            self.loss[index],
            None if self.beta2 is None else self.beta2[index],
            None if self.seeds is None else self.seeds[index],
        )

    @property
    def diverged(self) -> BoolArray:
        """Rows whose loss is not finite, or worse than guessing among the largest vocabularies.

        `sweep_cells` also leaves out runs that are far above the best of their cell.
        """
        return ~(self.loss <= MAX_NATS)


@dataclass(frozen=True)
class SweepCell:
    """The settings tried at one (N, D), sorted by batch, learning rate and beta2.

    Attributes:
        n_params: N.
        tokens: D, geometric mean of its runs.
        learning_rate: of each setting, shape (settings,).
        batch_tokens: of each setting, shape (settings,).
        beta2: of each setting, NaN when it was not varied, shape (settings,).
        loss: mean over seeds, nats per token, shape (settings,).
        n_seeds: runs that were merged, shape (settings,).
        diverged: (learning rate, batch) of each setting that was left out because a run of it diverged.
        seed_variance: variance of log loss over seeds, pooled over the settings near the best.
        seed_dof: degrees of freedom of `seed_variance`; 0 when no setting was repeated.
    """

    n_params: float
    tokens: float
    learning_rate: FloatArray
    batch_tokens: FloatArray
    beta2: FloatArray
    loss: FloatArray
    n_seeds: IntArray
    diverged: tuple[tuple[float, float], ...]
    seed_variance: float
    seed_dof: int

    @property
    def name(self) -> str:
        """N and D, for messages."""
        return f"N={self.n_params:.3g}, D={self.tokens:.3g}"

    @property
    def starts(self) -> IntArray:
        """The first setting of each distinct (batch, learning rate), shape (points,)."""
        new = (np.diff(self.batch_tokens) != 0) | (np.diff(self.learning_rate) != 0)
        return np.flatnonzero(np.concatenate([np.ones(min(1, self.loss.size), dtype=bool), new]))

    @property
    def lost_points(self) -> frozenset[tuple[float, float]]:
        """(learning rate, batch) at which a setting diverged and no beta2 was left."""
        kept = zip(self.learning_rate.tolist(), self.batch_tokens.tolist(), strict=True)
        return frozenset(self.diverged) - frozenset(kept)

    def best_beta2(self, loss: FloatArray) -> FloatArray:
        """Return the losses with the best beta2 of each point: from shape (..., settings) to (..., points)."""
        lowest: FloatArray = np.minimum.reduceat(loss, self.starts, axis=-1)
        return lowest


def sweep_cells(table: SweepTable) -> tuple[SweepCell, ...]:
    """Group a sweep's runs by N and D, ascending; a setting with a diverged run is left out.

    A run diverged if it has no loss, or more than `DIVERGED_ABOVE` times the lowest of its cell while no higher
    learning rate of its batch has less. So settings that learn too slowly stay.

    Raises:
        UsageError: two runs of one setting disagree and no seed tells them apart, or the losses cannot
            be nats per token.
    """
    _check_loss_unit(table)
    _, size = _levels(table.n_params)
    # The loss breaks ties, so that the order of the rows changes nothing, not even the last digit.
    order = np.lexsort((table.loss, table.tokens, size))
    tokens = table.tokens[order]
    edges = np.flatnonzero(np.diff(size[order], prepend=-1, append=-1))
    groups: list[IntArray] = []
    for first, last in pairwise(edges.tolist()):
        start = first
        while start < last:
            stop = start + int(np.searchsorted(tokens[start:last], tokens[start] * (1 + TOKENS_TOLERANCE), "right"))
            groups.append(order[start:stop])
            start = stop
    if len(groups) > MOST_CELLS:
        raise UsageError(
            f"the runs are at {len(groups):,} different (N, D), of which {MOST_CELLS:,} at most can be fitted: keep "
            "those with the most settings, or state N and D of each sweep as they were planned."
        )
    return tuple(_cell(table.rows(group)) for group in groups)


def diverged_sentence(cells: Sequence[SweepCell]) -> str:
    """Return how many settings were left out because a run of them diverged; empty when none was."""
    lost = [lr for cell in cells for lr, _ in cell.diverged]
    if not lost:
        return ""
    total = sum(cell.loss.size for cell in cells) + len(lost)
    return (
        f"{len(lost)} of {total} settings diverged and were left out: no loss, or above {DIVERGED_ABOVE:g} times their "
        f"cell's best. The lowest learning rate of them is {min(lost):.3g}."
    )


def _cell(table: SweepTable) -> SweepCell:
    """Make one cell of its rows."""
    beta2 = np.full(len(table), np.nan) if table.beta2 is None else table.beta2
    # Levels, not values: one setting may be written with different rounding.
    lrs, lr = _levels(table.learning_rate)
    batches, batch = _levels(table.batch_tokens)
    beta2s, beta = np.unique(beta2, return_inverse=True)
    keys, setting = np.unique(np.stack([batch, lr, beta], axis=1), axis=0, return_inverse=True)
    setting = setting.reshape(-1)
    count = np.bincount(setting)
    lost = np.bincount(setting, _diverged(table, lr, batch)) > 0
    clean = ~lost[setting]
    if clean.any():
        _check_repeats(table.rows(clean), setting[clean])
    at_batch, at_lr, at_beta2 = batches[keys[:, 0]], lrs[keys[:, 1]], beta2s[keys[:, 2]]
    loss = np.bincount(setting, np.where(clean, table.loss, 0.0)) / count
    variance, dof = _seed_variance(np.log(table.loss[clean]), setting[clean], np.where(lost, np.inf, loss), count)
    return SweepCell(
        n_params=float(table.n_params[0]),
        tokens=float(np.exp(np.log(table.tokens).mean())),
        learning_rate=at_lr[~lost],
        batch_tokens=at_batch[~lost],
        beta2=at_beta2[~lost],
        loss=loss[~lost],
        n_seeds=count[~lost],
        diverged=tuple(zip(at_lr[lost].tolist(), at_batch[lost].tolist(), strict=True)),
        seed_variance=variance,
        seed_dof=dof,
    )


def _diverged(table: SweepTable, lr: IntArray, batch: IntArray) -> BoolArray:
    """Return which runs of one cell diverged, for the numbers of their learning rates and batches, ascending."""
    lowest = table.loss[~table.diverged].min(initial=np.inf)
    low = table.loss <= DIVERGED_ABOVE * lowest
    highest_lr = np.full(batch.max() + 1, -1)
    np.maximum.at(highest_lr, batch[low], lr[low])
    diverged: BoolArray = table.diverged | (~low & (lr > highest_lr[batch]))
    return diverged


def _seed_variance(
    log_loss: FloatArray, setting: IntArray, mean_loss: FloatArray, count: IntArray
) -> tuple[float, int]:
    """Return the variance of log loss within the settings near the best one, and its degrees of freedom."""
    near = (count > 1) & (mean_loss <= mean_loss.min() * np.exp(_NEAR_BEST)) & np.isfinite(mean_loss)
    dof = int((count[near] - 1).sum())
    if dof == 0:
        return 0.0, 0
    mean = np.bincount(setting, log_loss, minlength=count.size) / count
    residual = (log_loss - mean[setting])[near[setting]]
    return float((residual**2).sum() / dof), dof


def _levels(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the distinct values, ascending, and each entry's number among them."""
    _, index = np.unique(np.round(np.log(values), _SAME_DECIMALS), return_inverse=True)
    index = index.reshape(-1)
    lowest = np.full(index.max() + 1, np.inf)
    np.minimum.at(lowest, index, values)
    return lowest, index


def _check_repeats(table: SweepTable, setting: IntArray) -> None:
    """Refuse rows of one setting that no seed tells apart and that disagree."""
    bad = disagreeing(setting, table.loss, table.seeds)
    if bad is not None:
        rows = np.flatnonzero(setting == bad)
        first, loss = rows[0], table.loss[rows]
        raise UsageError(
            f"{rows.size} runs with N={table.n_params[first]:.4g}, lr={table.learning_rate[first]:.4g} and a batch "
            f"of {table.batch_tokens[first]:.4g} tokens have losses from {loss.min():.4f} to {loss.max():.4f} and no "
            "seed tells them apart: give each its own seed, or keep one of them."
        )


def _check_column(name: str, column: FloatArray | IntArray) -> None:
    """Refuse a value that the column cannot hold, naming its row."""
    if column.ndim != 1:
        raise UsageError(f"the column {name} has {column.ndim} dimensions: give one value for every run.")
    if name in _POSITIVE:
        bad, rule = ~(np.isfinite(column) & (column > 0)), "a positive finite number"
    elif name == "beta2":
        bad, rule = ~((column > 0) & (column < 1)), "between 0 and 1"
    elif name == "loss":
        bad, rule = column <= 0, "positive"
    else:
        return
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        more = f" (and {int(bad.sum()) - 1} more rows)" if bad.sum() > 1 else ""
        raise UsageError(
            f"row {row + 1} has {name}={column[row]:g}{more}, which is not {rule}: correct it, or drop the run."
        )


def _check_loss_unit(table: SweepTable) -> None:
    """Refuse losses that cannot be nats per token; single large ones are taken for divergence."""
    finite = table.loss[np.isfinite(table.loss)]
    if finite.size == 0:
        raise UsageError("every run diverged (no loss is finite): lower the learning rates.")
    if np.median(finite) > MAX_NATS:
        raise UsageError(
            f"the median loss is {np.median(finite):.4g}, more than guessing costs in nats per token "
            f"({MAX_NATS:g}): say --loss-unit perplexity if these are perplexities."
        )
    check_lowest_loss(float(finite.min()))
