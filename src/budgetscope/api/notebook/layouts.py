"""The layouts of a plan with a notebook display and a data frame."""

from dataclasses import dataclass, field
from typing import Any

from budgetscope.api.ask import AnsweredRequest
from budgetscope.api.notebook import html
from budgetscope.api.notebook.frames import frame
from budgetscope.api.notebook.results import values
from budgetscope.core.answers.layout import Layouts
from budgetscope.report.layouts import (
    BYTES_HEADER,
    BYTES_TITLE,
    FRAME_HEADER,
    LAYOUT_HEADER,
    LEGEND,
    bytes_cells,
    frame_rows,
    layout_cells,
    machine_text,
    summary,
)
from budgetscope.report.tables import to_json


@dataclass(frozen=True, slots=True, repr=False)
class NotebookLayouts(Layouts):
    """Layouts with a notebook display.

    Attributes:
        answered: the answer with the plan, and its request.
    """

    answered: AnsweredRequest = field(compare=False, kw_only=True)

    @classmethod
    def of(cls, layouts: Layouts, answered: AnsweredRequest) -> "NotebookLayouts":
        """Return the layouts of an answer."""
        return cls(**values(layouts), answered=answered)

    def __repr__(self) -> str:
        return f"{machine_text(self)}\n{summary(self)}"

    def _repr_html_(self) -> str:
        return html.page(
            html.paragraph(summary(self), strong=True),
            html.paragraph(machine_text(self)),
            html.table(LAYOUT_HEADER, layout_cells(self)),
            html.paragraph(LEGEND),
            html.paragraph(BYTES_TITLE),
            html.table(BYTES_HEADER, bytes_cells(self)),
            html.notes("-", self.notes),
            html.notes("assumed", self.answered.plan.assumptions),
        )

    def to_json(self) -> str:
        """Return the layouts as JSON, as `budgetscope memory --json` prints them."""
        return to_json(Layouts(**{name: getattr(self, name) for name in Layouts.__dataclass_fields__}))

    def to_frame(self) -> Any:
        """Return a pandas or polars DataFrame with one row for each layout, in bytes.

        Raises:
            FailureError: neither library is installed.
        """
        return frame(FRAME_HEADER, frame_rows(self))
