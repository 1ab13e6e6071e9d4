"""Which law the recipe follows when the question names none.

Learning rate and batch come from one law, since each was tuned with the other. The law is the one that covers the
model: whose data reach nearest to its N, D and D/N. Of laws that reach alike, the one with the least loss on public
grids near that size is followed (see `core.laws.scoreboard`); grids that a law was fitted on do not count for it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from budgetscope.core.budget.quantities import format_count
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.hyperparameters import outside, predictors
from budgetscope.core.laws.operating_point import OperatingPoint, recount
from budgetscope.core.laws.scoreboard import LawCell, Scoreboard, ScoredGrid

PAIR = ("learning_rate", "batch_size")

_NEAR = math.log(30)
"""A cell of a grid that is further away, in e-folds of N and of D/N, is no evidence."""
_ALIKE = 0.3
"""Laws that reach within so many e-folds of each other reach alike."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a law costs in the nearest cell of a public grid that it was not fitted on.

    Attributes:
        law: id of the fit.
        compute_factor: compute that its recipe needs for the loss of the best measured recipe.
        excess: loss above that, nats a token.
    """

    law: str
    compute_factor: float
    excess: float


@dataclass(frozen=True, slots=True)
class RecipeChoice:
    """The law that the recipe follows, and why.

    Attributes:
        law: id of the fit.
        beyond: e-folds by which the model lies beyond its data, in N, D or D/N, the furthest of them; 0 inside.
        place: the nearest cell of a public grid, a phrase; empty without any.
        evidence: of every law that counts there, the cheapest first.
        alike: number of laws whose data reach the model about as near as the nearest, this one among them.
    """

    law: str
    beyond: float
    place: str
    evidence: tuple[Evidence, ...]
    alike: int = 1

    def of(self, law: str) -> Evidence | None:
        """Return the evidence about a law; None where it has none."""
        return next((each for each in self.evidence if each.law == law), None)


def choose_recipe(
    fits: Sequence[Fit], point: OperatingPoint, family: ShapeFamily, loss: float | None, board: Scoreboard | None
) -> tuple[Fit, RecipeChoice]:
    """Return the fit whose learning rate and batch are followed.

    Args:
        fits: the candidates, each with both laws and their ranges; of equals the first is taken.
        point: the model to train.
        family: the shapes through which counts convert.
        loss: of the model, for laws that need it.
        board: the scores; None counts reach alone.
    """
    reach = {fit.id: _beyond(fit, point, family, loss) for fit in fits}
    place, evidence = _nearest(board, point, family)
    excess = {each.law: each.excess for each in evidence}
    nearest = min(reach.values())
    alike = [fit for fit in fits if reach[fit.id] <= nearest + _ALIKE]
    chosen = min(alike, key=lambda fit: excess.get(fit.id, math.inf))
    return chosen, RecipeChoice(chosen.id, reach[chosen.id], place, evidence, len(alike))


def covers(fit: Fit, role: str, point: OperatingPoint, family: ShapeFamily, loss: float | None) -> bool:
    """Return whether a model lies inside the data of a fit's law, or hardly outside."""
    law = fit.laws[role]
    return bool(law.fitted) and not outside(law, predictors(fit, point, family, loss))


def _beyond(fit: Fit, point: OperatingPoint, family: ShapeFamily, loss: float | None) -> float:
    """Return by how many e-folds a model lies beyond the data of a recipe; infinite where no range is known."""
    at = predictors(fit, point, family, loss)
    found: dict[str, float] = {}
    for role in PAIR:
        if not fit.laws[role].fitted:
            return math.inf
        for name, factor in outside(fit.laws[role], at, least=1.0).items():
            found[name] = max(found.get(name, 1.0), factor)
    return math.log(max(found.values(), default=1.0))


def _nearest(board: Scoreboard | None, point: OperatingPoint, family: ShapeFamily) -> tuple[str, tuple[Evidence, ...]]:
    """Return the cell of a public grid that is nearest in N and D/N, and what the laws that count cost there."""
    best: tuple[float, ScoredGrid, LawCell] | None = None
    for grid, cell in _cells(board):
        n_params = recount(point, Convention(grid.counting), family).n_params
        distance = math.hypot(
            math.log(cell.n_params / n_params), math.log(cell.tokens / cell.n_params / (point.tokens / n_params))
        )
        if best is None or distance < best[0]:
            best = distance, grid, cell
    if best is None or best[0] > _NEAR:
        return "", ()
    grid, near = best[1:]
    found = [
        Evidence(law.law, cell.compute_factor, cell.excess)
        for law in grid.laws
        for cell in law.cells
        if law.counted and (cell.n_params, cell.tokens) == (near.n_params, near.tokens)
        if cell.compute_factor is not None and cell.excess is not None
    ]
    place = _("{grid}, {n_params} parameters at D/N {ratio}").format(
        grid=grid.title, n_params=format_count(near.n_params), ratio=f"{near.tokens / near.n_params:.3g}"
    )
    return place, tuple(sorted(found, key=lambda each: each.excess))


def _cells(board: Scoreboard | None) -> Iterator[tuple[ScoredGrid, LawCell]]:
    """Yield every cell once, by the laws that count there."""
    for grid in () if board is None else board.grids:
        seen = set()
        for law in grid.laws:
            for cell in law.cells if law.counted else ():
                if cell.excess is not None and (cell.n_params, cell.tokens) not in seen:
                    seen.add((cell.n_params, cell.tokens))
                    yield grid, cell
