"""What follows a plan a moment later: the comparison with the other laws, and the figure."""

from dataclasses import dataclass

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.compare import Comparison
from budgetscope.core.plan import Plan
from budgetscope.tui import allocation, spots
from budgetscope.tui.chart.figure import Figure


@dataclass(frozen=True, slots=True)
class Study:
    """A plan among the other laws.

    Attributes:
        plan: the answer.
        comparison: with every law.
        quantity: what `figure` shows.
        figure: None where the plan's law says nothing of the quantity.
    """

    plan: Plan
    comparison: Comparison
    quantity: str
    figure: Figure | None


def laws_drawn(plan: Plan, quantity: str) -> tuple[object, ...]:
    """Return what the curves of a plan depend on: while it stays the same, `study` takes no time."""
    followed = spots.followed(plan, quantity)
    return quantity, followed, plan.law_id, plan.convention, plan.vocab_size, plan.seq_len, allocation.span(plan.flops)


def study(advisor: Advisor, request: PlanRequest, plan: Plan, quantity: str) -> Study:
    """Return what the lower half of the screen shows; slow when a law is met for the first time.

    Args:
        advisor: answers.
        request: the question.
        plan: the answer to it.
        quantity: which of `spots.SPOTS` to draw.

    Raises: as `Advisor.plan`.
    """
    grid = allocation.grid(allocation.span(plan.flops))
    if quantity == spots.SIZE:
        figure: Figure | None = allocation.figure(plan, advisor.curves(request, allocation.FAMOUS, grid))
    else:
        traces = advisor.traces(request, quantity, spots.drawn(plan, quantity), grid)
        figure = spots.figure(plan, quantity, traces)
    return Study(plan, advisor.compare(request, plan), quantity, figure)
