"""The first line of every screen: the tabs, the scenario and the law that is followed."""

from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from budgetscope.core.language import _
from budgetscope.tui.chart.cells import cut
from budgetscope.tui.session import Session
from budgetscope.tui.tabs import TABS

_NAME = " budgetscope "
_MIN_TEXT_WIDTH = 8


@dataclass
class TabChosen(Message):
    """Posted by `TabBar`: a tab was clicked.

    Attributes:
        name: of the tab.
    """

    name: str


class TabBar(Widget):
    """Shows the tabs; posts `TabChosen`."""

    DEFAULT_CSS: ClassVar[str] = """
    TabBar { height: 1; background: $bar-background; color: $bar-foreground; text-style: bold; }
    """

    def __init__(self, current: str) -> None:
        super().__init__()
        self._texts: tuple[str, ...] = ()
        # Brackets show the current tab without colour.
        self._tabs = [
            f"[{tab.number} {_(tab.label)}]" if tab.name == current else f" {tab.number} {_(tab.label)} "
            for tab in TABS
        ]

    def show(self, session: Session) -> None:
        """Show the names of the scenario and the law."""
        law = () if session.plan is None else (session.plan.law_id, session.plan.law_title)
        texts = tuple(filter(None, (session.scenario, *law)))
        if texts != self._texts:
            self._texts = texts
            self.refresh()

    def _brand(self) -> str:
        return _NAME if len(_NAME) + sum(map(cell_len, self._tabs)) <= self.size.width else ""

    def render(self) -> Content:
        """Lay tabs and texts; a narrow window leaves out the law's title, then cuts the rest."""
        brand = self._brand()
        room = self.size.width - len(brand) - sum(map(cell_len, self._tabs)) - 3
        text = "   ".join(self._texts)
        if cell_len(text) > room:
            text = "   ".join(self._texts[:-1])
        if cell_len(text) > room:
            text = cut(text, room) if room > _MIN_TEXT_WIDTH else ""
        tabs = ((tab, "reverse" if tab.startswith("[") else "") for tab in self._tabs)
        return Content.assemble(brand, *tabs, f"   {text}")

    def on_click(self, event: events.Click) -> None:
        """Post the tab under the mouse."""
        ends = accumulate(map(cell_len, self._tabs), initial=len(self._brand()))
        for tab, end in zip(TABS, list(ends)[1:], strict=True):
            if event.x < end:
                if event.x >= len(self._brand()):
                    self.post_message(TabChosen(tab.name))
                return
