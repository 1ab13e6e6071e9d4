"""Format the scoreboard of recipes as table cells and as a Markdown page."""

import math
from collections.abc import Sequence

from budgetscope.core.budget.quantities import format_count
from budgetscope.core.laws.scoreboard import (
    Cost,
    LawCell,
    LawDistance,
    LawScore,
    MeasuredOptima,
    Scoreboard,
    ScoredGrid,
)
from budgetscope.report.markdown import table
from budgetscope.report.rows import UNKNOWN

NEAR_OPTIMAL = 30.0
"""Largest D/N of the cells that are near compute-optimal."""
SIZES_TITLE = f"Mean excess by size, nats, and factor of compute; cells of at most {NEAR_OPTIMAL:g} tokens a parameter"
LAWS_HEADER = ("law", "cells", "excess", "permille", "worst", "compute", "in range", "remark")


def law_cells(law: LawScore) -> tuple[str, ...]:
    """Return a law's mean cost on a grid, under `LAWS_HEADER`."""
    cost = law.cost()
    inside = [cell.inside_range for cell in law.cells]
    return (
        law.law,
        f"{0 if cost is None else cost.scored} of {len(law.cells)}",
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
        UNKNOWN if None in inside else f"{sum(map(bool, inside))} of {len(inside)}",
        _remark(law),
    )


def size_header(sizes: Sequence[float]) -> tuple[str, ...]:
    """Return the header of `size_cells` and of `distance_cells`."""
    return ("law", *map(format_count, sizes))


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
    first = f"{grid.title}: {grid.runs} runs, {grid.schedule}, N by the {grid.counting} count. {grid.citation}."
    return f"{first} {grid.diverged}".strip()


def optima_sentence(optima: MeasuredOptima) -> str:
    """Return what a set of optima is, in a few sentences."""
    number = sum(each.optima for each in next(iter(optima.by_law()))[1]) if optima.distances else 0
    return (
        f"{optima.title}: {number} optima, {optima.schedule}, N by the {optima.counting} count. {optima.citation}. "
        "Learning rate and batch of each law over the measured ones, geometric means."
    )


MARKED = "* fitted on these runs, or of the batch alone (at the best learning rate there): not counted."


def markdown(board: Scoreboard) -> list[str]:
    """Return the tables of a scoreboard as the lines of a Markdown page, without its head."""
    lines: list[str] = []
    for grid in board.grids:
        lines += [f"## {grid.title}", "", grid_sentence(grid), ""]
        lines += [*table(LAWS_HEADER, map(law_cells, grid.laws)), ""]
        for title, ratio in (
            (f"{SIZES_TITLE}:", NEAR_OPTIMAL),
            ("The same over all cells:", math.inf),
        ):
            rows = [size_cells(law, grid.sizes, ratio) for law in grid.laws]
            lines += [title, "", *table(size_header(grid.sizes), rows), "", *_best(grid, ratio), ""]
        lines += ["By cell, in nats; in brackets outside the law's fitted range:", ""]
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
        lines += [*table(header, rows), "", MARKED.replace("*", r"\*"), ""]
    for optima in board.optima:
        lines += [f"## {optima.title}", "", optima_sentence(optima), ""]
        rows = [distance_cells(law, each) for law, each in optima.by_law()]
        lines += [*table(size_header(optima.sizes), rows), "", r"\* fitted on these optima.", ""]
    return lines


def _best(grid: ScoredGrid, max_tokens_per_param: float) -> list[str]:
    """Return the sentence of the best counted law at each size."""
    best = [
        f"{format_count(n_params)} {next(iter(ranking))}"
        for n_params in grid.sizes
        if (ranking := grid.ranking(n_params, max_tokens_per_param))
    ]
    return [f"Lowest of the laws that count: {', '.join(best)}."] if best else []


def _remark(law: LawScore) -> str:
    if law.fitted_here:
        return "fitted on this grid: not counted"
    if law.batch_alone:
        return "batch alone, at its best learning rate: not counted"
    places = [cell.place for cell in law.cells]
    words = (("outside", "outside the grid"), ("hole", "where runs diverged"))
    return ", ".join(f"{places.count(place)} {what}" for place, what in words if place in places)


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return UNKNOWN
    some = f" ({cost.scored} of {cost.cells})" if cost.scored < cost.cells else ""
    return f"{cost.excess:.4f}, {_factor(cost.compute_factor)}{some}"


def _cell(cell: LawCell) -> str:
    text = {"outside": "outside", "hole": "diverged"}.get(cell.place, UNKNOWN)
    if cell.excess is not None:
        text = f"{cell.excess:.4f}"
    return text if cell.inside_range else f"({text})"


def _factor(factor: float | None) -> str:
    return UNKNOWN if factor is None else f"{factor:.2f}x"
