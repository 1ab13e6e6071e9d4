"""Learning rate, batch, beta2, warmup and weight decay, by the laws that say something about them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.laws.fit import Draws, Fit, Law, percentiles
from budgetscope.core.laws.forms import HyperparameterLaw, Predictors
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import LEVEL
from budgetscope.core.laws.operating_point import OperatingPoint, recount

DOUBT_FACTOR = 1.5
"""Laws are called extrapolated when a predictor lies further outside their range than this."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one law says at one operating point.

    Attributes:
        fit_id: whose law.
        value: in our units: batch in tokens, learning rate and beta2 as numbers; None when the law is silent.
        outside: by predictor, the factor by which it lies outside the law's fitted range; only those outside.
    """

    fit_id: str
    value: float | None
    outside: Mapping[str, float]


def predictors(fit: Fit, point: OperatingPoint, family: ShapeFamily, loss: float | None) -> Predictors:
    """Return an operating point as the laws of a fit count it."""
    own = recount(point, fit.counting, family)
    return Predictors(own.n_params, own.tokens, own.flops, loss)


@guarded
def predict(fit: Fit, role: str, point: OperatingPoint, family: ShapeFamily, loss: float | None) -> Prediction | None:
    """Return what a fit's law for a hyperparameter says; None when the fit has no such law.

    Raises:
        FailureError: the law gives no usable number there.
    """
    law = fit.laws.get(role)
    if law is None or not isinstance(law.law, HyperparameterLaw):
        return None
    at = predictors(fit, point, family, loss)
    return Prediction(fit.id, law.law.predict(at), outside(law, at))


@guarded
def predict_interval(
    fit: Fit, role: str, point: OperatingPoint, family: ShapeFamily, loss: float | None
) -> tuple[float, float] | None:
    """Return 95% of what the bootstrap draws of a fit's law for a hyperparameter say; None where there are none.

    Every draw is asked, a thousand times the work of `predict`.

    Raises:
        FailureError: a draw gives no usable number there.
    """
    law = fit.laws.get(role)
    if law is None or not isinstance(law.law, HyperparameterLaw) or not isinstance(law.uncertainty, Draws):
        return None
    at = predictors(fit, point, family, loss)
    drawn = [value for each in law.uncertainty.laws(law.law) if (value := each.predict(at)) is not None]
    return percentiles(drawn, LEVEL) if drawn else None


def outside(law: Law, at: Predictors, batch_tokens: float | None = None) -> dict[str, float]:
    """Return by what factor each predictor lies outside a law's fitted range, where it does."""
    values = {
        "n_params": at.n_params,
        "tokens": at.tokens,
        "flops": at.flops,
        "tokens_per_param": at.tokens / at.n_params,
        "batch_tokens": batch_tokens,
    }
    factors = {
        name: span.factor_outside(value) for name, span in law.fitted.items() if (value := values.get(name)) is not None
    }
    return {name: factor for name, factor in factors.items() if factor > DOUBT_FACTOR}


def first_with(role: str, fits: Sequence[Fit]) -> tuple[Fit, Law] | None:
    """Return the first fit that has a law for a role."""
    return next(((fit, fit.laws[role]) for fit in fits if role in fit.laws), None)


def whole_sequences(batch_tokens: float, seq_len: int) -> int:
    """Return a batch in sequences, rounded to a multiple that hardware divides evenly.

    The multiple is the largest power of two that keeps the rounding within about 3%.
    """
    sequences = max(batch_tokens / seq_len, 1.0)
    multiple = 1 << max(0, math.floor(math.log2(sequences / 16)))
    return max(1, round(sequences / multiple)) * multiple


def coupled_weight_decay(independent: float, learning_rate: float) -> float:
    """Return the decay that AdamW libraries want, lambda, for an independent decay a step.

    PyTorch shrinks weights by lr · lambda a step; the independent form shrinks by its own value at peak
    learning rate. Source: open_lm_fork, open_lm/main.py: wd = decoupled_wd / lr (Porian et al. 2024).
    """
    return independent / learning_rate
