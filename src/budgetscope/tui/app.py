"""The app: wires screens, keys and themes, and nothing more."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from budgetscope.api import Advisor, PlanRequest
from budgetscope.tui.keys import EVERYWHERE, bindings, keys_of
from budgetscope.tui.screens.help import HelpScreen
from budgetscope.tui.screens.plan import PlanScreen

DEFAULT_BUDGET = "64 H100 for 14 days"
DARK, LIGHT = "textual-dark", "textual-light"


class BudgetscopeApp(App[None]):
    """The planner on the screen."""

    TITLE = "budgetscope"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)

    def __init__(self, request: PlanRequest | None = None, advisor: Advisor | None = None) -> None:
        super().__init__()
        self._request = request or PlanRequest(DEFAULT_BUDGET)
        self._advisor = advisor or Advisor()

    def get_default_screen(self) -> Screen[None]:
        """Open on the plan."""
        return PlanScreen(self._advisor, self._request)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action of the table of keys by name, besides Textual's own."""
        yield from super().get_system_commands(screen)
        for owner, keys in ((screen, keys_of("plan")), (self, keys_of(EVERYWHERE))):
            for key in keys:
                act = getattr(owner, f"action_{key.action}", None)
                if key.in_palette and act is not None:
                    yield SystemCommand(key.label, key.description, act)

    def action_switch_brightness(self) -> None:
        """Switch between the dark and the light theme."""
        self.theme = LIGHT if self.current_theme.dark else DARK

    def action_help(self) -> None:
        """Show the keys of the screen."""
        self.push_screen(HelpScreen("plan"))


def run_app(request: PlanRequest | None = None) -> None:
    """Run the app until the user quits.

    Args:
        request: what to open with; a default budget when None.
    """
    BudgetscopeApp(request).run()
