"""What belongs to no single screen: tabs, what is restored, what is copied and saved."""

import gc
import io
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.tui.driving import Start, notices, settle, settled, shown, type_into
from textual.app import ComposeResult
from textual.widgets import Static

from budgetscope.api import Advisor, PlanRequest, command, to_record
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.report.tables import comparison_markdown, plan_markdown
from budgetscope.store import locations
from budgetscope.store.app_state import AppState, read_state
from budgetscope.store.settings import Settings
from budgetscope.tui import app as app_module
from budgetscope.tui import tabs
from budgetscope.tui.app import DEFAULT_BUDGET, BudgetscopeApp, _require_cursor, _require_utf8, run_app, screen_class
from budgetscope.tui.legibility import DARK_16, LIGHT, LIGHT_16
from budgetscope.tui.screens.base import Remembered, SessionScreen
from budgetscope.tui.tabs import TABS, Tab
from budgetscope.tui.widgets import tab_bar
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.key_bar import KeyBar

BIG, SMALL = (120, 40), (80, 24)


class Other(SessionScreen):
    """A second screen, which counts how often it shows the session."""

    SECTION = "other"
    AUTO_FOCUS = ""
    shows = 0
    mark = ""

    def body(self) -> ComposeResult:
        yield Static(id="body")

    def show_session(self) -> None:
        self.shows += 1
        self.query_one("#body", Static).update(f"budget {self.session.request.budget}")

    def as_markdown(self) -> str | None:
        return "# Other"

    def remember(self) -> Remembered:
        return {"mark": self.mark}

    def recall(self, remembered: Remembered) -> None:
        self.mark = str(remembered.get("mark", ""))


@pytest.fixture
def _other(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    both = (TABS[0], Tab(9, "other", "Other", "Another.", "Other"))
    plan = screen_class(TABS[0])
    monkeypatch.setattr(tabs, "TABS", both)
    monkeypatch.setattr(tab_bar, "TABS", both)
    monkeypatch.setattr(app_module, "TABS", both)
    monkeypatch.setattr(app_module, "screen_class", lambda tab: Other if tab.name == "other" else plan)
    yield  # noqa: PT022 - pytest restores


@pytest.mark.usefixtures("_other")
async def test_one_request_is_shown_on_every_screen_and_only_the_visible_one_works(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=BIG) as pilot:
        plan = await settle(pilot)
        await pilot.press("b")
        app.action_go("other")
        other = await settled(pilot)
        assert isinstance(other, Other)
        assert "budget 1e20" in shown(pilot)
        assert other.shows == 1
        app.session.ask(PlanRequest("1e21", mfu=0.5))
        await settled(pilot)
        assert "budget 1e21" in shown(pilot)
        assert plan.row("budget").input.value == "1e20"
        app.action_go("plan")
        await settle(pilot)
        assert plan.focused is None
        assert plan.row("budget").input.value == "1e21"
        assert plan.row("mfu").input.value == "0.5"
        await type_into(pilot, "budget", "1e22")
        assert other.shows == 2
        app.action_go("other")
        await settled(pilot)
        assert app.stage is other
        assert "budget 1e22" in shown(pilot)
        app.action_go("plan")
        app.action_go("other")
        await settled(pilot)
        assert other.shows == 3


@pytest.mark.usefixtures("_other")
async def test_a_problem_is_told_on_other_screens_and_what_cannot_be_read_is_kept(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=BIG) as pilot:
        await type_into(pilot, "gpus", "many")
        app.action_go("other")
        await settled(pilot)
        assert "✗ devices: " in shown(pilot)
        app.action_go("plan")
        plan = await settle(pilot)
        assert plan.row("gpus").input.value == "many"
        app.session.ask(PlanRequest("1e20"))
        await settle(pilot)
        assert plan.row("gpus").input.value == ""
        app.action_go("other")
        await settled(pilot)
        assert "✗" not in shown(pilot)


@pytest.mark.usefixtures("_other")
async def test_the_header_says_where_we_are_and_a_click_goes_elsewhere(start: Start) -> None:
    app = start()
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        header = shown(pilot).splitlines()[0]
        assert "[1 Plan] 9 Other " in header
        await pilot.click("TabBar", offset=(header.index("9 Other"), 0))
        await settled(pilot)
        assert app.stage.SECTION == "other"
        assert " 1 Plan [9 Other]" in shown(pilot).splitlines()[0]
        await pilot.click("TabBar", offset=(2, 0))
        await pilot.click("TabBar", offset=(100, 0))
        await settled(pilot)
        assert app.stage.SECTION == "other"
        await pilot.click("TabBar", offset=(header.index("1 Plan"), 0))
        await settled(pilot)
        assert app.stage.SECTION == "plan"


async def test_the_header_gives_way_in_a_narrow_window(start: Start) -> None:
    async with start().run_test(size=(160, 40)) as pilot:
        await settle(pilot)
        assert "porian2024/refinedweb-tuned   Porian 2024" in shown(pilot).splitlines()[0]
        await pilot.resize_terminal(100, 20)
        await settle(pilot)
        assert shown(pilot).splitlines()[0].rstrip().endswith("…")
        await pilot.resize_terminal(9, 20)
        await settle(pilot)
        assert shown(pilot).splitlines()[0].rstrip() == "[1 Plan]"


async def test_digits_are_text_in_a_field(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("b", "end", "1")
        await settle(pilot)
        assert screen.row("budget").input.value == DEFAULT_BUDGET + "1"
        await pilot.press("escape", "1")
        assert pilot.app.screen is screen


@pytest.mark.usefixtures("_other")
async def test_the_next_screen_is_a_key_away_from_a_field_too(start: Start) -> None:
    app = start()
    async with app.run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        for key in ("f9", "ctrl+pagedown", "ctrl+pageup"):
            screen.row("budget").input.focus()
            await pilot.press(key)
            await settled(pilot)
            assert app.stage.SECTION == "other"
            await pilot.press(key)
            await settled(pilot)
            assert app.stage is screen


# Restored on the next start


@pytest.mark.usefixtures("_other")
async def test_request_screen_theme_and_views_come_back(advisor: Advisor) -> None:
    first = BudgetscopeApp(PlanRequest("1e20", gpus=8.0), advisor)
    async with first.run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("escape", "c", "z", "t")
        first.action_go("other")
        other = await settled(pilot)
        assert isinstance(other, Other)
        other.mark = "here"
        first.session.scenario = "mine"
    second = BudgetscopeApp(None, advisor, first.state())
    async with second.run_test(size=BIG) as pilot:
        restored = await settled(pilot)
        assert isinstance(restored, Other)
        assert restored.mark == "here"
        assert second.theme == LIGHT
        assert second.session.request == PlanRequest("1e20", gpus=8.0)
        assert second.session.scenario == "mine"
        second.action_go("plan")
        plan = await settle(pilot)
        assert plan.view == "chart"
        assert plan.zoomed
        assert plan.query_one(Chart).size.height > 30
    assert second.state() == replace(first.state(), screen="plan")


async def test_a_request_given_goes_before_the_one_asked_last(advisor: Advisor) -> None:
    state = AppState(request=to_record(PlanRequest("1e20")), scenario="mine")
    app = BudgetscopeApp(PlanRequest("1e21"), advisor, state)
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        assert app.session.request == PlanRequest("1e21")
        assert app.session.scenario is None


async def test_a_state_that_does_not_fit_is_left_out(advisor: Advisor) -> None:
    state = AppState({"budget": 3}, "", "gone", "no-theme", {"plan": {"view": "upside-down", "zoomed": "yes"}})
    app = BudgetscopeApp(None, advisor, state)
    async with app.run_test(size=BIG) as pilot:
        plan = await settle(pilot)
        assert app.session.request == PlanRequest(DEFAULT_BUDGET)
        assert (plan.view, plan.zoomed) == ("both", False)
        assert "'budget' cannot be 3" in notices(pilot)[0]


@pytest.mark.parametrize("text", [None, "{", '{"request": 3}'])
def test_running_reads_the_state_and_writes_it_at_the_end(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    path = locations.state_file()
    if text is not None:
        path.parent.mkdir(parents=True)
        path.write_text(text)
    told: list[str] = []

    def run(app: BudgetscopeApp) -> None:
        told.extend(app._notices)
        app.session.edit("budget", "1e22")
        app.session.edit("budget", "1e22 furlongs")

    monkeypatch.setattr(app_module.BudgetscopeApp, "run", run)
    run_app()
    assert read_state().request == {"budget": "1e22"}
    assert len(told) == (text is not None)
    assert all("is not restored" in sentence for sentence in told)


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.name)
async def test_quitting_from_any_screen_keeps_what_it_showed(advisor: Advisor, tab: Tab) -> None:
    app = BudgetscopeApp(PlanRequest("1e20"), advisor)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("escape", str(tab.number))
        await settled(pilot)
        shown_last = app.state()
        await pilot.press("q")
    assert app.return_code == 0
    assert app.state() == shown_last
    assert shown_last.views[tab.name]


def test_an_app_that_failed_says_so_and_its_state_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(app: BudgetscopeApp) -> None:
        app.session.edit("budget", "1e22")
        app._return_code = 1

    monkeypatch.setattr(app_module.BudgetscopeApp, "run", run)
    with pytest.raises(FailureError, match="the app failed"):
        run_app()
    assert read_state() == AppState()


def test_a_terminal_without_the_signs_for_charts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding in ("utf-8", "UTF8"):
        _require_utf8(io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    _require_utf8(None)
    latin = io.TextIOWrapper(io.BytesIO(), encoding="iso-8859-1")
    with pytest.raises(FailureError, match="LC_ALL"):
        _require_utf8(latin)
    monkeypatch.setenv("TEXTUAL_DRIVER", "a browser")
    _require_utf8(latin)


@pytest.mark.parametrize("name", ["dumb", "unknown"])
def test_a_terminal_without_a_cursor_is_refused_with_the_cure(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    _require_cursor("xterm")
    with pytest.raises(FailureError, match=f"TERM is '{name}'.*TERM=xterm-256color.*budgetscope plan 1e21"):
        _require_cursor(name)
    monkeypatch.setenv("TEXTUAL_DRIVER", "a browser")
    _require_cursor(name)


async def test_a_terminal_of_few_colours_gets_its_own_and_the_next_start_the_theme(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BudgetscopeApp, "has_few_colours", True)
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        assert app.theme == DARK_16
        await pilot.press("f2")
        assert app.theme == LIGHT_16
        assert app.state().theme == LIGHT


async def test_the_footer_has_whole_keys_with_help_and_quit(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for columns in (80, 100, 160):
            await pilot.resize_terminal(columns, 24)
            for tab in TABS:
                await pilot.press("escape", str(tab.number), "escape")
                await settled(pilot)
                assert tab.name == app.stage.SECTION
                line = shown(pilot).splitlines()[-1].rstrip()
                words = [f"{hint.display} {hint.label}" for hint in app.screen.query_one(KeyBar).shown]
                assert line.split() == " ".join(words).split(), (columns, tab.name)
                assert words[0] == "? Help"
                assert any(word.endswith(" Quit") for word in words)


async def test_a_click_on_a_key_of_the_footer_acts_as_the_key(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("escape")
        await pilot.pause()
        line = shown(pilot).splitlines()[-1]
        zoom = line.index("z Zoom")
        await pilot.click(KeyBar, offset=(zoom, 0))
        assert app.stage.has_class("-zoomed")
        await pilot.click(KeyBar, offset=(zoom + len("z Zoom"), 0))
        assert app.stage.has_class("-zoomed")
        await pilot.click(KeyBar, offset=(zoom + len("z Zoom") - 1, 0))
        assert not app.stage.has_class("-zoomed")
        await pilot.click(KeyBar, offset=(119, 0))
        assert app.screen is app.stage


# Taken away


async def test_copy_as_markdown_gives_the_words_of_the_report(start: Start, advisor: Advisor) -> None:
    request = PlanRequest("$50k on H100")
    async with start(request).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("f7")
        text = pilot.app.clipboard
        await pilot.press("escape", "y", "Y")
        assert pilot.app.clipboard == text
        assert plan_markdown(advisor.answer(request).plan, command(request)) in text
        assert comparison_markdown(advisor.compare(advisor.answer(request))) in text
        assert notices(pilot)[0].startswith("Plan for $50k on H100")


async def test_saved_pictures_do_not_overwrite_each_other(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with start().run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("f8", "escape", "S", "f8")
        pictures = sorted(tmp_path.glob("budgetscope-plan-*.svg"))  # noqa: ASYNC240 - a temporary folder
        assert len(pictures) == 3
        for picture in pictures:
            assert ET.parse(picture).getroot().tag.endswith("svg")  # noqa: S314 - our own file
            assert str(picture) in notices(pilot)


async def test_a_folder_that_cannot_be_written_is_named(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with start().run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("f8")
        assert notices(pilot)[0].startswith("cannot write 'budgetscope-plan-")


async def test_nothing_to_copy_before_the_first_plan(start: Start) -> None:
    async with start(PlanRequest("nonsense")).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("f7", "ctrl+y")
        assert pilot.app.clipboard == ""


async def test_an_action_of_the_palette_acts(start: Start) -> None:
    app = start()
    async with app.run_test(size=BIG) as pilot:
        plan = await settle(pilot)
        offered = {item.title: item.callback for item in app.get_system_commands(plan)}
        assert "Theme" in offered
        await offered["Zoom"]()
        assert plan.zoomed
        await offered["Copy"]()
        assert app.clipboard == command(PlanRequest(DEFAULT_BUDGET))


@pytest.mark.usefixtures("_other")
async def test_of_many_questions_the_newest_is_shown_and_an_outdated_answer_is_not(start: Start) -> None:
    app = start(PlanRequest("1e20"))
    async with app.run_test(size=BIG) as pilot:
        app.action_go("other")
        other = await settled(pilot)
        answers: list[int] = []
        for number in range(5):
            other.in_background(partial(int, number), answers.append)
        await settled(pilot)
        assert answers == [4]
        held = threading.Event()
        other.in_background(held.wait, lambda _: answers.append(5))
        await pilot.pause()
        app.session.ask(PlanRequest("1e21"))
        held.set()
        await settled(pilot)
        assert answers == [4]


async def test_what_waits_to_be_computed_when_the_app_ends_is_let_go(start: Start) -> None:
    async with start(PlanRequest("1e20")).run_test(size=BIG) as pilot:
        plan = await settle(pilot)
    plan.in_background(int, lambda _: None)
    del plan
    # A coroutine that nothing awaited would be told here, as a warning and so an error.
    gc.collect()


@pytest.mark.usefixtures("_other")
async def test_a_refusal_in_the_background_is_told(start: Start) -> None:
    app = start(PlanRequest("1e20"))

    def refuse() -> None:
        raise UsageError("[b]no[/b]")

    async with app.run_test(size=BIG) as pilot:
        app.action_go("other")
        other = await settled(pilot)
        other.in_background(refuse, lambda _: None)
        await settled(pilot)
        assert notices(pilot) == ["[b]no[/b]"]


async def test_the_command_copied_gives_the_same_to_somebody_with_other_defaults(advisor: Advisor) -> None:
    law, recipe = "hoffmann2022/approach-3", "steplaw2025/dense"
    named = f" --law {law} --hyperparameters {recipe}"
    app = BudgetscopeApp(PlanRequest("1e21"), Advisor(advisor.library, Settings(law, recipe), ()))
    async with app.run_test(size=BIG) as pilot:
        for screen in ("plan", "compare", "whatif", "why"):
            app.action_go(screen)
            await settled(pilot)
            await pilot.press("escape", "y")
            # An explanation follows no law: its command has no such options.
            assert app.clipboard.endswith("1e21" if screen == "why" else f"1e21{named}"), screen
