"""Figures of answers, with a record of those whose curves are already computed."""

from collections.abc import Mapping

from budgetscope.api import Advisor
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.plan import Plan
from budgetscope.report.figures.figure import Figure
from budgetscope.tui.figures import allocation, plan_charts


def laws_drawn(plan: Plan, quantity: str) -> tuple[object, ...]:
    """Return a key of everything that the curves of a plan depend on."""
    followed = plan_charts.followed(plan, quantity)
    return quantity, followed, plan.law_id, plan.convention, plan.vocab_size, plan.seq_len, allocation.span(plan.flops)


class Figures:
    """Makes the figures of answers beside well-known laws; reads only the fits that it draws."""

    def __init__(self, advisor: Advisor, letters: Mapping[str, str]) -> None:
        """Create figures of one advisor's answers.

        Args:
            advisor: computes the curves, and caches them.
            letters: letter of each law, by fit id.
        """
        self.advisor = advisor
        self._letters = letters
        self._drawn: set[tuple[object, ...]] = set()

    def knows(self, plan: Plan, quantity: str) -> bool:
        """Return whether the curves of `figure` are already computed."""
        return laws_drawn(plan, quantity) in self._drawn

    def figure(self, answer: Answer, quantity: str) -> Figure | None:
        """Return the figure of an answer; None where its law does not give the quantity.

        Args:
            answer: its plan is marked.
            quantity: one of those of `PLAN_CHARTS`.

        Raises:
            FailureError: the law gives no usable numbers along the chart.
        """
        plan = answer.plan
        grid = allocation.grid(allocation.span(plan.flops))
        if quantity == plan_charts.SIZE:
            curves = self.advisor.curves(answer, allocation.FAMOUS, grid)
            figure: Figure | None = allocation.figure(plan, curves, self._letters)
        else:
            drawn = self.advisor.quantity_curves(answer, quantity, plan_charts.drawn(plan, quantity), grid)
            figure = plan_charts.figure(plan, quantity, drawn, self._letters)
        self._drawn.add(laws_drawn(plan, quantity))
        return figure
