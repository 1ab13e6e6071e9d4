"""The rows of a table that a loss surface is fitted to, and those among them that decide its exponents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.jackknife import deletions
from budgetscope.fitting.loss_surface import HUBER_DELTA, Points, log_loss, minimise_huber
from budgetscope.fitting.parametric import MIN_DISTINCT, MIN_POINTS, ParametricFit, fit_parametric
from budgetscope.fitting.surface_draws import MOST_REFITTED

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import BoolArray, FloatArray, IntArray, RunTable
    from budgetscope.fitting.surface_draws import Resample

LEAST_TOKENS_PER_PARAM = 4.0
"""Below it a run has barely left its warmup (N tokens in Porian et al. 2024) and no surface of the form holds: on
their tuned runs the misfit of log loss falls from 86 to 12 permille without them."""
_MOVES = 1.0
_NAMED = 20
_REFITTED = 40


@dataclass(frozen=True)
class VotedSurface:
    """A surface of the rows that vote, with the exponent of all rows for comparison.

    Attributes:
        fit: of the rows that vote.
        voters: which rows do, shape (rows,).
        exponent: beta / (alpha + beta) of the rows that vote.
        exponent_of_all: the same of all rows; None where all vote, or all together give no surface.
        sentence: what was left out, with both exponents; empty when nothing was.
        decisive: rows that move an exponent by more than a standard error, those that move it most first.
    """

    fit: ParametricFit
    voters: BoolArray
    exponent: float
    exponent_of_all: float | None
    sentence: str
    decisive: tuple[Decisive, ...]


@dataclass(frozen=True)
class Decisive:
    """A row without which an exponent changes by more than a standard error.

    Attributes:
        row: number in the table, from 0.
        name: "alpha", "beta" or "N* exponent".
        moves: change of the exponent when the row is left out.
        in_std: the same in standard errors.
    """

    row: int
    name: str
    moves: float
    in_std: float

    def sentence(self, table: RunTable) -> str:
        """Return the row's values and its effect, one sentence."""
        n, d, loss = (float(column[self.row]) for column in (table.n_params, table.tokens, table.loss))
        return (
            f"Row {self.row + 1} (N={n:.3g}, D={d:.3g}, loss {loss:.4g}) moves the {self.name} by "
            f"{-self.moves:+.3f}, {abs(self.in_std):.1f} standard errors: check that run."
        )


def voters(table: RunTable, least: float = LEAST_TOKENS_PER_PARAM) -> BoolArray:
    """Return the rows with at least `least` tokens a parameter; all when too few would be left for a surface."""
    mask: BoolArray = table.tokens >= least * table.n_params
    enough = mask.sum() >= MIN_POINTS
    varied = enough and all(np.unique(column[mask]).size >= MIN_DISTINCT for column in (table.n_params, table.tokens))
    return mask if varied else np.ones_like(mask)


def fit_voted(table: RunTable, *, resample: Resample = "points", draws: int = 1000, seed: int = 0) -> VotedSurface:
    """Fit a loss surface to the rows that may vote.

    Raises:
        UsageError: As `fit_parametric`.
    """
    mask = voters(table)
    fit = fit_parametric(table.rows(mask), resample=resample, draws=draws, seed=seed)
    exponent = fit.surface.optimal_exponent
    everyone: float | None = None
    sentence = ""
    left = int((~mask).sum())
    if left:
        why = (
            f"{left} of {mask.size} rows have fewer than {LEAST_TOKENS_PER_PARAM:g} tokens a parameter and are left out"
        )
        try:
            everyone = fit_parametric(table, resample=resample, draws=1, seed=seed).surface.optimal_exponent
            sentence = f"{why}: the exponent of N* is {exponent:.3f} without them and {everyone:.3f} with them."
        except UsageError:
            sentence = f"{why}: the exponent of N* is {exponent:.3f} without them, and with them there is no surface."
    elif (table.tokens < LEAST_TOKENS_PER_PARAM * table.n_params).any():
        sentence = (
            f"Some rows have fewer than {LEAST_TOKENS_PER_PARAM:g} tokens a parameter; they are used, since the "
            "others alone carry no surface."
        )
    return VotedSurface(fit, mask, exponent, everyone, sentence, decisive_rows(table, mask, fit))


def decisive_rows(table: RunTable, mask: BoolArray, fit: ParametricFit) -> tuple[Decisive, ...]:
    """Return the rows whose absence moves an exponent by over a standard error, fitting again without each suspect.

    A row that moves an exponent far also makes it look uncertain, so that none would exceed the bootstrap's or the
    jackknife's standard error by much. The lesser of two is taken: half of the width of the middle 68% of the draws,
    and the jackknife over all other rows.
    """
    rows = np.flatnonzero(mask)
    used = table.rows(mask)
    points = Points.of(used.n_params, used.tokens, used.loss)
    surface = fit.surface
    theta = np.array([np.log(surface.A), np.log(surface.B), np.log(max(surface.E, 1e-9)), surface.alpha, surface.beta])
    theta[0] -= surface.alpha * points.x_mean
    theta[1] -= surface.beta * points.z_mean
    suspects, without = _left_out(theta, points)
    named = []
    for name, value, moved, drawn in zip(
        ("alpha", "beta", "N* exponent"),
        _exponents(theta[None, 3:]),
        _exponents(without),
        _exponents(fit.draws[:, 3:]),
        strict=True,
    ):
        moves = moved - value[0]
        low, high = np.quantile(drawn, [0.16, 0.84])
        others = np.sqrt(np.maximum((moves**2).sum() - moves**2, 0.0))
        std = np.minimum(others, float(high - low) / 2)
        named += [
            Decisive(int(rows[i]), name, float(moves[i]), float(moves[i] / std[i]))
            for i in suspects
            if std[i] > 0 and abs(moves[i]) > _MOVES * std[i]
        ]
    return tuple(sorted(named, key=lambda each: -abs(each.in_std))[:_NAMED])


def _left_out(theta: FloatArray, points: Points) -> tuple[IntArray, FloatArray]:
    """Return the rows that could matter most, and (alpha, beta) without each row, shape (rows, 2).

    One linear step for every row; those that move most by it, or lie furthest off, are fitted again.
    """
    step = 1e-5
    moved = log_loss(theta + step * np.vstack([np.zeros(5), np.eye(5)]), points)
    slopes = ((moved[1:] - moved[0]) / step).T
    residual = points.y - moved[0]
    weights = np.minimum(1.0, HUBER_DELTA / np.maximum(np.abs(residual), 1e-300))
    size = residual.size
    moves = deletions(slopes, residual, weights, np.arange(size), np.full(size, -1))[:, 3:]
    without = theta[3:] + moves
    half = _REFITTED // 2
    most = np.argsort(-np.abs(moves).max(axis=1), kind="stable")[:half]
    suspects = np.union1d(np.argsort(-np.abs(residual), kind="stable")[:half], most)
    # Among so many the linear step is exact enough.
    if size <= MOST_REFITTED:
        counts = np.ones((suspects.size, size))
        counts[np.arange(suspects.size), suspects] = 0.0
        without[suspects] = minimise_huber(np.repeat(theta[None], suspects.size, axis=0), points, counts)[0][:, 3:]
    return suspects, without


def _exponents(pairs: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return alpha, beta and beta / (alpha + beta) of rows of (alpha, beta)."""
    alpha, beta = pairs.T
    return alpha, beta, beta / (alpha + beta)
