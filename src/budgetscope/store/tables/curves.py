"""Learning curves: which rows are points of one run, its last point, and its loss at given budgets."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heappop, heappush

from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.training_run import NEAR_TOKENS, TrainingRun
from budgetscope.store.tables.intake import IntakeNotes, RunRow

CURVES = ("final", "all")
"""Which points of a learning curve are used."""


def curve_key(run: TrainingRun) -> tuple[object, ...]:
    """Return what all points of one learning curve share."""
    return (run.name, run.n_params, run.learning_rate, run.batch_tokens, run.beta2, run.seed)


def take_points(rows: Sequence[RunRow], curves: str, notes: IntakeNotes) -> tuple[list[RunRow], int]:
    """Take the last point of each learning curve ("final"), or all points ("all").

    Rows are points of one curve if they share their run's name, size and hyperparameters; without names
    the table must have steps, or each row is a run of its own unless all points are asked for. A run whose last
    loss is NaN diverged: with "final" none of its points is used.

    Returns:
        The rows, and how many curves have several points.

    Raises:
        UsageError: `curves` is neither.
    """
    if curves not in CURVES:
        raise UsageError(f"{quote(curves)} is not a choice of points; choose one of {', '.join(CURVES)}.")
    groups: dict[tuple[object, ...], list[RunRow]] = {}
    for row in rows:
        is_point = curves == "all" or row.run.name is not None or row.run.step is not None
        groups.setdefault(curve_key(row.run) if is_point else (row.number,), []).append(row)
    last = {key: max(map(_place, points)) for key, points in groups.items()}
    earlier = {id(row) for key, points in groups.items() for row in points if _place(row) < last[key]}
    if curves == "all":
        _check_places(groups.values())
    long = [key for key, points in groups.items() if any(id(row) in earlier for row in points)]
    if curves == "final" and _has_lengths(row.run for row in rows if row.run.name is None and row.run.step is None):
        notes.assume(
            "Rows of one size at several token counts are taken as final losses of runs of their own, since no column "
            "names a run or counts steps; if they are points of learning curves, say --map run=COLUMN or "
            "--map step=COLUMN."
        )
    if not long:
        return list(rows), 0
    names = Counter(name for name, *_ in groups)
    if any(names[name] > 1 for name, *_ in long):
        notes.assume(
            "Rows without a run's name of their own are taken as points of one curve if they share size and settings; "
            "a column `run` with a name for each run would tell runs apart."
        )
    if curves == "all":
        notes.assume(f"Every point of {len(long)} learning curves is used, as asked.")
        return list(rows), len(long)
    notes.assume(f"The last point of {len(long)} learning curves is used; --curves all uses every point.")
    notes.drop((row.number for row in rows if id(row) in earlier), "an earlier point of a learning curve")
    return [row for row in rows if id(row) not in earlier], len(long)


def _place(row: RunRow) -> tuple[float, int]:
    """Return where a row stands on its curve: a joined table may have the tokens of the whole run in each row."""
    return row.run.tokens, -1 if row.run.step is None else row.run.step


def _check_places(curves: Iterable[Sequence[RunRow]]) -> None:
    """Refuse curves of which two steps have the same tokens.

    Raises:
        UsageError: a curve is one.
    """
    for points in curves:
        steps = {row.run.step for row in points if row.run.step is not None}
        if len(steps) > len({row.run.tokens for row in points}):
            first, *_ = points
            raise UsageError(
                f"the run of row {first.number} has D={first.run.tokens:.4g} at several steps: those are the tokens of "
                "the whole run, so that its earlier points have none; leave --curves all out, or name the column of "
                "the tokens at each step with --map tokens=COLUMN."
            )


def _has_lengths(runs: Iterable[TrainingRun]) -> bool:
    """Return whether runs that share size, batch, beta2 and seed differ in tokens, and not by a little."""
    lengths: dict[tuple[object, ...], set[float]] = {}
    for run in runs:
        lengths.setdefault((run.n_params, run.batch_tokens, run.beta2, run.seed), set()).add(run.tokens)
    return any(max(tokens) > min(tokens) * (1 + NEAR_TOKENS) for tokens in lengths.values())


def common_budgets(runs: Iterable[TrainingRun], sizes: int) -> tuple[float, ...]:
    """Return budgets a factor of two apart, as Porian et al. 2024 have them, each within the curves of enough sizes.

    Args:
        runs: points of learning curves, in any order.
        sizes: how many sizes have to be measured on both sides of a budget, or at it.

    Returns:
        FLOPs, ascending, from the least that enough sizes reach.
    """
    spans: dict[tuple[object, ...], list[TrainingRun]] = {}
    for run in runs:
        spans.setdefault(curve_key(run), []).append(run)
    ends = [
        (points[0].n_params, min(p.flops for p in points), max(p.flops for p in points)) for points in spans.values()
    ]

    def is_reached(flops: float) -> bool:
        return len({n_params for n_params, low, high in ends if low <= flops <= high}) >= sizes

    budget = _first_reached(ends, sizes)
    top = max((high for _, _, high in ends), default=0.0)
    budgets = []
    while budget <= top:
        budgets.append(budget)
        budget *= 2
    return tuple(filter(is_reached, budgets))


def _first_reached(ends: Iterable[tuple[float, float, float]], sizes: int) -> float:
    """Return the least FLOPs that curves of so many sizes hold; infinity when there are none.

    Args:
        ends: size, first and last FLOPs of each curve.
        sizes: how many.
    """
    inside: Counter[float] = Counter()
    tops: list[tuple[float, float]] = []
    for n_params, low, high in sorted(ends, key=lambda end: end[1]):
        inside[n_params] += 1
        heappush(tops, (high, n_params))
        while tops[0][0] < low:
            ended = heappop(tops)[1]
            inside[ended] -= 1
            if not inside[ended]:
                del inside[ended]
        if len(inside) >= sizes:
            return low
    return math.inf


def at_budgets(runs: Iterable[TrainingRun], budgets: Iterable[float]) -> tuple[TrainingRun, ...]:
    """Read the loss of learning curves at given budgets, never outside what was measured.

    Between two points of a run, log loss and log tokens are linear in log FLOPs. Meant for runs at a
    constant learning rate, read with `curves="all"`: each then serves every budget that it passes.

    Args:
        runs: points of learning curves, in any order.
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
    groups: dict[tuple[object, ...], list[TrainingRun]] = {}
    for run in runs:
        groups.setdefault(curve_key(run), []).append(run)
    found = []
    for points in groups.values():
        points.sort(key=lambda run: run.flops)
        flops = [run.flops for run in points]
        found += [point for budget in wanted if (point := _at(points, flops, budget)) is not None]
    return tuple(found)


def _at(points: Sequence[TrainingRun], flops: Sequence[float], budget: float) -> TrainingRun | None:
    """Return a curve, sorted by its FLOPs, at a budget, or None outside its range."""
    place = bisect_left(flops, budget)
    if place < len(points) and flops[place] == budget:
        return points[place]
    if not 0 < place < len(points):
        return None
    before, after = points[place - 1], points[place]
    share = math.log(budget / before.flops) / math.log(after.flops / before.flops)
    return replace(
        before,
        flops=budget,
        tokens=before.tokens * (after.tokens / before.tokens) ** share,
        loss=before.loss * (after.loss / before.loss) ** share,
        step=None,
    )
