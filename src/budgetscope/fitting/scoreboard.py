"""What recipes would have cost on public grids of learning rate and batch, in loss and in compute."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq

from budgetscope.core.counting.shapes import PORIAN_VOCAB_SIZE, shape_family
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.hyperparameters import predict, predictors
from budgetscope.core.laws.operating_point import point_of_run
from budgetscope.core.laws.scoreboard import LawCell, LawDistance, LawScore, MeasuredOptima, ScoredGrid
from budgetscope.fitting.parametric import fit_parametric
from budgetscope.fitting.run_table import RunTable
from budgetscope.fitting.score import score, score_batch
from budgetscope.fitting.sweep import diverged_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.core.counting.ledger import Convention
    from budgetscope.core.counting.shapes import ShapeFamily
    from budgetscope.core.laws.fit import Fit
    from budgetscope.core.laws.forms import LossSurface
    from budgetscope.fitting.sweep import SweepCell

_ROLES = ("learning_rate", "batch_size")
# Compute beyond this factor is not told: the surface is not known so far from its cells.
_MAX_COMPUTE = 16.0
# Draws of the surface, of which only the surface itself is used.
_DRAWS = 2


@dataclass(frozen=True)
class RecipeGrid:
    """Public runs that vary learning rate and batch, or their published optima.

    Attributes:
        id: short name, such as "steplaw".
        title: what people call it.
        citation: whose runs these are.
        schedule: of the learning rate, in words.
        counting: of N.
        seq_len: training context in tokens.
        own_laws: ids of the fits that were fitted on these runs: they are marked, and not counted.
        cells: of the runs; one setting a cell where only the optima are published.
        vocab_size: of the tokenizer, for the conversion of counting conventions; Porian et al.'s when not known.
    """

    id: str
    title: str
    citation: str
    schedule: str
    counting: Convention
    seq_len: int
    own_laws: frozenset[str]
    cells: tuple[SweepCell, ...]
    vocab_size: int = PORIAN_VOCAB_SIZE

    @property
    def family(self) -> ShapeFamily:
        """Shapes by which N is converted between counting conventions."""
        return shape_family("dense", vocab_size=self.vocab_size, seq_len=self.seq_len)


@dataclass(frozen=True)
class _Recipe:
    """What a fit recommends in each cell of a grid, and the factor by which the cell lies outside its range."""

    fit: Fit
    settings: tuple[tuple[float | None, float], ...]
    beyond: tuple[float | None, ...]


def recommend(
    fit: Fit, family: ShapeFamily, counting: Convention, n_params: float, tokens: float
) -> tuple[float | None, float | None]:
    """Return the learning rate and the batch in tokens that a fit recommends; None where it says none.

    Args:
        fit: with the laws.
        family: shapes, for the conversion of N.
        counting: of N.
        n_params: N.
        tokens: D.

    Raises:
        FailureError: a law gives no usable number there.
    """
    at = point_of_run(n_params, tokens, counting, family)
    rate, batch = (predict(fit, role, at, family, None) for role in _ROLES)
    return None if rate is None else rate.value, None if batch is None else batch.value


def score_laws(grid: RecipeGrid, fits: Sequence[Fit]) -> ScoredGrid:
    """Score the fits on a grid; those that give no batch from N and D are left out.

    Args:
        grid: with several learning rates and batches in each cell.
        fits: the laws.
    """
    surface = best_surface(grid)
    return ScoredGrid(
        grid.id,
        grid.title,
        grid.citation,
        grid.schedule,
        grid.counting,
        sum(int(cell.n_seeds.sum()) + len(cell.diverged) for cell in grid.cells),
        diverged_sentence(grid.cells),
        surface,
        tuple(
            LawScore(
                recipe.fit.id,
                recipe.fit.id in grid.own_laws,
                all(rate is None for rate, _ in recipe.settings),
                tuple(
                    _law_cell(cell, rate, batch, beyond, surface)
                    for cell, (rate, batch), beyond in zip(grid.cells, recipe.settings, recipe.beyond, strict=True)
                ),
            )
            for recipe in _recipes(grid, fits)
        ),
    )


def distances(grid: RecipeGrid, fits: Sequence[Fit]) -> MeasuredOptima:
    """Return how far each law is from the best setting of each cell, by size; the laws are those of `score_laws`.

    Args:
        grid: with the optimum of each cell.
        fits: the laws.
    """
    sizes = np.array([cell.n_params for cell in grid.cells])
    best = np.array(
        [(cell.learning_rate[cell.loss.argmin()], cell.batch_tokens[cell.loss.argmin()]) for cell in grid.cells]
    )
    found = []
    for recipe in _recipes(grid, fits):
        given = [(math.nan if rate is None else rate, batch) for rate, batch in recipe.settings]
        off = np.log(np.array(given) / best)
        beyond = np.array([math.nan if each is None else each for each in recipe.beyond])
        for n_params in np.unique(sizes):
            here = sizes == n_params
            ratio, error = np.exp(off[here].mean(axis=0)), np.sqrt((off[here] ** 2).mean(axis=0))
            found.append(
                LawDistance(
                    recipe.fit.id,
                    recipe.fit.id in grid.own_laws,
                    float(n_params),
                    int(here.sum()),
                    _number(ratio[0]),
                    float(ratio[1]),
                    _number(error[0]),
                    float(error[1]),
                    _number(np.median(beyond[here])),
                )
            )
    return MeasuredOptima(grid.id, grid.title, grid.citation, grid.schedule, grid.counting, tuple(found))


def best_surface(grid: RecipeGrid) -> LossSurface | None:
    """Return the loss surface through the lowest loss of each cell; None where the cells do not determine one."""
    n, d = (np.array([getattr(cell, name) for cell in grid.cells]) for name in ("n_params", "tokens"))
    lowest = np.array([cell.loss.min() for cell in grid.cells])
    try:
        return fit_parametric(RunTable(6 * n * d, n, d, lowest), draws=_DRAWS).surface
    except UsageError:
        return None


def compute_factor(surface: LossSurface, n_params: float, tokens: float, excess: float) -> float | None:
    """Return the factor of compute that lowers a loss by `excess`, N and D growing alike.

    None above a factor of 16, and where no compute would do.

    Args:
        surface: of the loss.
        n_params: N.
        tokens: D.
        excess: nats per token, not negative.
    """
    if excess == 0:
        return 1.0
    here = surface.loss(n_params, tokens)

    def left(log_factor: float) -> float:
        grown = math.exp(log_factor / 2)
        return surface.loss(n_params * grown, tokens * grown) - here + excess

    most = math.log(_MAX_COMPUTE)
    return math.exp(brentq(left, 0.0, most)) if left(most) < 0 else None


def _recipes(grid: RecipeGrid, fits: Sequence[Fit]) -> list[_Recipe]:
    """Return what each fit recommends; fits that do not give a batch in each cell are left out."""
    family, found = grid.family, []
    for fit in fits:
        settings: list[tuple[float | None, float]] = []
        for cell in grid.cells:
            try:
                rate, batch = recommend(fit, family, grid.counting, cell.n_params, cell.tokens)
            except FailureError:
                break
            if batch is None:
                break
            settings.append((rate, batch))
        if len(settings) == len(grid.cells):
            beyond = tuple(_beyond(fit, family, grid.counting, cell) for cell in grid.cells)
            found.append(_Recipe(fit, tuple(settings), beyond))
    return found


def _law_cell(
    cell: SweepCell, rate: float | None, batch: float, beyond: float | None, surface: LossSurface | None
) -> LawCell:
    """Return what one recipe costs in one cell."""
    at_batch = score_batch(cell, batch)
    one = at_batch if rate is None else score([cell], lambda _n, _d: (rate, batch))[0]
    factor = None
    if one.excess is not None and surface is not None:
        factor = compute_factor(surface, cell.n_params, cell.tokens, one.excess)
    return LawCell(
        cell.n_params,
        cell.tokens,
        rate,
        batch,
        one.place,
        one.excess,
        one.excess_permille,
        at_batch.excess,
        factor,
        beyond,
    )


def _beyond(fit: Fit, family: ShapeFamily, counting: Convention, cell: SweepCell) -> float | None:
    """Return the factor by which a cell lies outside the range of a fit's recipe; None where it has no range."""
    at = predictors(fit, point_of_run(cell.n_params, cell.tokens, counting, family), family, None)
    values = {
        "n_params": at.n_params,
        "tokens": at.tokens,
        "flops": at.flops,
        "tokens_per_param": at.tokens / at.n_params,
    }
    factors = [
        span.factor_outside(values[name])
        for role in _ROLES
        if role in fit.laws
        for name, span in fit.laws[role].fitted.items()
        if name in values
    ]
    return max(factors, default=None)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
