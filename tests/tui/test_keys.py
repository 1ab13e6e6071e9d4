import itertools

import pytest
from tests.tui.driving import Start, settled, shown
from textual.binding import Binding

from budgetscope.report.newcomer import words
from budgetscope.tui.app import BudgetscopeApp, screen_class
from budgetscope.tui.keys import EVERYWHERE, KEYS, bindings, keys_of, named
from budgetscope.tui.screens.accept_dialog import AcceptScreen
from budgetscope.tui.screens.audit_dialog import AuditScreen
from budgetscope.tui.screens.compare.dialogs import DeleteScreen, NameScreen
from budgetscope.tui.screens.compare.machine_dialog import MachinesScreen
from budgetscope.tui.screens.export_dialog import ExportScreen
from budgetscope.tui.screens.fits.import_dialog import ImportScreen
from budgetscope.tui.screens.fits.page import Page
from budgetscope.tui.screens.fits.undo_dialog import UndoScreen
from budgetscope.tui.screens.help import HelpScreen
from budgetscope.tui.screens.plan.details import DetailsScreen
from budgetscope.tui.screens.plan.law_picker import LawsScreen
from budgetscope.tui.screens.plan.tour import TourScreen
from budgetscope.tui.tabs import TABS, Tab

NUMBERED = {tab.name: screen_class(tab) for tab in TABS}
OWNERS = {
    **NUMBERED,
    "laws": LawsScreen,
    "details": DetailsScreen,
    "help": HelpScreen,
    "tour": TourScreen,
    "undo": UndoScreen,
    "accept": AcceptScreen,
    "import": ImportScreen,
    "audit": AuditScreen,
    "export": ExportScreen,
    "name": NameScreen,
    "delete": DeleteScreen,
    "machines": MachinesScreen,
    EVERYWHERE: BudgetscopeApp,
}


def test_every_key_belongs_to_a_screen_and_every_action_exists() -> None:
    assert {key.screen for key in KEYS} == set(OWNERS)
    for key in KEYS:
        if key.action:
            scope, _, name = key.action.partition("(")[0].rpartition(".")
            owner = BudgetscopeApp if scope == "app" else OWNERS[key.screen]
            assert hasattr(owner, f"action_{name}"), key


@pytest.mark.parametrize("screen", list(OWNERS))
def test_no_key_does_two_things(screen: str) -> None:
    keys = [name for key in keys_of(screen) for name in key.keys if key.action]
    if screen in NUMBERED:
        keys += [name for key in keys_of(EVERYWHERE) for name in key.keys if key.action]
    assert len(keys) == len(set(keys))


def test_bindings_are_made_from_the_table() -> None:
    made = [binding for binding in bindings("plan") if isinstance(binding, Binding)]
    table = [key for key in keys_of("plan") if key.action]
    for binding, key in itertools.zip_longest(made, table):
        assert binding.key == ",".join(key.keys)
        assert binding.action == key.action
        assert binding.tooltip == key.description


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.name)
def test_the_sections_of_the_numbered_screens_are_their_tabs(tab: Tab) -> None:
    section = screen_class(tab).SECTION
    assert section == tab.name


def test_every_plain_letter_of_the_plan_has_a_key_that_works_in_a_field() -> None:
    for key in (*keys_of("plan"), *keys_of(EVERYWHERE)):
        if key.action and any((len(k) == 1 and k.isalpha()) or k == "question_mark" for k in key.keys):
            assert any(k.startswith("ctrl+") or (k.startswith("f") and k[1:].isdigit()) for k in key.keys), key


async def test_the_help_explains_the_words_to_a_newcomer(start: Start) -> None:
    async with start().run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("question_mark")
        await settled(pilot)
        text = " ".join(str(line) for line in pilot.app.screen.query_one(Page).lines)
        for word, meaning in words():
            assert word in text
            assert meaning in text
        assert {"N", "D", "C", "D/N", "MFU", "nats", "loss"} <= {word for word, _ in words()}
        assert "What the words mean" not in shown(pilot)
        await pilot.press("w")
        await pilot.pause()
        assert "What the words mean" in shown(pilot).splitlines()[1]


def test_keys_are_called_as_people_call_them() -> None:
    names = ("question_mark", "ctrl+l", "f1", "b", "shift+tab", "enter", "ctrl+pageup", "shift+left")
    assert [named(key) for key in names] == ["?", "Ctrl-L", "F1", "b", "Shift-Tab", "Enter", "Ctrl-PageUp", "Shift-←"]
