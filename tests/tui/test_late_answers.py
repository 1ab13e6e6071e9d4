"""What is computed for an answer that has been replaced meanwhile is dropped, and copies go with their own command."""

import threading
from pathlib import Path

import pytest
from tests.tui.driving import Start, settled, stage
from tests.tui.test_law_letters import with_own_fits
from textual.pilot import Pilot

from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.report.recipe_sheet import recipe_markdown
from budgetscope.tui.screens.plan.screen import PlanScreen
from budgetscope.tui.screens.recipe import screen as recipe_screen
from budgetscope.tui.screens.recipe.panels import Sheet
from budgetscope.tui.widgets.law_table import LawTable

BIG = (120, 40)
EARLY, LATE = PlanRequest("1e20"), PlanRequest("1e22")


class HeldAdvisor(Advisor):
    """Holds what needs every law until it is told to go on."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.may, self.holds = threading.Event(), threading.Event()

    def compare(self, answer: Answer) -> Comparison:
        self._hold()
        return super().compare(answer)

    def recipe_sheet(self, answer: Answer) -> RecipeSheet:
        self._hold()
        return super().recipe_sheet(answer)

    def _hold(self) -> None:
        self.holds.set()
        assert self.may.wait(30)


@pytest.fixture
def held(tmp_path: Path) -> HeldAdvisor:
    # More laws than are computed at once.
    return HeldAdvisor(*with_own_fits(tmp_path, 60)._given)


async def until(pilot: Pilot[None], event: threading.Event) -> None:
    while not event.is_set():
        await pilot.pause(0.01)


async def test_a_late_comparison_is_never_shown(
    start: Start, held: HeldAdvisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[float] = []
    show = PlanScreen._show_comparison

    def noted(screen: PlanScreen, comparison: Comparison) -> None:
        shown.append(comparison.flops)
        show(screen, comparison)

    monkeypatch.setattr(PlanScreen, "_show_comparison", noted)
    app = start(EARLY, held)
    async with app.run_test(size=BIG) as pilot:
        await until(pilot, held.holds)
        app.session.ask(LATE)
        await pilot.pause()
        held.may.set()
        screen = await settled(pilot)
        assert shown == [pytest.approx(1e22)]
        assert screen.query_one(LawTable).comparison == held.compare(held.answer(LATE))


async def test_what_is_copied_while_a_comparison_is_awaited_holds_no_other_answers_laws(
    start: Start, held: HeldAdvisor
) -> None:
    app = start(EARLY, held)
    held.may.set()
    async with app.run_test(size=BIG) as pilot:
        screen = await settled(pilot)
        assert "What the laws say" in (screen.as_markdown() or "")
        held.may.clear()
        held.holds.clear()
        app.session.ask(LATE)
        await until(pilot, held.holds)
        text = screen.as_markdown() or ""
        assert text.startswith("# Plan for 1e22 FLOPs")
        assert "What the laws say" not in text
        held.may.set()
        await settled(pilot)
        assert "What the laws say" in (screen.as_markdown() or "")


async def test_a_recipe_that_is_shown_is_copied_with_the_command_of_its_own_request(
    start: Start, held: HeldAdvisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Recipes of some hundred laws are made at once, too.
    monkeypatch.setattr(recipe_screen, "_FEW_LAWS", 60)
    app = start(EARLY, held)
    held.may.set()
    async with app.run_test(size=BIG) as pilot:
        await settled(pilot)
        await pilot.press("escape", "4")
        await settled(pilot)
        held.may.clear()
        held.holds.clear()
        app.session.ask(LATE)
        await until(pilot, held.holds)
        early = held.answer(EARLY)
        sheet = stage(pilot).query(Sheet).first().sheet
        assert sheet is not None
        assert sheet.answer == early
        assert stage(pilot).as_markdown() == recipe_markdown(sheet, command(EARLY, "recipe"))
        held.may.set()
        screen = await settled(pilot)
        assert command(LATE, "recipe") in (screen.as_markdown() or "")
