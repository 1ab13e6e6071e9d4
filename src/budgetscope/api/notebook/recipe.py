"""A recipe with the values of every law, with a notebook display."""

from dataclasses import dataclass, field, fields
from typing import Any

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.notebook import html
from budgetscope.api.notebook.frames import frame
from budgetscope.api.notebook.results import values
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.report import recipe_sheet as report
from budgetscope.report.headline import recipe_headline


@dataclass(frozen=True, slots=True, repr=False)
class NotebookRecipe(RecipeSheet):
    """The recipe of a plan with the values of every law, with a notebook display.

    Attributes:
        answered: the answer with the plan.
    """

    answered: AnsweredRequest = field(compare=False, kw_only=True)

    @classmethod
    def of(cls, sheet: RecipeSheet, answered: AnsweredRequest) -> "NotebookRecipe":
        """Return a recipe sheet with a notebook display."""
        return cls(**values(sheet), answered=answered)

    @property
    def _alone(self) -> RecipeSheet:
        return RecipeSheet(**{each.name: getattr(self, each.name) for each in fields(RecipeSheet)})

    def __repr__(self) -> str:
        headline = recipe_headline(self.answer.plan)
        return "\n".join(filter(None, (headline.sentence, headline.doubt)))

    def _repr_html_(self) -> str:
        headline = recipe_headline(self.answer.plan)
        topics = [
            html.paragraph(topic.title, strong=True)
            + html.table(
                report.LAWS_HEADER[:-1],
                [(row.title, row.value, row.also, row.interval, row.data) for row in topic.rows],
            )
            for topic in report.topics(self._alone)
        ]
        checkpoints = [report.checkpoint_cells(each) for each in self.checkpoints]
        return html.page(
            html.paragraph(headline.sentence, strong=True),
            html.paragraph(headline.doubt),
            *topics,
            html.table(report.CHECKPOINTS_HEADER, checkpoints),
        )

    def to_json(self) -> str:
        """Return the recipe as JSON, as `budgetscope recipe --json` prints it."""
        return report.recipe_json(self._alone, Advisor().command(self.answered.request, "recipe"))

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each law's value, as `budgetscope recipe --csv`.

        Raises:
            FailureError: neither library is installed.
        """
        return frame(report.CSV_HEADER, report.records(self._alone))
