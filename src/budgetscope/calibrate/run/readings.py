"""Readings of a stack: when each is evaluated, and the mean of its evaluations."""

import math
import statistics
from collections import defaultdict
from collections.abc import Collection, Sequence

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.pace import n_evaluations
from budgetscope.calibrate.run.progress import LossReading
from budgetscope.calibrate.run.train_settings import TrainSettings

# A reading averages over the last 1/_WINDOW of its tokens.
_WINDOW = 10


def evaluation_tokens(cell: Cell, settings: TrainSettings) -> dict[int, tuple[int, ...]]:
    """Return the training tokens at which each reading of a cell is evaluated, descending.

    They are spread evenly over the last tenth of the reading's tokens, and depend only on the cell and the settings.
    """
    evaluated = settings.eval_sequences * cell.shape.seq_len
    points: dict[int, tuple[int, ...]] = {}
    previous = 0
    for reading in cell.readings:
        count = n_evaluations(reading - previous, evaluated, settings.evaluations)
        points[reading] = tuple(reading - j * reading // (_WINDOW * count) for j in range(count))
        previous = reading
    return points


class Readings:
    """The evaluations of one stack: when they are due, and their losses.

    An evaluation between two optimizer steps of a member sees the weights of the earlier step. Losses are therefore
    kept by the member's optimizer step, so that each counts once and independently of the size of the micro-step.
    """

    def __init__(self, cells: Sequence[Cell], settings: TrainSettings, micro_tokens: int) -> None:
        self._cells = {cell.id: cell for cell in cells}
        self._ids = [cell.id for cell in cells]
        self._micro_tokens = micro_tokens
        self._points = {cell.id: evaluation_tokens(cell, settings) for cell in cells}
        self._values: dict[str, dict[int, float]] = {cell.id: {} for cell in cells}
        self._due: dict[int, set[str]] = defaultdict(set)
        for cell_id, readings in self._points.items():
            for tokens in readings.values():
                for point in tokens:
                    self._due[point // micro_tokens].add(cell_id)
        self._stops = sorted(self._due)

    def next_stop(self, micro_steps: int) -> int | None:
        """Return the next number of micro-steps after which to evaluate; None after the last."""
        return next((stop for stop in self._stops if stop > micro_steps), None)

    def record(self, micro_steps: int, losses: Sequence[float]) -> None:
        """Keep the losses of the members, in the stack's order, after this many micro-steps."""
        for cell_id, loss in zip(self._ids, losses, strict=True):
            if cell_id in self._due[micro_steps]:
                self._values[cell_id][self._step(cell_id, micro_steps * self._micro_tokens)] = loss

    def complete(self, after: int, until: int, cell_ids: Collection[str]) -> list[LossReading]:
        """Return the readings of these cells that were completed after micro-step `after` and up to `until`.

        The loss of a reading is NaN if one of its evaluations was not finite.
        """
        return [
            self._reading(cell_id, tokens, points)
            for cell_id in cell_ids
            for tokens, points in self._points[cell_id].items()
            if after < tokens // self._micro_tokens <= until
        ]

    def _step(self, cell_id: str, tokens: int) -> int:
        return tokens // self._cells[cell_id].batch_tokens

    def _reading(self, cell_id: str, tokens: int, points: Sequence[int]) -> LossReading:
        steps = sorted({self._step(cell_id, point) for point in points})
        losses = [self._values[cell_id].get(step, math.nan) for step in steps]
        spread = statistics.stdev(losses) if len(losses) > 1 else 0.0
        return LossReading(cell_id, tokens, statistics.fmean(losses), spread, len(losses))

    def values(self) -> dict[str, dict[str, float]]:
        """Return the losses so far by cell and optimizer step, as JSON can hold them."""
        return {cell_id: {str(step): loss for step, loss in kept.items()} for cell_id, kept in self._values.items()}

    def restore(self, values: dict[str, dict[str, float]]) -> None:
        """Restore what `values` returned, for the cells of this stack."""
        for cell_id in self._ids:
            self._values[cell_id] = {int(step): loss for step, loss in values.get(cell_id, {}).items()}
