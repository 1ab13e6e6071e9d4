"""The figures of answers, and which of them take no time since their curves are known."""

from collections.abc import Mapping

from budgetscope.api import Advisor
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.plan import Plan
from budgetscope.tui.chart.figure import Figure
from budgetscope.tui.figures import allocation, plan_charts


def laws_drawn(plan: Plan, quantity: str) -> tuple[object, ...]:
    """Return what the curves of a plan depend on: while it stays the same, `Figures.figure` takes no time."""
    followed = plan_charts.followed(plan, quantity)
    return quantity, followed, plan.law_id, plan.convention, plan.vocab_size, plan.seq_len, allocation.span(plan.flops)


class Figures:
    """Draws answers beside famous laws, each read by its name: the library may be unread."""

    def __init__(self, advisor: Advisor, letters: Mapping[str, str]) -> None:
        """Take who answers.

        Args:
            advisor: answers.
            letters: of the laws.
        """
        self.advisor = advisor
        self._letters = letters
        self._drawn: set[tuple[object, ...]] = set()

    def knows(self, plan: Plan, quantity: str) -> bool:
        """Return whether `figure` takes no time."""
        return laws_drawn(plan, quantity) in self._drawn

    def figure(self, answer: Answer, quantity: str) -> Figure | None:
        """Return a chart of an answer; None where its law says nothing of the quantity.

        Args:
            answer: whose plan is marked.
            quantity: of one of `PLAN_CHARTS`.

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
