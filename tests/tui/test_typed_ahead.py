"""Keys that are typed while a screen still opens, or still answers the last one."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.tui.driving import Start, settled
from textual import events
from textual.screen import Screen
from textual.widgets import Input

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
from budgetscope.tui.widgets.field_row import FieldRow
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


@pytest.mark.parametrize("tab", [tab for tab in TABS if tab.name in ("plan", "whatif")], ids=lambda tab: tab.name)
async def test_no_key_is_lost_that_comes_while_the_last_one_is_answered(
    start: Start, monkeypatch: pytest.MonkeyPatch, tab: Tab
) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        app.action_go(tab.name)
        await settled(pilot)
        row = app.screen.query(FieldRow).first()
        row.input.focus()
        await pilot.press("ctrl+u")
        rest = list("e22")
        take = FieldRow.take

        def followed_by_a_key(self: FieldRow) -> str:
            taken = take(self)
            if rest:
                self.input.insert_text_at_cursor(rest.pop(0))
            return taken

        monkeypatch.setattr(FieldRow, "take", followed_by_a_key)
        await pilot.press("1")
        await settled(pilot)
        assert row.input.value == "1e22"
        assert row.input.cursor_position == 4
        if tab.name == "plan":
            assert app.desk.answered == PlanRequest("1e22")
        else:
            assert app.stage.remember()["served"] == "1e22"


@pytest.mark.parametrize("name", ["plan", "whatif", "fits", "laws", "name", "import"])
async def test_keys_that_come_at_once_edit_a_field_in_their_order(start: Start, name: str) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        if name in DIALOGS:
            app.push_screen(DIALOGS[name](app))
        else:
            app.action_go(name)
        await settled(pilot)
        field = app.screen.query(Input).first()
        field.focus()
        await settled(pilot)
        for key, character in (("ctrl+u", None), *((c, c) for c in "1ef"), ("backspace", None), ("2", "2")):
            app.post_message(events.Key(key, character))
        await settled(pilot)
        assert field.value == "1e2"
