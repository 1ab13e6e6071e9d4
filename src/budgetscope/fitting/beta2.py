"""The best AdamW beta2 of each batch, and the threshold between two values where the sweep has one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.fitting.curve_minimum import akima_minimum
from budgetscope.fitting.refusals import Flag
from budgetscope.fitting.sweep_optimum import MIN_LEARNING_RATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.fitting.run_table import FloatArray
    from budgetscope.fitting.sweep import SweepCell

# Standard errors by which each side of a threshold must prefer its own value, and by which no batch may contradict it:
# three, since the threshold is the best of many.
_SIGMAS = 3.0


@dataclass(frozen=True)
class Beta2Row:
    """The loss that each beta2 costs at one batch, at its best learning rate.

    Attributes:
        batch_tokens: the batch.
        best: the beta2 with the lowest loss.
        penalty: loss above the best, nats per token, by beta2; mean over the cells.
        std_error: standard error of a penalty, nats per token.
        cells: cells in which every beta2 of `penalty` was tried.
    """

    batch_tokens: float
    best: float
    penalty: dict[float, float]
    std_error: float
    cells: int


@dataclass(frozen=True)
class Beta2Step:
    """One beta2 below a threshold in the batch, another above.

    Attributes:
        threshold_tokens: geometric mean of the two batches that it lies between.
        between: those two batches.
        below: beta2 of smaller batches.
        above: beta2 of larger batches.
    """

    threshold_tokens: float
    between: tuple[float, float]
    below: float
    above: float


def beta2_table(cells: Sequence[SweepCell], stds: Sequence[FloatArray]) -> tuple[Beta2Row, ...]:
    """Return the best beta2 of each batch, ascending; a batch needs two that were tried.

    Args:
        cells: the cells of a sweep.
        stds: standard deviation of each setting's log loss, one array of shape (settings,) a cell.
    """
    by_batch: dict[float, list[tuple[dict[float, float], float]]] = {}
    written: dict[float, float] = {}
    for cell, std in zip(cells, stds, strict=True):
        if np.isnan(cell.beta2).all():
            continue
        # Settings are sorted by batch.
        for here in np.split(np.arange(cell.loss.size), np.flatnonzero(np.diff(cell.batch_tokens)) + 1):
            batch = cell.batch_tokens[here[0]]
            lowest = {
                float(value): _lowest(cell.learning_rate[chosen], cell.loss[chosen])
                for value in np.unique(cell.beta2[here])
                if (chosen := here[cell.beta2[here] == value]).size >= MIN_LEARNING_RATES
            }
            if len(lowest) > 1:
                noise = np.sqrt(2) * float(np.median(std[here] * cell.loss[here]))
                # Cells may round one batch differently.
                key = round(float(np.log(batch)), 6)
                by_batch.setdefault(key, []).append((lowest, noise))
                written.setdefault(key, float(batch))
    return tuple(_row(written[key], by_batch[key]) for key in sorted(by_batch))


def beta2_step(rows: Sequence[Beta2Row]) -> tuple[Beta2Step | None, tuple[Flag, ...]]:
    """Return the threshold between two values, or None and, where beta2 was varied, a flag that says why.

    Supported: the batches on each side together prefer their own value to the other one by three standard
    errors, and no batch prefers a third to it by as many.
    """
    if not rows:
        return None, ()
    values = sorted({value for row in rows for value in row.penalty})
    penalty = np.array([[row.penalty.get(value, np.inf) for value in values] for row in rows])
    error = np.array([row.std_error for row in rows])
    costs = {
        (cut, i, j): float(penalty[:cut, i].sum() + penalty[cut:, j].sum())
        for cut in range(1, len(rows))
        for i, j in permutations(range(len(values)), 2)
    }
    cut, i, j = min(costs, key=costs.__getitem__, default=(0, 0, 0))
    fits = cut and bool((np.concatenate([penalty[:cut, i], penalty[cut:, j]]) <= _SIGMAS * error).all())
    low, high = rows[cut - 1].batch_tokens, rows[cut].batch_tokens
    if fits and _prefers(penalty[:cut], error[:cut], i, j) and _prefers(penalty[cut:], error[cut:], j, i):
        return Beta2Step(float(np.sqrt(low * high)), (low, high), values[i], values[j]), ()
    always = int(penalty.sum(axis=0).argmin())
    if (penalty[:, always] <= _SIGMAS * error).all():
        sentence = f"No batch prefers another beta2 than {values[always]:g} beyond the noise: no threshold is fitted."
    elif fits:
        sentence = (
            f"A beta2 of {values[i]:g} up to a batch of {low:.3g} tokens and {values[j]:g} from {high:.3g} fits, but "
            "not beyond the noise, so no threshold is fitted: repeat seeds, or try more batches."
        )
    else:
        best = ", ".join(f"{row.best:g}" for row in rows)
        sentence = (
            f"From the smallest batch to the largest the best beta2 is {best}: no single threshold between two "
            "values describes it, so none is fitted."
        )
    return None, (Flag("no-beta2-threshold", sentence),)


def _prefers(penalty: FloatArray, error: FloatArray, own: int, other: int) -> bool:
    """Return whether batches together prefer one value to another, tried one beyond the noise."""
    tried = np.isfinite(penalty[:, other])
    difference = float((penalty[tried, other] - penalty[tried, own]).sum())
    return bool(tried.any() and difference > _SIGMAS * np.sqrt((error[tried] ** 2).sum()))


def _lowest(learning_rate: FloatArray, loss: FloatArray) -> float:
    """Return the lowest loss over the learning rate, interpolated."""
    return float(np.exp(akima_minimum(np.log(learning_rate), np.log(loss)[None])[1][0]))


def _row(batch_tokens: float, entries: Sequence[tuple[dict[float, float], float]]) -> Beta2Row:
    """Return one batch's row from the cells that tried it; values that not all tried are left out."""
    shared = sorted(set.intersection(*(set(lowest) for lowest, _ in entries)))
    if len(shared) < 2:
        # Cells that tried different values cannot be averaged: the one that tried the most is taken.
        entries = [max(entries, key=lambda entry: len(entry[0]))]
        shared = sorted(entries[0][0])
    means = {value: float(np.mean([lowest[value] for lowest, _ in entries])) for value in shared}
    best = min(means, key=means.__getitem__)
    return Beta2Row(
        batch_tokens=batch_tokens,
        best=best,
        penalty={value: mean - means[best] for value, mean in means.items()},
        std_error=float(np.sqrt(sum(noise**2 for _, noise in entries)) / len(entries)),
        cells=len(entries),
    )
