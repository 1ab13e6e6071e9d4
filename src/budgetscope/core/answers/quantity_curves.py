"""Curves for charts of the loss over C, and of learning rate and batch over N, at compute-optimal points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.fit_difference import tokenizers_apart
from budgetscope.core.answers.question import Question, after_decay_counts
from budgetscope.core.laws.fit import Fit, Range
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.hyperparameters import predict, predict_interval
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import OperatingPoint, operate, recount

LOSS = "loss"
ROLES = ("learning_rate", "batch_size")
"""The quantities with curves over N."""


@dataclass(frozen=True, slots=True)
class QuantityCurve:
    """One quantity by one law at compute-optimal points, counted by the question's convention.

    Attributes:
        xs: training FLOPs for the loss, else parameters; growing.
        ys: nats a token, peak learning rate, or tokens a batch; nan where the law has no value.
        low: lower end of the 95% interval at each x; None when not requested, or when the fit has none.
        high: upper end; likewise.
        points: measured (x, y) of the fit; empty when not requested, or when it has none.
        fitted: the range of x in the data of the law; None when not known.
        comparable: whether its losses are of the tokens of the question's law; true for other quantities.
        before_decay: whether it is a loss before the decay of the learning rate.
    """

    fit_id: str
    title: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None
    points: tuple[tuple[float, float], ...]
    fitted: Range | None
    comparable: bool = True
    before_decay: bool = False


def has_curve(fit: Fit, quantity: str) -> bool:
    """Return whether a fit has a law for a quantity."""
    if quantity == LOSS:
        return fit.allocation is not None and (fit.loss_curve or fit.surface) is not None
    return quantity in fit.laws


def quantity_curve(
    fit: Fit, quantity: str, question: Question, flops_grid: Sequence[float], *, band: bool
) -> QuantityCurve:
    """Return the curve of the loss at a fit's own optima, or of its learning rate or batch at the question's optima.

    Args:
        fit: one for which `has_curve` is true.
        quantity: `LOSS`, or one of `ROLES`.
        question: gives the counting convention and, for `ROLES`, the law of N and D at each budget.
        flops_grid: budgets by the question's convention, growing.
        band: whether to add interval and points.

    Raises:
        FailureError: a law gives no usable numbers at one of the budgets.
    """
    if quantity == LOSS:
        return _loss_curve(fit, question, flops_grid, band)
    return _recipe_curve(fit, quantity, question, _places(question, flops_grid), band)


@guarded
def _loss_curve(fit: Fit, question: Question, flops_grid: Sequence[float], band: bool) -> QuantityCurve:
    family, convention, loss_model = question.family, question.convention, LossModel(fit)
    own = [recount(operate(fit, flops, convention, family), fit.counting, family).flops for flops in flops_grid]
    ends = [loss_model.loss_interval(flops) for flops in own] if band else []
    known = [end for end in ends if end is not None]
    points = _loss_points(fit, question) if band else ()
    span = (fit.laws.get("loss_curve") or fit.laws["surface"]).fitted.get("flops")
    fitted = None if span is None else Range(*(_flops_here(fit, end, question) for end in (span.low, span.high)))
    return QuantityCurve(
        fit_id=fit.id,
        title=fit.title,
        xs=tuple(flops_grid),
        ys=tuple(loss if (loss := loss_model.best_loss(flops)) is not None else math.nan for flops in own),
        low=tuple(low for low, _ in known) if known else None,
        high=tuple(high for _, high in known) if known else None,
        points=points,
        fitted=fitted,
        comparable=tokenizers_apart(fit, question.fit) is None,
        before_decay=after_decay_counts(fit),
    )


def _flops_here(fit: Fit, own_flops: float, question: Question) -> float:
    """Convert a budget from the fit's convention to the question's."""
    return recount(operate(fit, own_flops, fit.counting, question.family), question.convention, question.family).flops


def _loss_points(fit: Fit, question: Question) -> tuple[tuple[float, float], ...]:
    family, found = question.family, []
    for flops, n_params, tokens, loss, *_ in fit.points.rows if fit.points else ():
        own = OperatingPoint(flops, fit.counting, family.position(n_params, fit.counting), n_params, tokens)
        found.append((recount(own, question.convention, family).flops, loss))
    return tuple(found)


@guarded
def _places(question: Question, flops_grid: Sequence[float]) -> list[tuple[OperatingPoint, float | None]]:
    """Return the optimum of the question's law at each budget, with its loss, which some laws depend on."""
    family, loss_model = question.family, LossModel(question.fit)
    points = [operate(question.fit, flops, question.convention, family) for flops in flops_grid]
    return [(p, loss_model.best_loss(recount(p, question.fit.counting, family).flops)) for p in points]


def _recipe_curve(
    fit: Fit, role: str, question: Question, places: Sequence[tuple[OperatingPoint, float | None]], band: bool
) -> QuantityCurve:
    family = question.family
    predictions = [predict(fit, role, point, family, loss) for point, loss in places]
    intervals = [predict_interval(fit, role, point, family, loss) for point, loss in (places if band else ())]
    known = [interval for interval in intervals if interval is not None]
    full = band and len(known) == len(predictions)
    span = fit.laws[role].fitted.get("n_params")
    return QuantityCurve(
        fit_id=fit.id,
        title=fit.title,
        xs=tuple(point.n_params for point, _ in places),
        ys=tuple(math.nan if each is None or each.value is None else each.value for each in predictions),
        low=tuple(low for low, _ in known) if full else None,
        high=tuple(high for _, high in known) if full else None,
        points=(),
        fitted=None if span is None else _here(fit, span, question),
    )


def _here(fit: Fit, span: Range, question: Question) -> Range:
    low, high = (question.family.convert(end, fit.counting, question.convention) for end in (span.low, span.high))
    return Range(low, high)
