"""Charts by matplotlib, which `budgetscope[plot]` installs."""

import math
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.core.answers.curves import Curve
from budgetscope.core.budget.quantities import english_count, format_flops
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.laws.fit import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = ("allocation", "isoflop")
_POINTS_PER_DECADE = 4
_WIDEST = 8.0
"""Largest ratio of a size to the optimum on the chart of the loss."""
_SIZES = 161
_COLORS = 10
"""Number of colors in matplotlib's cycle; further laws are dashed."""


def _axes(given: "Axes | None") -> "Axes":
    if given is not None:
        return given
    try:
        pyplot: Any = import_module("matplotlib.pyplot")
    except ImportError:
        raise FailureError("a chart needs matplotlib: pip install 'budgetscope[plot]'.") from None
    made: Axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")[1]
    return made


def plan_figure(answered: AnsweredRequest, kind: str, ax: "Axes | None") -> "Axes":
    """Draw the chart of a plan; arguments and errors as in `NotebookPlan.plot`."""
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no chart of a plan; choose one of {', '.join(KINDS)}.")
    return allocation_figure(answered, (), ax) if kind == "allocation" else _isoflop_figure(answered, ax)


def allocation_figure(answered: AnsweredRequest, ids: Sequence[str], ax: "Axes | None") -> "Axes":
    """Draw N*(C) of a plan's law with its interval, N*(C) of other laws, and the budget."""
    plan = answered.plan
    curves = Advisor().curves(answered, ids, _grid(answered))
    ax = _axes(ax)
    _draw_law(ax, curves[0])
    for index, curve in enumerate(curves[1:], 1):
        ax.plot(curve.flops, curve.n_params, "-" if index < _COLORS else "--", linewidth=1, label=curve.title)
    best = plan.n_params
    ends = None if best.low is None or best.high is None else [[best.value - best.low], [best.high - best.value]]
    label = f"{english_count(best.value)} at {format_flops(plan.flops)}"
    ax.errorbar([plan.flops], [best.value], ends, fmt="D", color="black", capsize=3, label=label)
    _label(ax, plan.convention, plan.law_title, plan.law_id, beside=len(curves) > 1)
    return ax


def fit_figure(fit: Fit, ax: "Axes | None") -> "Axes":
    """Draw a fit's optima and its law, in its own convention; arguments and errors as in `NotebookFit.plot`."""
    found = Advisor().fit_library.goodness_of_fit(fit)
    if found.curve is None:
        raise UsageError(f"{fit.id} has no law for N and D, so that there is nothing to draw; its laws are in `laws`.")
    ax = _axes(ax)
    _draw_law(ax, found.curve)
    _label(ax, fit.counting, fit.title, fit.id)
    return ax


def _grid(answered: AnsweredRequest) -> tuple[float, ...]:
    """Return a grid of budgets over whole decades around the fitted range of the law and the plan's budget."""
    flops, law = answered.plan.flops, answered.question.fit.allocation
    fitted = law.fitted.get("flops") if law is not None else None
    low, high = (flops, flops) if fitted is None else (min(fitted.low, flops), max(fitted.high, flops))
    first, last = math.floor(math.log10(low) - 0.5), math.ceil(math.log10(high) + 0.5)
    steps = (last - first) * _POINTS_PER_DECADE
    return tuple(10.0 ** (first + step / _POINTS_PER_DECADE) for step in range(steps + 1))


def _draw_law(ax: "Axes", curve: Curve) -> None:
    """Draw a law with its interval and its measured optima."""
    (line,) = ax.plot(curve.flops, curve.n_params, linewidth=2, label=f"N*(C), {curve.title}")
    if curve.low is not None and curve.high is not None:
        ax.fill_between(curve.flops, curve.low, curve.high, color=line.get_color(), alpha=0.2, label="95% interval")
    if curve.points:
        sizes = [point.n_params for point in curve.points]
        below = [point.n_params - point.low for point in curve.points]
        above = [point.high - point.n_params for point in curve.points]
        ax.errorbar(
            [point.flops for point in curve.points], sizes, [below, above], fmt="o", markersize=4, linewidth=1,
            color=line.get_color(), label="the optima it was fitted on",
        )  # fmt: skip


def _label(ax: "Axes", convention: Convention, title: str, fit_id: str, *, beside: bool = False) -> None:
    ax.set(
        xscale="log",
        yscale="log",
        xlabel=f"C, training FLOPs by the {convention} count",
        ylabel=f"N, parameters by the {convention} count",
    )
    _finish(ax, title, fit_id, beside=beside)


def _finish(ax: "Axes", title: str, fit_id: str, *, beside: bool = False) -> None:
    """Add the title and the legend; `beside` places a long legend beside the chart."""
    # A title from a file may have dollar signs, which matplotlib would read as a formula.
    ax.set_title(title if title == fit_id else f"{title} ({fit_id})", parse_math=False)
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if beside else {}
    for text in ax.legend(fontsize="small", **place).get_texts():
        text.set_parse_math(False)


def _isoflop_figure(answered: AnsweredRequest, ax: "Axes | None") -> "Axes":
    """Draw the loss over N at a plan's budget: solid in the measured range, dotted beyond, the flat band shaded."""
    plan = answered.plan
    sizes_at = Advisor().iso_flop(answered)
    if sizes_at.no_curve_reason is not None:
        raise UsageError(sizes_at.no_curve_reason)
    best = plan.n_params.value
    sizes = [best * _WIDEST ** (2 * step / (_SIZES - 1) - 1) for step in range(_SIZES)]
    losses = sizes_at.losses(sizes)
    ax = _axes(ax)
    color = "C0"
    measured = [(size, loss) for size, loss in zip(sizes, losses, strict=True) if sizes_at.is_measured(size)]
    ax.plot(sizes, losses, ":", color=color, label=f"loss by {plan.law_title}, extrapolated")
    if measured:
        ax.plot(*zip(*measured, strict=True), "-", color=color, label="the same, where it was measured")
    if plan.optimum.flat_band is not None:
        ax.axvspan(*plan.optimum.flat_band, color=color, alpha=0.15, label="flat: under 0.1% of the loss")
    ax.plot([best], sizes_at.losses((best,)), "D", color="black", label=f"optimum {english_count(best)}")
    ax.set(
        xscale="log",
        xlabel=f"N, parameters by the {plan.convention} count",
        ylabel=f"loss, {plan.loss_unit or 'unit unknown'}, at C = {format_flops(plan.flops)} FLOPs",
    )
    _finish(ax, plan.law_title, plan.law_id)
    return ax
