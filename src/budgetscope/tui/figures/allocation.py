"""The figure of N*(C): the chosen law with its interval and data, the other laws, and the user's budget."""

import re
from collections.abc import Mapping, Sequence

from budgetscope.core.answers.curves import Curve
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.language import _
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
from budgetscope.report.figures.scale import LogScale
from budgetscope.tui.chart.plot import MAX_LINES
from budgetscope.tui.law_letters import SHARED

FAMOUS = (
    "kaplan2020/fixed-batch",
    "hoffmann2022/approach-1",
    "besiroglu2024/refit",
    "deepseek2024/current-data",
    "meta2024/llama3",
)
"""Well-known laws that are drawn beside the chosen one."""

FIRST_FLOPS, LAST_FLOPS = 1e16, 1e26
"""Range of C that is drawn at least, FLOPs: from the smallest published runs to the largest budgets."""

_CURVE_POINTS_PER_DECADE = 3
_YEAR = re.compile(r" \d{4}\b")


def span(flops: float) -> LogScale:
    """Return the scale of C; it is fixed, unless the budget lies outside, so that typing does not move the chart."""
    return LogScale.decades_around(min(FIRST_FLOPS, flops / 10), max(LAST_FLOPS, flops * 10))


def grid(scale: LogScale) -> tuple[float, ...]:
    """Return the budgets at which curves are evaluated, FLOPs."""
    steps = round(scale.span_decades * _CURVE_POINTS_PER_DECADE)
    return tuple(scale.value(step / steps) for step in range(steps + 1))


def figure(plan: Plan, curves: Sequence[Curve], letters: Mapping[str, str]) -> Figure:
    """Return the figure of a plan.

    Args:
        plan: its budget is marked.
        curves: the plan's law first, then others, all by the plan's convention.
        letters: letter of each law, by fit id.
    """
    curves = curves[:MAX_LINES]
    chosen = curves[0]
    measured = tuple(Point(point.flops, point.n_params, point.low, point.high) for point in chosen.points)
    # The chosen law sets the y range; a law that differs by a factor of ten is cut at the edge.
    low, high = chosen.n_params[0] / 3, chosen.n_params[-1] * 3
    size, budget = format_count(plan.n_params.value), format_flops(plan.flops)
    here = _("{value} at {place}").format(value=size, place=budget)
    return Figure(
        x=Axis(LogScale(chosen.flops[0], chosen.flops[-1]), _("C, training FLOPs"), flops_number),
        y=Axis(
            LogScale.decades_around(min(low, plan.n_params.value), max(high, plan.n_params.value)),
            _("N, parameters"),
            format_count,
        ),
        lines=tuple(
            Line(
                letters.get(curve.fit_id, SHARED),
                curve.title,
                name,
                curve.flops,
                curve.n_params,
                curve.low,
                curve.high,
                reach=reach_of(curve.fitted),
            )
            for curve, name in zip(curves, short_names([curve.title for curve in curves]), strict=True)
        ),
        points=(PointSeries("o", _("the optima it was fitted on"), measured),) if measured else (),
        markers=(
            Marker(
                plan.flops,
                here,
                plan.n_params.value,
            ),
        ),
    )


def short_names(titles: Sequence[str]) -> list[str]:
    """Return a name of each law for a legend: its source, with what tells it from others of the same source."""
    plain = [_YEAR.sub("", title) for title in titles]
    sources = [re.split(r"[,(]", title)[0].strip() for title in plain]
    return [
        source if source and sources.count(source) == 1 else title for source, title in zip(sources, plain, strict=True)
    ]
