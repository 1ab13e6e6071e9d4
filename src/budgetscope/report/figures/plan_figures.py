"""The figures of a plan as data: N*(C), the IsoFLOP curve, the walk from Kaplan to tuned, cost against loss."""

import math
from collections.abc import Sequence

from budgetscope.core.answers.curves import Curve
from budgetscope.core.answers.other_budgets import OtherBudget
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.core.budget.quantities import format_count, format_flops, format_usd
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.loss_model import FLAT_SHARE
from budgetscope.report.figures.figure import (
    NOWHERE,
    Axis,
    Bar,
    Bars,
    Figure,
    Line,
    Point,
    PointSeries,
    Span,
)
from budgetscope.report.figures.scale import LinearScale, LogScale
from budgetscope.report.rows import loss_axis

FAMOUS = (
    "kaplan2020/fixed-batch",
    "hoffmann2022/approach-2",
    "besiroglu2024/refit",
    "deepseek2024/current-data",
    "meta2024/llama3",
)
"""Ids of the well-known laws that are drawn beside a plan's."""

MEASURED, CHOSEN = "o", "D"
"""Symbols: what was measured, and what is planned."""

_SHAPES = ("D", "s", "^", "v", "P", "X", "*", "<", ">")
"""Symbols of scenarios, told apart by their shape."""
_MARGIN = 1.6
_POINTS_PER_DECADE = 4
_WIDEST = 8.0
"""Largest ratio of a size to the optimum on the chart of the loss."""
_SIZES = 161
_STEEP = 3.0
"""Factor off the optimal size whose loss sets the height of the chart of the loss."""
WALK_FLOPS = (1e16, 1e22)
"""Budgets over which the walk from Kaplan to tuned is drawn at least, FLOPs."""


def budgets_around(flops: float, fit: Fit) -> tuple[float, ...]:
    """Return a grid of budgets over whole decades around the fitted range of a law and a budget, FLOPs."""
    law = fit.allocation
    fitted = law.fitted.get("flops") if law is not None else None
    low, high = (flops, flops) if fitted is None else (min(fitted.low, flops), max(fitted.high, flops))
    return _grid(math.floor(math.log10(low) - 0.5), math.ceil(math.log10(high) + 0.5))


def walk_budgets(flops: float) -> tuple[float, ...]:
    """Return the budgets over which the walk is drawn, FLOPs."""
    low, high = WALK_FLOPS
    return _grid(math.floor(math.log10(min(low, flops / 3))), math.ceil(math.log10(max(high, flops * 3))))


def _grid(first: int, last: int) -> tuple[float, ...]:
    steps = (last - first) * _POINTS_PER_DECADE
    return tuple(10.0 ** (first + step / _POINTS_PER_DECADE) for step in range(steps + 1))


def allocation(curves: Sequence[Curve], counting: str, here: tuple[float, Estimate] | None) -> Figure:
    """Return N*(C) of a law with its interval and optima, other laws, and the plan's optimum.

    Args:
        curves: the law's first, by one convention.
        counting: that convention.
        here: the plan's budget in FLOPs and its optimum; None without a plan.
    """
    chosen = curves[0]
    measured = tuple(Point(each.flops, each.n_params, each.low, each.high) for each in chosen.points)
    points = [PointSeries(MEASURED, _("the optima it was fitted on"), measured)] if measured else []
    sizes = [*chosen.n_params, *(n for curve in curves[1:] for n in curve.n_params)]
    if here is not None:
        flops, best = here
        label = _("{n} at {c} FLOPs").format(n=format_count(best.value), c=format_flops(flops))
        points.append(PointSeries(CHOSEN, label, (Point(flops, best.value, best.low, best.high),)))
        sizes += [end for end in (best.value, best.low, best.high) if end is not None]
    return Figure(
        x=Axis(
            LogScale(chosen.flops[0], chosen.flops[-1]),
            _("C, training FLOPs by the {counting} count").format(counting=counting),
            format_flops,
        ),
        y=Axis(
            LogScale.decades_around(min(sizes), max(sizes)),
            _("N, parameters by the {counting} count").format(counting=counting),
            format_count,
        ),
        lines=tuple(
            Line("", curve.title, curve.title, curve.flops, curve.n_params, curve.low, curve.high) for curve in curves
        ),
        points=tuple(points),
        band_label=_("95% interval"),
    )


def iso_flop(iso: IsoFlop) -> Figure | None:
    """Return the loss over N at a plan's budget, the flat band and the run; None where the law gives no curve.

    It is solid where the loss was measured, and dashed beyond.
    """
    plan, best = iso.answer.plan, iso.answer.optimum.n_params
    if iso.no_curve_reason is not None:
        return None
    run = iso.answer.point.n_params
    low, high = min(best / _WIDEST, run / 2), max(best * _WIDEST, run * 2)
    scale = LogScale(low, high)
    sizes = tuple(sorted({*(scale.value(step / (_SIZES - 1)) for step in range(_SIZES)), best}))
    least, optimum = iso.losses((best,))[0], iso.losses((run,))[0]
    steep = max(*iso.losses((best / _STEEP, best * _STEEP)), optimum) - least
    name = _("the run, {n}") if plan.choice is not None else _("the optimum, {n}")
    band = plan.optimum.flat_band
    flat = _("flat: under {share} of the loss").format(share=f"{FLAT_SHARE:.1%}")
    reach, label = iso.measured_range or NOWHERE, _("the loss, where it was measured")
    return Figure(
        x=Axis(scale, _("N, parameters by the {counting} count").format(counting=plan.convention), format_count),
        y=Axis(
            LinearScale.around(least - 0.3 * steep, least + 2.5 * steep),
            _("{loss}, at C = {c} FLOPs").format(loss=loss_axis(plan), c=format_flops(plan.flops)),
        ),
        lines=(Line("", label, "", sizes, iso.losses(sizes), reach=reach),),
        points=(PointSeries(CHOSEN, name.format(n=format_count(run)), (Point(run, optimum),)),),
        spans=() if band is None else (Span(*band, flat),),
    )


def walk(curves: Sequence[Curve], titles: Sequence[str]) -> Figure:
    """Return the tokens per parameter of the steps from Kaplan's experiment to the tuned one.

    Args:
        curves: of the steps, in their order, by the standard count, for which C = 6 N D.
        titles: of the steps.
    """
    lines = []
    for number, (curve, title) in enumerate(zip(curves, titles, strict=True), 1):
        ratios = tuple(c / (6 * n * n) for c, n in zip(curve.flops, curve.n_params, strict=True))
        lines.append(Line("", f"{number}. {title}", "", curve.flops, ratios))
    tuned = curves[-1]
    measured = tuple(
        Point(each.flops, *(each.flops / (6 * n * n) for n in (each.n_params, each.high, each.low)))
        for each in tuned.points
    )
    ends = [ratio for line in lines for ratio in line.ys]
    label = _("the optima that the last step was fitted on")
    return Figure(
        x=Axis(LogScale(tuned.flops[0], tuned.flops[-1]), _("C, training FLOPs by the standard count"), format_flops),
        y=Axis(LogScale.decades_around(min(ends), max(ends)), _("D/N, tokens per parameter"), format_count),
        # The most important line is the first of a figure.
        lines=tuple(reversed(lines)),
        points=(PointSeries(MEASURED, label, measured),) if measured else (),
    )


def money(plan: Plan, budgets: Sequence[OtherBudget]) -> Figure | None:
    """Return the loss of compute-optimal runs over their cost, or over FLOPs without a price; None without a loss.

    Args:
        plan: its run is marked.
        budgets: growing, with intervals where the law has them.
    """
    known = [(each, each.loss) for each in budgets if each.loss is not None]
    reached = plan.final_loss
    if len(known) < 2 or reached is None:
        return None
    priced = all(each.usd is not None for each, _loss in known) and plan.run.cost_usd is not None
    xs = tuple(each.usd if priced and each.usd is not None else each.flops for each, _loss in known)
    full = all(loss.low is not None and loss.high is not None for _each, loss in known)
    low = tuple(loss.low for _each, loss in known if loss.low is not None) if full else None
    high = tuple(loss.high for _each, loss in known if loss.high is not None) if full else None
    x = plan.run.cost_usd.value if priced and plan.run.cost_usd is not None else plan.flops
    ends = [*(low or ()), *(high or ()), *(loss.value for _each, loss in known), reached.value]
    cost = _("cost of the run, US dollars, at the plan's price and MFU")
    flops = _("C, training FLOPs by the {counting} count").format(counting=plan.convention)
    form = format_usd if priced else format_flops
    label = _("this plan: {cost}, loss {loss}") if priced else _("this plan: {cost} FLOPs, loss {loss}")
    return Figure(
        x=Axis(LogScale(xs[0], xs[-1]), cost if priced else flops, form),
        y=Axis(
            LinearScale.around(min(ends), max(ends)),
            _("loss at the end, {unit}").format(unit=plan.loss_unit or _("unit unknown")),
        ),
        lines=(Line("", plan.law_title, "", xs, tuple(loss.value for _each, loss in known), low, high),),
        points=(
            PointSeries(CHOSEN, label.format(cost=form(x), loss=f"{reached.value:.2f}"), (Point(x, reached.value),)),
        ),
        band_label=_("range: the law's interval and the published gains of a decay"),
    )


def scenario_money(scenarios: Sequence[tuple[str, float, float]]) -> Figure:
    """Return the loss of scenarios over their cost.

    Args:
        scenarios: name, cost in US dollars, and loss at the end of each, at least two.
    """
    costs, losses = [usd for _name, usd, _loss in scenarios], [loss for _name, _usd, loss in scenarios]
    room = (max(losses) - min(losses)) / 8
    return Figure(
        x=Axis(LogScale(min(costs) / _MARGIN, max(costs) * _MARGIN), _("cost of the run, US dollars"), format_usd),
        y=Axis(LinearScale.around(min(losses) - room, max(losses) + room), _("loss at the end")),
        points=tuple(
            PointSeries(_SHAPES[index % len(_SHAPES)], name, (Point(usd, loss),))
            for index, (name, usd, loss) in enumerate(scenarios)
        ),
    )


def scores(costs: Sequence[tuple[str, float]], followed: str) -> Bars:
    """Return how much compute each recipe needs for the loss of the best one.

    Args:
        costs: id of the law and factor of compute, the cheapest first.
        followed: id of the law that the plan follows.
    """
    return Bars(
        title=_("compute that the recipe needs, as a multiple of the best measured recipe's"),
        bars=tuple(Bar(law, factor, f"{factor:.2f}", marked=law == followed) for law, factor in costs),
        marked_label=_("the law that this plan follows"),
    )
