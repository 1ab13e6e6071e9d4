"""The tour: when it comes, where it points, and that it ends with the user's own budget."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.tui.driving import Start, notices, settled, shown
from textual.geometry import Offset, Region, Size
from textual.pilot import Pilot
from textual.widgets import Input

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.errors import BudgetscopeError
from budgetscope.store import locations
from budgetscope.store.app_state import AppState, read_state
from budgetscope.tui import app as app_module
from budgetscope.tui.app import DEFAULT_BUDGET, BudgetscopeApp, run_app
from budgetscope.tui.screens.plan.screen import PlanScreen
from budgetscope.tui.screens.plan.tour import EXAMPLES, PARTS, STOPS, TourScreen, beside

SIZES = [(80, 24), (120, 40)]


def tour(pilot: Pilot[None]) -> TourScreen:
    screen = pilot.app.screen
    assert isinstance(screen, TourScreen)
    return screen


async def toured(pilot: Pilot[None]) -> None:
    """Wait until the tour is shown and the plan below it is complete."""
    while not isinstance(pilot.app.screen, TourScreen):
        await pilot.pause(0.01)
    await settled(pilot)


async def at_the_last_step(pilot: Pilot[None]) -> Input:
    await toured(pilot)
    await pilot.press(*["enter"] * (len(STOPS) - 1))
    await pilot.pause()
    return tour(pilot).query_one(Input)


def bright(app: BudgetscopeApp) -> list[str]:
    return [part for part in PARTS if app.stage.query_one(part).opacity == 1]


@pytest.fixture
def first(advisor: Advisor) -> BudgetscopeApp:
    return BudgetscopeApp(None, advisor, tour=True)


# When it comes


@pytest.mark.parametrize(
    ("text", "request_", "comes"),
    [
        (None, None, True),
        (None, PlanRequest("1e21"), False),
        ('{"request": {}, "scenario": "", "screen": "", "theme": "", "views": {}}', None, False),
        ('{"request": {}, "scenario": "", "screen": "", "theme": "", "views": {}, "toured": false}', None, True),
        ("{", None, False),
    ],
)
def test_it_comes_on_the_first_start_without_a_request(
    monkeypatch: pytest.MonkeyPatch, text: str | None, request_: PlanRequest | None, comes: bool
) -> None:
    if text is not None:
        locations.state_file().parent.mkdir(parents=True)
        locations.state_file().write_text(text)
    begun: list[bool] = []
    monkeypatch.setattr(BudgetscopeApp, "run", lambda app: begun.append(app._begins_with_tour))
    run_app(request_)
    assert begun == [comes]


async def test_it_does_not_come_unless_asked_for(start: Start) -> None:
    app = start()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        assert app.screen is app.stage
        assert not app.state().toured


@pytest.mark.parametrize("steps", [0, len(STOPS) - 1])
def test_skipping_at_any_step_is_remembered(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    starts: list[bool] = []

    def run(app: BudgetscopeApp) -> None:
        starts.append(app._begins_with_tour)
        if app._begins_with_tour:
            app_run(app, headless=True, size=(80, 24), auto_pilot=skip)

    async def skip(pilot: Pilot[Any]) -> None:
        await toured(pilot)
        await pilot.press(*["right"] * steps, "escape")
        assert isinstance(pilot.app.screen, PlanScreen)
        pilot.app.exit()

    app_run = BudgetscopeApp.run
    monkeypatch.setattr(app_module.BudgetscopeApp, "run", run)
    run_app()
    assert read_state().toured
    assert read_state().request == {"budget": DEFAULT_BUDGET}
    run_app()
    assert starts == [True, False]


async def test_it_comes_again_by_key_from_any_screen(advisor: Advisor) -> None:
    app = BudgetscopeApp(PlanRequest("1e21"), advisor, AppState(screen="why", toured=True))
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("T", "f10"):
            app.action_go("why")
            await settled(pilot)
            await pilot.press(key, key)
            await toured(pilot)
            assert isinstance(app.stage, PlanScreen)
            assert "▲ Your budget  1 of 6" in shown(pilot)
            await pilot.press("escape")
            assert app.screen is app.stage


async def test_it_comes_again_from_the_palette(start: Start) -> None:
    app = start()
    async with app.run_test(size=(80, 24)) as pilot:
        offered = {item.title: item.callback for item in app.get_system_commands(await settled(pilot))}
        await offered["Tour"]()
        await toured(pilot)
        assert app.state().toured


# Where it points


@pytest.mark.parametrize("size", SIZES)
async def test_every_step_points_at_its_part_and_leaves_it_legible(
    first: BudgetscopeApp, size: tuple[int, int]
) -> None:
    async with first.run_test(size=size) as pilot:
        await toured(pilot)
        for step, stop in enumerate(STOPS):
            await pilot.pause()
            part, card = first.stage.query_one(stop.part).region, tour(pilot).query_one("#card").region
            assert bright(first) == [stop.part]
            assert not part.overlaps(card)
            assert Region(0, 0, *size).contains_region(card)
            below = card.y == part.bottom
            assert below or card.bottom == part.y
            assert f"{'▲' if below else '▼'} {stop.title}  {step + 1} of 6" in shown(pilot)
            for word in stop.text.split():
                assert word in shown(pilot)
            if step < len(STOPS) - 1:
                await pilot.press("space")
        await pilot.press("escape")
        await pilot.pause()
        assert len(bright(first)) == len(PARTS)


async def test_it_goes_back(first: BudgetscopeApp) -> None:
    async with first.run_test(size=(80, 24)) as pilot:
        await at_the_last_step(pilot)
        await pilot.press("up")
        assert tour(pilot).step == 4
        assert not tour(pilot).query_one(Input).display
        await pilot.press("left", "left", "left", "left", "left")
        assert tour(pilot).step == 0


async def test_the_mouse_walks_too(first: BudgetscopeApp) -> None:
    async with first.run_test(size=(80, 24)) as pilot:
        await toured(pilot)

        async def click(text: str) -> None:
            lines = shown(pilot).splitlines()
            row = next(row for row, line in enumerate(lines) if text in line)
            await pilot.click(offset=(lines[row].index(text) + 1, row))
            await pilot.pause()

        await click("Enter: next")
        assert tour(pilot).step == 1
        await click("↑: back")
        assert tour(pilot).step == 0
        await click("Esc: skip")
        assert first.screen is first.stage


async def test_it_follows_the_window(first: BudgetscopeApp) -> None:
    async with first.run_test(size=(120, 40)) as pilot:
        await toured(pilot)
        await pilot.press("enter", "enter", "enter")
        for size in ((80, 24), (60, 14), (200, 60)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            card = tour(pilot).query_one("#card").region
            assert Region(0, 0, *size).contains_region(card)
            lower = first.stage.query_one("#lower")
            pointed = lower.is_on_screen and not lower.region.overlaps(card)
            assert ("▼" in shown(pilot) or "▲" in shown(pilot)) == pointed


def test_a_part_that_is_hidden_or_too_large_gets_no_arrow() -> None:
    card, window = Size(70, 7), Size(80, 24)
    assert beside(Region(), card, window) == (Offset(2, 17), "")
    assert beside(Region(0, 2, 80, 20), card, window) == (Offset(2, 17), "")
    assert beside(Region(60, 0, 20, 3), card, window) == (Offset(10, 3), "▲ ")
    assert beside(Region(0, 18, 80, 6), card, window) == (Offset(2, 11), "▼ ")
    assert beside(Region(0, 0, 20, 3), Size(70, 7), Size(40, 5)) == (Offset(0, 0), "")


# The user's own budget


async def test_it_ends_with_the_users_own_budget(first: BudgetscopeApp, advisor: Advisor) -> None:
    async with first.run_test(size=(80, 24)) as pilot:
        field = await at_the_last_step(pilot)
        assert field.has_focus
        assert field.value == field.selected_text == DEFAULT_BUDGET
        await pilot.press(*"$50k on H100")
        assert first.session.request == PlanRequest(DEFAULT_BUDGET)
        understood = advisor.answer(PlanRequest("$50k on H100")).plan.understood
        assert understood.partition(" (")[0] in shown(pilot)
        await pilot.press("enter")
        plan = await settled(pilot)
        assert first.screen is plan
        assert first.session.answer is not None
        assert first.session.answer.request == PlanRequest("$50k on H100")
        row = first.stage.query_one("#field-budget Input", Input)
        assert row.value == "$50k on H100"


async def test_what_people_have_can_be_chosen(first: BudgetscopeApp) -> None:
    async with first.run_test(size=(80, 24)) as pilot:
        field = await at_the_last_step(pilot)
        for who, budget in EXAMPLES:
            assert f"{budget}  {who}" in shown(pilot)
            await pilot.press("down")
            await pilot.pause()
            assert field.value == budget
            assert not tour(pilot).has_class("-problem")
        await pilot.press(*["up"] * (len(EXAMPLES) - 1))
        assert field.value == EXAMPLES[0][1]
        await pilot.press("enter")
        await settled(pilot)
        assert first.session.problem is None
        assert first.session.answer is not None
        assert first.session.answer.plan.machine.device.name == "RTX 4090"


async def test_the_choice_before_the_first_is_the_step_before(first: BudgetscopeApp) -> None:
    async with first.run_test(size=(80, 24)) as pilot:
        await at_the_last_step(pilot)
        await pilot.press("down", "up")
        assert tour(pilot).step == len(STOPS) - 2
        await pilot.press("down")
        assert tour(pilot).step == len(STOPS) - 2


async def test_a_mistake_is_named_and_the_tour_stays(first: BudgetscopeApp, advisor: Advisor) -> None:
    async with first.run_test(size=(80, 24)) as pilot:
        await at_the_last_step(pilot)
        await pilot.press(*"[b]much", "enter")
        assert tour(pilot).has_class("-problem")
        with pytest.raises(BudgetscopeError) as refusal:
            advisor.answer(PlanRequest("[b]much"))
        assert "✗ " + str(refusal.value)[:40] in shown(pilot)
        await pilot.press("escape")
        assert first.screen is first.stage
        assert first.session.request == PlanRequest(DEFAULT_BUDGET)
        assert notices(pilot) == []


async def test_the_mistake_of_another_field_does_not_hold_the_user(advisor: Advisor) -> None:
    app = BudgetscopeApp(PlanRequest("1e21", law="mine/gone"), advisor, tour=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await at_the_last_step(pilot)
        await pilot.press(*"1e22", "enter")
        await settled(pilot)
        assert app.screen is app.stage
        assert app.session.request == PlanRequest("1e22", law="mine/gone")
        assert app.session.problem is not None


async def test_whoever_skips_goes_on_where_he_was(first: BudgetscopeApp) -> None:
    async with first.run_test(size=(80, 24)) as pilot:
        await toured(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert first.stage.focused is None
        await pilot.press("2")
        await settled(pilot)
        assert first.stage.SECTION == "compare"
        assert first.session.request == PlanRequest(DEFAULT_BUDGET)


# How it looks


async def fourth_step(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("escape", "T")
    await toured(pilot)
    await pilot.press("enter", "enter", "enter")
    await settled(pilot)


def test_the_tour_looks_as_it_did(snap_compare: Callable[..., bool], start: Start) -> None:
    assert snap_compare(start(), terminal_size=(80, 24), run_before=fourth_step)
