"""What the report of a plan is made from: the answer with its companions, all frozen."""

from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.explanation import Explanation
from budgetscope.core.answers.layout import Layouts
from budgetscope.core.answers.machines import Machines
from budgetscope.core.answers.other_budgets import OtherBudget
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.whatif import IsoFlop
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.scoreboard import ScoredGrid

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Other budgets that the report names, as multiples of the plan's."""


@dataclass(frozen=True, slots=True)
class Facts:
    """An answer and its companions.

    Attributes:
        answer: the plan with its question.
        comparison: of all laws at its budget.
        explanation: why the laws disagree; None where the user's own fits replace a step of it.
        layouts: of the model on its devices; None where it has no shape.
        machines: the same training on other devices; None likewise.
        budgets: the runs of `FACTORS` times the budget.
        command: the shell command of the plan.
        machines_command: that of all machines.
        export_command: that of exports, without options of the export.
        version: of budgetscope.
    """

    answer: Answer
    comparison: Comparison
    explanation: Explanation | None
    layouts: Layouts | None
    machines: Machines | None
    budgets: tuple[OtherBudget, ...]
    command: str
    machines_command: str
    export_command: str
    version: str

    @property
    def plan(self) -> Plan:
        """The plan of the answer."""
        return self.answer.plan

    @property
    def iso(self) -> IsoFlop:
        """All model sizes at the budget."""
        return IsoFlop(self.answer)

    @property
    def law(self) -> Fit:
        """The fit of N, D and the loss."""
        return self.answer.question.fit

    def fit(self, fit_id: str) -> Fit | None:
        """Return a fit that the plan follows, by its id; None for any other."""
        fits = (self.law, *self.answer.question.recipe_fits)
        return next((fit for fit in fits if fit.id == fit_id), None)

    @property
    def grid(self) -> ScoredGrid | None:
        """The public grid on which recipes were scored; None without one."""
        board = self.answer.question.scoreboard
        return board.grids[0] if board is not None and board.grids else None
