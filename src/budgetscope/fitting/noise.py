"""Run-to-run noise: how much a loss would differ if its run were repeated; every interval starts from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from budgetscope.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.fitting.run_table import Budget, FloatArray, RunTable


class Noise(Protocol):
    """A model of run-to-run noise."""

    def std(self, loss: FloatArray) -> FloatArray:
        """Return the standard deviation of a single run's loss, nats per token, for each mean loss."""
        ...

    def describe(self) -> str:
        """Return a clause for the provenance of a fit."""
        ...


@dataclass(frozen=True)
class ThresholdNoise:
    """Seed noise of Porian et al. 2024: low below one loss, high above another, log-linear between.

    Their code compares the *logarithm* of the loss with the thresholds 3 and 6 or 7, so the low level
    applies to every loss under e^3 = 20 nats, that is, always; `as_published` keeps that. Without it the
    loss itself is compared, which is what the thresholds evidently mean (`get_noise_for_loss` in
    analysis.py of formll/resolving-scaling-law-discrepancies).

    Attributes:
        low: standard deviation of the loss at and below `loss_low`.
        high: standard deviation of the loss at and above `loss_high`.
        loss_low: loss (nats per token) where the noise starts to rise.
        loss_high: loss (nats per token) where it stops.
        as_published: compare the log of the loss with the thresholds.
    """

    low: float
    high: float
    loss_low: float
    loss_high: float
    as_published: bool = True

    def std(self, loss: FloatArray) -> FloatArray:
        """Return the standard deviation of a single run's loss, nats per token, for each mean loss."""
        level = np.log(loss) if self.as_published else loss
        knots = np.log([self.loss_low, self.loss_high])
        return np.exp(np.interp(np.log(level), knots, np.log([self.low, self.high])))

    def describe(self) -> str:
        """Return a clause for the provenance of a fit."""
        how = "log of the loss" if self.as_published else "loss"
        return (
            f"seed noise {self.low:g} rising to {self.high:g} nats "
            f"between {self.loss_low:g} and {self.loss_high:g}, compared with the {how}"
        )


@dataclass(frozen=True)
class ConstantNoise:
    """The same relative noise at every loss.

    Attributes:
        log_std: standard deviation of the log of a single run's loss.
        source: where the figure comes from, for provenance.
    """

    log_std: float
    source: str = "stated"

    def std(self, loss: FloatArray) -> FloatArray:
        """Return the standard deviation of a single run's loss, nats per token, for each mean loss."""
        return self.log_std * loss

    def describe(self) -> str:
        """Return a clause for the provenance of a fit."""
        return f"relative noise {self.log_std:.2g} of the loss ({self.source})"


def porian_noise(dataset: str, *, as_published: bool = True) -> ThresholdNoise:
    """Return the noise that Porian et al. assume (configs.py, `RW_SEED_CONFIG` and `OWT2_SEED_CONFIG`).

    Args:
        dataset: "refinedweb" or "openwebtext2".
        as_published: reproduce what their code does rather than what it means; see `ThresholdNoise`.

    Raises:
        UsageError: the dataset is neither of the two.
    """
    if dataset == "refinedweb":
        return ThresholdNoise(0.002, 0.05, 3.0, 7.0, as_published)
    if dataset == "openwebtext2":
        return ThresholdNoise(0.01, 0.1, 3.0, 6.0, as_published)
    raise UsageError(f"no published noise for dataset {dataset!r}: choose refinedweb or openwebtext2.")


SCATTER_FACTOR = 4.0
"""Factor about the best size within which the loss is taken to be a cubic in log N."""


def noise_from_seeds(table: RunTable) -> ConstantNoise | None:
    """Estimate the relative noise from all cells (same C and N) that were run with several seeds.

    Returns:
        The pooled standard deviation of log loss, or None when no cell was repeated.
    """
    if table.seeds is None:
        return None
    cells = np.stack([np.round(np.log(table.flops), 6), table.n_params], axis=1)
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    count = np.bincount(cell)
    log_loss = np.log(table.loss)
    residual = log_loss - (np.bincount(cell, log_loss) / count)[cell]
    dof = int((count - 1).sum())
    if dof == 0 or not np.any(residual):
        return None
    return ConstantNoise(float(np.sqrt((residual**2).sum() / dof)), f"{dof + (count > 1).sum()} repeated runs")


def noise_from_scatter(groups: Sequence[Budget]) -> ConstantNoise | None:
    """Estimate the relative noise from the scatter about a cubic in log N near each budget's lowest loss.

    A cubic fits a skewed loss curve within a factor of `SCATTER_FACTOR` of its minimum; further off the curve's shape
    would count as noise. The misfit of the cubic still does, so this errs upwards.

    Returns:
        The pooled standard deviation of log loss, or None when no budget has more than four sizes near
        its minimum.
    """
    squares, dof = 0.0, 0
    for group in groups:
        near = np.abs(np.log(group.n_params / group.n_params[np.argmin(group.loss)])) <= np.log(SCATTER_FACTOR)
        if near.sum() > 4:
            x = np.log(group.n_params[near])
            basis = np.vander((x - x.mean()) / x.std(), 4)
            y = np.log(group.loss[near])
            residual = y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0]
            squares += float((residual**2).sum())
            dof += x.size - 4
    if dof == 0 or squares == 0:
        return None
    return ConstantNoise(float(np.sqrt(squares / dof)), f"scatter about a cubic, {dof} degrees of freedom")
