"""Keys that are typed while a screen still opens."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.tui.driving import Start, settled
from textual.screen import Screen

from budgetscope.api import PlanRequest
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.draft import Draft
from budgetscope.tui.keys import EVERYWHERE, keys_of
from budgetscope.tui.screens.help import HelpScreen
from budgetscope.tui.screens.import_runs import ImportScreen
from budgetscope.tui.screens.laws import LawsScreen
from budgetscope.tui.screens.scenario_dialogs import NameScreen
from budgetscope.tui.screens.tour import TourScreen
from budgetscope.tui.tabs import TABS, Tab
from budgetscope.tui.widgets.key_bar import KeyBar

DIALOGS: dict[str, Callable[[BudgetscopeApp], Screen[Any]]] = {
    "tour": lambda app: TourScreen(app.desk, app.stage),
    "laws": lambda app: LawsScreen(app.desk.advisor.fits, None),
    "help": lambda _: HelpScreen("plan"),
    "name": lambda _: NameScreen("Save as", "mine", (), lambda _: None),
    "import": lambda app: ImportScreen(app.stage, Draft()),
}


async def press_every_key(app: BudgetscopeApp, section: str) -> None:
    for key in keys_of(section):
        for name in key.keys:
            for priority in (True, False):
                await app._check_bindings(name, priority)


@pytest.mark.parametrize("name", DIALOGS)
async def test_a_dialog_that_still_opens_takes_no_key(start: Start, name: str) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        dialog = DIALOGS[name](app)
        app.push_screen(dialog)
        assert not dialog.is_mounted
        await press_every_key(app, name)
        await settled(pilot)
        assert app.screen is dialog


@pytest.mark.parametrize("tab", TABS[1:], ids=lambda tab: tab.name)
async def test_a_screen_that_still_opens_takes_no_key(start: Start, tab: Tab) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.action_go(tab.name)
        assert not app.stage.is_mounted
        await press_every_key(app, tab.name)
        app.action_copy_markdown()
        app.action_copy_command()
        await settled(pilot)
        assert tab.name == app.stage.SECTION
        # The footer has its keys all the same.
        footer = app.screen.query_one(KeyBar).hints
        assert len(footer) >= len([key for key in keys_of(EVERYWHERE) if key.in_footer])
