"""Fits the loss of compute-optimal training: L*(C) = A C^-alpha + E."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetscope.core.errors import UsageError
from budgetscope.fitting.bootstrap import LEVEL, golden_section, interval

if TYPE_CHECKING:
    from budgetscope.fitting.run_table import FloatArray

# Published exponents lie between 0.05 (Kaplan) and 0.2; at an end of this range the data do not determine it.
EXPONENT_BOUNDS = (0.005, 1.0)
_GRID = 80


@dataclass(frozen=True)
class LossCurve:
    """L*(C) = coefficient * C^-exponent + irreducible, in nats per token.

    Attributes:
        coefficient: A, in nats at C = 1 FLOP.
        exponent: alpha, positive.
        irreducible: E, the loss at infinite compute.
        draws: bootstrap draws of (ln A, alpha, E), shape (draws, 3).
        flops_range: smallest and largest budget that it was fitted to.
        max_log_residual: largest absolute misfit of log loss at a fitted budget.
    """

    coefficient: float
    exponent: float
    irreducible: float
    draws: FloatArray
    flops_range: tuple[float, float]
    max_log_residual: float

    def at(self, flops: float) -> float:
        """Return the loss of the compute-optimal model at `flops`, nats per token."""
        return float(np.exp(np.log(self.coefficient) - self.exponent * np.log(flops)) + self.irreducible)

    def interval_at(self, flops: float, level: float = LEVEL) -> tuple[float, float]:
        """Return the percentile interval of the loss at `flops`."""
        ln_a, alpha, e = self.draws.T
        return interval(np.exp(ln_a - alpha * np.log(flops)) + e, level)


def fit_loss_curve(flops: FloatArray, loss: FloatArray, log_std: FloatArray, loss_draws: FloatArray) -> LossCurve:
    """Fit the saturating power law by variable projection, for the points and for every draw.

    For a given alpha the curve is linear in (A, E), so only alpha is searched: over a grid first, which needs no
    start, then by golden section. Both A and E are kept non-negative.
    Residuals are relative, weighted by 1/log_std^2.

    Args:
        flops: budgets, shape (budgets,), at least four.
        loss: loss at each budget's optimum, shape (budgets,).
        log_std: standard deviation of log loss, shape (budgets,).
        loss_draws: loss in each draw, shape (draws, budgets).

    Raises:
        UsageError: there are fewer than four budgets, or alpha ends on a bound.
    """
    if flops.size < 4:
        raise UsageError(
            f"a loss curve with saturation has three parameters and {flops.size} budgets cannot test it: "
            "give at least four."
        )
    x = np.log(flops) - np.log(flops).mean()
    weights = 1 / (loss * log_std) ** 2
    all_losses = np.vstack([loss, loss_draws])
    a, alpha, e = _search(x, all_losses, weights)
    low, high = EXPONENT_BOUNDS
    if alpha[0] <= low * 1.01 or alpha[0] >= high * 0.99:
        raise UsageError(
            f"the loss curve's exponent ran into its bound ({alpha[0]:.3g}): "
            "the budgets do not show how loss saturates, so widen their range."
        )
    with np.errstate(divide="ignore"):
        ln_a = np.log(a) + alpha * np.log(flops).mean()
    fitted = a[0] * np.exp(-alpha[0] * x) + e[0]
    return LossCurve(
        coefficient=float(np.exp(ln_a[0])),
        exponent=float(alpha[0]),
        irreducible=float(e[0]),
        draws=np.stack([ln_a, alpha, e], axis=1)[1:],
        flops_range=(float(flops.min()), float(flops.max())),
        max_log_residual=float(np.abs(np.log(fitted / loss)).max()),
    )


def _search(x: FloatArray, loss: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the best (A, alpha, E) of each row of `loss`, with A taken at the mean of log C."""
    log_alpha = golden_section(
        lambda value: _project(np.exp(value), x, loss, weights)[2],
        np.log(np.geomspace(*EXPONENT_BOUNDS, _GRID)),
        len(loss),
    )
    alpha = np.exp(log_alpha)
    a, e, _ = _project(alpha, x, loss, weights)
    return a, alpha, e


def _project(
    alpha: FloatArray, x: FloatArray, loss: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return non-negative A and E for each row's alpha, and the weighted sum of squares left."""
    decay = np.exp(-alpha[:, None] * x)
    s1, sd, sdd = weights.sum(), decay @ weights, decay**2 @ weights
    sy, sdy = loss @ weights, (decay * loss) @ weights
    determinant = s1 * sdd - sd * sd
    a = (s1 * sdy - sd * sy) / determinant
    e = (sdd * sy - sd * sdy) / determinant
    a, e = (
        np.where(e < 0, sdy / sdd, np.maximum(a, 0.0)),
        np.where(a < 0, sy / s1, np.maximum(e, 0.0)),
    )
    return a, e, ((loss - a[:, None] * decay - e[:, None]) ** 2) @ weights
