"""Slices: the parts into which the stacks of a stage are cut for several workers, and the time that they take."""

import hashlib
import heapq
import itertools
import math
from collections.abc import Callable, Sequence

from budgetscope.calibrate.plan.cells import Cell

Cost = Callable[[Sequence[Cell]], float]
"""Seconds to train cells of one shape as one stack, with its start."""
# A finer cut must save this share of the time.
_LEAST_GAIN = 0.01
# Parts to try, as numbers of them in a worker's time.
_FINER = (1, 2, 3, 4, 6, 8, 12)


def slice_name(cells: Sequence[Cell]) -> str:
    """Return the stable name of a slice: the first 12 hex digits of a hash of its cells' names."""
    return hashlib.sha256(" ".join(cell.id for cell in cells).encode()).hexdigest()[:12]


def stacks(cells: Sequence[Cell]) -> list[tuple[Cell, ...]]:
    """Return cells grouped by shape, small shapes first."""
    by_shape: dict[object, list[Cell]] = {}
    for cell in cells:
        by_shape.setdefault(cell.shape, []).append(cell)
    return sorted(map(tuple, by_shape.values()), key=lambda stack: stack[0].n_params)


def cut(cells: Sequence[Cell], workers: int, cost: Cost) -> list[tuple[Cell, ...]]:
    """Cut the stacks of a stage so that equal workers, longest slice first, end early.

    One worker trains whole stacks. For several, each stack is cut into parts of about the same time, and of the times
    tried, the one with the earliest end counts.

    Args:
        cells: of one stage.
        workers: at least 1.
        cost: seconds of one slice.

    Returns:
        Slices, small shapes first.
    """
    whole = stacks(cells)
    if workers == 1 or not whole:
        return whole
    seconds = [cost(stack) for stack in whole]
    best, end = whole, makespan(seconds, workers)
    for finer in _FINER:
        longest = sum(seconds) / workers / finer
        pieces = [
            piece
            for stack, each in zip(whole, seconds, strict=True)
            for piece in _parts(stack, min(len(stack), math.ceil(each / longest)))
        ]
        earlier = makespan([cost(piece) for piece in pieces], workers)
        if earlier < end * (1 - _LEAST_GAIN):
            best, end = pieces, earlier
    return best


def _parts(stack: Sequence[Cell], count: int) -> list[tuple[Cell, ...]]:
    """Return a stack in nearly equal parts, with like batches together: they share longer micro-steps."""
    ordered = sorted(stack, key=lambda cell: cell.batch_sequences)
    bounds = [len(ordered) * k // count for k in range(count + 1)]
    return [tuple(ordered[a:b]) for a, b in itertools.pairwise(bounds)]


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Return the time until equal workers have done all slices, each taking the longest that is left."""
    return max(sum(seconds[k] for k in turn) for turn in turns(seconds, workers))


def turns(seconds: Sequence[float], workers: int) -> list[list[int]]:
    """Return which slices each of equal workers does, in order, if each takes the longest that is left."""
    free = [(0.0, worker) for worker in range(workers)]
    found: list[list[int]] = [[] for _ in range(workers)]
    for k in sorted(range(len(seconds)), key=lambda k: -seconds[k]):
        now, worker = heapq.heappop(free)
        found[worker].append(k)
        heapq.heappush(free, (now + seconds[k], worker))
    return found
