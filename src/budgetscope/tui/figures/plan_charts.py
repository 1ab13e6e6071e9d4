"""The charts of the Plan screen: N*(C), and loss, learning rate and batch along the law's optima."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from budgetscope.api.defaults import SPREAD_FITS
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.quantity_curves import LOSS, QuantityCurve
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.language import N_, _
from budgetscope.report.figures.figure import (
    Axis,
    Figure,
    Line,
    Marker,
    Point,
    PointSeries,
    flops_number,
    reach_of,
)
from budgetscope.report.figures.scale import LinearScale, LogScale
from budgetscope.tui.chart.plot import MAX_LINES
from budgetscope.tui.figures import allocation
from budgetscope.tui.law_letters import SHARED

SIZE = "n_params"
LOSSES_APART = N_("Losses of different tokenizers do not compare.")
"""Below losses by laws with different tokenizers on one axis."""


@dataclass(frozen=True, slots=True)
class PlanChart:
    """One chart of the Plan screen.

    Attributes:
        quantity: `SIZE`, `LOSS`, or a role of `core.answers.quantity_curves`.
        title: of the panel.
        lacking: what is said where the law does not give the quantity; empty for N, which every plan has.
    """

    quantity: str
    title: str
    lacking: str = ""


PLAN_CHARTS = (
    PlanChart(SIZE, "N*(C)"),
    PlanChart(LOSS, "L*(C)", N_("{law} has no law of the loss")),
    PlanChart("learning_rate", N_("Learning rate over N"), N_("{law} has no law of the learning rate")),
    PlanChart("batch_size", N_("Batch over N"), N_("{law} has no law of the batch")),
)
"""The charts, in the order in which the key `v` shows them."""

_LOSSES = ("kaplan2020/fixed-batch", "hoffmann2022/approach-3", "besiroglu2024/refit")
"""Well-known fits with a law of the loss."""


def plan_chart(quantity: str) -> PlanChart:
    """Return the chart of a quantity; the first chart for an unknown name."""
    return next((chart for chart in PLAN_CHARTS if chart.quantity == quantity), PLAN_CHARTS[0])


def followed(plan: Plan, quantity: str) -> str:
    """Return the id of the fit from which a plan takes a quantity."""
    return plan.law_id if quantity in (SIZE, LOSS) else plan.recipe.sources[quantity]


def drawn(plan: Plan, quantity: str) -> tuple[str, ...]:
    """Return the ids of the fits to draw for a quantity, the plan's first."""
    first = followed(plan, quantity)
    others = _LOSSES if quantity == LOSS else SPREAD_FITS
    return (first, *(name for name in others if name != first))


def figure(plan: Plan, quantity: str, curves: Sequence[QuantityCurve], letters: Mapping[str, str]) -> Figure | None:
    """Return the figure of a quantity other than `SIZE`; None without curves.

    Args:
        plan: its budget is marked.
        quantity: `LOSS`, or a role of `core.answers.quantity_curves`.
        curves: the plan's fit first, then others, by the plan's convention.
        letters: letter of each law, by fit id.
    """
    if not curves:
        return None
    curves = curves[:MAX_LINES]
    chosen = curves[0]
    measured = tuple(Point(x, y) for x, y in chosen.points)
    return Figure(
        x=_across(chosen, quantity),
        y=_up(plan, quantity, curves),
        lines=tuple(
            Line(
                letters.get(curve.fit_id, SHARED),
                _named(curve, curve.title),
                _named(curve, name),
                curve.xs,
                curve.ys,
                curve.low,
                curve.high,
                reach=reach_of(curve.fitted),
            )
            for curve, name in zip(curves, allocation.short_names([curve.title for curve in curves]), strict=True)
        ),
        points=(PointSeries("o", _("the optima it was fitted on"), measured),) if measured else (),
        markers=(_marker(plan, quantity),),
        note="" if all(curve.comparable for curve in curves) else _(LOSSES_APART),
    )


def _named(curve: QuantityCurve, name: str) -> str:
    """Return the name of a law; where its losses are before the decay, as those of the others are not, with that."""
    return _("{law}, pre-decay").format(law=name) if curve.before_decay else name


def _across(chosen: QuantityCurve, quantity: str) -> Axis:
    scale = LogScale(chosen.xs[0], chosen.xs[-1])
    if quantity == LOSS:
        return Axis(scale, _("C, training FLOPs"), flops_number)
    return Axis(scale, _("N, parameters"), format_count)


def _up(plan: Plan, quantity: str, curves: Sequence[QuantityCurve]) -> Axis:
    """Return the y axis; it depends on the laws alone, so that typing a budget does not move it."""
    finite = [y for y in chain.from_iterable(curve.ys for curve in curves) if y == y]  # noqa: PLR0124 - nan is not
    low, high = min(finite), max(finite)
    if quantity == LOSS:
        return Axis(LinearScale.around(low, high), _("loss, {unit}").format(unit=plan.loss_unit or _("unit unknown")))
    if quantity == "learning_rate":
        return Axis(LogScale.decades_around(low, high), _("peak learning rate"), _short)
    return Axis(LogScale.decades_around(low, high), _("batch, tokens"), format_count)


def _short(value: float) -> str:
    return f"{value:.2g}"


def _marker(plan: Plan, quantity: str) -> Marker:
    n_params, at = plan.n_params.value, _("{value} at {place}")
    match quantity:
        case "loss":
            loss = None if plan.loss is None else plan.loss.value
            flops = format_flops(plan.flops)
            if plan.is_before_decay:
                at = _("pre-decay {value} at {place}")
            return Marker(plan.flops, flops if loss is None else at.format(value=f"{loss:.3f}", place=flops), loss)
        case "learning_rate":
            rate = plan.recipe.learning_rate.value
            return Marker(n_params, at.format(value=_short(rate), place=format_count(n_params)), rate)
        case _:
            batch = plan.recipe.batch_tokens.value
            return Marker(n_params, at.format(value=format_count(batch), place=format_count(n_params)), batch)
