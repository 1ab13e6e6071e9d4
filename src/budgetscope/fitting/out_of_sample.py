"""Checks a fit on its own largest budgets, or sizes, held out.

A fit is used beyond its data, so it is checked there: the largest one and the largest two are held out, the rest is
fitted in the same way, and the prediction is compared with the measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.bootstrap import blocks
from budgetscope.fitting.run_table import budget_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from budgetscope.fitting.joint import JointFit
    from budgetscope.fitting.parametric import ParametricFit
    from budgetscope.fitting.run_table import RunTable

HELD_OUT = (1, 2)
_TOLERANCE = 1.05
# A measured optimum lies off even an exact law by its own noise: the interval is widened by it, at 95%.
_NORMAL = 1.96


class Prediction(NamedTuple):
    """Logs of a prediction: the middle and the ends of its 95% interval."""

    middle: float
    low: float
    high: float


class Measured(NamedTuple):
    """The log of a measurement and the standard deviation of its own noise."""

    value: float
    std: float


@dataclass(frozen=True)
class Check:
    """A held-out budget, or size, against the prediction of the rest.

    Attributes:
        held_out: number of the largest that were held out.
        at: the held-out budget in FLOPs, or the size in parameters.
        log_n_error: predicted minus measured ln N*; None when there is no prediction.
        n_held: whether the interval contains the measurement.
        log_loss_error: the same for ln of the loss; for a size the mean over its runs.
        loss_held: whether the interval contains it; for a size, at least 90% of its runs.
        of_size: whether sizes were held out.
    """

    held_out: int
    at: float
    log_n_error: float | None
    n_held: bool | None
    log_loss_error: float | None
    loss_held: bool | None
    of_size: bool = False

    def line(self) -> str:
        """Return the check in words."""
        where = f"N={self.at:.3g}" if self.of_size else f"C={self.at:.3g}"
        parts = [
            f"{name} {np.expm1(error):+.1%}, {'inside' if held else 'outside'} its interval"
            for name, error, held in (
                ("N*", self.log_n_error, self.n_held),
                ("loss", self.log_loss_error, self.loss_held),
            )
            if error is not None
        ]
        return f"Largest {self.held_out} held out, {where}: {'; '.join(parts)}."


@dataclass(frozen=True)
class OutOfSample:
    """The checks of one fit, and the reasons for those that could not be made.

    Attributes:
        checks: by number held out, then by budget or size.
        refused: why a check could not be made, one sentence each.
    """

    checks: tuple[Check, ...]
    refused: tuple[str, ...]

    @property
    def missed(self) -> int:
        """The number of intervals, of N* and of the loss, that did not contain the measurement."""
        return sum((check.n_held is False) + (check.loss_held is False) for check in self.checks)

    def lines(self) -> tuple[str, ...]:
        """Return every check, one line each."""
        return tuple(check.line() for check in self.checks)

    def sentence(self) -> str:
        """Return the result for a report."""
        if not self.checks:
            return "Not checked out of sample: " + " ".join(self.refused)
        sizes = [abs(check.log_n_error) for check in self.checks if check.log_n_error is not None]
        losses = [abs(check.log_loss_error) for check in self.checks if check.log_loss_error is not None]
        parts = []
        if sizes:
            parts.append(f"N* off by at most {np.expm1(max(sizes)):.0%}")
        if losses:
            parts.append(f"the loss by at most {1e3 * max(losses):.0f} permille")
        asked = len(sizes) + len(losses)
        held = f"{asked - self.missed} of {asked} intervals held"
        return f"Largest held out: {', '.join(parts)}; {held}."


def check_budgets(
    table: RunTable,
    n_params: Callable[[RunTable], Callable[[float], Prediction]],
    loss: Callable[[RunTable], Callable[[float], Prediction]],
    measured: JointFit,
    counts: Sequence[int] = HELD_OUT,
) -> OutOfSample:
    """Hold out the largest budgets.

    Args:
        table: the runs.
        n_params: fits a table and returns a predictor of ln N* at a budget; raises `UsageError` when it cannot.
        loss: the same for ln L*.
        measured: the joint fit of the whole table, for the budgets' own optima.
        counts: numbers of budgets to hold out.
    """
    levels = budget_levels(table)
    checks: list[Check] = []
    refused: list[str] = []
    for count in counts:
        if count >= levels.size:
            continue
        rest = table.rows(table.flops <= levels[-count - 1] * _TOLERANCE)
        found: list[Callable[[float], Prediction] | None] = []
        for fit in (n_params, loss):
            try:
                found.append(fit(rest))
            except UsageError as refusal:
                found.append(None)
                refused.append(f"Without the top {count}: {refusal}")
        for place, flops in enumerate(measured.flops):
            if flops > levels[-count - 1] * _TOLERANCE and found != [None, None]:
                own_n = Measured(measured.own_log_n[place], measured.own_log_n_std[place])
                own_loss = Measured(measured.log_loss[place], measured.log_loss_std[place])
                error, held = _compare(found[0], flops, own_n)
                checks.append(Check(count, flops, error, held, *_compare(found[1], flops, own_loss)))
    return OutOfSample(tuple(checks), tuple(dict.fromkeys(refused)))


def check_sizes(
    table: RunTable, fit: Callable[[RunTable], ParametricFit], counts: Sequence[int] = HELD_OUT
) -> OutOfSample:
    """Hold out the largest sizes of a loss surface.

    Args:
        table: the runs that vote.
        fit: fits a surface to a table; raises `UsageError` where it cannot.
        counts: how many sizes to hold out.
    """
    sizes = np.unique(table.n_params)
    checks: list[Check] = []
    refused: list[str] = []
    for count in counts:
        if count >= sizes.size:
            continue
        try:
            surface = fit(table.rows(table.n_params < sizes[-count]))
        except UsageError as refusal:
            refused.append(f"Without the largest {count}: {refusal}")
            continue
        checks.extend(_size_check(surface, table.rows(table.n_params == size), count) for size in sizes[-count:])
    return OutOfSample(tuple(checks), tuple(refused))


def _compare(
    predict: Callable[[float], Prediction] | None, flops: float, own: Measured
) -> tuple[float | None, bool | None]:
    """Return a prediction's error, and whether its interval, widened by the measurement's noise, contains it."""
    if predict is None:
        return None, None
    predicted = predict(flops)
    error = predicted.middle - own.value
    reach = predicted.middle - predicted.low if error > 0 else predicted.high - predicted.middle
    return float(error), bool(abs(error) <= np.hypot(reach, _NORMAL * own.std))


def _size_check(fit: ParametricFit, runs: RunTable, count: int) -> Check:
    """Compare the runs of a held-out size with the surface of the others."""
    ln_a, ln_b, floor, alpha, beta = fit.draws.T[..., None]
    log_n, log_d = np.log(runs.n_params), np.log(runs.tokens)
    surface = fit.surface
    middle = np.log(surface.E + surface.A * np.exp(-surface.alpha * log_n) + surface.B * np.exp(-surface.beta * log_d))
    low, high = np.empty(len(runs)), np.empty(len(runs))
    for block in blocks(len(runs), len(fit.draws)):
        surfaces = floor + np.exp(ln_a - alpha * log_n[block]) + np.exp(ln_b - beta * log_d[block])  # (draws, runs)
        low[block], high[block] = np.quantile(np.log(surfaces), [0.025, 0.975], axis=0)
    error = middle - np.log(runs.loss)
    reach = np.where(error > 0, middle - low, high - middle)
    held = np.abs(error) <= np.hypot(np.maximum(reach, 0), _NORMAL * fit.log_residual_std)
    return Check(
        count, float(runs.n_params[0]), None, None, float(error.mean()), bool(held.mean() >= 0.9), of_size=True
    )


def predictor_of_n(fit: JointFit) -> Callable[[float], Prediction]:
    """Return the predictor of ln N* by a joint fit."""
    return lambda flops: Prediction(*np.log([fit.at(flops), *fit.interval_at(flops)]))
