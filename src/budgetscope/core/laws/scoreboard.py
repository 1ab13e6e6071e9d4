"""What published recipes would have cost on public grids of learning rate and batch."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from budgetscope.core.laws.forms import LossSurface

Place = Literal["inside", "outside", "hole", "no grid"]
"""Where a recommendation is: inside a grid; outside what was tried; in a hole, beside settings that diverged or were
not made; or where there is no grid."""

# Ranges are stored rounded: 215M for 214.7M.
_ROUNDED = 1.01


@dataclass(frozen=True, slots=True)
class LawCell:
    """What one law would have cost in one cell.

    Attributes:
        n_params: N, in the grid's counting.
        tokens: D.
        learning_rate: recommended; None for a law of the batch alone.
        batch_tokens: recommended.
        place: of the recommendation in the grid.
        excess: loss above the cell's best, nats per token; for a law of the batch alone, at the best learning rate
            of its batch. None where it cannot be told.
        excess_permille: the same, thousandths of the best loss.
        batch_excess: what the batch alone costs, at its best learning rate, nats per token; None where not told.
        compute_factor: how many times the compute a run with this recipe needs to reach the cell's best loss, N and D
            growing alike; None where it cannot be told.
        beyond: factor by which the cell lies outside the law's fitted range, 1 inside; None where the law has no range.
    """

    n_params: float
    tokens: float
    learning_rate: float | None
    batch_tokens: float
    place: Place
    excess: float | None
    excess_permille: float | None
    batch_excess: float | None
    compute_factor: float | None
    beyond: float | None

    @property
    def inside_range(self) -> bool | None:
        """Whether the cell is inside the law's fitted range; None where the law has no range."""
        return None if self.beyond is None else self.beyond <= _ROUNDED


@dataclass(frozen=True, slots=True)
class Cost:
    """The mean cost of a law over some cells.

    Attributes:
        scored: cells with a cost.
        cells: cells in all.
        excess: mean loss above the best, nats per token.
        excess_permille: the same, thousandths of the best loss.
        compute_factor: geometric mean; None where it is not known in each cell.
        worst: largest loss above the best, nats per token.
    """

    scored: int
    cells: int
    excess: float
    excess_permille: float
    compute_factor: float | None
    worst: float


@dataclass(frozen=True, slots=True)
class LawScore:
    """What one law would have cost on a grid.

    Attributes:
        law: id of the fit.
        fitted_here: whether it was fitted on this grid, so that its score is no evidence.
        batch_alone: whether it is a law of the batch alone.
        cells: in the order of the grid's.
    """

    law: str
    fitted_here: bool
    batch_alone: bool
    cells: tuple[LawCell, ...]

    @property
    def counted(self) -> bool:
        """Whether the score is evidence about a whole recipe."""
        return not self.fitted_here and not self.batch_alone

    def cost(self, n_params: float | None = None, max_tokens_per_param: float = math.inf) -> Cost | None:
        """Return the mean cost over cells; None when none of them has one.

        Args:
            n_params: only the cells of this size.
            max_tokens_per_param: only the cells of at most this D/N.
        """
        cells = [
            c for c in self.cells if n_params in (None, c.n_params) and c.tokens <= max_tokens_per_param * c.n_params
        ]
        told = [
            (c.excess, c.excess_permille, c.compute_factor)
            for c in cells
            if c.excess is not None and c.excess_permille is not None
        ]
        if not told:
            return None
        excess, permille, factors = zip(*told, strict=True)
        known = [math.log(factor) for factor in factors if factor is not None]
        return Cost(
            len(told),
            len(cells),
            fmean(excess),
            fmean(permille),
            math.exp(fmean(known)) if len(known) == len(told) else None,
            max(excess),
        )


@dataclass(frozen=True, slots=True)
class ScoredGrid:
    """A public grid and what each law would have cost on it.

    Attributes:
        id: short name.
        title: what people call it.
        citation: whose runs these are.
        schedule: of the learning rate, in words.
        counting: of N.
        runs: their number.
        diverged: how many settings were left out because they diverged, one sentence; empty when none was.
        surface: through the lowest loss of each cell, by which loss is turned into compute; None where there is none.
        laws: by id of the fit.
    """

    id: str
    title: str
    citation: str
    schedule: str
    counting: str
    runs: int
    diverged: str
    surface: LossSurface | None
    laws: tuple[LawScore, ...]

    @property
    def sizes(self) -> tuple[float, ...]:
        """The sizes of the cells, ascending."""
        return tuple(sorted({cell.n_params for law in self.laws for cell in law.cells}))

    def ranking(self, n_params: float | None = None, max_tokens_per_param: float = math.inf) -> Mapping[str, Cost]:
        """Return the costs of the laws that count: those with most cells first, and of those the cheapest.

        Args:
            n_params: only the cells of this size.
            max_tokens_per_param: only the cells of at most this D/N.
        """
        costs = {
            law.law: cost for law in self.laws if law.counted and (cost := law.cost(n_params, max_tokens_per_param))
        }
        return dict(sorted(costs.items(), key=lambda item: (-item[1].scored, item[1].excess)))


@dataclass(frozen=True, slots=True)
class LawDistance:
    """How far a law is from measured optima of one size.

    Attributes:
        law: id of the fit.
        fitted_here: whether it was fitted on these optima.
        n_params: N, in the counting of the optima.
        optima: their number.
        learning_rate_ratio: geometric mean of the law's learning rate over the measured one; None without such a law.
        batch_ratio: the same of the batch.
        learning_rate_error: root mean square of the log of that ratio; None without such a law.
        batch_error: the same of the batch.
        beyond: median of the factors by which the optima lie outside the law's range; None where it has none.
    """

    law: str
    fitted_here: bool
    n_params: float
    optima: int
    learning_rate_ratio: float | None
    batch_ratio: float
    learning_rate_error: float | None
    batch_error: float
    beyond: float | None


@dataclass(frozen=True, slots=True)
class MeasuredOptima:
    """Published optima of learning rate and batch, whose runs are not, and how far each law is from them.

    Attributes:
        id: short name.
        title: what people call them.
        citation: whose they are.
        schedule: of the learning rate, in words.
        counting: of N.
        distances: by law and size.
    """

    id: str
    title: str
    citation: str
    schedule: str
    counting: str
    distances: tuple[LawDistance, ...]

    @property
    def sizes(self) -> tuple[float, ...]:
        """The sizes of the optima, ascending."""
        return tuple(sorted({each.n_params for each in self.distances}))

    def by_law(self) -> Iterator[tuple[str, tuple[LawDistance, ...]]]:
        """Yield each law with its distances, by size."""
        for law in dict.fromkeys(each.law for each in self.distances):
            yield law, tuple(sorted((d for d in self.distances if d.law == law), key=lambda each: each.n_params))


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """What the recipes would have cost on every public grid, and how far they are from every set of public optima."""

    grids: tuple[ScoredGrid, ...]
    optima: tuple[MeasuredOptima, ...]
