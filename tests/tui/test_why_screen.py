"""The Why screen from Kaplan to the tuned runs: every key, at the user's own budget."""

import pytest
from tests.tui.driving import notices, settled, shown
from textual.pilot import Pilot

from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.core.budget.quantities import format_count
from budgetscope.report.explanation import explanation_markdown, step_lines
from budgetscope.store.app_state import AppState
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.chart.drawing import draw
from budgetscope.tui.screens.why.figures import Illustration, figure, illustrate
from budgetscope.tui.screens.why.screen import WhyScreen
from budgetscope.tui.screens.why.step_table import StepTable
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.headline import HeadlinePanel

BIG, SMALL = (120, 40), (80, 24)
REQUEST = PlanRequest("64 H100 for 14 days")


def opened(advisor: Advisor, request: PlanRequest = REQUEST, **view: str | float | bool) -> BudgetscopeApp:
    return BudgetscopeApp(request, advisor, AppState(screen="why", views={"why": view}))


async def why(pilot: Pilot[None]) -> WhyScreen:
    screen = await settled(pilot)
    assert isinstance(screen, WhyScreen)
    return screen


def illustrated(advisor: Advisor) -> Illustration:
    return illustrate(advisor, advisor.answer(REQUEST))


@pytest.mark.parametrize("size", [SMALL, BIG, (200, 60)])
async def test_each_step_says_its_sentence_and_its_numbers(advisor: Advisor, size: tuple[int, int]) -> None:
    explanation = advisor.explain(advisor.answer(REQUEST))
    lines = step_lines(explanation, "RefinedWeb", advisor.compare(advisor.answer(REQUEST)))
    async with opened(advisor).run_test(size=size) as pilot:
        screen = await why(pilot)
        for index, (step, line) in enumerate(zip(explanation.datasets["RefinedWeb"], lines, strict=True)):
            text = shown(pilot)
            assert f"Step {index + 1} of 5 on RefinedWeb: {step.title}" in text
            # In full, though wrapped.
            assert step.sentence in " ".join(text.split())
            assert f"> {index + 1} {step.title}" in text
            (row,) = [each for each in text.splitlines() if each.startswith(f" > {index + 1}")]
            for cell in line.cells[:4]:
                assert f" {cell}" in row
            assert f"{format_count(step.n_params)} at " in text
            if size == SMALL:
                assert line.worth in text
            else:
                for label, fact in line.facts:
                    assert label in text
                    assert fact in " ".join(text.split())
            await pilot.press("right")
            await why(pilot)
        assert screen.at == 4


@pytest.mark.parametrize("size", [SMALL, BIG])
async def test_the_title_of_the_steps_explains_the_columns_and_is_not_cut(
    advisor: Advisor, size: tuple[int, int]
) -> None:
    async with opened(advisor).run_test(size=size) as pilot:
        await why(pilot)
        for _dataset in range(2):
            text = shown(pilot)
            (title,) = [line for line in text.splitlines() if "All steps" in line]
            assert "waste: if followed; " in title
            assert "here: 64 x H100 for 14 days─" in title
            assert ("tuned: reach its loss with this share of its compute" in title) == ("tuned 1e18" in text)
            await pilot.press("d")
            await why(pilot)


async def test_steps_go_on_and_back_and_stop_at_the_ends(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=SMALL) as pilot:
        screen = await why(pilot)
        places = []
        for key in ("left", "right", "space", "backspace", "left", "end", "right", "space", "home", "left"):
            await pilot.press(key)
            places.append(screen.at)
        assert places == [0, 1, 2, 1, 0, 4, 4, 4, 0, 0]


async def test_the_chart_draws_the_step_over_those_before(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        chart = (await why(pilot)).query_one(Chart)
        found = illustrated(advisor)
        for at in range(5):
            assert chart.figure == figure(found, "RefinedWeb", at)
            await pilot.press("right")
            await why(pilot)


def test_the_figures_move_and_their_frame_does_not(advisor: Advisor) -> None:
    frames = set()
    found = illustrated(advisor)
    for dataset in ("RefinedWeb", "OpenWebText2"):
        for at in range(5):
            made = figure(found, dataset, at)
            frames.add((made.x.scale, made.y.scale))
            assert [line.symbol for line in made.lines] == [str(at + 1), "K", "C", *(str(n) for n in range(at, 0, -1))]
            assert made.lines[0].low is not None
            (points,) = made.points
            assert all(point.low is not None and point.high is not None for point in points.points)
            step = found.explanation.datasets[dataset][at]
            assert made.markers[0].x == found.explanation.flops
            assert made.markers[0].y == step.n_params
            height = made.lines[0].at(found.explanation.flops, made.x.scale, made.y.scale)
            assert height == pytest.approx(step.n_params, rel=0.01)
            for size in ((80, 10), (200, 45)):
                assert len(draw(made, *size).rows) == size[1]
    assert len(frames) == 1


async def test_d_switches_the_dataset_and_keeps_the_step(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await why(pilot)
        await pilot.press("right", "d")
        await why(pilot)
        assert "Step 2 of 5 on OpenWebText2" in shown(pilot)
        table = screen.query_one(StepTable)
        assert table.lines == step_lines(
            advisor.explain(advisor.answer(REQUEST)), "OpenWebText2", advisor.compare(advisor.answer(REQUEST))
        )
        await pilot.press("d")
        await why(pilot)
        assert "Step 2 of 5 on RefinedWeb" in shown(pilot)


async def test_a_click_on_a_step_goes_there(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await why(pilot)
        await pilot.click("#steps", offset=(10, 4))
        await why(pilot)
        assert screen.at == 2
        await pilot.click("#steps", offset=(10, 1))
        await why(pilot)
        assert screen.at == 2


async def test_shifted_arrows_read_the_chart(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        chart = (await why(pilot)).query_one(Chart)
        await pilot.press("shift+right", "shift+right")
        second = chart.reading()
        await pilot.press("shift+left")
        first = chart.reading()
        assert first is not None
        assert second is not None
        assert first.x < second.x
        assert second.text.startswith("1: ")


async def test_another_budget_is_followed(advisor: Advisor) -> None:
    app = opened(advisor)
    async with app.run_test(size=BIG) as pilot:
        await why(pilot)
        for request in (
            PlanRequest("1e18"),
            PlanRequest("1e25", counting="kaplan"),
            PlanRequest("N=7B", vocab=32000),
        ):
            app.session.ask(request)
            await why(pilot)
            step = advisor.explain(advisor.answer(request)).datasets["RefinedWeb"][0]
            assert f"{format_count(step.n_params)} at " in shown(pilot)
            assert f"N*(C), {advisor.answer(request).plan.convention} count" in shown(pilot)
        app.session.edit("budget", "nonsense")
        await why(pilot)
        assert "✗ Budget" in shown(pilot)
        assert "Step 1 of 5" in shown(pilot)


async def test_without_a_plan_there_is_nothing_to_walk(advisor: Advisor) -> None:
    app = opened(advisor, PlanRequest("nonsense"))
    async with app.run_test(size=BIG) as pilot:
        screen = await why(pilot)
        await pilot.press("right", "d", "shift+right", "Y", "y")
        await why(pilot)
        assert screen.query_one(Chart).figure is None
        assert notices(pilot) == []
        app.session.ask(REQUEST)
        await why(pilot)
        assert "Step 2 of 5 on OpenWebText2" in shown(pilot)


async def test_the_command_and_the_markdown_explain_the_same(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=SMALL) as pilot:
        await why(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard == command(REQUEST, "explain")
        await pilot.press("Y")
        assert pilot.app.clipboard == explanation_markdown(advisor.explain(advisor.answer(REQUEST)))


async def test_the_place_is_restored_and_nonsense_is_not(advisor: Advisor) -> None:
    app = opened(advisor)
    async with app.run_test(size=BIG) as pilot:
        await why(pilot)
        await pilot.press("right", "right", "d")
        left = (await why(pilot)).remember()
    again = BudgetscopeApp(REQUEST, advisor, AppState(screen="why", views={"why": left}))
    async with again.run_test(size=BIG) as pilot:
        await why(pilot)
        assert "Step 3 of 5 on OpenWebText2" in shown(pilot)
    async with opened(advisor, at=7, dataset="RefinedWeb").run_test(size=BIG) as pilot:
        assert (await why(pilot)).remember() == {"at": 0, "dataset": 0}
        assert "Step 1 of 5 on RefinedWeb" in shown(pilot)
    async with opened(advisor, at=2.5, dataset=True).run_test(size=BIG) as pilot:
        assert (await why(pilot)).at == 0


async def test_every_size_is_drawn(advisor: Advisor) -> None:
    async with opened(advisor).run_test(size=BIG) as pilot:
        screen = await why(pilot)
        for size in ((40, 10), (1, 1), (20, 5), (300, 90), (80, 60), (200, 20), (120, 40)):
            await pilot.resize_terminal(*size)
            for key in ("right", "d", "shift+left", "left"):
                await pilot.press(key)
                await why(pilot)
        assert screen.query_one(HeadlinePanel).headline.sentence
