"""What a run's fit would change: the new law beside the active one."""

from dataclasses import dataclass, replace
from pathlib import Path

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.defaults import DEFAULT_LAW
from budgetscope.core.answers.curves import Curve, curve
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.counting.shapes import shape_family
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.laws.fit import Draws, Fit, percentiles
from budgetscope.core.laws.forms import PowerLawParams
from budgetscope.core.laws.intervals import LEVEL
from budgetscope.report.fits import exponent
from budgetscope.report.rows import UNKNOWN, plan_rows
from budgetscope.store.fit_library import load
from budgetscope.tui.chart.figure import Figure
from budgetscope.tui.figures import allocation
from budgetscope.tui.law_letters import fit_ids, signs

_OWN = ("n_params", "tokens", "loss", "learning_rate", "batch_tokens")
"""Of the user's own plan, what is compared."""

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run's fit beside the active law.

    Attributes:
        path: of the fit.
        fit: itself.
        before: id of the law that it is compared with.
        active: whether it is the active law already.
        own: what, before, after: the exponent, and what changes for the user's own budget.
        decades: the same for a few budgets.
        cautions: what to know before believing it, of the plan that it would give and of the fit.
        figure: N*(C) of both; None where the fit has no law of N and D.
    """

    path: Path
    fit: Fit
    before: str
    active: bool
    own: tuple[Row, ...]
    decades: tuple[Row, ...]
    cautions: tuple[str, ...]
    figure: Figure | None


def judge(advisor: Advisor, path: Path, request: PlanRequest | None) -> Verdict:
    """Return what a fit would change; slow.

    Args:
        advisor: knows the active law.
        path: of the fit.
        request: the user's, last answered; whatever law it names is left out.

    Raises:
        BudgetscopeError: a fit cannot be read or compared.
    """
    fit = load(path)
    active = advisor.active_law == fit.id and advisor.library.get(fit.id) == fit
    before = DEFAULT_LAW if active else advisor.active_law
    old = advisor.library.get(before)
    plans = [None if request is None else _planned(advisor, request, law) for law in (before, str(path))]
    first, second = plans
    own: list[Row] = []
    cautions: tuple[str, ...] = ()
    figure = None
    if isinstance(first, Plan) and isinstance(second, Plan):
        own, cautions = _own(first, second), tuple(caution.text for caution in second.cautions)
        figure = allocation.figure(first, _curves(first, fit, old), signs(fit_ids(advisor.library)))
    elif isinstance(second, str):
        cautions = (second,)
    own = [("a in N*~C^a", _exponent(old), _exponent(fit)), *own]
    decades: list[Row] = []
    for change in advisor.differ(before, str(path)).budgets:
        sizes = (change.before.n_params, change.after.n_params)
        was, will = (UNKNOWN if n is None else format_count(n) for n in sizes)
        decades.append((f"N at {format_flops(change.flops)}", was, will))
    return Verdict(path, fit, before, active, tuple(own), tuple(decades), (*cautions, *fit.flags), figure)


def _planned(advisor: Advisor, request: PlanRequest, law: str) -> Plan | str:
    """Return the plan by a law, or the sentence that refuses it."""
    try:
        return advisor.plan(replace(request, law=law))
    except BudgetscopeError as error:
        return str(error)


def _own(before: Plan, after: Plan) -> list[Row]:
    """Return what changes at the user's own budget."""
    old, new = ({row.key: row for row in plan_rows(plan)} for plan in (before, after))
    return [
        (f"your {new[key].label}", old[key].text, f"{new[key].text} {new[key].interval}".rstrip())
        for key in _OWN
        if key in old and key in new
    ]


def _exponent(fit: Fit) -> str:
    """Return a fit's exponent of N*, with its 95% interval where it has draws of it."""
    value, law = exponent(fit), fit.laws.get("allocation")
    if value is None or law is None or not isinstance(law.uncertainty, Draws):
        return UNKNOWN if value is None else f"{value:.3f}"
    drawn = [draw.exponent for draw in law.uncertainty.laws(law.law) if isinstance(draw, PowerLawParams)]
    if not drawn:
        return f"{value:.3f}"
    low, high = percentiles(drawn, LEVEL)
    return f"{value:.3f} [{low:.2f}, {high:.2f}]"


def _curves(plan: Plan, fit: Fit, old: Fit) -> list[Curve]:
    grid = allocation.grid(allocation.span(plan.flops))
    family = shape_family("dense", vocab_size=plan.vocab_size, seq_len=plan.seq_len)
    return [curve(fit, plan.convention, family, grid), curve(old, plan.convention, family, grid, band=False)]
