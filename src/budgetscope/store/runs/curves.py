"""Learning curves: which rows are points of one run, its last point, and its loss at given budgets."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from budgetscope.core.errors import UsageError
from budgetscope.core.quantities import quote
from budgetscope.core.runs import Run
from budgetscope.store.runs.result import Journal, Row

CURVES = ("final", "all")


def curve_key(run: Run) -> tuple[object, ...]:
    """Return what the points of one learning curve have in common."""
    return (run.name, run.n_params, run.learning_rate, run.batch_tokens, run.beta2, run.seed)


def take_points(rows: Sequence[Row], curves: str, journal: Journal) -> list[Row]:
    """Return the last point of each learning curve ("final"), or all points ("all").

    Rows are points of one curve if they share their run's name, size and hyperparameters; without names
    the table must have steps, or each row is a run of its own. A run whose last loss is NaN diverged: with
    "final" none of its points is used.

    Raises:
        UsageError: `curves` is neither.
    """
    if curves not in CURVES:
        raise UsageError(f"{quote(curves)} is not a choice of points; choose one of {', '.join(CURVES)}.")
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        is_point = row.run.name is not None or row.run.step is not None
        groups.setdefault(curve_key(row.run) if is_point else (row.number,), []).append(row)
    last = {key: max(row.run.tokens for row in points) for key, points in groups.items()}
    earlier = {id(row) for key, points in groups.items() for row in points if row.run.tokens < last[key]}
    if not earlier:
        return list(rows)
    n_curves = sum(any(id(row) in earlier for row in points) for points in groups.values())
    if curves == "all":
        journal.assume(f"Every point of {n_curves} learning curves is used, as asked.")
        return list(rows)
    journal.assume(f"The last point of {n_curves} learning curves is used; --curves all uses every point.")
    journal.drop((row.number for row in rows if id(row) in earlier), "an earlier point of a learning curve")
    return [row for row in rows if id(row) not in earlier]


def at_budgets(runs: Iterable[Run], budgets: Iterable[float]) -> tuple[Run, ...]:
    """Read the loss of learning curves at given budgets, never outside what was measured.

    Between two points of a run, log loss and log tokens are linear in log FLOPs. Meant for runs at a
    constant learning rate, read with `curves="all"`: each then serves every budget that it passes.

    Args:
        runs: Points of learning curves, in any order.
        budgets: FLOPs, all above zero.

    Returns:
        One run for each curve and budget within the curve's range, by curve and then as in `budgets`.

    Raises:
        UsageError: a budget is not a positive number.
    """
    wanted = tuple(budgets)
    for budget in wanted:
        if not (math.isfinite(budget) and budget > 0):
            raise UsageError(f"{budget:g} is not a budget; give FLOPs above zero, such as 1e18.")
    groups: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        groups.setdefault(curve_key(run), []).append(run)
    return tuple(
        point
        for points in groups.values()
        for budget in wanted
        if (point := _at(sorted(points, key=lambda run: run.flops), budget)) is not None
    )


def _at(points: Sequence[Run], budget: float) -> Run | None:
    """Return a curve at a budget, or None outside its range."""
    measured = next((run for run in points if run.flops == budget), None)
    if measured is not None:
        return measured
    for before, after in pairwise(points):
        if before.flops < budget < after.flops:
            share = math.log(budget / before.flops) / math.log(after.flops / before.flops)
            return replace(
                before,
                flops=budget,
                tokens=before.tokens * (after.tokens / before.tokens) ** share,
                loss=before.loss * (after.loss / before.loss) ** share,
                step=None,
            )
    return None
