"""The valuation with a notebook display; apart from `results`, since it needs NumPy."""

from dataclasses import dataclass, field, fields
from typing import Any

from budgetscope.api.ask import AnsweredRequest
from budgetscope.api.notebook import html
from budgetscope.api.notebook.frames import frame
from budgetscope.api.notebook.results import values
from budgetscope.core.answers.calibration_value import Knowledge, Valuation
from budgetscope.report.calibration_value import VALUE_HEADER, counted_text, knowledge_cells, value_json


@dataclass(frozen=True, repr=False)
class NotebookValuation(Valuation):
    """A valuation with a notebook display.

    Attributes:
        answered: the answer with the target budget.
    """

    answered: AnsweredRequest = field(compare=False, kw_only=True)

    @classmethod
    def of(cls, valuation: Valuation, answered: AnsweredRequest) -> "NotebookValuation":
        """Return a valuation with a notebook display."""
        return cls(**values(valuation), answered=answered)

    @property
    def _alone(self) -> Valuation:
        return Valuation(**{each.name: getattr(self, each.name) for each in fields(Valuation)})

    def _cells(self) -> list[tuple[str, ...]]:
        cost = self.answered.plan.run.cost_usd
        today = knowledge_cells(self.now, f"{self.fit_id} today", cost)
        return [today, *(knowledge_cells(knowledge, "", cost) for knowledge in self.calibrations)]

    def __repr__(self) -> str:
        told = [tuple(zip(VALUE_HEADER, cells, strict=True)) for cells in self._cells()]
        return "\n".join("; ".join(f"{name} {cell}" for name, cell in (line[0], line[1], *line[4:])) for line in told)

    def _repr_html_(self) -> str:
        plan = self.answered.plan
        return html.page(
            html.paragraph(plan.understood, strong=True),
            html.table(VALUE_HEADER, self._cells()),
            html.paragraph(counted_text(self._alone)),
            html.notes("!", (caution.text for caution in plan.cautions_of(self.fit_id))),
        )

    def to_json(self) -> str:
        """Return the valuation as JSON, as `budgetscope value --json` prints it."""
        return value_json(self.answered.plan, self._alone)

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame: the present knowledge, then one row for each calibration.

        Raises:
            FailureError: neither library is installed.
        """
        known = (self.now, *self.calibrations)
        return frame([each.name for each in fields(Knowledge)], (tuple(values(each).values()) for each in known))
