"""The headline of a screen: one sentence, and one to three figures that can be read from across a table."""

from dataclasses import dataclass

from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_hours, format_usd
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Estimate
from budgetscope.report.decision import decision
from budgetscope.report.decision import doubt as least_certain


@dataclass(frozen=True, slots=True)
class LargeFigure:
    """A figure of a headline.

    Attributes:
        value: with its unit, such as `18.7 B`.
        label: what it is; empty where its unit says it.
        range: its interval or range; empty without one.
    """

    value: str
    label: str
    range: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """What a screen says first.

    Attributes:
        sentence: the one to read.
        doubt: what is least certain of it; may be empty.
        figures: at most three.
    """

    sentence: str
    doubt: str = ""
    figures: tuple[LargeFigure, ...] = ()


def plan_headline(plan: Plan) -> Headline:
    """Return what to train, what it costs, and what is least certain."""
    run, moves = plan.run, plan.spread
    figures = [
        LargeFigure(format_count(run.n_params), _("parameters"), _interval(plan.optimum.n_params)),
        LargeFigure(format_count(run.tokens), _("tokens"), _interval(plan.optimum.tokens)),
    ]
    if plan.choice is not None:
        figures = [LargeFigure(figure.value, figure.label) for figure in figures]
    if run.cost_usd is not None:
        paid = "" if moves.cost_usd is None else _to(*map(format_usd, moves.cost_usd))
        figures.append(LargeFigure(format_usd(run.cost_usd.value), "", paid))
    elif run.hours is not None:
        taken = "" if moves.hours is None else _to(*map(format_hours, moves.hours))
        figures.append(LargeFigure(format_hours(run.hours), "", taken))
    return Headline(decision(plan)[0], least_certain(plan), tuple(figures))


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return _to(format_count(estimate.low), format_count(estimate.high))


def _to(low: str, high: str) -> str:
    return _("{low} to {high}").format(low=low, high=high)
