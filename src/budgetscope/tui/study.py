"""What follows a plan a moment later: the comparison with the other laws, and the figure."""

from dataclasses import dataclass

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.compare import Comparison
from budgetscope.core.plan import Plan
from budgetscope.tui import allocation
from budgetscope.tui.chart.figure import Figure


@dataclass(frozen=True, slots=True)
class Study:
    """A plan among the other laws."""

    plan: Plan
    comparison: Comparison
    figure: Figure


def laws_drawn(plan: Plan) -> tuple[object, ...]:
    """Return what the curves of a plan depend on: while it stays the same, `study` takes no time."""
    return plan.law_id, plan.convention, plan.vocab_size, plan.seq_len, allocation.span(plan.flops)


def study(advisor: Advisor, request: PlanRequest, plan: Plan) -> Study:
    """Return what the lower half of the screen shows; slow when a law is met for the first time.

    Args:
        advisor: answers.
        request: the question.
        plan: the answer to it.

    Raises: as `Advisor.plan`.
    """
    grid = allocation.grid(allocation.span(plan.flops))
    curves = advisor.curves(request, allocation.FAMOUS, grid)
    return Study(plan, advisor.compare(request, plan), allocation.figure(plan, curves))
