"""The charts that take turns on the plan's spot beside N*(C): loss, learning rate and batch along the law's optima."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from budgetscope.api.defaults import OPINIONS
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.quantity_curves import LOSS, Trace
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.tui.chart.figure import Axis, Figure, Line, Marker, Point, Points, Span, count_number, flops_number
from budgetscope.tui.chart.plot import MAX_LINES
from budgetscope.tui.chart.scale import LinearScale, LogScale
from budgetscope.tui.figures import allocation
from budgetscope.tui.law_letters import SHARED

SIZE = "n_params"


@dataclass(frozen=True, slots=True)
class Spot:
    """One of the charts.

    Attributes:
        quantity: `SIZE`, or one of `core.traces`.
        title: of the panel.
        silent: what the law says nothing of, where it is silent.
    """

    quantity: str
    title: str
    silent: str = ""


SPOTS = (
    Spot(SIZE, "N*(C)"),
    Spot(LOSS, "L*(C)", "the loss"),
    Spot("learning_rate", "Learning rate over N", "the learning rate"),
    Spot("batch_size", "Batch over N", "the batch"),
)
"""In the order of the key that goes through them."""

_LOSSES = ("kaplan2020/fixed-batch", "hoffmann2022/approach-3", "besiroglu2024/refit")
"""Famous laws of the loss."""


def spot(quantity: str) -> Spot:
    """Return the chart of a quantity; the first for a name that is none."""
    return next((spot for spot in SPOTS if spot.quantity == quantity), SPOTS[0])


def followed(plan: Plan, quantity: str) -> str:
    """Return the id of the fit that a plan follows for a quantity."""
    return plan.law_id if quantity in (SIZE, LOSS) else plan.recipe.sources[quantity]


def drawn(plan: Plan, quantity: str) -> tuple[str, ...]:
    """Return the ids of the fits to draw for a quantity, the plan's own first."""
    first = followed(plan, quantity)
    others = _LOSSES if quantity == LOSS else OPINIONS
    return (first, *(name for name in others if name != first))


def figure(plan: Plan, quantity: str, traces: Sequence[Trace], signs: Mapping[str, str]) -> Figure | None:
    """Return the figure of a quantity other than `SIZE`; None when the plan's law is silent.

    Args:
        plan: whose budget is marked.
        quantity: one of `core.traces`.
        traces: of the followed fit first, then of others, by the plan's convention.
        signs: of the laws.
    """
    if not traces:
        return None
    traces = traces[:MAX_LINES]
    chosen = traces[0]
    measured = tuple(Point(x, y) for x, y in chosen.points)
    spans = () if chosen.fitted is None or measured else (Span(chosen.fitted.low, chosen.fitted.high, "fitted on"),)
    return Figure(
        x=_across(chosen, quantity),
        y=_up(plan, quantity, traces),
        lines=tuple(
            Line(
                signs.get(trace.fit_id, SHARED),
                trace.title,
                allocation.family(trace.fit_id),
                trace.xs,
                trace.ys,
                trace.low,
                trace.high,
            )
            for trace in traces
        ),
        points=(Points("o", "the optima it was fitted on", measured),) if measured else (),
        markers=(_marker(plan, quantity),),
        spans=spans,
    )


def _across(chosen: Trace, quantity: str) -> Axis:
    scale = LogScale(chosen.xs[0], chosen.xs[-1])
    if quantity == LOSS:
        return Axis(scale, "C, training FLOPs", flops_number)
    return Axis(scale, "N, parameters", count_number)


def _up(plan: Plan, quantity: str, traces: Sequence[Trace]) -> Axis:
    """Return an axis that depends on laws alone, so that it stands still while a budget is typed."""
    finite = [y for y in chain.from_iterable(trace.ys for trace in traces) if y == y]  # noqa: PLR0124 - nan is not
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
