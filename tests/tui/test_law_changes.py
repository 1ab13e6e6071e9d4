"""The law changes only after a question that shows the plan before and after, and u takes the change back."""

import pytest
from tests.tui.driving import Start, notices, plan_screen, settle, settled, shown
from textual.pilot import Pilot

from budgetscope.api import PlanRequest
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_usd
from budgetscope.report.rows import plan_rows
from budgetscope.store.settings import Settings, read_settings
from budgetscope.tui.screens.accept_dialog import AcceptScreen
from budgetscope.tui.screens.base import SessionScreen
from budgetscope.tui.widgets.law_table import LawTable

KAPLAN, LLAMA, TUNED = "kaplan2020/fixed-batch", "meta2024/llama3", "porian2024/refinedweb-tuned"
STEP = "porian2024/openwebtext2-kaplan"
BIG = (120, 40)


def asked(pilot: Pilot[None]) -> str:
    assert isinstance(pilot.app.screen, AcceptScreen)
    return " ".join(line.strip("│ ") for line in shown(pilot).splitlines())


def written(plan: Plan, key: str) -> str:
    """Return a quantity as the plan's own rows write it, in the unit of its interval."""
    return next(row.text for row in plan_rows(plan) if row.key == key)


@pytest.mark.parametrize("size", [BIG, (80, 24)])
async def test_the_question_shows_the_plan_before_and_after(start: Start, size: tuple[int, int]) -> None:
    async with start(PlanRequest("1e23 on H100")).run_test(size=size) as pilot:
        screen = await settle(pilot)
        before = screen.session.plan
        await pilot.press("l", *"llama", "enter")
        question = asked(pilot)
        assert f"Follow {LLAMA} in this plan, in place of {TUNED}?" in question
        advisor = screen.session.advisor
        after = advisor.answer(PlanRequest("1e23 on H100", law=LLAMA)).plan
        assert before is not None
        assert before.run.cost_usd is not None
        for text in (
            *(written(plan, key) for plan in (before, after) for key in ("n_params", "tokens")),
            f"{before.final_loss.value:.3f}" if before.final_loss else "", format_usd(before.run.cost_usd.value),
        ):  # fmt: skip
            assert text in question
        assert f"If {TUNED} is right, following the new law costs" in question
        assert "u takes it back." in question
        assert screen.session.request.law is None
        await pilot.press("escape")
        await settle(pilot)
        assert screen.session.request.law is None
        assert screen.session.plan == before


@pytest.mark.parametrize("size", [BIG, (80, 24)])
async def test_the_question_names_both_counts_of_n_and_warns_of_an_arguments_step(
    start: Start, size: tuple[int, int]
) -> None:
    async with start(PlanRequest("1e20 on H100")).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("l", *STEP, "enter")
        question = asked(pilot)
        assert "(standard count)" in question
        assert "(kaplan count)" in question
        assert f"{STEP} is an argument's step or an example, not a recommendation" in question
        assert "Each loss is by its own law" in question
        await pilot.press("enter")
        await settle(pilot)
        assert "(standard count) → " in notices(pilot)[-1]


async def test_the_question_names_no_count_where_both_laws_count_alike(start: Start) -> None:
    async with start(PlanRequest("1e20 on H100")).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("l", *"openwebtext2-tuned", "enter")
        assert "count)" not in asked(pilot)


async def test_u_takes_changes_back_one_by_one_and_keeps_other_edits(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("u")
        assert notices(pilot)[-1] == "No change of the law is left to undo."
        for law in ("llama", "kaplan2020/fixed"):
            await pilot.press("l", *law, "enter", "enter")
            await settle(pilot)
        assert screen.session.request.law == KAPLAN
        assert notices(pilot)[-1].startswith(f"{KAPLAN} is followed: N ")
        screen.session.edit("mfu", "0.5")
        await settle(pilot)
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("u")
        await settled(pilot)
        assert screen.session.request.law == LLAMA
        assert screen.session.request.mfu == 0.5
        assert notices(pilot)[-1].startswith(f"The change to {KAPLAN} is undone. {LLAMA} is followed: N ")
        await pilot.press("u")
        await settled(pilot)
        assert screen.session.request.law is None
        await pilot.press("u")
        assert notices(pilot)[-1] == "No change of the law is left to undo."


async def test_a_double_click_changes_no_law(start: Start) -> None:
    async with start().run_test(size=(200, 60)) as pilot:
        screen = await settle(pilot)
        table = screen.query_one(LawTable)
        for _ in range(2):
            await pilot.click(table, offset=(10, 3), times=2)
            await settle(pilot)
        assert table.cursor not in (None, TUNED)
        assert pilot.app.screen is screen
        await pilot.press("l")
        await pilot.click("OptionList", offset=(10, 4), times=2)
        await settled(pilot)
        assert isinstance(pilot.app.screen, AcceptScreen)
        await pilot.click(offset=(100, 30), times=2)
        await settled(pilot)
        assert screen.session.request == PlanRequest("64 H100 for 14 days")


async def test_losses_of_different_tokens_are_said_not_to_compare(start: Start) -> None:
    async with start(PlanRequest("1e21")).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("l", *"kaplan2020/fixed", "enter")
        assert "Their losses do not compare: nats a token are of" in asked(pilot)


async def test_both_plans_have_intervals_and_a_narrow_one_is_explained(start: Start) -> None:
    async with start(PlanRequest("2048 H100 for 60 days")).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("l", *"2026/english", "enter")
        question = " ".join(asked(pilot).replace("│", " ").split())
        assert "your N 219 B [56.8 B, 844 B] 240 B [98.4 B, 588 B]" in question
        assert "is that of an exponent combined with published laws, 0.513 [0.484, 0.543]: its own runs" in question


async def test_the_law_of_the_plan_is_not_asked_for(start: Start) -> None:
    async with start(PlanRequest("1e21", law=LLAMA)).run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("l", *"llama", "enter")
        await settle(pilot)
        assert pilot.app.screen is screen
        assert notices(pilot)[-1] == f"The plan follows {LLAMA} already."


async def test_a_law_that_refuses_the_request_is_not_offered(start: Start) -> None:
    async with start(PlanRequest("loss 2.6")).run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("l", *"llama", "enter")
        await settle(pilot)
        assert pilot.app.screen is screen
        assert screen.session.request.law is None
        assert f"{LLAMA} has no law of the loss" in notices(pilot)[-1]


async def test_the_default_goes_back_to_none_from_any_screen(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("7")
        await settled(pilot)
        await pilot.press("slash", *"hoffmann2022/approach-1", "enter", "a")
        assert "Make hoffmann2022/approach-1 the default law" in asked(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert read_settings().law == "hoffmann2022/approach-1"
        await pilot.press("5", "u")
        screen = await settled(pilot)
        assert isinstance(screen, SessionScreen)
        assert read_settings() == Settings()
        assert screen.session.plan is not None
        assert screen.session.plan.law_id == TUNED


async def test_alt_and_a_number_open_a_screen_from_a_field_and_from_a_dialog(start: Start) -> None:
    app = start(PlanRequest("1e21"))
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("b", "alt+2")
        await settled(pilot)
        assert app.stage.SECTION == "compare"
        assert app.session.request == PlanRequest("1e21")
        for opener, number, section in (
            ("s", "1", "plan"), ("l", "6", "calibrate"), ("question_mark", "7", "fits"), ("i", "2", "compare"),
            ("T", "3", "whatif"),
        ):  # fmt: skip
            await pilot.press(opener)
            await settled(pilot)
            assert len(app.screen_stack) == 2, opener
            await pilot.press(f"alt+{number}")
            await settled(pilot)
            assert section == app.stage.SECTION
            assert len(app.screen_stack) == 1
        await pilot.press("s", "alt+1")
        await settled(pilot)
        assert plan_screen(pilot).focused is None
        assert app.session.request == PlanRequest("1e21")
