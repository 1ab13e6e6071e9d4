"""Keys that are typed while a screen still opens, or still answers the last one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import Start, plan_screen, press_at_once, settle, settled
from textual import events
from textual.screen import Screen
from textual.widgets import Input

from budgetscope.api import PlanRequest
from budgetscope.report.law_choices import law_choices
from budgetscope.store.locations import scenarios_file, settings_file
from budgetscope.store.scenarios import read_scenarios
from budgetscope.store.settings import read_settings
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.keys import EVERYWHERE, keys_of
from budgetscope.tui.legibility import DARK
from budgetscope.tui.screens.compare.dialogs import NameScreen
from budgetscope.tui.screens.fits.import_dialog import ImportScreen
from budgetscope.tui.screens.fits.import_form import ImportForm
from budgetscope.tui.screens.help import HelpScreen
from budgetscope.tui.screens.plan.law_picker import LawsScreen
from budgetscope.tui.screens.plan.tour import TourScreen
from budgetscope.tui.tabs import TABS, Tab
from budgetscope.tui.widgets.field_row import FieldRow
from budgetscope.tui.widgets.key_bar import KeyBar

DIALOGS: dict[str, Callable[[BudgetscopeApp], Screen[Any]]] = {
    "tour": lambda app: TourScreen(app.session, app.stage),
    "laws": lambda app: LawsScreen(law_choices(app.session.advisor.fits), None),
    "help": lambda _: HelpScreen("plan"),
    "name": lambda _: NameScreen("Save as", "mine", (), lambda _: None),
    "import": lambda app: ImportScreen(app.stage, ImportForm()),
}


async def press_every_key(app: BudgetscopeApp, section: str) -> None:
    for key in keys_of(section):
        for name in key.keys:
            for priority in (True, False):
                await app._check_bindings(name, priority)


async def test_a_dialog_that_still_opens_takes_no_key(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for name, make in DIALOGS.items():
            dialog = make(app)
            app.push_screen(dialog)
            assert not dialog.is_mounted
            await press_every_key(app, name)
            await settled(pilot)
            assert app.screen is dialog
            app.pop_screen()
            await settled(pilot)
            assert app.screen is app.stage


async def test_a_screen_that_still_opens_takes_no_key(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for tab in TABS[1:]:
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
            assert app.session.answer is not None
            assert app.session.answer.request == PlanRequest("1e22")
        else:
            assert app.stage.remember()["served"] == "1e22"


SERIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "editing": (("b",), ("ctrl+u", *"1ef", "backspace", "2", "left", "left", "delete", "home", "end", "5")),
    "escape, digit": (("b",), ("ctrl+u", *"1e22", "escape", "2")),
    "enter, digit": (("b",), ("ctrl+u", *"1e22", "enter", "3")),
    "enter, copy": (("b",), ("ctrl+u", *"1e22", "enter", "y", "escape")),
    "tab, letters": (("b",), (*["tab"] * 2, "8", "tab", *"0.5", "tab", "ctrl+u", "2")),
    "tab and back": (("b",), ("tab", "shift+tab", "ctrl+u", *"1e21", "tab", *"H200")),
    "key of the budget": (("escape",), ("f3", "ctrl+u", *"1e23", "escape", "b", "backspace", "1")),
    "theme": (("b",), (*"00", "f2", *"12")),
    "filter, arrow, enter": (("escape", "l"), (*"chinchilla", "down", "enter", "escape", "escape")),
    "law twice": (("escape", "l"), (*"kaplan", "enter", "enter", "enter", "u", "escape")),
    "field, Alt": (("b",), ("ctrl+u", *"1e22", "alt+3", "2", "1")),
    "dialog, Alt": (("l",), (*"kap", "alt+7", "1")),
    "law or none": (("escape", "l"), (*"kaplan", "enter", "escape", "enter")),
    "law from the list": (("escape", "l"), (*"kaplan", "tab", "down", "enter", "enter", "l")),
    "no name": (("escape", "2", "s"), (*"mine", "escape", "enter")),
    "name twice": (("escape", "2", "s"), (*"mine", "enter", "enter", "x", "enter")),
    "name, then away": (("escape", "2", "s"), (*"mine", "enter", "escape", "1")),
    "fits": (("escape", "7", "slash"), (*"kaplan", "enter", "down", "a", "enter", "u", "1")),
    "served": (("escape", "3", "s"), (*"2T", "enter", "m", "right", "escape")),
    "tour twice": (("escape", "T", *["enter"] * 5), (*"1e22", "enter", "enter", "enter")),
    "tour skipped": (("escape", "T", *["enter"] * 5), (*"1e23", "escape", "enter")),
    "tour elsewhere": (("escape",), ("T", "3")),
    "dialogs": (("escape",), ("question_mark", "escape", "d", "d", "2", "3", "6", "7", "4")),
}
"""Keys that lead somewhere, and keys that follow."""


async def test_what_is_typed_before_quitting_is_kept(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        press_at_once(app, "b", "ctrl+u", *"1e22", "ctrl+q")
        while app.is_running:
            await pilot.pause(0.01)
    assert app.state().request == {"budget": "1e22"}


async def test_a_key_that_is_still_followed_when_the_app_ends_is_let_go(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("escape")
        key = app.key_queue._last
    assert app.screen_stack == []
    # What timers call while the app ends.
    app.key_queue._finish_quiet(key)
    app.key_queue._pass_on(key, ())
    await app.key_queue._finish(key)
    await app.key_queue.put(events.Key("1", "1"))


def told(app: BudgetscopeApp) -> dict[str, object]:
    """Return what a person sees of keys."""
    screen = app.screen
    return {
        "screen": (type(screen).__name__, app.stage.SECTION, len(app.screen_stack)),
        "focus": screen.focused and (type(screen.focused).__name__, screen.focused.id),
        "fields": [field.value for field in app._screens["plan"].query(Input)],
        "here": [(field.value, field.selection) for field in screen.query(Input)],
        "request": app.session.request,
        "problem": app.session.problem,
        "plan": app.session.plan,
        "theme": app.theme,
        "scenarios": [scenario.name for scenario in read_scenarios()],
        "copied": app.clipboard,
        "default": read_settings().law,
    }


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
@pytest.mark.parametrize("before", [(), ("z",)], ids=["", "zoomed"])
async def test_text_typed_right_after_o_goes_into_the_options(
    start: Start, size: tuple[int, int], before: tuple[str, ...]
) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=size) as pilot:
        press_at_once(app, *before, "o", *"h100", "tab", "8")
        screen = await settle(pilot)
        assert {row.field.name: row.value for row in screen.query(FieldRow) if row.value} == {
            "budget": "1e20",
            "device": "h100",
            "gpus": "8",
        }
        assert screen.row("gpus").input.has_focus
        assert screen.row("gpus").input.region


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_options_take_text_as_soon_as_they_open(start: Start, size: tuple[int, int]) -> None:
    async with start(PlanRequest("1e20")).run_test(size=size) as pilot:
        screen = plan_screen(pilot)
        await screen.run_action("options")
        field = screen.row("device").input
        assert screen.focused is field
        assert field.is_mounted


async def typed(start: Start, *, at_once: bool) -> dict[str, dict[str, object]]:
    """Type every series in one app, each from the same screen and request; return what each ends in."""
    ends: dict[str, dict[str, object]] = {}
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for name, (before, keys) in SERIES.items():
            for key in before:
                await pilot.press(key)
                await settled(pilot)
            for burst in [keys] if at_once else [(key,) for key in keys]:
                press_at_once(app, *burst)
                await settled(pilot)
            ends[name] = told(app)
            while len(app.screen_stack) > 1:
                app.pop_screen()
            settings_file().unlink(missing_ok=True)
            scenarios_file().unlink(missing_ok=True)
            app.session.reread()
            app.action_go("plan")
            app.theme = DARK
            screen = await settled(pilot)
            for row in screen.query(FieldRow):
                row.input.value = "1e20" if row.id == "field-budget" else ""
            screen.query(FieldRow).first().input.focus()
            await settled(pilot)
            assert app.session.request == PlanRequest("1e20")
    return ends


async def test_keys_that_come_at_once_do_what_they_do_one_by_one(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    for at_once in (False, True):
        for kind in ("DATA", "CONFIG", "STATE"):
            monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / str(at_once) / kind))
        ends.append(await typed(start, at_once=at_once))
    for name, end in ends[0].items():
        assert ends[1][name] == end, name
