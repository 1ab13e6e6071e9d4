"""Replaces learning rates along a schedule by the peak of their run."""

import math
from collections.abc import Sequence

from budgetscope.core.errors import UsageError
from budgetscope.store.tables.intake import IntakeNotes
from budgetscope.store.tables.rows import RowValues

# A learning rate that ends below this share of its peak decays; rounding of a constant one stays above.
_DECAYED = 0.9
# Lengths from which on rates that mostly occur once are points of schedules, not a grid of final runs.
_MIN_LENGTHS = 3


def share_peaks(rows: Sequence[RowValues], notes: IntakeNotes) -> int:
    """Give every point of a run the peak of its learning rate, so that a schedule does not split the run.

    Rows are points of one run if they share name, size, batch, beta2 and seed, have a name or a step, and no step
    (without names, no token count either) occurs twice: runs of a sweep repeat the same lengths.

    Returns:
        How many runs' learning rate decays.

    Raises:
        UsageError: rows without names repeat the same lengths and nearly each has a rate of its own: they are points
            of several runs that nothing tells apart.
    """
    runs: dict[tuple[object, ...], list[RowValues]] = {}
    for row in rows:
        values = row.values
        if row.name is not None or values.get("step") is not None:
            shared = (values.get(name) for name in ("n_params", "batch_tokens", "beta2", "seed"))
            runs.setdefault((row.name, *shared), []).append(row)
    schedules = decaying = 0
    for points in runs.values():
        rates = [
            (place, rate)
            for point in points
            if (place := _place(point)) is not None
            and (rate := point.values.get("learning_rate")) is not None
            and math.isfinite(rate)
        ]
        peak = max((rate for _, rate in rates), default=0.0)
        if all(rate == peak for _, rate in rates):
            continue
        if _comes_twice(points):
            _refuse_several(points)
            continue
        schedules += 1
        decaying += max(rates)[1] < _DECAYED * peak
        for point in points:
            point.values["learning_rate"] = peak
    if schedules:
        notes.assume(f"learning_rate is the peak of its schedule in {schedules} runs.")
    return decaying


def _place(row: RowValues) -> float | None:
    """Return the point's tokens, or its steps where tokens are not known."""
    tokens = row.values.get("tokens")
    return row.values.get("step") if tokens is None else tokens


def _comes_twice(points: Sequence[RowValues]) -> bool:
    steps, tokens = (
        [value for point in points if (value := point.values.get(name)) is not None] for name in ("step", "tokens")
    )
    # A named run may carry the tokens that it was planned for in every row.
    columns = (steps, tokens) if points[0].name is None else (steps or tokens,)
    return any(len(set(column)) < len(column) for column in columns)


def _refuse_several(points: Sequence[RowValues]) -> None:
    places: dict[float, set[float]] = {}
    for point in points:
        rate, place = point.values.get("learning_rate"), _place(point)
        if rate is not None and place is not None:
            places.setdefault(rate, set()).add(place)
    lengths = set().union(*places.values())
    once = sum(len(found) == 1 for found in places.values())
    if len(lengths) >= _MIN_LENGTHS and 2 * once > len(places):
        numbers = ", ".join(str(point.number) for point in points[:3])
        raise UsageError(
            f"rows {numbers}, ... have one size, nearly each a learning rate of its own, and come back to the same "
            "steps: they look like points of several runs with a schedule; name each row's run in a column `run`, "
            "or say which column does with --map run=COLUMN."
        )
