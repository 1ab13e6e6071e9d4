"""The first line of every screen: which screens there are, which is shown, and which law is followed."""

from itertools import accumulate
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.widget import Widget

from budgetscope.tui.messages import TabChosen
from budgetscope.tui.session import Session
from budgetscope.tui.tabs import TABS

_NAME = " budgetscope "
_LEAST_SAID = 8


class TabBar(Widget):
    """Posts `TabChosen` when a tab is clicked."""

    DEFAULT_CSS: ClassVar[str] = """
    TabBar { height: 1; background: $primary; color: $background; text-style: bold; }
    """

    def __init__(self, current: str) -> None:
        super().__init__()
        self._said: tuple[str, ...] = ()
        # Brackets say without colour where we are.
        self._tabs = [
            f"[{tab.number} {tab.label}]" if tab.name == current else f" {tab.number} {tab.label} " for tab in TABS
        ]

    def show(self, session: Session) -> None:
        """Name the scenario and the law."""
        law = () if session.plan is None else (session.plan.law_id, session.plan.law_title)
        said = tuple(filter(None, (session.scenario, *law)))
        if said != self._said:
            self._said = said
            self.refresh()

    def _brand(self) -> str:
        return _NAME if len(_NAME) + sum(map(len, self._tabs)) <= self.size.width else ""

    def render(self) -> Content:
        """Lay tabs and law; in a narrow window the law's title gives way first, then its name, then ours."""
        brand = self._brand()
        room = self.size.width - len(brand) - sum(map(len, self._tabs)) - 3
        said = "   ".join(self._said)
        if len(said) > room:
            said = "   ".join(self._said[:-1])
        if len(said) > room:
            said = said[: room - 1] + "…" if room > _LEAST_SAID else ""
        tabs = ((text, "reverse" if text.startswith("[") else "") for text in self._tabs)
        return Content.assemble(brand, *tabs, f"   {said}")

    def on_click(self, event: events.Click) -> None:
        """Open the tab under the mouse."""
        ends = accumulate(map(len, self._tabs), initial=len(self._brand()))
        for tab, end in zip(TABS, list(ends)[1:], strict=True):
            if event.x < end:
                if event.x >= len(self._brand()):
                    self.post_message(TabChosen(tab.name))
                return
