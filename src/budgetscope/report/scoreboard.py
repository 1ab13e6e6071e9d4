"""Format the scoreboard of recipes as table cells and as a Markdown page."""

import math
from collections.abc import Sequence

from budgetscope.core.budget.quantities import format_count
from budgetscope.core.language import N_, _
from budgetscope.core.laws.scoreboard import (
    Cost,
    LawCell,
    LawDistance,
    LawScore,
    MeasuredOptima,
    Scoreboard,
    ScoredGrid,
)
from budgetscope.report.markdown import heading, table
from budgetscope.report.rows import UNKNOWN
from budgetscope.report.words import headed, listed, sentences, valued

NEAR_OPTIMAL = 30.0
"""Largest D/N of the cells that are near compute-optimal."""
LAWS_HEADER = (
    N_("law"), N_("cells"), N_("excess"), N_("permille"), N_("worst"), N_("compute"), N_("in range"), N_("remark"),
)  # fmt: skip


def sizes_title() -> str:
    """Return what `size_cells` of the cells near compute-optimal are."""
    return _("Mean excess by size, nats, and factor of compute; cells of at most {ratio} tokens a parameter").format(
        ratio=f"{NEAR_OPTIMAL:g}"
    )


def law_cells(law: LawScore) -> tuple[str, ...]:
    """Return a law's mean cost on a grid, under `LAWS_HEADER`."""
    cost = law.cost()
    inside = [cell.inside_range for cell in law.cells]
    return (
        law.law,
        _of(0 if cost is None else cost.scored, len(law.cells)),
        *(
            (UNKNOWN,) * 4
            if cost is None
            else (
                f"{cost.excess:.4f}",
                f"{cost.excess_permille:.1f}",
                f"{cost.worst:.4f}",
                _factor(cost.compute_factor),
            )
        ),
        UNKNOWN if None in inside else _of(sum(map(bool, inside)), len(inside)),
        _remark(law),
    )


def _of(some: int, every: int) -> str:
    return _("{some} of {all}").format(some=some, all=every)


def size_header(sizes: Sequence[float]) -> tuple[str, ...]:
    """Return the header of `size_cells` and of `distance_cells`."""
    return (_("law"), *map(format_count, sizes))


def size_cells(law: LawScore, sizes: Sequence[float], max_tokens_per_param: float) -> tuple[str, ...]:
    """Return a law's mean cost at each size, over the cells of at most a D/N, under `size_header`."""
    costs = [law.cost(n_params, max_tokens_per_param) for n_params in sizes]
    return (f"{law.law}{' *' * (not law.counted)}", *map(_cost, costs))


def distance_cells(law: str, distances: Sequence[LawDistance]) -> tuple[str, ...]:
    """Return a law's learning rate and batch over the measured ones at each size, under `size_header`."""
    return (
        f"{law}{' *' * distances[0].fitted_here}",
        *(f"{_factor(each.learning_rate_ratio)}, {_factor(each.batch_ratio)}" for each in distances),
    )


def grid_sentence(grid: ScoredGrid) -> str:
    """Return what a grid is, in a few sentences."""
    first = _("{title}: {n} runs, {schedule}, N by the {counting} count.").format(
        title=grid.title, n=grid.runs, schedule=grid.schedule, counting=grid.counting
    )
    return sentences((first, f"{grid.citation}.", grid.diverged))


def optima_sentence(optima: MeasuredOptima) -> str:
    """Return what a set of optima is, in a few sentences."""
    number = sum(each.optima for each in next(iter(optima.by_law()))[1]) if optima.distances else 0
    first = _("{title}: {n} optima, {schedule}, N by the {counting} count.").format(
        title=optima.title, n=number, schedule=optima.schedule, counting=optima.counting
    )
    what = _("Learning rate and batch of each law over the measured ones, geometric means.")
    return sentences((first, f"{optima.citation}.", what))


MARKED = N_("* fitted on these runs, or of the batch alone (at the best learning rate there): not counted.")


def markdown(board: Scoreboard) -> list[str]:
    """Return the tables of a scoreboard as the lines of a Markdown page, without its head."""
    lines: list[str] = []
    for grid in board.grids:
        lines += [heading(2, grid.title), "", grid_sentence(grid), ""]
        lines += [*table(headed(LAWS_HEADER), map(law_cells, grid.laws)), ""]
        for title, ratio in (
            (_("{title}:").format(title=sizes_title()), NEAR_OPTIMAL),
            (_("The same over all cells:"), math.inf),
        ):
            rows = [size_cells(law, grid.sizes, ratio) for law in grid.laws]
            lines += [title, "", *table(size_header(grid.sizes), rows), "", *_best(grid, ratio), ""]
        lines += [_("By cell, in nats; in brackets outside the law's fitted range:"), ""]
        header = ("N", "D", "D/N", *(f"{law.law}{' *' * (not law.counted)}" for law in grid.laws))
        rows = [
            (
                format_count(cells[0].n_params),
                format_count(cells[0].tokens),
                f"{cells[0].tokens / cells[0].n_params:.0f}",
                *map(_cell, cells),
            )
            for cells in zip(*(law.cells for law in grid.laws), strict=True)
        ]
        lines += [*table(header, rows), "", _(MARKED).replace("*", r"\*"), ""]
    for optima in board.optima:
        lines += [heading(2, optima.title), "", optima_sentence(optima), ""]
        rows = [distance_cells(law, each) for law, each in optima.by_law()]
        lines += [*table(size_header(optima.sizes), rows), "", "\\" + _("* fitted on these optima."), ""]
    return lines


def _best(grid: ScoredGrid, max_tokens_per_param: float) -> list[str]:
    """Return the sentence of the best counted law at each size."""
    best = [
        f"{format_count(n_params)} {next(iter(ranking))}"
        for n_params in grid.sizes
        if (ranking := grid.ranking(n_params, max_tokens_per_param))
    ]
    return [_("Lowest of the laws that count: {laws}.").format(laws=listed(best))] if best else []


def _remark(law: LawScore) -> str:
    if law.fitted_here:
        return _("fitted on this grid: not counted")
    if law.batch_alone:
        return _("batch alone, at its best learning rate: not counted")
    places = [cell.place for cell in law.cells]
    words = (("outside", _("{n} outside the grid")), ("hole", _("{n} where runs diverged")))
    return listed(what.format(n=places.count(place)) for place, what in words if place in places)


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return UNKNOWN
    some = _of(cost.scored, cost.cells) if cost.scored < cost.cells else ""
    return listed((f"{cost.excess:.4f}", valued(_factor(cost.compute_factor), some)))


def _cell(cell: LawCell) -> str:
    text = {"outside": _("outside"), "hole": _("diverged")}.get(cell.place, UNKNOWN)
    if cell.excess is not None:
        text = f"{cell.excess:.4f}"
    return text if cell.inside_range else f"({text})"


def _factor(factor: float | None) -> str:
    return UNKNOWN if factor is None else f"{factor:.2f}x"
