"""The comparison of a calibration's fit with the active law, as rows and a figure."""

from dataclasses import dataclass

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.calibration import Judgement, judge
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit
from budgetscope.report.acceptance import change_rows, cost_sentences, exponent_note, way_back
from budgetscope.report.figures.figure import Figure
from budgetscope.report.fit_difference import loss_note
from budgetscope.report.fits import exponent_rows, exponent_text
from budgetscope.report.rows import UNKNOWN
from budgetscope.tui.figures import allocation
from budgetscope.tui.law_letters import letters
from budgetscope.tui.screens.accept_dialog import LawQuestion

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A calibration's fit beside the active law, as shown.

    Attributes:
        law: id of the fit, or the path of its file.
        fit: the fit.
        before: id of the law that it is compared with.
        active: whether it is the active law already.
        own: label, before and after: the exponent, and what changes for the user's own budget.
        costs: whether losses compare, and what following either law costs if the other is right; one sentence each.
        exponents: label and text: the fit's own exponent, the published ones', and the combined.
        decades: label, before and after: N at several budgets, unknown where the fit gives no plan; none by a fit that
            is too small to plan by.
        cautions: of the plan that the fit would give, then the flags of the fit.
        figure: N*(C) of both laws; None if either gives no plan.
        plans: of the user's request, by the law before and by the fit; None if either gives none.
    """

    law: str
    fit: Fit
    before: str
    active: bool
    own: tuple[Row, ...]
    costs: tuple[str, ...]
    exponents: tuple[tuple[str, str], ...]
    decades: tuple[Row, ...]
    cautions: tuple[str, ...]
    figure: Figure | None
    plans: tuple[Plan, Plan] | None = None


def verdict(advisor: Advisor, law: str, request: PlanRequest | None) -> Verdict:
    """Return the comparison of a fit with the active law; slow. Arguments and errors as of `judge`."""
    judged = judge(advisor, law, request)
    own: list[Row] = []
    cautions: tuple[str, ...] = (judged.refusal,) if judged.refusal else ()
    figure = None
    if judged.answers is not None:
        first, second = (answer.plan for answer in judged.answers)
        own, cautions = change_rows(first, second), tuple(caution.text for caution in second.cautions)
        figure = _figure(advisor, judged, law)
    was, will = (exponent_text(fit) for fit in (judged.before, judged.fit))
    own = [(_("a in N*~C^a"), was, will), *own]
    costs = [loss_note(judged.difference)] if judged.difference.tokenizers and judged.answers else []
    costs += cost_sentences(judged.before.id, judged.fit.id, judged.costs)
    decades: list[Row] = []
    for change in () if judged.fit.too_small else judged.difference.budgets:
        sizes = (change.before.n_params, change.after.n_params)
        was, will = (UNKNOWN if n is None else format_count(n) for n in sizes)
        if not _plans(advisor, law, change.flops):
            will = UNKNOWN
        decades.append((_("N at {flops}").format(flops=format_flops(change.flops)), was, will))
    return Verdict(
        law=law,
        fit=judged.fit,
        before=judged.before.id,
        active=judged.active,
        own=tuple(own),
        costs=tuple(costs),
        exponents=tuple(exponent_rows(judged.fit)),
        decades=tuple(decades),
        cautions=(*cautions, *judged.fit.flags),
        figure=figure,
        plans=None if judged.answers is None else (judged.answers[0].plan, judged.answers[1].plan),
    )


def _plans(advisor: Advisor, law: str, flops: float) -> bool:
    """Return whether a fit gives a plan for a budget."""
    try:
        advisor.answer(PlanRequest(f"{flops:g}", law=law))
    except BudgetscopeError:
        return False
    return True


def question(found: Verdict) -> LawQuestion:
    """Return what is asked before a calibration's fit becomes the active law."""
    back = way_back(found.before, found.fit.id)
    return LawQuestion(
        question=_("Plan by {fit} in place of {before}?").format(fit=found.fit.id, before=found.before),
        rows=found.own,
        sentences=(*exponent_note(found.fit), *found.costs),
        way_back=_("u takes it back, and so does `{command}`.").format(command=back),
    )


def _figure(advisor: Advisor, judged: Judgement, path: str) -> Figure | None:
    """Return N*(C) of the fit with its interval, and of the law before."""
    if judged.answers is None:
        return None
    before = judged.answers[0]
    grid = allocation.grid(allocation.span(before.plan.flops))
    curves = [advisor.curve(before, grid, law=path), advisor.curve(before, grid, band=False)]
    return allocation.figure(before.plan, curves, letters(advisor.fit_ids))
