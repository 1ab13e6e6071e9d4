"""One size at a budget, with a notebook display."""

from dataclasses import dataclass, field, fields
from typing import Any

from budgetscope.api.ask import Advisor, AnsweredRequest
from budgetscope.api.notebook import html
from budgetscope.api.notebook.frames import frame
from budgetscope.api.notebook.results import values
from budgetscope.core.answers.whatif import WhatIf
from budgetscope.report import whatif as report
from budgetscope.report.headline import Headline, whatif_headline


@dataclass(frozen=True, slots=True, repr=False)
class NotebookWhatIf(WhatIf):
    """One size at a budget beside the optimum, with a notebook display.

    Attributes:
        answered: the answer with the plan.
    """

    answered: AnsweredRequest = field(compare=False, kw_only=True)

    @classmethod
    def of(cls, found: WhatIf, answered: AnsweredRequest) -> "NotebookWhatIf":
        """Return a size with a notebook display."""
        return cls(**values(found), answered=answered)

    @property
    def _alone(self) -> WhatIf:
        return WhatIf(**{each.name: getattr(self, each.name) for each in fields(WhatIf)})

    def _headline(self) -> Headline:
        best = Advisor().best_over_life(self.answered, self.served_tokens)
        return whatif_headline(self.iso, self.here, self.served_tokens, best)

    def __repr__(self) -> str:
        headline = self._headline()
        return "\n".join(filter(None, (report.sentence(self.iso, self.here), headline.doubt)))

    def _repr_html_(self) -> str:
        headline = self._headline()
        others = [report.pick_cells(pick.title, pick.candidate) for pick in self.picks]
        return html.page(
            html.paragraph(report.sentence(self.iso, self.here), strong=True),
            html.paragraph(headline.doubt),
            html.table(report.SIZE_HEADER, [row.cells for row in report.size_rows(self.iso, self.here, self.best)]),
            html.table(report.PICKS_HEADER, others),
            html.paragraph(report.reach_text(self.iso) or self.iso.no_curve_reason or ""),
        )

    def to_json(self) -> str:
        """Return the sizes as JSON, as `budgetscope whatif --json` prints them."""
        command = Advisor().command(self.answered.request, "whatif")
        return report.whatif_json(self._alone, report.whatif_command(command, self.here, self.served_tokens))

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each size, as `budgetscope whatif --csv`.

        Raises:
            FailureError: neither library is installed.
        """
        return frame(report.CSV_HEADER, report.records(self._alone))
