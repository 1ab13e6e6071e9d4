"""Charts of the notebook, drawn by matplotlib as the report draws them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.report.figures import draw, plan_figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = ("allocation", "isoflop")


def plan_figure(answered: AnsweredRequest, kind: str, ax: "Axes | None") -> "Axes":
    """Draw the chart of a plan; arguments and errors as in `NotebookPlan.plot`."""
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no chart of a plan; choose one of {', '.join(KINDS)}.")
    return allocation_figure(answered, (), ax) if kind == "allocation" else _isoflop_figure(answered, ax)


def allocation_figure(answered: AnsweredRequest, ids: Sequence[str], ax: "Axes | None") -> "Axes":
    """Draw N*(C) of a plan's law with its interval, N*(C) of other laws, and the budget."""
    plan = answered.plan
    grid = plan_figures.budgets_around(plan.flops, answered.question.fit)
    curves = Advisor().curves(answered, ids, grid)
    figure = plan_figures.allocation(curves, plan.convention, (plan.flops, plan.n_params))
    ax = ax or draw.new_axes()
    draw.draw(figure, ax, _title(plan.law_title, plan.law_id))
    return ax


def fit_figure(fit: Fit, ax: "Axes | None") -> "Axes":
    """Draw a fit's optima and its law, in its own convention; arguments and errors as in `NotebookFit.plot`."""
    found = Advisor().fit_library.goodness_of_fit(fit)
    if found.curve is None:
        raise UsageError(f"{fit.id} has no law for N and D, so that there is nothing to draw; its laws are in `laws`.")
    ax = ax or draw.new_axes()
    draw.draw(plan_figures.allocation((found.curve,), fit.counting, None), ax, _title(fit.title, fit.id))
    return ax


def _isoflop_figure(answered: AnsweredRequest, ax: "Axes | None") -> "Axes":
    """Draw the loss over N at a plan's budget: solid in the measured range, dashed beyond, the flat band hatched."""
    sizes_at = Advisor().iso_flop(answered)
    figure = plan_figures.iso_flop(sizes_at)
    if figure is None:
        raise UsageError(sizes_at.no_curve_reason or "")
    ax = ax or draw.new_axes()
    draw.draw(figure, ax, _title(answered.plan.law_title, answered.plan.law_id))
    return ax


def _title(title: str, fit_id: str) -> str:
    return title if title == fit_id else f"{title} ({fit_id})"
