from tests.tui.driving import Start, settled, shown
from textual.pilot import Pilot

from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.report.headline import recipe_headline
from budgetscope.report.recipe_sheet import recipe_markdown, recipe_rows
from budgetscope.store.app_state import AppState
from budgetscope.tui.app import BudgetscopeApp
from budgetscope.tui.screens.recipe.panels import Sheet
from budgetscope.tui.screens.recipe.screen import RecipeScreen

BIG, SMALL, HUGE = (120, 40), (80, 24), (200, 60)
REQUEST = PlanRequest("64 H100 for 14 days at 40% MFU")


async def recipe(pilot: Pilot[None]) -> RecipeScreen:
    screen = await settled(pilot)
    if not isinstance(screen, RecipeScreen):
        await pilot.press("escape", "4")
        screen = await settled(pilot)
    assert isinstance(screen, RecipeScreen)
    return screen


async def page(pilot: Pilot[None]) -> str:
    """Return the text of the whole page, from its top to its end."""
    await pilot.press("home")
    texts = []
    for _ in range(12):
        texts.append(shown(pilot))
        await pilot.press("pagedown")
    return "\n".join(texts)


def top(screen: RecipeScreen) -> float:
    return screen.query_one("#page").scroll_offset.y


async def test_the_page_holds_every_part_at_every_size(start: Start, advisor: Advisor) -> None:
    async with start(REQUEST).run_test(size=SMALL) as pilot:
        for size in (SMALL, BIG, HUGE):
            await pilot.resize_terminal(*size)
            await recipe(pilot)
            text = await page(pilot)
            for row in recipe_rows(advisor.answer(REQUEST).plan):
                assert row.text in text
                assert row.interval in text
            for words in (
                "The recipe",
                "What a factor of two costs",
                "What the laws say",
                "Checkpoints to keep",
                "layers x 5632 wide",
                "linear warmup over 18.4",
                "Learning rate, peak of AdamW",
                "Batch, tokens a step and sequences of 2,048",
                "1,088 x 2,048",
                "beta2 of AdamW",
                "Why this law, and what others cost on the nearest public grid",
                "0.17",
                "e-05 a step",
                "> OpenEuroLLM 2026",
                "! MiniCPM 2024",
                "not comparable",
                "C/2: IsoFLOP point",
                "decayed: no IsoFLOP point",
                "not known",
            ):
                assert words in text, words


async def test_laws_are_drawn_on_a_line_where_there_is_room(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        await recipe(pilot)
        lines = [line for line in (await page(pilot)).splitlines() if "●" in line]
        places = {line[2:20].strip(): line.index("●") for line in lines if "DeepSeek" in line or "MiniCPM" in line}
        assert len(places) == 2


async def test_a_key_follows_the_next_law_and_the_one_before(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await recipe(pilot)
        await pilot.press("r")
        first = screen.session.request.hyperparameters
        assert first == "budgetscope2026/english"
        assert f"by {first}." in shown(pilot)
        assert screen.session.plan is not None
        assert screen.session.plan.recipe.sources["learning_rate"] == first
        await pilot.press("R")
        assert screen.session.request == REQUEST
        await pilot.press("f4")
        assert screen.session.request.hyperparameters == "steplaw2025/dense"
        await pilot.press("f3")
        assert screen.session.request == REQUEST


async def test_a_key_shows_the_notes_of_the_laws(start: Start) -> None:
    async with start(REQUEST).run_test(size=HUGE) as pilot:
        await recipe(pilot)
        assert "Half of 0.0047" not in shown(pilot)
        await pilot.press("n")
        assert "Half of 0.0047" in shown(pilot)
        await pilot.press("f5")
        assert "Half of 0.0047" not in shown(pilot)


async def test_keys_scroll_by_lines_pages_and_parts(start: Start) -> None:
    async with start(REQUEST).run_test(size=SMALL) as pilot:
        screen = await recipe(pilot)
        assert top(screen) == 0
        await pilot.press("down", "down", "up")
        assert top(screen) == 1
        await pilot.press("pagedown")
        assert top(screen) == screen.query_one("#page").size.height
        await pilot.press("pageup")
        assert top(screen) == 1
        await pilot.press("home")
        tops = [part.virtual_region.y for part in screen.query(Sheet)]
        for place in tops[1:3]:
            await pilot.press("right")
            assert top(screen) == place
        await pilot.press("left", "left")
        assert top(screen) == 0
        await pilot.press("end")
        assert "decayed: no IsoFLOP point" in shown(pilot)
        await pilot.press("end", "right", "home")
        assert top(screen) == 0


async def test_it_follows_the_session(start: Start) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        screen = await recipe(pilot)
        screen.session.ask(PlanRequest("1e19", seq_len=4096))
        await settled(pilot)
        assert screen.session.plan is not None
        assert recipe_headline(screen.session.plan).sentence in shown(pilot)
        assert " x 4,096 " in shown(pilot)
        screen.session.ask(PlanRequest("1e19 furlongs"))
        await settled(pilot)
        assert "✗ Budget: " in shown(pilot)
        assert recipe_headline(screen.session.plan).sentence in shown(pilot)


async def test_without_a_plan_it_asks_for_a_budget_and_no_key_fails(start: Start) -> None:
    async with start(PlanRequest("nonsense")).run_test(size=BIG) as pilot:
        await recipe(pilot)
        await pilot.press("r", "R", "n", "right", "end", "Y", "y")
        assert "No plan yet" in shown(pilot)
        assert pilot.app.clipboard == ""


async def test_it_is_copied_as_markdown_and_as_a_command(start: Start, advisor: Advisor) -> None:
    async with start(REQUEST).run_test(size=BIG) as pilot:
        await recipe(pilot)
        await pilot.press("Y")
        sheet = advisor.recipe_sheet(advisor.answer(REQUEST))
        assert pilot.app.clipboard == recipe_markdown(sheet, command(REQUEST, "recipe"))
        await pilot.press("y")
        assert pilot.app.clipboard == command(REQUEST, "recipe")


async def test_the_notes_come_back(advisor: Advisor) -> None:
    first = BudgetscopeApp(REQUEST, advisor, AppState(screen="recipe"))
    async with first.run_test(size=HUGE) as pilot:
        await recipe(pilot)
        await pilot.press("n")
    second = BudgetscopeApp(None, advisor, first.state())
    async with second.run_test(size=HUGE) as pilot:
        screen = await recipe(pilot)
        assert screen.notes
        assert "Half of 0.0047" in shown(pilot)
