"""Curves of N*(C) for charts, under any counting convention."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

from budgetscope.core.answers.answer import Answer
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.counting.shapes import ShapeFamily
from budgetscope.core.laws.fit import Fit, Points, Range
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import LEVEL, Estimate, params_interval
from budgetscope.core.laws.operating_point import OperatingPoint, allocation_law, operate, recount


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A measured optimum, by the curve's convention.

    Attributes:
        flops: training FLOPs.
        n_params: N at the lowest loss.
        low: lower end of its 95% interval.
        high: upper end.
    """

    flops: float
    n_params: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """N*(C) of one fit.

    Attributes:
        flops: training FLOPs by the curve's convention, growing.
        n_params: N* at each budget.
        low: lower end of the 95% interval at each budget; None when not requested, or when the fit has none.
        high: upper end; likewise.
        points: the measured optima of the fit; empty when it has none.
        fitted: the budgets in the data of the law; None when not known.
    """

    fit_id: str
    title: str
    flops: tuple[float, ...]
    n_params: tuple[float, ...]
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None
    points: tuple[CurvePoint, ...]
    fitted: Range | None


@guarded
def curve(
    fit: Fit, convention: Convention, family: ShapeFamily, flops_grid: Sequence[float], *, band: bool = True
) -> Curve:
    """Return N*(C) of a fit.

    Args:
        fit: with its laws in its own convention.
        convention: the counting convention of the curve.
        family: the shapes through which conventions convert.
        flops_grid: budgets by `convention`, growing.
        band: whether to compute the interval, which takes a thousand times as long as the curve.

    Raises:
        FailureError: the fit has no law for N and D, or gives no usable numbers at one of the budgets.
    """
    points = [operate(fit, flops, convention, family) for flops in flops_grid]
    ends = _ends(fit, points, family) if band else None
    return Curve(
        fit_id=fit.id,
        title=fit.title,
        flops=tuple(flops_grid),
        n_params=tuple(point.n_params for point in points),
        low=None if ends is None else tuple(low for low, _ in ends),
        high=None if ends is None else tuple(high for _, high in ends),
        points=() if fit.points is None else _measured(fit, fit.points, convention, family),
        fitted=_fitted(fit, points, family),
    )


def _fitted(fit: Fit, points: Sequence[OperatingPoint], family: ShapeFamily) -> Range | None:
    """Return the budgets in the data of a law, by the convention of some optima; of sizes, those with such an N*."""
    spans = {} if fit.allocation is None else fit.allocation.fitted
    if "flops" in spans:
        ends = [operate(fit, end, fit.counting, family) for end in (spans["flops"].low, spans["flops"].high)]
        return Range(*(recount(end, points[0].convention, family).flops for end in ends))
    if "n_params" not in spans:
        return None
    own = [(math.log(recount(point, fit.counting, family).n_params), math.log(point.flops)) for point in points]
    return Range(*(math.exp(_between(own, math.log(end))) for end in (spans["n_params"].low, spans["n_params"].high)))


def _between(pairs: Sequence[tuple[float, float]], x: float) -> float:
    """Return y at x by straight pieces through pairs of growing x, and the y of the nearer end outside them."""
    if x <= pairs[0][0]:
        return pairs[0][1]
    for (x0, y0), (x1, y1) in pairwise(pairs):
        if x0 < x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return pairs[-1][1]


def _ends(fit: Fit, points: Sequence[OperatingPoint], family: ShapeFamily) -> list[tuple[float, float]] | None:
    ends = []
    for point in points:
        own = recount(point, fit.counting, family)
        interval = params_interval(fit, own.flops)
        if interval.low is None or interval.high is None:
            return None
        # The interval is scaled to the curve, so that the two agree where the conversion is not exact.
        low, high = (
            family.n_params(family.position(own.n_params * end / interval.value, fit.counting), point.convention)
            for end in (interval.low, interval.high)
        )
        ends.append((low, high))
    return ends


def _measured(fit: Fit, points: Points, convention: Convention, family: ShapeFamily) -> tuple[CurvePoint, ...]:
    deviations = NormalDist().inv_cdf((1 + LEVEL) / 2)
    measured = []
    for flops, n_params, tokens, _, ln_sd, *_ in points.rows:
        own = OperatingPoint(flops, fit.counting, family.position(n_params, fit.counting), n_params, tokens)
        here = recount(own, convention, family)
        factor = math.exp(deviations * ln_sd)
        measured.append(CurvePoint(here.flops, here.n_params, here.n_params / factor, here.n_params * factor))
    return tuple(measured)


@dataclass(frozen=True, slots=True)
class Place:
    """The point of an answer on a chart of N*(C), by the chart's convention.

    Attributes:
        flops: training FLOPs.
        n_params: compute-optimal parameters.
    """

    flops: float
    n_params: Estimate


def place(answer: Answer, convention: Convention) -> Place:
    """Return the optimum of an answer, counted by another convention."""
    family, n_params = answer.question.family, answer.plan.optimum.n_params
    found = recount(answer.optimum, convention, family)
    low, high = (
        None if end is None else family.convert(end, answer.plan.convention, convention)
        for end in (n_params.low, n_params.high)
    )
    return Place(found.flops, Estimate(found.n_params, low, high, n_params.basis, n_params.kind))


def local_exponent(fit: Fit, flops: float) -> float:
    """Return d ln N* / d ln C of a fit at a budget, in its own convention.

    Raises:
        FailureError: the fit has no law for N and D.
    """
    law, step = allocation_law(fit), 1.01
    above, below = law.allocate(flops * step).n_params, law.allocate(flops / step).n_params
    return math.log(above / below) / (2 * math.log(step))
