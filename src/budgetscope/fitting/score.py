"""Scores a law on a measured sweep: the loss above the best that its learning rate and batch would have cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.curve_minimum import akima
from budgetscope.fitting.sweep_optimum import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scipy.interpolate import Akima1DInterpolator

    from budgetscope.fitting.run_table import FloatArray
    from budgetscope.fitting.sweep import SweepCell

# Points an interval at which the lowest point of the interpolated surface is searched, as the paper does.
_POINTS_PER_INTERVAL = 25
# Tolerance in logs within which a recommendation on the rim of the grid lies inside it.
_RIM = 1e-9


@dataclass(frozen=True)
class GridBest:
    """The lowest point of a cell's interpolated loss, each point with its best beta2.

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
        reason: why there is no loss; empty when there is.
    """

    n_params: float
    tokens: float
    learning_rate: float
    batch_tokens: float
    best: GridBest | None
    loss: float | None
    noise: float | None
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

    Log loss is interpolated with Akima's spline over log learning rate at each batch, then over log batch,
    at the best beta2 of each point. A recommendation outside the grid, or where the runs diverged, gets a
    reason and no number.

    Args:
        cells: of a sweep, from `sweep_cells`.
        law: learning rate and batch in tokens for (N, D), N in the sweep's counting convention.

    Raises:
        UsageError: the law returns a value that is not positive and finite.
    """
    return tuple(_score_cell(cell, *law(cell.n_params, cell.tokens)) for cell in cells)


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


def _score_cell(cell: SweepCell, learning_rate: float, batch_tokens: float) -> CellScore:
    """Return one cell's score."""
    if not (np.isfinite([learning_rate, batch_tokens]).all() and learning_rate > 0 and batch_tokens > 0):
        raise UsageError(
            f"at {cell.name} the law says lr={learning_rate:g} and a batch of {batch_tokens:g} tokens, "
            "which cannot be trained with: score a law that holds at this size."
        )
    rows = _Rows.of(cell)
    best, loss, reason = None, None, ""
    if rows.log_batch.size < 2:
        reason = f"At {cell.name} fewer than two batches have two learning rates left: sweep a grid of both there."
    else:
        log_lr, log_batch = float(np.log(learning_rate)), float(np.log(batch_tokens))
        here = float(rows.at(log_lr, np.array([log_batch]))[0])
        lowest = rows.lowest()
        if np.isfinite(here):
            # The mesh may just miss a recommendation at the minimum.
            lowest = min(lowest, (here, log_lr, log_batch))
            loss = float(np.exp(here))
        else:
            reason = _outside(cell, learning_rate, batch_tokens)
        best = GridBest(float(np.exp(lowest[1])), float(np.exp(lowest[2])), float(np.exp(lowest[0])))
    noise = best.loss * float(np.sqrt(cell.seed_variance)) if best and cell.seed_dof else None
    return CellScore(cell.n_params, cell.tokens, learning_rate, batch_tokens, best, loss, noise, reason)


def _outside(cell: SweepCell, learning_rate: float, batch_tokens: float) -> str:
    """Return why a recommendation cannot be scored in a cell."""
    for what, value, tried in (
        ("learning rate", learning_rate, cell.learning_rate),
        ("batch", batch_tokens, cell.batch_tokens),
    ):
        low, high = float(tried.min()), float(tried.max())
        if not low * (1 - _RIM) <= value <= high * (1 + _RIM):
            return f"At {cell.name} the {what} {value:.3g} lies outside the grid, {low:.3g} to {high:.3g}."
    why = "where runs diverged or were not made"
    return f"At {cell.name} lr={learning_rate:.3g} with a batch of {batch_tokens:.3g} tokens lies {why}."


@dataclass(frozen=True)
class _Rows:
    """Log loss over log learning rate at each batch that has two learning rates.

    Attributes:
        log_batch: shape (rows,), ascending.
        splines: one interpolant a row.
    """

    log_batch: FloatArray
    splines: tuple[Akima1DInterpolator, ...]

    @classmethod
    def of(cls, cell: SweepCell) -> _Rows:
        """Return the rows of a cell."""
        grid = Grid.of(cell)
        log_loss = cell.best_beta2(np.log(cell.loss)) if cell.loss.size else np.empty(0)
        rows = [np.flatnonzero(grid.log_batch == level) for level in np.unique(grid.log_batch)]
        rows = [row for row in rows if row.size > 1]
        return cls(
            np.array([grid.log_batch[row[0]] for row in rows]),
            tuple(akima(grid.log_lr[row], log_loss[row]) for row in rows),
        )

    def at(self, log_lr: float, log_batch: FloatArray) -> FloatArray:
        """Return the log loss at one learning rate and several batches; NaN outside the reach of neighbouring rows."""
        reached = np.array([s.x[0] - _RIM <= log_lr <= s.x[-1] + _RIM for s in self.splines])
        values = np.array([float(s(np.clip(log_lr, s.x[0], s.x[-1]))) for s in self.splines])
        result = np.full(log_batch.size, np.nan)
        # Consecutive rows that reach this learning rate: the spline never crosses a row that does not.
        for run in np.split(np.arange(reached.size), np.flatnonzero(np.diff(reached)) + 1):
            if not reached[run[0]]:
                continue
            x = self.log_batch[run]
            within = (log_batch >= x[0] - _RIM) & (log_batch <= x[-1] + _RIM)
            at = np.clip(log_batch[within], x[0], x[-1])
            result[within] = akima(x, values[run])(at) if run.size > 1 else values[run[0]]
        return result

    def lowest(self) -> tuple[float, float, float]:
        """Return log loss, log learning rate and log batch of the lowest point of a fine mesh."""
        mesh_lr = _mesh(np.unique(np.concatenate([s.x for s in self.splines])))
        mesh_batch = _mesh(self.log_batch)
        values = np.array([self.at(float(log_lr), mesh_batch) for log_lr in mesh_lr])
        i, j = np.unravel_index(np.nanargmin(values), values.shape)
        return float(values[i, j]), float(mesh_lr[i]), float(mesh_batch[j])


def _mesh(knots: FloatArray) -> FloatArray:
    """Return the knots and evenly spaced points between them."""
    number = np.arange((knots.size - 1) * _POINTS_PER_INTERVAL + 1) / _POINTS_PER_INTERVAL
    return np.interp(number, np.arange(knots.size), knots)
