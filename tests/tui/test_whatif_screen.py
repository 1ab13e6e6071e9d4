from dataclasses import replace

import pytest
from tests.tui.driving import Start, notices, settled, shown
from textual.pilot import Pilot
from textual.widgets import Input

from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.core.answers.whatif import SERVED_STEPS, SERVING_ASSUMPTION, Candidate
from budgetscope.report.whatif import brief, pick_cells, picks, size_rows, size_title
from budgetscope.store.app_state import AppState
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.screens.whatif.figures import FEW_MAP_LEVELS, SizesAtBudget
from budgetscope.tui.screens.whatif.screen import COARSE, FINE, WhatifScreen
from budgetscope.tui.screens.whatif.size_panel import Picks
from budgetscope.tui.short_titles import fitted
from budgetscope.tui.widgets.chart import Chart

BIG, SMALL, HUGE = (120, 40), (80, 24), (200, 60)
REQUEST = PlanRequest("64 H100 for 14 days")
SILENT = PlanRequest("1e21", law="deepseek2024/current-data")


async def whatif(pilot: Pilot[None]) -> WhatifScreen:
    screen = await settled(pilot)
    if not isinstance(screen, WhatifScreen):
        await pilot.press("escape", "3")
        screen = await settled(pilot)
    assert isinstance(screen, WhatifScreen)
    return screen


def standing(screen: WhatifScreen) -> tuple[SizesAtBudget, Candidate]:
    found, here = screen._budget, screen.here
    assert found is not None
    assert here is not None
    return found, here


def squeezed(text: str) -> str:
    return " ".join(text.split())


async def test_it_opens_at_the_plans_optimum_with_every_figure(start: Start, advisor: Advisor) -> None:
    async with start(REQUEST).run_test(size=SMALL) as pilot:
        screen = await whatif(pilot)
        found, here = standing(screen)
        assert here.n_params == advisor.answer(REQUEST).plan.n_params.value
        laws = {row.title for row in picks(advisor.compare(advisor.answer(REQUEST)))}
        assert {pick.title for pick in found.picks} == laws
        assert len({pick.letter for pick in found.picks}) == len(laws)
        for size in (SMALL, BIG, HUGE):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            text = shown(pilot)
            assert brief(found.iso, here) in squeezed(text)
            assert size_title(here) in text
            for row in size_rows(found.iso, here, here):
                assert row.label.strip() in text
                assert row.here in text
            assert "optimum 18.8 B" in text
            assert "flat" in text
            starts = {
                pick: {f"{pick.letter} {fitted(pick.title, width)[:6]}" for width in (22, 44)} for pick in found.picks
            }
            left_out = [pick for pick, titles in starts.items() if not any(title in text for title in titles)]
            assert not left_out or f"... and {len(left_out)} more: n and p" in text


@pytest.mark.parametrize("size", [SMALL, BIG, HUGE])
@pytest.mark.parametrize("budget", ["64 H100 for 14 days", "2048 H100 for 60 days", "1e19"])
async def test_a_letter_stands_at_the_loss_of_its_law_or_points_to_it(
    start: Start, budget: str, size: tuple[int, int]
) -> None:
    async with start(PlanRequest(budget)).run_test(size=size) as pilot:
        screen = await whatif(pilot)
        found, _here = standing(screen)
        chart = screen.query_one("#loss", Chart)
        assert chart.figure is not None
        drawing, strips = chart._drawing()
        plot = [strip.crop(drawing.left, drawing.left + drawing.width).text for strip in strips]
        scale = chart.figure.y.scale
        for pick in found.picks:
            assert pick.candidate.loss is not None
            place = scale.fraction(pick.candidate.loss)
            row = round((1 - min(place, 1)) * (drawing.height * 4 - 1)) // 4
            text = plot[drawing.top + row].replace("optimum", "")
            assert f"{pick.letter}↑" in text if place > 1 else pick.letter in text, pick
        beyond = any(scale.fraction(pick.candidate.loss or 0) > 1 for pick in found.picks)
        assert ("↑ off the chart" in shown(pilot)) == beyond


@pytest.mark.parametrize("size", [BIG, HUGE])
@pytest.mark.parametrize("budget", ["2048 H100 for 60 days", "64 H100 for 14 days", "1e14 FLOPs on H100"])
async def test_the_table_of_picks_breaks_no_number(start: Start, budget: str, size: tuple[int, int]) -> None:
    async with start(PlanRequest(budget)).run_test(size=size) as pilot:
        screen = await whatif(pilot)
        found, _here = standing(screen)
        region = screen.query_one(Picks).content_region
        assert len(found.picks) > 8
        rows = [strip.crop(region.x, region.right).text for strip in screen._compositor.render_strips()]
        for pick in found.picks:
            (row,) = [row for row in rows[region.y : region.bottom] if row.startswith(f"{pick.letter} ")]
            cells = " ".join(pick_cells("", pick.candidate)).split()
            assert row.split()[-len(cells) :] == cells


ARROWS = {
    "left": 1 / FINE,
    "right": FINE,
    "shift+left": 1 / COARSE,
    "down": 1 / COARSE,
    "shift+right": COARSE,
    "up": COARSE,
}


async def test_arrows_move_n_and_everything_follows(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        found, before = standing(screen)
        for key, factor in ARROWS.items():
            await pilot.press("o", key)
            found, here = standing(screen)
            assert here.n_params == pytest.approx(before.n_params * factor), key
            text = shown(pilot)
            assert brief(found.iso, here) in squeezed(text)
            assert size_title(here) in text
            for row in size_rows(found.iso, here, before):
                assert row.here in text
                assert row.change in text
            figure = screen.query_one("#loss", Chart).figure
            assert figure is not None
            assert figure.markers[0].x == here.n_params
            assert figure.markers[0].y == here.loss


async def test_steps_there_and_back_end_at_the_optimum(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        await pilot.press(*["up"] * 8, *["left"] * 64)
        assert screen.ratio == 1.0
        assert "the optimum" in shown(pilot)


async def test_keys_go_back_to_the_optimum(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        for key in ("o", "home", "f3"):
            await pilot.press("up", "right")
            found, here = standing(screen)
            assert here != found.best
            await pilot.press(key)
            found, here = standing(screen)
            assert here == found.best, key


async def test_keys_go_from_pick_to_pick(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        found, here = standing(screen)
        larger = [pick for pick in found.picks if pick.candidate.n_params > here.n_params]
        for next_key, previous_key in (("n", "p"), ("ctrl+n", "f4")):
            for pick in larger:
                await pilot.press(next_key)
                assert standing(screen)[1].n_params == pytest.approx(pick.candidate.n_params)
                assert screen.query_one(Picks).chosen == pick.fit_id
            await pilot.press(next_key)
            assert standing(screen)[1].n_params == pytest.approx(larger[-1].candidate.n_params)
            for _ in larger:
                await pilot.press(previous_key)
            assert standing(screen)[1] == found.best
        assert screen.query_one(Picks).chosen == ""
        await pilot.press(previous_key)
        assert standing(screen)[1].n_params < found.best.n_params


async def test_a_click_on_the_chart_goes_there(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        found, _ = standing(screen)
        chart = screen.query_one("#loss", Chart)
        drawing, _ = chart._drawing()
        await pilot.click(chart, offset=(drawing.left + drawing.width - 1, 8))
        assert standing(screen)[1].n_params == pytest.approx(found.sizes.high)
        await pilot.press("up")
        assert standing(screen)[1].n_params == pytest.approx(found.sizes.high)
        await pilot.click(chart, offset=(drawing.left, 8))
        assert standing(screen)[1].n_params == pytest.approx(found.sizes.low)


async def test_a_key_shows_the_map_and_the_curve_again(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        chart = screen.query_one("#loss", Chart)
        await pilot.press("up", "m")
        _, here = standing(screen)
        figure = chart.figure
        assert figure is not None
        assert figure.heat is not None
        assert (figure.markers[0].x, figure.markers[0].y) == (here.n_params, here.tokens)
        text = shown(pilot)
        assert "Pre-decay loss over N and D" in text
        assert "÷ 3e21" in text
        assert "Blank: no run so far off was measured." in text
        await pilot.press("right")
        assert chart.figure is not None
        assert chart.figure.markers[0].x > here.n_params
        await pilot.press("f5")
        assert chart.figure.heat is None
        assert "Dashed: no run was so far off the optimum." in shown(pilot)


async def test_a_narrow_window_gets_a_map_whose_legend_fits(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        await pilot.press("m")
        await pilot.resize_terminal(*SMALL)
        await settled(pilot)
        figure = screen.query_one("#loss", Chart).figure
        assert figure is not None
        assert figure.heat is not None
        assert 1 < len(figure.heat.levels) <= FEW_MAP_LEVELS
        for level in figure.heat.levels:
            assert f"≥{figure.heat.text(level)}" in shown(pilot)


async def test_the_curve_is_dashed_where_nothing_was_measured(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        found, _ = standing(screen)
        figure = screen.query_one("#loss", Chart).figure
        assert figure is not None
        assert found.iso.measured_range is not None
        assert figure.lines[0].reach == found.iso.measured_range
        assert "extrapolated" in shown(pilot)
        await pilot.press(*["up"] * 8)
        assert "Extrapolated: no run so far off was measured." in squeezed(shown(pilot))


async def test_a_law_without_a_curve_says_so(start: Start) -> None:
    async with start(SILENT).run_test(size=SMALL) as pilot:
        screen = await whatif(pilot)
        found, before = standing(screen)
        assert found.iso.no_curve_reason is not None
        for size in (SMALL, BIG):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert "No curve" in shown(pilot)
            assert "deepseek2024/current-data has no law of" in shown(pilot)
            assert not screen.query_one("#loss").display
        await pilot.press("up", "m", "right_square_bracket")
        found, here = standing(screen)
        assert here.n_params > before.n_params
        assert here.serving_flops > 0
        assert size_rows(found.iso, here, before)[1].here in shown(pilot)
        screen.session.ask(REQUEST)
        await settled(pilot)
        assert screen.query_one("#loss").display
        assert "No curve" not in shown(pilot)


# Serving


async def test_brackets_step_through_the_served_tokens(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        for tokens in SERVED_STEPS[1:]:
            await pilot.press("right_square_bracket")
            assert screen._served_tokens == tokens
        await pilot.press("right_square_bracket")
        assert screen._served_tokens == SERVED_STEPS[-1]
        assert screen.row.input.value == "100 T"
        for tokens in reversed(SERVED_STEPS[:-1]):
            await pilot.press("left_square_bracket")
            assert screen._served_tokens == tokens
        await pilot.press("left_square_bracket")
        assert screen.row.input.value == ""
        assert SERVING_ASSUMPTION in squeezed(shown(pilot))


async def test_served_tokens_are_typed_and_what_cannot_be_read_keeps_the_last(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        for key in ("s", "f6"):
            await pilot.press("escape", key)
            assert isinstance(screen.focused, Input)
        await pilot.press("2", "T")
        found, here = standing(screen)
        assert screen._served_tokens == 2e12
        assert here.serving_flops == pytest.approx(2 * 2e12 * here.n_params)
        assert size_rows(found.iso, here, here)[-1].here in shown(pilot)
        await pilot.press("m")
        assert not screen.on_map
        await whatif(pilot)
        assert "✗" in shown(pilot)
        assert screen._served_tokens == 2e12
        await pilot.press("f5", "backspace")
        assert screen.on_map
        await whatif(pilot)
        assert "✗" not in shown(pilot)
        await pilot.press("escape", "m")
        assert not screen.on_map


# The session


async def test_another_budget_keeps_the_ratio(start: Start, advisor: Advisor) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        await pilot.press("up", "m")
        screen.session.ask(PlanRequest("1e20"))
        await settled(pilot)
        _, here = standing(screen)
        assert here.n_params == pytest.approx(COARSE * advisor.answer(PlanRequest("1e20")).plan.n_params.value)
        assert "÷ 1e19" in shown(pilot)


async def test_a_refused_request_leaves_the_last_curve(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        before = standing(screen)
        screen.session.ask(PlanRequest("1e20 furlongs"))
        await settled(pilot)
        assert standing(screen) == before
        assert "✗ Budget: " in shown(pilot)


async def test_without_a_plan_it_asks_for_a_budget_and_no_key_fails(start: Start) -> None:
    async with start(PlanRequest("nonsense")).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        await pilot.press("up", "left", "n", "o", "m", "right_square_bracket", "Y", "y")
        assert "No plan yet" in shown(pilot)
        assert pilot.app.clipboard == ""
        screen.session.ask(REQUEST)
        await settled(pilot)
        assert "18.8 B parameters" in shown(pilot)


# Taken away


async def test_it_is_copied_as_markdown_and_as_a_command(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        await pilot.press("up", "right_square_bracket", "Y")
        found, here = standing(screen)
        text = pilot.app.clipboard
        assert text.startswith("# What if, for 64 x H100 for 14 days")
        assert size_rows(found.iso, here, found.best)[0].here in text
        for pick in found.picks:
            assert pick.title.partition(" (")[0] in text
        assert "1 B served tokens" in text
        await pilot.press("y")
        assert pilot.app.clipboard == f"{command(REQUEST, 'whatif')} --size {here.n_params:.6g} --served 1B"
        assert pilot.app.clipboard in text
        await pilot.press("o", "left_square_bracket", "y")
        assert pilot.app.clipboard == command(REQUEST, "whatif")
        assert len(notices(pilot)) == 3


async def test_where_one_stood_comes_back(advisor: Advisor) -> None:
    first = BudgetscopeApp(REQUEST, advisor, AppState(screen="whatif"))
    async with first.run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        assert screen.focused is None
        await pilot.press("up", "m", "right_square_bracket")
        _, before = standing(screen)
    second = BudgetscopeApp(None, advisor, first.state())
    async with second.run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        assert standing(screen)[1] == before
        assert screen.on_map
        assert screen.row.input.value == "1 B"


async def test_a_state_that_does_not_fit_is_left_out(advisor: Advisor) -> None:
    wrong: dict[str, float | str | bool] = {"ratio": 0.0, "on_map": "yes", "served": "many"}
    state = replace(AppState(), screen="whatif", views={"whatif": wrong})
    async with BudgetscopeApp(REQUEST, advisor, state).run_test(size=BIG) as pilot:
        screen = await whatif(pilot)
        for ratio in (0.0, -1.0, float("inf"), "many", True):
            screen.recall({**wrong, "ratio": ratio})
            assert (screen.ratio, screen.on_map, screen.served) == (1.0, False, "")


async def test_a_low_window_keeps_the_curve_and_the_figures(start: Start) -> None:
    async with start(REQUEST).run_test(size=(80, 16)) as pilot:
        await whatif(pilot)
        text = shown(pilot)
        assert "18.8 B" in text
        assert "What the others would train" not in text
