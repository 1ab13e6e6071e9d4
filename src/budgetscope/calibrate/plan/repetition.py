"""Readings for which the data was repeated so often that they do not vote in a fit."""

from collections.abc import Iterable

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.spec import CorpusFacts
from budgetscope.core.laws.repetition import WORTHWHILE_EPOCHS


def votes(tokens: int, corpus: CorpusFacts) -> bool:
    """Return whether a reading votes: at most `WORTHWHILE_EPOCHS` passes over the data, and over each source of a mix.

    Args:
        tokens: training tokens at the reading.
        corpus: the data.
    """
    return corpus.epochs(tokens) <= WORTHWHILE_EPOCHS


def without_vote(cells: Iterable[Cell], corpus: CorpusFacts) -> str:
    """Return how many readings do not vote, and why, in one sentence; empty if all do."""
    tokens = [reading for cell in cells for reading in cell.readings]
    beyond = [reading for reading in tokens if not votes(reading, corpus)]
    if not beyond:
        return ""
    return (
        f"{len(beyond)} of {len(tokens)} readings pass more than {WORTHWHILE_EPOCHS:g} times over "
        f"{corpus.most_repeated}, up to {corpus.epochs(max(beyond)):.1f} times, and do not vote in the fit: repeated "
        "text teaches less and would bend the laws."
    )
