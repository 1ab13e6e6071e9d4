"""Predictions of learning rate, batch and other hyperparameters by the laws of a fit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.laws.fit import Draws, Fit, Law, percentiles
from budgetscope.core.laws.forms import HyperparameterLaw, Monomial, Predictors
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import LEVEL
from budgetscope.core.laws.operating_point import OperatingPoint, recount

BETA1, EPS, CLIP = 0.9, 1e-8, 1.0
"""Of AdamW, and the gradient's largest norm: the same in every plan and calibration. Source: Porian et al. 2024, launch
files and section 2."""
_MOST_ROUNDING = 0.2
"""Share of a batch by which it may change so that no device is idle; the laws themselves differ by far more."""
DOUBT_FACTOR = 1.5
"""A law is extrapolated when a predictor lies outside its range by more than this factor."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction of one law at one operating point.

    Attributes:
        value: a batch is in tokens; None where the law has no value.
        outside: the factor by which a predictor lies outside the range of the law, for each predictor outside.
    """

    fit_id: str
    value: float | None
    outside: Mapping[str, float]


def predictors(fit: Fit, point: OperatingPoint, family: ShapeFamily, loss: float | None) -> Predictors:
    """Return the predictors at an operating point, in the counting convention of a fit."""
    own = recount(point, fit.counting, family)
    return Predictors(own.n_params, own.tokens, own.flops, loss)


@guarded
def predict(fit: Fit, role: str, point: OperatingPoint, family: ShapeFamily, loss: float | None) -> Prediction | None:
    """Return a fit's prediction of a hyperparameter; None when the fit has no such law.

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
    """Return the 95% interval of a predicted hyperparameter over the bootstrap draws of its law; None without draws.

    Every draw is evaluated: a thousand times the work of `predict`.

    Raises:
        FailureError: a draw gives no usable number there.
    """
    law = fit.laws.get(role)
    if law is None or not isinstance(law.law, HyperparameterLaw) or not isinstance(law.uncertainty, Draws):
        return None
    at = predictors(fit, point, family, loss)
    drawn = _drawn(law.law, law.uncertainty, at)
    return percentiles(drawn, LEVEL) if drawn else None


def _drawn(law: HyperparameterLaw, draws: Draws, at: Predictors) -> list[float]:
    """Return the prediction of every draw that has one."""
    fast = draws.results(law, law.predict(at), law.weights(at)) if isinstance(law, Monomial) else None
    return [value for each in draws.laws(law) if (value := each.predict(at)) is not None] if fast is None else fast


def outside(
    law: Law, at: Predictors, batch_tokens: float | None = None, *, least: float = DOUBT_FACTOR
) -> dict[str, float]:
    """Return the factor by which predictors lie outside the range of a law, for those beyond a factor of `least`."""
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
    return {name: factor for name, factor in factors.items() if factor > least}


def first_with(role: str, fits: Sequence[Fit]) -> tuple[Fit, Law] | None:
    """Return the first fit that has a law for a role."""
    return next(((fit, fit.laws[role]) for fit in fits if role in fit.laws), None)


def whole_sequences(batch_tokens: float, seq_len: int, n_devices: float | None = None) -> int:
    """Return a batch in sequences that can be split evenly over devices.

    It is a multiple of a power of two, the largest that changes the batch by at most about 3%. Where `n_devices` do not
    divide that, it is the nearest multiple of them, unless the batch would change by more than a fifth.

    Args:
        batch_tokens: tokens a step, by a law.
        seq_len: tokens of a sequence.
        n_devices: of the machine; None where it is not known.
    """
    sequences = max(batch_tokens / seq_len, 1.0)
    multiple = 1 << max(0, math.floor(math.log2(sequences / 16)))
    whole = max(1, round(sequences / multiple)) * multiple
    if n_devices is None or n_devices % 1 or whole % n_devices == 0:
        return whole
    even = round(sequences / n_devices) * int(n_devices)
    return even if abs(even - sequences) <= _MOST_ROUNDING * sequences else whole


def coupled_weight_decay(independent: float, learning_rate: float) -> float:
    """Return the weight decay lambda of AdamW libraries for an independent weight decay.

    PyTorch shrinks weights by lr · lambda a step. Independent weight decay is that product at peak learning rate.
    Source: open_lm_fork, open_lm/main.py: wd = decoupled_wd / lr (Porian et al. 2024).
    """
    return independent / learning_rate
