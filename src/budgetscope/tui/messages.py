"""What widgets tell their screen."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from budgetscope.tui.widgets.field_row import FieldRow


@dataclass
class FieldEdited(Message):
    """A person changed the text of a field; it may have changed again until this is read.

    Attributes:
        row: of the field; its `take` returns the text.
    """

    row: "FieldRow"


@dataclass
class LawChosen(Message):
    """A person chose a law to follow.

    Attributes:
        fit_id: whose.
    """

    fit_id: str


@dataclass
class TabChosen(Message):
    """A person chose a screen.

    Attributes:
        name: of its tab.
    """

    name: str


@dataclass
class PlaceChosen(Message):
    """A person clicked into a chart.

    Attributes:
        chart: which.
        x: value on its horizontal axis.
        y: value on its vertical axis.
    """

    chart: Widget
    x: float
    y: float

    @property
    def control(self) -> Widget:
        """The chart, so that handlers can select it by its id."""
        return self.chart


@dataclass
class ColumnChosen(Message):
    """A person chose a scenario.

    Attributes:
        index: of its column.
        twice: by a double click.
    """

    index: int
    twice: bool


@dataclass
class RunChosen(Message):
    """A person chose a calibration to look at.

    Attributes:
        name: of the run; empty for a new one.
    """

    name: str


@dataclass
class StepChosen(Message):
    """A person chose a step of the walk.

    Attributes:
        index: which, from 0.
    """

    index: int


@dataclass
class FitChosen(Message):
    """A person put the cursor on another stored fit."""
