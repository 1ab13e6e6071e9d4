"""The charts of the Plan screen: N*(C), and loss, learning rate and batch along the law's optima."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from budgetscope.api.defaults import SPREAD_FITS
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.quantity_curves import LOSS, QuantityCurve
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.tui.chart.figure import (
    Axis,
    Figure,
    Line,
    Marker,
    Point,
    PointSeries,
    Span,
    count_number,
    flops_number,
)
from budgetscope.tui.chart.plot import MAX_LINES
from budgetscope.tui.chart.scale import LinearScale, LogScale
from budgetscope.tui.figures import allocation
from budgetscope.tui.law_letters import SHARED

SIZE = "n_params"


@dataclass(frozen=True, slots=True)
class PlanChart:
    """One chart.

    Attributes:
        quantity: `SIZE`, or one of `core.answers.quantity_curves`.
        title: of the panel.
        silent: the quantity in words, where the law says nothing of it.
    """

    quantity: str
    title: str
    silent: str = ""


PLAN_CHARTS = (
    PlanChart(SIZE, "N*(C)"),
    PlanChart(LOSS, "L*(C)", "the loss"),
    PlanChart("learning_rate", "Learning rate over N", "the learning rate"),
    PlanChart("batch_size", "Batch over N", "the batch"),
)
"""In the order of the key that goes through them."""

_LOSSES = ("kaplan2020/fixed-batch", "hoffmann2022/approach-3", "besiroglu2024/refit")
"""Famous laws of the loss."""


def plan_chart(quantity: str) -> PlanChart:
    """Return the chart of a quantity; the first for a name that is none."""
    return next((chart for chart in PLAN_CHARTS if chart.quantity == quantity), PLAN_CHARTS[0])


def followed(plan: Plan, quantity: str) -> str:
    """Return the id of the fit that a plan follows for a quantity."""
    return plan.law_id if quantity in (SIZE, LOSS) else plan.recipe.sources[quantity]


def drawn(plan: Plan, quantity: str) -> tuple[str, ...]:
    """Return the ids of the fits to draw for a quantity, the plan's own first."""
    first = followed(plan, quantity)
    others = _LOSSES if quantity == LOSS else SPREAD_FITS
    return (first, *(name for name in others if name != first))


def figure(plan: Plan, quantity: str, curves: Sequence[QuantityCurve], letters: Mapping[str, str]) -> Figure | None:
    """Return the figure of a quantity other than `SIZE`; None when the plan's law is silent.

    Args:
        plan: whose budget is marked.
        quantity: one of `core.answers.quantity_curves`.
        curves: of the followed fit first, then of others, by the plan's convention.
        letters: of the laws.
    """
    if not curves:
        return None
    curves = curves[:MAX_LINES]
    chosen = curves[0]
    measured = tuple(Point(x, y) for x, y in chosen.points)
    spans = () if chosen.fitted is None or measured else (Span(chosen.fitted.low, chosen.fitted.high, "fitted on"),)
    return Figure(
        x=_across(chosen, quantity),
        y=_up(plan, quantity, curves),
        lines=tuple(
            Line(
                letters.get(curve.fit_id, SHARED),
                curve.title,
                allocation.family(curve.fit_id),
                curve.xs,
                curve.ys,
                curve.low,
                curve.high,
            )
            for curve in curves
        ),
        points=(PointSeries("o", "the optima it was fitted on", measured),) if measured else (),
        markers=(_marker(plan, quantity),),
        spans=spans,
    )


def _across(chosen: QuantityCurve, quantity: str) -> Axis:
    scale = LogScale(chosen.xs[0], chosen.xs[-1])
    if quantity == LOSS:
        return Axis(scale, "C, training FLOPs", flops_number)
    return Axis(scale, "N, parameters", count_number)


def _up(plan: Plan, quantity: str, curves: Sequence[QuantityCurve]) -> Axis:
    """Return an axis that depends on laws alone, so that it stands still while a budget is typed."""
    finite = [y for y in chain.from_iterable(curve.ys for curve in curves) if y == y]  # noqa: PLR0124 - nan is not
    low, high = min(finite), max(finite)
    if quantity == LOSS:
        return Axis(LinearScale.around(low, high), f"loss, {plan.loss_unit or 'unit unknown'}")
    if quantity == "learning_rate":
        return Axis(LogScale.decades_around(low, high), "peak learning rate", _short)
    return Axis(LogScale.decades_around(low, high), "batch, tokens", count_number)


def _short(value: float) -> str:
    return f"{value:.2g}"


def _marker(plan: Plan, quantity: str) -> Marker:
    n_params = plan.n_params.value
    match quantity:
        case "loss":
            loss = None if plan.loss is None else plan.loss.value
            said = "" if loss is None else f"{loss:.3f} at "
            return Marker(plan.flops, f"{said}{format_flops(plan.flops)}", loss)
        case "learning_rate":
            rate = plan.recipe.learning_rate.value
            return Marker(n_params, f"{_short(rate)} at {format_count(n_params)}", rate)
        case _:
            batch = plan.recipe.batch_tokens.value
            return Marker(n_params, f"{format_count(batch)} at {format_count(n_params)}", batch)
