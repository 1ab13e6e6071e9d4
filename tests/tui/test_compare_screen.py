"""The compare screen: every key, every refusal, and what is kept."""

from dataclasses import replace

import pytest
from tests.tui.driving import notices, settled, shown
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.api.scenarios import SavedScenario, read_scenarios, save_scenario
from budgetscope.core.errors import UsageError
from budgetscope.report.headline import comparison_headline
from budgetscope.report.scenarios import Column, board
from budgetscope.report.tables import board_markdown, comparison_markdown
from budgetscope.store import locations
from budgetscope.store.app_state import AppState
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.chart.drawing import draw
from budgetscope.tui.screens.compare.dialogs import DeleteScreen, NameScreen
from budgetscope.tui.screens.compare.machine_dialog import MachinesScreen
from budgetscope.tui.screens.compare.scenario_table import ScenarioTable
from budgetscope.tui.screens.compare.scenarios import (
    ScenarioAnswers,
    ScenarioSet,
    allocation_figure,
    letter,
    price_figure,
)
from budgetscope.tui.screens.compare.screen import CompareScreen
from budgetscope.tui.screens.plan.screen import PlanScreen
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.law_table import LawTable

BIG, SMALL = (120, 40), (80, 24)
NOW = PlanRequest("1e21")
WEEKS = PlanRequest("64 H100 for 14 days")
CHINCHILLA = PlanRequest("64 H100 for 14 days", law="hoffmann2022/approach-2")
GONE = PlanRequest("1e22", law="mine/gone")
SAVED = {"weeks": WEEKS, "chinchilla": CHINCHILLA, "gone": GONE}


@pytest.fixture
def _saved() -> None:
    for name, request in SAVED.items():
        save_scenario(name, request)


def opened(advisor: Advisor, request: PlanRequest = NOW, **view: str | bool) -> BudgetscopeApp:
    return BudgetscopeApp(request, advisor, AppState(screen="compare", views={"compare": view}))


async def compare(pilot: Pilot[None]) -> CompareScreen:
    screen = await settled(pilot)
    assert isinstance(screen, CompareScreen)
    return screen


def cursor(screen: CompareScreen) -> str:
    table = screen.query_one(ScenarioTable)
    assert table.board is not None
    return table.board.columns[table.cursor].name


def names() -> list[str]:
    return [scenario.name for scenario in read_scenarios()]


def lined_up(advisor: Advisor, reference: str | None = None) -> ScenarioSet:
    return ScenarioAnswers(advisor, {}).side_by_side((NOW, "now"), read_scenarios(), reference)


@pytest.mark.usefixtures("_saved")
async def test_scenarios_stand_side_by_side_with_their_differences(advisor: Advisor) -> None:
    made = board([Column("now", advisor.answer(NOW).plan), Column("weeks", advisor.answer(WEEKS).plan)], 0)
    async with opened(advisor).run_test(size=SMALL) as pilot:
        for size in (SMALL, BIG, (200, 60)):
            await pilot.resize_terminal(*size)
            await compare(pilot)
            text = shown(pilot)
            assert "▸a now" in text
            assert "b weeks" in text
            headline = comparison_headline(made.columns, 0, 0)
            assert headline.sentence in " ".join(text.split())
            # A small window shows the first rows, and scrolls.
            for quantity in made.rows[:15] if size == SMALL else made.rows:
                if quantity.key != "budget":
                    (row,) = [each for each in text.splitlines() if each.startswith(f" {quantity.label} ")]
                    for cell in quantity.cells:
                        assert cell.text[-12:] in row
                        assert cell.difference in row


@pytest.mark.usefixtures("_saved")
async def test_a_scenario_without_its_law_shows_the_sentence_in_its_column(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=(200, 60)) as pilot:
        screen = await compare(pilot)
        with pytest.raises(UsageError) as refusal:
            advisor.answer(GONE)
        lines = [line[:200] for line in shown(pilot).splitlines()]
        start = next(line.index("d gone") for line in lines if "d gone" in line)
        column = " ".join(line[start : start + 32].strip() for line in lines[3:12])
        assert str(refusal.value) in column
        await pilot.press("right", "right", "right", "v")
        await compare(pilot)
        assert cursor(screen) == "gone"
        assert f"✗ {refusal.value}" in shown(pilot)
        assert screen.query_one(LawTable).comparison is None
        assert screen.query_one(Chart).figure is None
        assert screen.as_markdown() is None


async def test_without_scenarios_the_screen_says_how_to_save_one(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=SMALL) as pilot:
        await compare(pilot)
        assert "Press s to save" in shown(pilot)
        await pilot.press("right", "left", "enter", "n", "d", "x")
        await compare(pilot)
        assert len(notices(pilot)) == 4
        assert all("This is the current plan" in notice for notice in notices(pilot))


# Names


async def test_s_saves_the_request_under_a_name_and_it_is_kept(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=SMALL) as pilot:
        screen = await compare(pilot)
        await pilot.press("s")
        assert isinstance(pilot.app.screen, NameScreen)
        assert pilot.app.screen.query_one(Input).value == NOW.budget
        await pilot.press("x", " ", "[", "b", "]", "enter")
        await compare(pilot)
        assert [(s.name, s.request) for s in read_scenarios()] == [("x [b]", NOW)]
        assert cursor(screen) == "x [b]"
        assert screen.session.scenario == "x [b]"
        assert "b x [b]" in shown(pilot)
        assert "Press s" not in shown(pilot)
    async with opened(advisor).run_test(size=SMALL) as pilot:
        await compare(pilot)
        assert "b x [b]" in shown(pilot)


@pytest.mark.usefixtures("_saved")
async def test_saving_says_what_it_replaces_and_a_bad_name_is_refused_in_place(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=SMALL) as pilot:
        await compare(pilot)
        await pilot.press("s")
        dialog = pilot.app.screen
        dialog.query_one(Input).value = "  "
        await pilot.press("enter")
        assert pilot.app.screen is dialog
        assert "✗ a scenario needs a name" in shown(pilot)
        dialog.query_one(Input).value = "weeks"
        await pilot.pause()
        assert "'weeks' is saved: it is asked before it is replaced." in shown(pilot)
        await pilot.press("enter")
        assert "'weeks' is saved. Enter once more replaces it." in shown(pilot)
        assert read_scenarios()[0].request == WEEKS
        await pilot.press("enter")
        await compare(pilot)
        assert read_scenarios()[0].request == NOW
        assert names() == list(SAVED)
        await pilot.press("s", "escape")
        await compare(pilot)
        assert names() == list(SAVED)


async def test_another_budget_is_offered_a_name_of_its_own(advisor: Advisor) -> None:
    async with opened(advisor, WEEKS).run_test(size=SMALL) as pilot:
        screen = await compare(pilot)
        for request in (WEEKS, NOW, WEEKS, CHINCHILLA):
            screen.session.ask(request)
            await compare(pilot)
            await pilot.press("s", "enter")
            await compare(pilot)
        expected = {WEEKS.budget: WEEKS, NOW.budget: NOW, f"{WEEKS.budget} 2": CHINCHILLA}
        assert {scenario.name: scenario.request for scenario in read_scenarios()} == expected
        # What is open keeps its name while nothing has changed.
        await pilot.press("s")
        assert isinstance(pilot.app.screen, NameScreen)
        assert pilot.app.screen.query_one(Input).value == f"{WEEKS.budget} 2"


async def test_what_cannot_be_planned_with_is_not_saved(advisor: Advisor) -> None:
    app = opened(advisor)
    async with app.run_test(size=SMALL) as pilot:
        await compare(pilot)
        app.session.edit("budget", "nonsense")
        await compare(pilot)
        assert "a now, last good" in shown(pilot)
        await pilot.press("s")
        assert isinstance(pilot.app.screen, CompareScreen)
        assert "has no plan" in notices(pilot)[0]
    async with opened(advisor, PlanRequest("nonsense")).run_test(size=SMALL) as pilot:
        screen = await compare(pilot)
        assert any("✗" in line for line in shown(pilot).splitlines()[3:8])
        await pilot.press("a", "v", "c", "Y", "y")
        assert await compare(pilot) is screen


@pytest.mark.usefixtures("_saved")
async def test_n_renames_and_keeps_place_cursor_reference_and_header(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        await pilot.press("right", "enter")
        await compare(pilot)
        assert screen.session.scenario == "weeks"
        await pilot.press("right", "r", "n")
        assert isinstance(pilot.app.screen, NameScreen)
        pilot.app.screen.query_one(Input).value = "chinchilla"
        await pilot.press("enter")
        assert "✗ a scenario is called 'chinchilla' already" in shown(pilot)
        pilot.app.screen.query_one(Input).value = "fortnight"
        await pilot.press("enter")
        await compare(pilot)
        assert names() == ["fortnight", "chinchilla", "gone"]
        assert cursor(screen) == "fortnight"
        assert screen.session.scenario == "fortnight"
        assert "fortnight" in shown(pilot).splitlines()[0]
        assert "less than fortnight" in shown(pilot)
        await pilot.press("right", "right", "n")
        assert isinstance(pilot.app.screen, NameScreen)
        pilot.app.screen.query_one(Input).value = "third"
        await pilot.press("enter")
        await compare(pilot)
        assert names() == ["fortnight", "third", "gone"]
        await pilot.press("n", "escape")
        assert names() == ["fortnight", "third", "gone"]


@pytest.mark.usefixtures("_saved")
async def test_d_duplicates_behind(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        await pilot.press("right", "d")
        await compare(pilot)
        assert names() == ["weeks", "weeks copy", "chinchilla", "gone"]
        assert cursor(screen) == "weeks copy"
        assert "c weeks copy" in shown(pilot)


@pytest.mark.usefixtures("_saved")
async def test_delete_asks_first(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        for key, keep in (("x", "escape"), ("delete", "n"), ("x", "q")):
            await pilot.press("right", key)
            assert isinstance(pilot.app.screen, DeleteScreen)
            assert "Delete 'weeks'?" in shown(pilot)
            await pilot.press(keep, "left")
        assert names() == list(SAVED)
        await pilot.press("right", "enter")
        await compare(pilot)
        assert screen.session.scenario == "weeks"
        await pilot.press("right", "delete", "y")
        await compare(pilot)
        assert names() == ["chinchilla", "gone"]
        assert cursor(screen) == "now"
        assert screen.session.scenario is None


@pytest.mark.usefixtures("_saved")
async def test_what_was_deleted_elsewhere_is_told_and_goes(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        await pilot.press("right", "r")
        await compare(pilot)
        locations.scenarios_file().unlink()
        await pilot.press("d")
        await compare(pilot)
        assert "no scenario is called 'weeks'" in notices(pilot)[0]
        assert cursor(screen) == "now"
        assert "less than now" in shown(pilot)


async def test_a_broken_file_is_told_in_place_until_it_is_mended(advisor: Advisor) -> None:
    file = locations.scenarios_file()
    file.parent.mkdir(parents=True)
    file.write_text("{")
    async with opened(advisor).run_test(size=SMALL) as pilot:
        screen = await compare(pilot)
        for key in ("v", "v", "1", "2"):
            await pilot.press(key)
            await settled(pilot)
        text = shown(pilot)
        assert " ".join(text.split()).count("is broken; mend it") == 1
        assert "No scenario is saved yet" not in text
        assert notices(pilot) == []
        for count, key in enumerate("snd", 1):
            await pilot.press(key)
            await compare(pilot)
            assert pilot.app.screen is screen
            assert len(notices(pilot)) == count
            assert "is broken; mend it or move it away." in notices(pilot)[-1]
        file.unlink()
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(pilot.app.screen, NameScreen)
        await pilot.press("escape")
        await compare(pilot)
        assert "No scenario is saved yet" in shown(pilot)


async def test_a_broken_request_is_told(advisor: Advisor) -> None:
    text = '{"schema": 1, "scenarios": [{"name": "a", "request": {"budget": 3}}]}'
    locations.scenarios_file().parent.mkdir(parents=True)
    locations.scenarios_file().write_text(text)
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        assert "✗ 'budget' cannot" in shown(pilot)
        await pilot.press("right", "enter", "y", "a", "v")
        await compare(pilot)
        assert "'budget' cannot be 3" in notices(pilot)[0]
        assert screen.session.request == NOW


# Looking


@pytest.mark.usefixtures("_saved")
async def test_arrows_move_the_cursor_and_stop_at_the_ends(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=SMALL) as pilot:
        screen = await compare(pilot)
        seen = [cursor(screen)]
        for _ in range(4):
            await pilot.press("right")
            await pilot.pause()
            seen.append(cursor(screen))
            assert "▸" + letter(screen.query_one(ScenarioTable).cursor) + " " + seen[-1] in shown(pilot)
            assert "a now" in shown(pilot)
        assert seen == ["now", "weeks", "chinchilla", "gone", "gone"]
        await pilot.press(*["left"] * 5)
        assert cursor(screen) == "now"


@pytest.mark.usefixtures("_saved")
async def test_r_makes_the_scenario_at_the_cursor_the_reference_and_back(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        await pilot.press("right", "r")
        await compare(pilot)
        assert "▲ more, ▼ less than weeks" in shown(pilot)
        table = screen.query_one(ScenarioTable)
        assert table.board == lined_up(advisor, "weeks").board
        assert table.order() == [1, 0, 2, 3]
        assert shown(pilot).index("▸b weeks") < shown(pilot).index("a now")
        await pilot.press("r")
        await compare(pilot)
        assert table.board == lined_up(advisor).board


@pytest.mark.usefixtures("_saved")
async def test_open_makes_the_scenario_the_current_plan_of_all_screens(advisor: Advisor) -> None:
    app = opened(advisor)
    async with app.run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        await pilot.press("right", "right", "o")
        await compare(pilot)
        assert app.session.request == CHINCHILLA
        assert app.session.scenario == "chinchilla"
        assert "a now, chinchilla" in shown(pilot)
        assert "chinchilla" in shown(pilot).splitlines()[0]
        await pilot.press("1")
        plan = await settled(pilot)
        assert isinstance(plan, PlanScreen)
        assert plan.row("law").input.value == CHINCHILLA.law
        app.session.edit("budget", "1e23")
        await pilot.press("2")
        assert await compare(pilot) is screen
        shown_board = screen.query_one(ScenarioTable).board
        assert shown_board is not None
        assert shown_board.columns[0].name == "now, chinchilla, changed"
    assert app.state().scenario == "chinchilla"


@pytest.mark.usefixtures("_saved")
async def test_opening_a_scenario_that_cannot_be_answered_says_why_and_keeps_the_plan(advisor: Advisor) -> None:
    app = opened(advisor)
    async with app.run_test(size=BIG) as pilot:
        await compare(pilot)
        await pilot.press("right", "right", "right", "enter")
        await compare(pilot)
        assert app.session.problem is not None
        assert "✗ law: " in shown(pilot)
        assert app.session.plan == advisor.answer(NOW).plan


@pytest.mark.usefixtures("_saved")
async def test_v_compares_the_laws_for_the_scenario_and_enter_follows_one(advisor: Advisor) -> None:
    app = opened(advisor)
    async with app.run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        await pilot.press("right", "v")
        await compare(pilot)
        laws = screen.query_one(LawTable)
        assert laws.display
        assert laws.comparison == advisor.compare(advisor.answer(WEEKS))
        assert "What the laws say of b weeks" in shown(pilot)
        assert screen.as_command() == command(WEEKS, "compare")
        assert screen.as_markdown() == comparison_markdown(advisor.compare(advisor.answer(WEEKS)))
        await pilot.press("left")
        await compare(pilot)
        assert laws.comparison == advisor.compare(advisor.answer(NOW))
        await pilot.press("right")
        await compare(pilot)
        rows = advisor.compare(advisor.answer(WEEKS)).rows
        cursors = []
        for key in ("home", "down", "down", "up", "end", "pageup"):
            await pilot.press(key)
            cursors.append(laws.cursor)
        assert cursors == [rows[index].fit_id for index in (0, 1, 2, 1, -1, 0)]
        await pilot.press("enter", "enter")
        await compare(pilot)
        assert laws.comparison is not None
        followed = advisor.compare(advisor.answer(WEEKS)).rows[0].fit_id
        assert app.session.request == replace(WEEKS, law=followed)
        assert app.session.scenario == "weeks"
        await pilot.press("v")
        await compare(pilot)
        assert not laws.display
        await pilot.press("v", "escape", "escape")
        await compare(pilot)
        assert not laws.display


@pytest.mark.usefixtures("_saved")
async def test_c_goes_through_table_and_chart_and_both_where_both_fit(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await compare(pilot)

        def displayed() -> tuple[bool, bool]:
            return screen.query_one(ScenarioTable).size.height > 5, screen.query_one(Chart).display

        assert displayed() == (True, True)
        for expected in ((True, False), (False, True), (True, True)):
            await pilot.press("c")
            await pilot.pause()
            assert displayed() == expected
        await pilot.resize_terminal(*SMALL)
        await compare(pilot)
        for expected in ((False, True), (True, False), (False, True)):
            await pilot.press("c")
            await pilot.pause()
            assert displayed() == expected
            assert "a now" in shown(pilot)
        await pilot.press("v")
        await compare(pilot)
        assert not screen.query_one(LawTable).display
        await pilot.press("c")
        await pilot.pause()
        assert screen.query_one(LawTable).display
        assert not screen.query_one(Chart).display


@pytest.mark.usefixtures("_saved")
async def test_a_draws_loss_over_cost_and_leaves_the_laws(advisor: Advisor) -> None:
    async with opened(advisor, WEEKS).run_test(size=SMALL) as pilot:
        screen = await compare(pilot)
        assert not screen.query_one(Chart).display
        await pilot.press("v")
        await compare(pilot)
        await pilot.press("a")
        await compare(pilot)
        assert screen.query_one(Chart).display
        assert not screen.laws
        assert "Final loss over cost" in shown(pilot)
        assert "cost, US dollars" in shown(pilot)
        await pilot.press("a")
        await pilot.pause()
        assert "N*(C), standard count" in shown(pilot)


@pytest.mark.usefixtures("_saved")
async def test_up_and_down_scroll_a_table_that_does_not_fit(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=(80, 15)) as pilot:
        await compare(pilot)
        assert " cost " not in shown(pilot)
        await pilot.press(*["down"] * 12)
        await pilot.pause()
        assert " cost " in shown(pilot)
        assert "▸a now" in shown(pilot)
        await pilot.press(*["up"] * 12)
        await pilot.pause()
        assert " budget " in shown(pilot)


@pytest.mark.usefixtures("_saved")
async def test_shifted_arrows_read_the_chart(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        chart = (await compare(pilot)).query_one(Chart)
        await pilot.press("shift+right")
        first = chart.reading()
        await pilot.press("shift+right")
        second = chart.reading()
        assert first is not None
        assert second is not None
        assert second.x > first.x
        await pilot.press("shift+left", "shift+left")
        third = chart.reading()
        assert third is not None
        assert third.x < first.x


@pytest.mark.usefixtures("_saved")
async def test_the_mouse_chooses_and_a_double_click_opens_nothing(advisor: Advisor) -> None:
    app = opened(advisor)
    async with app.run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        at = next(line for line in shown(pilot).splitlines() if "▸a now" in line).index("b weeks")
        await pilot.click("#board", offset=(at, 5))
        await compare(pilot)
        assert cursor(screen) == "weeks"
        await pilot.click("#board", offset=(2, 5))
        assert cursor(screen) == "weeks"
        await pilot.click("#board", offset=(at, 5), times=2)
        await compare(pilot)
        assert app.session.request == NOW


@pytest.mark.usefixtures("_saved")
async def test_the_command_and_the_markdown_are_those_of_what_is_shown(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        await pilot.press("right", "right", "y")
        assert pilot.app.clipboard == command(CHINCHILLA)
        await pilot.press("Y")
        assert pilot.app.clipboard == board_markdown(lined_up(advisor).board)
        assert screen.as_markdown() == pilot.app.clipboard


# State


@pytest.mark.usefixtures("_saved")
async def test_the_view_is_restored_and_nonsense_is_not(advisor: Advisor) -> None:
    app = opened(advisor)
    async with app.run_test(size=BIG) as pilot:
        await compare(pilot)
        await pilot.press("c", "right", "r", "right", "v")
        screen = await compare(pilot)
        left = screen.remember()
    assert app.state().views["compare"] == left
    again = BudgetscopeApp(NOW, advisor, AppState(screen="compare", views={"compare": left}))
    async with again.run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        assert screen.remember() == left
        laws = screen.query_one(LawTable)
        assert laws.comparison is not None
        assert "less than weeks" in shown(pilot)
    async with opened(advisor, view="no", laws="yes", reference="no such", cursor="neither").run_test(
        size=BIG
    ) as pilot:
        screen = await compare(pilot)
        assert screen.remember() == {"view": "both", "laws": False, "priced": False, "reference": "", "cursor": ""}


@pytest.mark.usefixtures("_saved")
async def test_keys_that_come_before_the_answer_do_no_harm(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CompareScreen, "in_background", lambda *_: None)
    async with opened(advisor, cursor="weeks", reference="gone").run_test(size=BIG) as pilot:
        for key in ("enter", "n", "d", "x", "v", "right", "r", "a", "c", "down", "Y", "y", "v", "escape"):
            await pilot.press(key)
            await pilot.pause()
        assert isinstance(pilot.app.screen, CompareScreen)
        assert names() == list(SAVED)


# Figures


@pytest.mark.usefixtures("_saved")
def test_the_figure_holds_every_scenario_by_one_count(advisor: Advisor) -> None:
    found = lined_up(advisor)
    figure = allocation_figure(found, 1)
    assert figure is not None
    places = {series.symbol: series.points[0] for series in figure.points}
    assert set(places) == {"a", "b", "c"}
    counted = advisor.answer(replace(CHINCHILLA, counting="standard")).plan
    assert places["c"].y == pytest.approx(counted.n_params.value, rel=1e-3)
    assert [line.label for line in figure.lines] == ["Porian 2024, RefinedWeb, tuned", "Chinchilla, approach 2"]
    assert figure.markers[0].text == "b weeks: 18.8 B"
    for place in places.values():
        assert figure.x.scale.low < place.x < figure.x.scale.high
        assert figure.y.scale.low < (place.low or place.y) < (place.high or place.y) < figure.y.scale.high
    gone = allocation_figure(found, 3)
    assert gone is not None
    assert gone.markers == ()


@pytest.mark.usefixtures("_saved")
def test_loss_over_cost_holds_those_that_have_both(advisor: Advisor) -> None:
    found = lined_up(advisor)
    figure = price_figure(found, 1)
    assert figure is not None
    plan = advisor.answer(WEEKS).plan
    assert plan.loss_after_decay is not None
    assert plan.run.cost_usd is not None
    (point,) = next(series.points for series in figure.points if series.symbol == "b")
    assert (point.x, point.y) == (plan.run.cost_usd.value, plan.loss_after_decay.value)
    assert figure.y.title == "final loss, nats/token"
    assert {series.symbol for series in figure.points} == {"a", "b"}
    silent = ScenarioAnswers(advisor, {}).side_by_side((CHINCHILLA, "now"), (), None)
    assert price_figure(silent, 0) is None
    refused = ScenarioAnswers(advisor, {}).side_by_side((GONE, "now"), (), None)
    assert allocation_figure(refused, 0) is None


@pytest.mark.parametrize("count", [1, 30])
def test_many_scenarios_are_drawn(advisor: Advisor, count: int) -> None:
    laws = [fit.id for fit in advisor.fits if fit.allocation][:12]
    scenarios = [SavedScenario(f"s{index}", PlanRequest("1e21", law=laws[index % len(laws)])) for index in range(count)]
    found = ScenarioAnswers(advisor, {}).side_by_side((NOW, "now"), scenarios, None)
    for figure in (allocation_figure(found, 0), price_figure(found, 0)):
        assert figure is not None
        for size in ((80, 20), (200, 50)):
            assert len(draw(figure, *size).rows) == size[1]


@pytest.mark.parametrize(("law", "apart"), [("kaplan2020/fixed-batch", True), (None, False)])
def test_losses_of_different_tokenizers_are_said_not_to_compare(advisor: Advisor, law: str | None, apart: bool) -> None:
    budget = "64 H100 for 14 days"
    scenarios = [SavedScenario("other", PlanRequest(budget, law=law)), SavedScenario("own", PlanRequest(budget))]
    found = ScenarioAnswers(advisor, {}).side_by_side((NOW, "now"), scenarios, None)
    figure = price_figure(found, 0)
    assert figure is not None
    assert bool(figure.note) == apart


@pytest.mark.usefixtures("_saved")
async def test_every_size_is_drawn(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        for size in ((40, 10), (1, 1), (20, 5), (300, 90), (80, 60), (200, 20), (120, 40)):
            await pilot.resize_terminal(*size)
            for key in ("c", "v", "right", "c", "a", "v", "v"):
                await pilot.press(key)
                await compare(pilot)


# Laws that are left out


async def test_a_law_left_out_is_told_below_the_others(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "mine/odd gives no usable numbers at 1e21 FLOPs [b]: " + "correct its parameters " * 4 + "now."
    comparison = replace(advisor.compare(advisor.answer(NOW)), skipped=(sentence,))
    monkeypatch.setattr(Advisor, "compare", lambda *_: comparison)
    async with opened(advisor, laws=True, view="table").run_test(size=BIG) as pilot:
        screen = await compare(pilot)
        laws = screen.query_one(LawTable)
        await pilot.press("end")
        await pilot.pause()
        assert laws.cursor == comparison.rows[-1].fit_id
        text = shown(pilot)
        assert "── left out ──" in text
        assert "- mine/odd gives no usable numbers at 1e21 FLOPs [b]:" in text
        assert "now." in text
        await pilot.press("1", "d")
        await settled(pilot)
        await pilot.press("end")
        for _ in range(200):
            if "Left out of the comparison" in shown(pilot):
                break
            await pilot.pause(0.02)
        assert "Left out of the comparison" in shown(pilot)
        assert sentence[:60] in shown(pilot)


async def test_m_keeps_the_same_training_on_another_device_beside_it(advisor: Advisor) -> None:
    async with opened(advisor, WEEKS).run_test(size=SMALL) as pilot:
        screen = await compare(pilot)
        await pilot.press("m")
        await settled(pilot)
        dialog = pilot.app.screen
        assert isinstance(dialog, MachinesScreen)
        picture = shown(pilot)
        assert "fastest" in picture
        assert "268 B tokens, on 64 devices" in picture
        options = dialog.query_one(OptionList)
        options.highlighted = options.get_option_index("h200")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, NameScreen)
        await pilot.press("enter")
        await compare(pilot)
        (kept,) = read_scenarios()
        assert kept.name == "h200 64 x H100 for 14 days"
        assert kept.request is not None
        assert (kept.request.device, kept.request.gpus) == ("h200", 64)
        assert cursor(screen) == kept.name
        board_shown = screen.query_one(ScenarioTable).board
        assert board_shown is not None
        own, other = (column.plan for column in board_shown.columns)
        assert own is not None
        assert other is not None
        assert other.run.shape == own.run.shape
        assert other.run.hours == pytest.approx(own.run.hours)


async def test_m_changes_nothing_when_it_is_closed_or_the_scenario_has_no_plan(advisor: Advisor) -> None:
    save_scenario("gone", GONE)
    async with opened(advisor).run_test(size=SMALL) as pilot:
        screen = await compare(pilot)
        await pilot.press("m")
        await settled(pilot)
        await pilot.press("escape")
        assert await compare(pilot) is screen
        await pilot.press("right", "m")
        assert await compare(pilot) is screen
        assert names() == ["gone"]
