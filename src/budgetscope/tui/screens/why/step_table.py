"""The table of the explanation's steps, one a line."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from budgetscope.core.language import N_, _
from budgetscope.report.explanation import WASTE, StepLine, step_line_header
from budgetscope.report.words import cut, padded, right

STEP_SIGN = ">"
_WIDTHS = (18, 8, 7, 6, 10, 10, 10, 13)
_LEAST_TITLE, _MOST_TITLE = 35, 44
_GAP = 1
_TITLE = N_("All steps; waste: if followed; here: {budget}")
_TITLE_TUNED = N_("All steps; waste: if followed; tuned: reach its loss with this share of its compute; here: {budget}")
_PLAIN = WASTE + 1
"""Columns before those of the tuned runs."""


@dataclass
class StepChosen(Message):
    """Posted by `StepTable` when a step is clicked.

    Attributes:
        index: of the step, from 0.
    """

    index: int


class StepTable(Widget):
    """Shows all steps, those after the current one dimmed; posts `StepChosen` when one is clicked.

    Attributes:
        lines: the steps.
        budget: for which they are told.
        at: index of the current step, from 0.
    """

    DEFAULT_CSS: ClassVar[str] = """
    StepTable { height: auto; }
    """

    lines: reactive[tuple[StepLine, ...]] = reactive(())
    at: reactive[int] = reactive(0)
    budget: reactive[str] = reactive("")

    def on_resize(self) -> None:
        """Set the title, which explains the columns that are shown."""
        self._entitle()

    def watch_budget(self) -> None:
        """Set the title."""
        self._entitle()

    def _entitle(self) -> None:
        title = _("All steps; waste: if followed; here: {budget}")
        if self._columns()[0] > _PLAIN:
            title = _(
                "All steps; waste: if followed; tuned: reach its loss with this share of its compute; here: {budget}"
            )
        self.border_title = Content(title.format(budget=self.budget))

    def _columns(self) -> tuple[int, int]:
        """Return how many columns fit, and what they leave of the width for the title."""
        left, count = self.size.width - _LEAST_TITLE, 0
        for width in _WIDTHS:
            if left < width + _GAP:
                break
            left -= width + _GAP
            count += 1
        return count, min(_LEAST_TITLE + left, _MOST_TITLE)

    def render(self) -> Content:
        """Return the table with as many columns as fit."""
        count, title = self._columns()
        names = step_line_header()
        header = "  " + padded(names[0], title - 2) + _row(names[1:], count)
        lines = [Content.styled(header, "$text-muted bold")]
        for index, line in enumerate(self.lines):
            sign = STEP_SIGN if index == self.at else " "
            text = padded(cut(f"{sign} {index + 1} {line.title}", title), title) + _row(line.cells, count)
            style = "bold $text-primary" if index == self.at else "$foreground" if index < self.at else "$text-muted"
            lines.append(Content.styled(text, style))
        return Content("\n").join(lines)

    def on_click(self, event: events.Click) -> None:
        """Post `StepChosen` for the clicked step."""
        index = event.get_content_offset_capture(self).y - 1
        if 0 <= index < len(self.lines):
            self.post_message(StepChosen(index))


def _row(cells: tuple[str, ...], count: int) -> str:
    return "".join(
        f"{' ' * _GAP}{right(cell, width)}" for cell, width in list(zip(cells, _WIDTHS, strict=True))[:count]
    )
