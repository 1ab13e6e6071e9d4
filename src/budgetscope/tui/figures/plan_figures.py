"""What follows a plan: the figure, from the few laws that it shows, and the comparison with all laws."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from budgetscope.api import Advisor, PlanRequest
from budgetscope.api.charts import Charts
from budgetscope.core.answers.plan import Plan
from budgetscope.core.errors import BudgetscopeError
from budgetscope.core.laws.fit import Fit
from budgetscope.tui.chart.figure import Figure
from budgetscope.tui.figures import allocation
from budgetscope.tui.figures import plan_charts as spots


def laws_drawn(plan: Plan, quantity: str) -> tuple[object, ...]:
    """Return what the curves of a plan depend on: while it stays the same, `Figures.figure` takes no time."""
    followed = spots.followed(plan, quantity)
    return quantity, followed, plan.law_id, plan.convention, plan.vocab_size, plan.seq_len, allocation.span(plan.flops)


class Figures:
    """Draws plans among the laws that everybody asks about, each read by its name: the library may be unread."""

    def __init__(self, advisor: Advisor, signs: Mapping[str, str]) -> None:
        """Take who answers.

        Args:
            advisor: answers.
            signs: of the laws.
        """
        self.advisor = advisor
        self._signs = signs
        self._charts = Charts()
        self._drawn: set[tuple[object, ...]] = set()

    def knows(self, plan: Plan, quantity: str) -> bool:
        """Return whether `figure` takes no time."""
        return laws_drawn(plan, quantity) in self._drawn

    def figure(self, request: PlanRequest, plan: Plan, quantity: str) -> Figure | None:
        """Return the figure of a plan; None where its law says nothing of the quantity.

        Args:
            request: the question.
            plan: the answer to it.
            quantity: which of `spots.SPOTS` to draw.

        Raises: as `Advisor.plan`.
        """
        question, charts = self.advisor.question(request), self._charts
        grid = allocation.grid(allocation.span(plan.flops))
        if quantity == spots.SIZE:
            others = [name for name in allocation.FAMOUS if name != question.fit.id]
            curves = [charts.curve(question.fit, question, grid)]
            for fit in self._named(others):
                # The comparison says what is wrong with it.
                with suppress(BudgetscopeError):
                    curves.append(charts.curve(fit, question, grid))
            figure: Figure | None = allocation.figure(plan, curves, self._signs)
        else:
            # A plan may follow a file that no library has.
            known = {fit.id: fit for fit in (*question.hyperparameters, question.fit)}
            drawn = spots.drawn(plan, quantity)
            fits = [fit for name in drawn for fit in ([known[name]] if name in known else self._named([name]))]
            figure = spots.figure(plan, quantity, charts.traces(question, quantity, fits, grid), self._signs)
        self._drawn.add(laws_drawn(plan, quantity))
        return figure

    def _named(self, names: Iterable[str]) -> list[Fit]:
        """Return the fits of some names; the fits screen says what is wrong with those that do not load."""
        found = []
        for name in names:
            with suppress(BudgetscopeError):
                found.append(self.advisor.library.get(name))
        return found
