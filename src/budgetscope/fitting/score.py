"""Scores a law on a measured sweep: the loss above the best that its learning rate and batch would have cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator

from budgetscope.core.errors import UsageError
from budgetscope.fitting.sweep_optimum import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from budgetscope.core.laws.scoreboard import Place
    from budgetscope.fitting.run_table import FloatArray
    from budgetscope.fitting.sweep import SweepCell

# Tolerance in logs within which a recommendation on the rim of the grid lies inside it.
_RIM = 1e-9


@dataclass(frozen=True)
class GridBest:
    """The measured setting with the lowest loss of a cell.

    Attributes:
        learning_rate: there.
        batch_tokens: there.
        loss: there, nats per token.
    """

    learning_rate: float
    batch_tokens: float
    loss: float


@dataclass(frozen=True)
class CellScore:
    """The loss of a law's recommendation in one cell, against the best of the grid.

    Attributes:
        n_params: N.
        tokens: D.
        learning_rate: recommended.
        batch_tokens: recommended.
        best: the best of the grid; None where the cell has no grid.
        loss: interpolated loss at the recommendation, nats per token; None where it cannot be told.
        noise: standard deviation of one run's loss over seeds, nats per token; None when unknown. The best of noisy
            losses is too low by chance, so an excess of this size or less means nothing.
        place: where the recommendation is.
        diverged: settings of the cell that were left out because they diverged.
        reason: why there is no loss; empty when there is.
    """

    n_params: float
    tokens: float
    learning_rate: float
    batch_tokens: float
    best: GridBest | None
    loss: float | None
    noise: float | None
    place: Place
    diverged: int
    reason: str

    @property
    def excess(self) -> float | None:
        """Loss above the best, nats per token; None where it cannot be told."""
        return None if self.loss is None or self.best is None else self.loss - self.best.loss

    @property
    def excess_permille(self) -> float | None:
        """Loss above the best, thousandths of it; None where it cannot be told."""
        return None if self.loss is None or self.best is None else 1000 * (self.loss / self.best.loss - 1)


@dataclass(frozen=True)
class ScoreSummary:
    """A law's scores over the cells whose grid holds its recommendation.

    Attributes:
        scored: cells with a score.
        unscored: cells without one.
        mean_excess: nats per token.
        max_excess: nats per token.
        mean_permille: thousandths of the best loss.
        max_permille: thousandths of the best loss.
    """

    scored: int
    unscored: int
    mean_excess: float
    max_excess: float
    mean_permille: float
    max_permille: float


def score(cells: Sequence[SweepCell], law: Callable[[float, float], tuple[float, float]]) -> tuple[CellScore, ...]:
    """Score a law on measured cells, which need not be those that it was fitted on.

    Log loss is interpolated over log learning rate at each batch, then over log batch, at the best beta2 of each
    point, by the monotone cubics of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 1984): between two runs the
    loss stays between theirs, so that no optimum appears where none was measured. On a coarse grid the best is too
    high by what half a step costs. A recommendation outside the grid, or beside runs that diverged, gets a reason
    and no number.

    Args:
        cells: of a sweep, from `sweep_cells`.
        law: learning rate and batch in tokens for (N, D), N in the sweep's counting convention.

    Raises:
        UsageError: the law returns a value that is not positive and finite.
    """
    return tuple(_score_cell(cell, _Rows.of(cell), *law(cell.n_params, cell.tokens)) for cell in cells)


def score_batch(cell: SweepCell, batch_tokens: float) -> CellScore:
    """Score a batch alone, at the best of the cell's learning rates there.

    Args:
        cell: of a sweep, from `sweep_cells`.
        batch_tokens: the batch.

    Raises:
        UsageError: the batch is not positive and finite.
    """
    rows = _Rows.of(cell)
    scores = [_score_cell(cell, rows, rate, batch_tokens) for rate in np.unique(cell.learning_rate).tolist()]
    return min(scores, key=lambda one: np.inf if one.loss is None else one.loss)


def summarize(scores: Sequence[CellScore]) -> ScoreSummary | None:
    """Return mean and maximum over the cells that have a score; None when none has."""
    excess = np.array([s.excess for s in scores if s.excess is not None])
    permille = np.array([s.excess_permille for s in scores if s.excess_permille is not None])
    if excess.size == 0:
        return None
    return ScoreSummary(
        excess.size,
        len(scores) - excess.size,
        float(excess.mean()),
        float(excess.max()),
        float(permille.mean()),
        float(permille.max()),
    )


def _score_cell(cell: SweepCell, rows: _Rows, learning_rate: float, batch_tokens: float) -> CellScore:
    """Return one cell's score."""
    if not (np.isfinite([learning_rate, batch_tokens]).all() and learning_rate > 0 and batch_tokens > 0):
        raise UsageError(
            f"at {cell.name} the law says lr={learning_rate:g} and a batch of {batch_tokens:g} tokens, "
            "which cannot be trained with: score a law that holds at this size."
        )
    best, loss, reason = None, None, ""
    place: Place = "no grid"
    if rows.log_batch.size < 2:
        reason = f"At {cell.name} fewer than two batches have two learning rates left: sweep a grid of both there."
    else:
        lowest = int(cell.loss.argmin())
        best = GridBest(*(float(column[lowest]) for column in (cell.learning_rate, cell.batch_tokens, cell.loss)))
        log_loss = rows.at(float(np.log(learning_rate)), float(np.log(batch_tokens)))
        if log_loss is None:
            place, reason = _outside(cell, learning_rate, batch_tokens)
        else:
            # Not below the best: only the logarithm's rounding can be.
            place, loss = "inside", max(float(np.exp(log_loss)), best.loss)
    noise = best.loss * float(np.sqrt(cell.seed_variance)) if best and cell.seed_dof else None
    return CellScore(
        cell.n_params, cell.tokens, learning_rate, batch_tokens, best, loss, noise, place, len(cell.diverged), reason
    )


def _outside(cell: SweepCell, learning_rate: float, batch_tokens: float) -> tuple[Place, str]:
    """Return where a recommendation lies that cannot be scored in a cell, and the same as a sentence."""
    lost = np.array(cell.diverged).reshape(-1, 2)
    for what, value, kept, left_out in (
        ("learning rate", learning_rate, cell.learning_rate, lost[:, 0]),
        ("batch", batch_tokens, cell.batch_tokens, lost[:, 1]),
    ):
        tried = np.concatenate([kept, left_out])
        low, high = float(tried.min()), float(tried.max())
        if not low * (1 - _RIM) <= value <= high * (1 + _RIM):
            return "outside", f"At {cell.name} the {what} {value:.3g} lies outside the grid, {low:.3g} to {high:.3g}."
    why = "where runs diverged or were not made"
    return "hole", f"At {cell.name} lr={learning_rate:.3g} with a batch of {batch_tokens:.3g} tokens lies {why}."


@dataclass(frozen=True)
class _Rows:
    """Log loss over log learning rate at each batch that has two learning rates.

    Attributes:
        log_batch: shape (rows,), ascending.
        curves: one interpolant a row.
        lost: log learning rates of each row that diverged.
    """

    log_batch: FloatArray
    curves: tuple[PchipInterpolator, ...]
    lost: tuple[FloatArray, ...]

    @classmethod
    def of(cls, cell: SweepCell) -> _Rows:
        """Return the rows of a cell."""
        grid = Grid.of(cell)
        log_loss = cell.best_beta2(np.log(cell.loss)) if cell.loss.size else np.empty(0)
        rows = [np.flatnonzero(grid.log_batch == level) for level in np.unique(grid.log_batch)]
        rows = [row for row in rows if row.size > 1]
        lost = np.log(np.array(sorted(cell.lost_points)).reshape(-1, 2))
        log_batch = np.array([grid.log_batch[row[0]] for row in rows])
        return cls(
            log_batch,
            tuple(PchipInterpolator(grid.log_lr[row], log_loss[row]) for row in rows),
            tuple(lost[lost[:, 1] == level, 0] for level in log_batch),
        )

    def at(self, log_lr: float, log_batch: float) -> float | None:
        """Return the log loss at one setting; None outside the reach of the rows on either side of it."""
        within = np.flatnonzero([self._reaches(row, log_lr) for row in range(self.log_batch.size)])
        # Consecutive rows that reach this learning rate: the interpolant never crosses a row that does not.
        for run in np.split(within, np.flatnonzero(np.diff(within) > 1) + 1):
            x = self.log_batch[run]
            if run.size == 0 or not x[0] - _RIM <= log_batch <= x[-1] + _RIM:
                continue
            values = np.array([_at(self.curves[row], log_lr) for row in run])
            return float(values[0]) if run.size == 1 else _at(PchipInterpolator(x, values), log_batch)
        return None

    def _reaches(self, row: int, log_lr: float) -> bool:
        """Return whether a row has runs on both sides of a learning rate, and none that diverged between them."""
        x = self.curves[row].x
        if not x[0] - _RIM <= log_lr <= x[-1] + _RIM:
            return False
        low, high = x[x <= log_lr + _RIM][-1], x[x >= log_lr - _RIM][0]
        return not ((self.lost[row] > low) & (self.lost[row] < high)).any()


def _at(curve: PchipInterpolator, x: float) -> float:
    """Return an interpolant at a place that lies within it, or beyond its end by rounding only."""
    return float(curve(np.clip(x, curve.x[0], curve.x[-1])))
