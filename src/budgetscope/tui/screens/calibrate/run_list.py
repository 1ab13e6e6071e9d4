"""The list of calibrations: the way to a new one first, then every run, the latest first."""

from typing import ClassVar

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from budgetscope.tui.messages import RunChosen
from budgetscope.tui.screens.calibrate.runs import Entry

NEW = ""
"""Chosen in place of a run's name."""
_SIGNS = {
    "new": "·", "starting": "◌", "running": "●", "stopping": "◌", "stopped": "■", "done": "✓", "failed": "✗",
    "interrupted": "!",
}  # fmt: skip
_STYLES = {"running": "bold $text-success", "failed": "$text-error", "interrupted": "$text-warning"}


def sign(status: str) -> str:
    """Return the sign of a status, which a log may have from another version."""
    return _SIGNS.get(status, "?")


class RunList(Widget):
    """Posts `RunChosen` when a line is clicked.

    Attributes:
        entries: the runs.
        chosen: name of the one that is shown; `NEW` for a new one.
    """

    DEFAULT_CSS: ClassVar[str] = """
    RunList { height: 4; }
    """

    entries: reactive[tuple[Entry, ...]] = reactive(())
    chosen: reactive[str] = reactive(NEW)

    def names(self) -> list[str]:
        """Return what can be chosen, from the top."""
        return [NEW, *(entry.name for entry in self.entries)]

    def _first(self) -> int:
        """Return which line is at the top, so that the chosen one is seen."""
        names, height = self.names(), max(self.size.height, 1)
        index = names.index(self.chosen) if self.chosen in names else 0
        return max(0, min(index - height // 2, len(names) - height))

    def render(self) -> Content:
        """Lay as many lines as fit around the chosen one."""
        first = self._first()
        lines = [self._line(index) for index in range(first, min(first + self.size.height, len(self.entries) + 1))]
        return Content("\n").join(lines)

    def _line(self, index: int) -> Content:
        if index == 0:
            count = (
                f"   {len(self.entries)} {'run' if len(self.entries) == 1 else 'runs'} below" if self.entries else ""
            )
            text, style = f"+ a new calibration{count}", ""
        else:
            entry = self.entries[index - 1]
            text, style = f"{sign(entry.status)} {entry.status:<11} {entry.name}", _STYLES.get(entry.status, "")
        here = self.names()[index] == self.chosen
        return Content.styled(f"{'>' if here else ' '} {text}".ljust(self.size.width), "reverse" if here else style)

    def on_click(self, event: events.Click) -> None:
        """Choose the line under the mouse."""
        offset = event.get_content_offset(self)
        names = self.names()
        if offset is not None and 0 <= (index := self._first() + offset.y) < len(names):
            self.post_message(RunChosen(names[index]))
