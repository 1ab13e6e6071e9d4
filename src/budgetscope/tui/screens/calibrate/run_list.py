"""The list of calibrations: first the entry for a new one, then all runs, the latest first."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from budgetscope.api.calibration import texts
from budgetscope.core.language import _, ngettext
from budgetscope.report.words import padded
from budgetscope.tui.screens.calibrate.runs import RunEntry

NEW = ""
"""Chosen instead of the name of a run."""
_SIGNS = {
    "new": "·", "starting": "◌", "running": "●", "stopping": "◌", "waiting": "◌", "stopped": "■", "done": "✓",
    "failed": "✗", "interrupted": "!",
}  # fmt: skip
_STYLES = {"running": "bold $text-success", "failed": "$text-error", "interrupted": "$text-warning"}


def sign(status: str) -> str:
    """Return the sign of a status; `?` for one of another version."""
    return _SIGNS.get(status, "?")


@dataclass
class RunChosen(Message):
    """Posted by `RunList`: a line was clicked.

    Attributes:
        name: of the run; `NEW` for the form of a new one.
    """

    name: str


class RunList(Widget):
    """Posts `RunChosen` when a line is clicked.

    Attributes:
        entries: the runs.
        chosen: name of the run that is shown; `NEW` for the form of a new one.
    """

    DEFAULT_CSS: ClassVar[str] = """
    RunList { height: 4; }
    """

    entries: reactive[tuple[RunEntry, ...]] = reactive(())
    chosen: reactive[str] = reactive(NEW)

    def names(self) -> list[str]:
        """Return the choices from the top: `NEW`, then the names of the runs."""
        return [NEW, *(entry.name for entry in self.entries)]

    def _first(self) -> int:
        """Return the index of the top line, such that the chosen line is visible."""
        names, height = self.names(), max(self.size.height, 1)
        index = names.index(self.chosen) if self.chosen in names else 0
        return max(0, min(index - height // 2, len(names) - height))

    def render(self) -> Content:
        """Return as many lines as fit around the chosen one."""
        first = self._first()
        lines = [self._line(index) for index in range(first, min(first + self.size.height, len(self.entries) + 1))]
        return Content("\n").join(lines)

    def _line(self, index: int) -> Content:
        if index == 0:
            found = len(self.entries)
            below = ngettext("{n} run below", "{n} runs below", found).format(n=found)
            none = _("no run yet: fill in the form, p prices it, g starts it")
            new = _("a new calibration")
            text, style = f"+ {new}   {below if found else none}", ""
        else:
            entry = self.entries[index - 1]
            word = padded(texts.status_text(entry.status), 11)
            text, style = f"{sign(entry.status)} {word} {entry.name}", _STYLES.get(entry.status, "")
        here = self.names()[index] == self.chosen
        return Content.styled(padded(f"{'>' if here else ' '} {text}", self.size.width), "reverse" if here else style)

    def on_click(self, event: events.Click) -> None:
        """Choose the line under the mouse."""
        offset = event.get_content_offset(self)
        names = self.names()
        if offset is not None and 0 <= (index := self._first() + offset.y) < len(names):
            self.post_message(RunChosen(names[index]))
