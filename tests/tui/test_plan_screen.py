import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import Start, notices, plan_screen, settle, settled, shown, type_into
from textual.events import Paste
from textual.widgets import Input, Static

from budgetscope.api import Advisor, PlanRequest, command
from budgetscope.api.form_words import in_form
from budgetscope.core.answers.cautions import Level
from budgetscope.core.answers.plan import Plan
from budgetscope.core.errors import BudgetscopeError
from budgetscope.report.headline import budget_readings, plan_headline
from budgetscope.report.law_rows import comparison_rows
from budgetscope.report.layouts import layout_rows
from budgetscope.report.rows import plan_rows
from budgetscope.store.app_state import AppState
from budgetscope.store.fit_library import Layer, Library
from budgetscope.store.locations import bundled_fits
from budgetscope.store.settings import Settings
from budgetscope.tui.app import DEFAULT_BUDGET, BudgetscopeApp
from budgetscope.tui.figures.plan_charts import PLAN_CHARTS
from budgetscope.tui.keys import KEYS
from budgetscope.tui.legibility import DARK, LIGHT
from budgetscope.tui.screens.help import HelpScreen
from budgetscope.tui.screens.plan.details import DetailsScreen
from budgetscope.tui.screens.plan.law_picker import LawsScreen
from budgetscope.tui.screens.plan.recommendation import RecommendationPanel
from budgetscope.tui.short_titles import fitted
from budgetscope.tui.widgets.chart import Chart
from budgetscope.tui.widgets.field_row import FieldRow
from budgetscope.tui.widgets.headline import HeadlinePanel
from budgetscope.tui.widgets.law_table import LawTable

BIG, SMALL = (120, 40), (80, 24)


def answer(advisor: Advisor, request: PlanRequest) -> Plan | str:
    """Return the plan, or the sentence that refuses it."""
    try:
        return advisor.answer(request).plan
    except BudgetscopeError as error:
        return str(error)


@pytest.mark.parametrize("size", [SMALL, (200, 60)])
async def test_the_first_screen_answers_the_default_budget(
    start: Start, advisor: Advisor, size: tuple[int, int]
) -> None:
    async with start().run_test(size=size) as pilot:
        await settle(pilot)
        plan = advisor.answer(PlanRequest(DEFAULT_BUDGET)).plan
        text = shown(pilot)
        for row in plan_rows(plan):
            if row.key in ("tokens_per_param", "loss_after_decay", "learning_rate", "batch_tokens"):
                assert f"{row.text}" in text
                assert row.interval in text
            if row.key in ("beta2", "warmup_tokens", "steps"):
                assert row.text in text
        headline = plan_headline(plan)
        assert headline.sentence in " ".join(text.split())
        for figure in headline.figures:
            assert figure.range in text or size == SMALL
        assert (f"! {plan.cautions[0].text[:40]}" in text) == (size != SMALL)
        decisive = sum(caution.level == Level.DECISION for caution in plan.cautions)
        assert (f"Recipe   ! {decisive} cautions could change the decision: F6" in text) == (size == SMALL)
        assert "N*(C)" in text


@pytest.mark.parametrize("budget", [DEFAULT_BUDGET, "$50k on H100", "N=7B", "\N{YEN SIGN}10,000,000 on H100", "1,5e21"])
@pytest.mark.parametrize("size", [SMALL, BIG, (200, 50)])
async def test_the_reading_of_a_budget_is_shown_whole(
    start: Start, advisor: Advisor, budget: str, size: tuple[int, int]
) -> None:
    readings = budget_readings(advisor.answer(PlanRequest(budget)))
    async with start(PlanRequest(budget)).run_test(size=size) as pilot:
        await settle(pilot)
        assert any(reading in " ".join(shown(pilot).split()) for reading in readings)
        await pilot.resize_terminal(80, 40)
        await settle(pilot)
        assert any(reading in " ".join(shown(pilot).split()) for reading in readings)


async def test_it_opens_with_the_request_given(start: Start, advisor: Advisor) -> None:
    request = PlanRequest("1e21", law="hoffmann2022/approach-2", mfu=0.5, seq_len=4096)
    async with start(request).run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        assert screen.session.plan == advisor.answer(request).plan
        assert screen.row("budget").input.value == "1e21"
        assert screen.row("law").input.value == "hoffmann2022/approach-2"
        assert screen.row("mfu").input.value == "0.5"
        assert screen.row("device").input.value == ""


async def test_typing_a_budget_shows_what_the_api_says(start: Start, advisor: Advisor) -> None:
    async with start().run_test(size=BIG) as pilot:
        for budget in ("64xH100 14d", "1e21", "$50k on H100", "loss 2.6", "N=7B"):
            screen = await type_into(pilot, "budget", "")
            for character in budget:
                screen.row("budget").input.insert_text_at_cursor(character)
                await pilot.pause()
                request = PlanRequest(screen.row("budget").input.value)
                expected = answer(advisor, request)
                if isinstance(expected, str):
                    assert screen.session.problem is not None
                    assert screen.session.problem.sentence == expected
                else:
                    assert screen.session.problem is None
                    assert screen.query_one(RecommendationPanel).plan == expected
            await settle(pilot)
            assert screen.session.plan == advisor.answer(PlanRequest(budget)).plan
            assert screen.query_one(LawTable).comparison == advisor.compare(advisor.answer(PlanRequest(budget)))
            figure = screen.query_one(Chart).figure
            assert figure is not None
            (marker,) = figure.markers
            assert (marker.x, marker.y) == (screen.session.plan.flops, screen.session.plan.n_params.value)


async def test_every_option_edits_the_one_request(start: Start, advisor: Advisor) -> None:
    request = PlanRequest("1e21")
    edits: dict[str, tuple[str, Any]] = {
        "device": ("A100", "A100"),
        "gpus": ("16", 16.0),
        "mfu": ("50%", 0.5),
        "price": ("$2.50", 2.5),
        "seq_len": ("4096", 4096),
        "vocab": ("32000", 32000),
        "counting": ("total", "total"),
        "law": ("meta2024/llama3", "meta2024/llama3"),
    }
    async with start(request).run_test(size=BIG) as pilot:
        for name, (text, value) in edits.items():
            screen = await type_into(pilot, name, text)
            expected = replace(request, **{name: value})
            assert screen.session.request == expected
            assert screen.session.plan == advisor.answer(expected).plan
            assert screen.query_one(LawTable).comparison == advisor.compare(advisor.answer(expected))
            await type_into(pilot, name, "")
            assert screen.session.request == request
            assert screen.session.plan == advisor.answer(request).plan


async def test_unsaid_options_show_what_the_plan_took(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        hints = {name: screen.row(name).input.placeholder for name in ("device", "gpus", "mfu", "counting", "law")}
        assert hints == {
            "device": "H100 SXM",
            "gpus": "64",
            "mfu": "0.415",
            "counting": "standard",
            "law": "porian2024/refinedweb-tuned",
        }
        await type_into(pilot, "budget", "8 A100 for 1 day at 30% MFU")
        assert screen.row("gpus").input.placeholder == "8"
        assert screen.row("mfu").input.placeholder == "0.3"


async def test_a_bad_budget_shows_the_sentence_and_keeps_the_last_good_plan(start: Start, advisor: Advisor) -> None:
    async with start().run_test(size=(200, 60)) as pilot:
        screen = await settle(pilot)
        for text in ("", "64xH100", "64xH100 14", "-1", "nan", "1e400", "14 furlongs", "[red]x[/red]"):
            good = screen.session.plan
            await type_into(pilot, "budget", "")
            screen.row("budget").input.insert_text_at_cursor(text)
            await settle(pilot)
            with pytest.raises(BudgetscopeError) as refusal:
                advisor.answer(PlanRequest(text))
            assert str(refusal.value) in shown(pilot)
            # The sentence, the chart, the table and the cautions; the recipe names the budget.
            assert shown(pilot).count("LAST GOOD PLAN: ") == 4
            assert "LAST GOOD PLAN, for" in shown(pilot)
            headline = screen.query_one(HeadlinePanel)
            assert not [span for span in headline.render().spans if span.style == "$text-accent"]
            assert screen.query_one(RecommendationPanel).plan == screen.session.plan
            assert screen.session.plan is not None
            assert screen.session.answer is not None
            assert screen.session.plan == advisor.answer(screen.session.answer.request).plan
            if text == "":
                assert screen.session.plan == good
            await type_into(pilot, "budget", "1e21")
            assert "LAST GOOD PLAN" not in shown(pilot)
            assert [span for span in headline.render().spans if span.style == "$text-accent"]
            assert screen.session.problem is None


async def test_a_bad_option_is_named_beside_its_field(start: Start, advisor: Advisor) -> None:
    bad = {"device": "potato", "gpus": "many", "mfu": "40", "vocab": "1", "law": "no/such", "counting": "mine"}
    async with start(PlanRequest("1e21")).run_test(size=BIG) as pilot:
        for name, text in bad.items():
            screen = await type_into(pilot, name, text)
            assert screen.session.problem is not None
            assert screen.session.problem.name == name
            row = screen.row(name)
            assert screen.session.problem.sentence in str(row.query_one(".note", Static).render())
            assert row.query_one(".note").region.y == row.input.region.y + 1
            assert screen.session.plan == advisor.answer(PlanRequest("1e21")).plan
            assert "LAST GOOD PLAN" in shown(pilot)
            await type_into(pilot, name, "")
            assert screen.session.problem is None
            assert not row.query_one(".note").display


async def test_mending_one_of_two_faults_leaves_the_other(start: Start) -> None:
    async with start(PlanRequest("1e21")).run_test(size=BIG) as pilot:
        screen = await type_into(pilot, "gpus", "many")
        await type_into(pilot, "budget", "1e22")
        assert screen.session.problem is not None
        assert screen.session.problem.name == "gpus"
        await type_into(pilot, "gpus", "16")
        assert screen.session.problem is None
        assert screen.session.request == PlanRequest("1e22", gpus=16.0)


async def test_pasted_garbage_is_refused_in_one_sentence(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        good = screen.session.plan
        screen.row("budget").input.value = ""
        screen.row("budget").input.post_message(Paste("\x1b[31m[b]" + "x" * 5000 + "\nsecond line\n\x00"))
        await settle(pilot)
        assert screen.session.problem is not None
        assert screen.session.problem.sentence.count("\n") == 0
        assert screen.session.plan == good


async def test_a_first_budget_that_is_bad_leaves_an_empty_plan(start: Start) -> None:
    async with start(PlanRequest("nonsense")).run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        assert screen.session.plan is None
        assert "No plan yet" in shown(pilot)
        await pilot.press("f6", "ctrl+y")
        await type_into(pilot, "budget", "1e21")
        assert screen.session.plan is not None


# Keys


async def test_copy_gives_the_command_of_the_plan_on_the_screen(start: Start) -> None:
    request = PlanRequest("$50k on H100", law="meta2024/llama3")
    async with start(request).run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("escape", "y")
        await pilot.pause()
        assert pilot.app.clipboard == command(request)
        assert notices(pilot) == [command(request)]
        await type_into(pilot, "budget", "1e22")
        await pilot.press("ctrl+y")
        assert pilot.app.clipboard == command(replace(request, budget="1e22"))
        await type_into(pilot, "budget", "rubbish")
        await pilot.press("ctrl+y")
        assert pilot.app.clipboard == command(replace(request, budget="1e22"))


async def test_help_lists_every_key_of_the_table(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        await settle(pilot)
        for keys in (("f1",), ("escape", "?")):
            await pilot.press(*keys)
            assert isinstance(pilot.app.screen, HelpScreen)
            text = shown(pilot)
            for entry in KEYS:
                if entry.screen in ("plan", "everywhere"):
                    assert entry.description in text
            await pilot.press("escape")
            assert len(pilot.app.screen_stack) == 1


async def test_brightness_switches_and_back(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        await settle(pilot)
        assert pilot.app.theme == DARK
        for keys in (("f2",), ("escape", "t")):
            await pilot.press(*keys)
            assert pilot.app.theme == LIGHT
            await pilot.press(keys[-1])
            assert pilot.app.theme == DARK


async def test_the_view_goes_round_and_shows_both_only_where_both_fit(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)

        def displayed() -> tuple[bool, bool]:
            return screen.query_one(Chart).display, screen.query_one(LawTable).display

        assert displayed() == (True, True)
        await pilot.press("escape", "c")
        assert displayed() == (True, False)
        await pilot.press("c")
        assert displayed() == (False, True)
        await pilot.press("f5")
        assert displayed() == (True, True)
        await pilot.resize_terminal(*SMALL)
        await settle(pilot)
        assert displayed() == (True, False)
        await pilot.press("c")
        assert displayed() == (False, True)
        await pilot.press("c")
        assert displayed() == (True, False)


async def test_zoom_gives_the_chart_the_screen_and_takes_it_back(start: Start) -> None:
    async with start().run_test(size=SMALL) as pilot:
        screen = await settle(pilot)
        before = screen.query_one(Chart).size.height
        await pilot.press("escape")
        for key in ("f4", "z"):
            await pilot.press(key)
            await settle(pilot)
            assert screen.query_one(Chart).size.height > 1.5 * before
            assert not screen.query_one("#upper").display
            await pilot.press("escape")
            await settle(pilot)
            assert screen.query_one(Chart).size.height == before


async def test_details_show_every_row_caution_and_assumption(start: Start) -> None:
    async with start().run_test(size=(200, 120)) as pilot:
        screen = await settle(pilot)
        for keys in (("f6",), ("escape", "d")):
            await pilot.press(*keys)
            assert isinstance(pilot.app.screen, DetailsScreen)
            words = " ".join(str(static.render()) for static in pilot.app.screen.query(Static))
            assert screen.session.plan is not None
            assert screen.session.answer is not None
            layouts = screen.session.advisor.memory(screen.session.answer)
            for row in (*plan_rows(screen.session.plan), *layout_rows(layouts)):
                assert row.label in words
                assert row.text in words
                assert row.interval in words
                assert in_form(row.basis) in words
            cautions = (caution.text for caution in screen.session.plan.cautions)
            for sentence in (*screen.session.plan.assumptions, *cautions):
                assert in_form(sentence) in words
            assert command(PlanRequest(DEFAULT_BUDGET)) in words
            await pilot.press("d")
            assert len(pilot.app.screen_stack) == 1


async def test_no_field_has_the_cursor_at_the_start_and_a_number_opens_its_screen(start: Start) -> None:
    app = start()
    async with app.run_test(size=SMALL) as pilot:
        screen = await settle(pilot)
        assert screen.focused is None
        assert "b Budget" in shown(pilot).splitlines()[-1]
        await pilot.press("2")
        await settled(pilot)
        assert app.stage.SECTION == "compare"
        assert app.session.request == PlanRequest(DEFAULT_BUDGET)


async def test_escape_and_enter_leave_a_field_and_b_comes_back(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("b")
        assert screen.focused is screen.row("budget").input
        for key in ("escape", "enter"):
            await pilot.press(key)
            assert screen.focused is None
            await pilot.press("b")
            assert screen.focused is screen.row("budget").input
        await pilot.press("escape", "f3")
        assert screen.focused is screen.row("budget").input


async def test_letters_in_a_field_are_text(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("b", "end", *"qytcldz")
        assert screen.row("budget").input.value == DEFAULT_BUDGET + "qytcldz"
        assert pilot.app.is_running
        assert pilot.app.screen is screen


async def test_tab_goes_through_the_fields_and_back(start: Start) -> None:
    async with start().run_test(size=(200, 60)) as pilot:
        screen = await settle(pilot)
        await pilot.press("b")
        names = []
        for _ in range(19):
            focused = screen.focused
            assert isinstance(focused, Input)
            names.append(next(row.id for row in screen.query(FieldRow) if row.input is focused))
            await pilot.press("tab")
        assert names == [
            f"field-{name}"
            for name in (
                "budget", "device", "gpus", "mfu", "price", "seq_len", "vocab", "counting", "measured", "law",
                "deadline", "params", "tokens", "max_params", "unique_tokens", "served_tokens", "watts", "pue", "grid",
            )
        ]  # fmt: skip
        assert screen.query_one(LawTable).has_focus
        await pilot.press("shift+tab")
        assert screen.row("grid").input.has_focus


async def test_a_key_opens_the_options_and_closes_them(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        assert not screen.row("device").input.region
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert screen.row("device").input.has_focus
        await pilot.press("escape", "o")
        await pilot.pause()
        assert not screen.row("device").input.region


async def test_a_mistake_in_an_option_opens_the_options(start: Start) -> None:
    async with start().run_test(size=SMALL) as pilot:
        screen = await settle(pilot)
        assert not screen.options
        screen.session.edit("price", "minus one")
        await settle(pilot)
        assert screen.options
        assert "'minus one'" in shown(pilot)


@pytest.mark.parametrize("keys", [["escape", "q"], ["ctrl+q"]])
async def test_quit(start: Start, keys: list[str]) -> None:
    async with start().run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await pilot.pause()
        assert not pilot.app.is_running


async def test_the_palette_offers_the_actions(start: Start) -> None:
    app = start()
    async with app.run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        offered = {item.title: item.help for item in app.get_system_commands(screen)}
        for key in KEYS:
            if key.in_palette and key.screen in ("plan", "everywhere"):
                assert offered[key.label] == key.description


# The charts that take turns


async def test_the_next_chart_goes_round(start: Start) -> None:
    async with start(PlanRequest("1e21")).run_test(size=(200, 60)) as pilot:
        await settle(pilot)
        titles = []
        for number, keys in enumerate((("ctrl+n",), ("escape", "v"), ("v",), ("ctrl+n",)), 1):
            assert f"({number} of {len(PLAN_CHARTS)})" in shown(pilot)
            titles.append(str(plan_screen(pilot).query_one("#chart").border_title))
            await pilot.press(*keys)
            await settle(pilot)
        assert [title.split(",")[0] for title in titles] == [chart.title for chart in PLAN_CHARTS]
        assert "(1 of 4)" in shown(pilot)


@pytest.mark.parametrize("quantity", ["loss", "learning_rate", "batch_size"])
async def test_each_chart_marks_the_plan_on_the_curve_that_it_follows(advisor: Advisor, quantity: str) -> None:
    state = AppState(screen="plan", views={"plan": {"quantity": quantity}})
    app = BudgetscopeApp(PlanRequest("1e21"), advisor, state)
    async with app.run_test(size=BIG) as pilot:
        for law in ("porian2024/refinedweb-tuned", "besiroglu2024/refit", "budgetscope2026/english"):
            screen = await type_into(pilot, "law", law)
            plan, figure = screen.session.plan, screen.query_one(Chart).figure
            assert plan is not None
            assert plan.law_id == law
            assert plan.loss is not None
            assert figure is not None
            (marker,) = figure.markers
            early = quantity == "loss" and plan.is_before_decay
            assert ("pre-decay" in marker.text, "pre-decay" in figure.lines[0].label) == (early, early)
            assert not any("pre-decay" in line.label for line in figure.lines[1:])
            expected = {
                "loss": (plan.flops, plan.loss.value),
                "learning_rate": (plan.n_params.value, plan.recipe.learning_rate.value),
                "batch_size": (plan.n_params.value, plan.recipe.batch_tokens.value),
            }[quantity]
            assert (marker.x, marker.y) == expected
            on_curve = figure.lines[0].at(marker.x, figure.x.scale, figure.y.scale)
            # A curve is drawn straight between its points, and a batch is rounded to whole sequences.
            assert on_curve == pytest.approx(expected[1], rel=0.02)
            assert len(figure.lines) > 1
            keeps_points = advisor.library.get(law).points is not None
            assert bool(figure.points) == (quantity == "loss" and keeps_points)


async def test_the_chart_says_what_the_law_does_not(advisor: Advisor) -> None:
    state = AppState(screen="plan", views={"plan": {"quantity": "loss"}})
    app = BudgetscopeApp(PlanRequest("1e21", law="meta2024/llama3"), advisor, state)
    async with app.run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        assert screen.query_one(Chart).figure is None
        assert "meta2024/llama3 has no law of the loss" in shown(pilot)


async def test_the_next_chart_is_drawn_of_the_last_good_plan_and_brings_the_chart_back(start: Start) -> None:
    async with start(PlanRequest("1e21")).run_test(size=SMALL) as pilot:
        screen = await settle(pilot)
        await pilot.press("escape", "c")
        assert not screen.query_one(Chart).display
        await type_into(pilot, "budget", "rubbish")
        await pilot.press("ctrl+n")
        await settle(pilot)
        assert screen.query_one(Chart).display
        figure = screen.query_one(Chart).figure
        assert figure is not None
        assert "loss" in figure.y.title


async def test_the_chart_shown_is_remembered(advisor: Advisor) -> None:
    app = BudgetscopeApp(PlanRequest("1e21"), advisor, AppState(views={"plan": {"quantity": "rubbish"}}))
    async with app.run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        assert screen.quantity == PLAN_CHARTS[0].quantity
        await pilot.press("escape", "v")
        await settle(pilot)
        assert app.state().views["plan"]["quantity"] == "loss"


# Laws


async def test_the_picker_changes_the_law(start: Start, advisor: Advisor) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("escape", "l")
        assert isinstance(pilot.app.screen, LawsScreen)
        await pilot.press(*"llama")
        assert "meta2024/llama3" in shown(pilot)
        assert "kaplan2020/fixed-batch" not in shown(pilot)
        await pilot.press("enter", "enter")
        await settle(pilot)
        request = PlanRequest(DEFAULT_BUDGET, law="meta2024/llama3")
        assert screen.session.request == request
        assert screen.session.plan == advisor.answer(request).plan
        assert screen.row("law").input.value == "meta2024/llama3"
        assert screen.query_one(LawTable).comparison == advisor.compare(advisor.answer(request))


async def test_the_picker_moves_by_arrows_and_closes_without_a_change(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("ctrl+l", *"hoff", "down", "enter", "enter")
        await settle(pilot)
        assert screen.session.request.law == "hoffmann2022/approach-2"
        await pilot.press("ctrl+l", "up", "up", "escape")
        await settle(pilot)
        assert screen.session.request.law == "hoffmann2022/approach-2"
        await pilot.press("ctrl+l", *"xyz", "enter")
        assert isinstance(pilot.app.screen, LawsScreen)


async def test_the_comparison_moves_and_follows_the_law_at_the_cursor(start: Start, advisor: Advisor) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        table = screen.query_one(LawTable)
        table.focus()
        await pilot.press("home")
        rows = comparison_rows(advisor.compare(advisor.answer(PlanRequest(DEFAULT_BUDGET))))
        assert table.cursor == rows[0].row.fit_id
        await pilot.press("down", "up", "down", "enter", "enter")
        await settle(pilot)
        assert screen.session.request.law == rows[1].row.fit_id
        assert table.cursor == rows[1].row.fit_id
        await pilot.press("end")
        assert table.cursor == rows[-1].row.fit_id
        assert table.scroll_offset.y > 0


async def test_the_table_shows_every_law_with_the_words_of_the_report(start: Start, advisor: Advisor) -> None:
    async with start().run_test(size=(200, 80)) as pilot:
        await settle(pilot)
        await pilot.press("escape", "c", "c", "z")
        await settle(pilot)
        lines = shown(pilot).splitlines()
        for row in comparison_rows(advisor.compare(advisor.answer(PlanRequest(DEFAULT_BUDGET)))):
            if row.row.n_params is None:
                # It has nothing to say of N and D, and no row.
                assert not any(fitted(row.title, 50) in line for line in lines)
                continue
            line = next(line for line in lines if fitted(row.title, 50) in line and row.n_params in line)
            for cell in (
                row.tokens,
                row.tokens_per_param,
                row.learning_rate,
                row.batch,
                row.loss_difference,
                row.wasted,
            ):
                assert f" {cell}" in line
            assert line.startswith(">") == row.chosen


async def test_a_mistake_is_told_in_words_where_the_lower_half_has_the_screen(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        await settle(pilot)
        await pilot.press("escape", "z")
        assert "LAST GOOD PLAN" not in shown(pilot)
        await type_into(pilot, "budget", "1e21 furlongs")
        assert shown(pilot).count("LAST GOOD PLAN: ") == 2
        await type_into(pilot, "budget", "1e21")
        assert "LAST GOOD PLAN" not in shown(pilot)


# Hostile and broken files


def _copy_of(fit_id: str, folder: Path, **changes: object) -> None:
    record = json.loads((bundled_fits() / f"{fit_id}.json").read_text())
    record.update(changes)
    target = folder / f"{record['id']}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(record))


async def test_markup_in_a_title_is_shown_as_it_is(start: Start, tmp_path: Path) -> None:
    _copy_of("meta2024/llama3", tmp_path, id="evil/title", title="[red]x[/red] [@click=app.quit]")
    library = Library((Layer("user", tmp_path), Layer("bundled", bundled_fits())))
    own = Advisor(library, Settings(), ())
    async with start(PlanRequest("1e21", law="evil/title"), own).run_test(size=(200, 60)) as pilot:
        await settle(pilot)
        await pilot.press("escape", "c")
        await settle(pilot)
        text = shown(pilot)
        assert "evil/title   [red]x[/red] [@click=app.quit]" in text
        sign = plan_screen(pilot).session.letters["evil/title"]
        assert f"{sign} [red]x[/red]" in text
        await pilot.press("c")
        assert f"> {sign} [red]x[/red]" in shown(pilot)
        await pilot.press("d")
        assert "[red]x[/red]" in shown(pilot)
        await pilot.press("escape", "l", *"evil")
        assert "> [red]x[/red]" in shown(pilot)


async def test_a_broken_fit_is_reported_and_the_others_still_load(start: Start, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "broken.json").write_text("{")
    library = Library((Layer("user", tmp_path), Layer("bundled", bundled_fits())))
    async with start(PlanRequest("1e21"), Advisor(library, Settings(), ())).run_test(size=(200, 60)) as pilot:
        screen = await settle(pilot)
        await pilot.pause()
        assert screen.session.plan is not None
        assert screen.query_one(LawTable).comparison is not None
        assert "broken.json" in notices(pilot)[0]


async def test_a_broken_settings_file_is_told_and_the_app_stays(start: Start, tmp_path: Path) -> None:
    own = Advisor(Library((Layer("user", tmp_path), Layer("bundled", bundled_fits()))), Settings(law="no/such"), ())
    async with start(None, own).run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        assert screen.session.problem is not None
        assert "no/such" in screen.session.problem.sentence
        await type_into(pilot, "law", "meta2024/llama3")
        assert screen.session.plan is not None


# Sizes


async def test_every_size_is_drawn(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        for size in ((40, 10), (80, 24), (1, 1), (300, 90), (80, 60), (200, 20), (120, 40)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            await pilot.press("f4")
            await settle(pilot)
            await pilot.press("f4")
        assert screen.session.plan is not None
        assert "Recipe" in shown(pilot)


async def test_changing_laws_while_one_is_studied_ends_at_the_last(start: Start, advisor: Advisor) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = plan_screen(pilot)
        for law in ("hoffmann2022/approach-1", "kaplan2020/fixed-batch", "porian2024/openwebtext2-tuned"):
            screen.session.follow(law)
            await pilot.pause()
        await settle(pilot)
        comparison = screen.query_one(LawTable).comparison
        assert comparison == advisor.compare(
            advisor.answer(PlanRequest(DEFAULT_BUDGET, law="porian2024/openwebtext2-tuned"))
        )
        figure = screen.query_one(Chart).figure
        assert figure is not None
        assert figure.lines[0].label.startswith("Porian 2024, OpenWebText2")


async def test_going_back_to_a_law_while_another_is_studied_shows_the_first_again(
    start: Start, advisor: Advisor
) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        screen.session.follow("hoffmann2022/approach-3")
        await pilot.pause()
        screen.session.follow("porian2024/refinedweb-tuned")
        await settle(pilot)
        comparison = screen.query_one(LawTable).comparison
        assert comparison == advisor.compare(
            advisor.answer(PlanRequest(DEFAULT_BUDGET, law="porian2024/refinedweb-tuned"))
        )


async def test_arrows_read_values_off_the_chart(start: Start) -> None:
    async with start().run_test(size=BIG) as pilot:
        screen = await settle(pilot)
        await pilot.press("escape", "right")
        chart = screen.query_one(Chart)
        first = chart.reading()
        assert first is not None
        await pilot.press("right")
        second = chart.reading()
        assert second is not None
        assert second.x > first.x
        await pilot.press("shift+left", "left")
        third = chart.reading()
        assert third is not None
        assert third.x < first.x
        await pilot.press("shift+right")
        await pilot.pause()
        assert first.text in shown(pilot)


async def test_the_rate_of_an_own_machine_has_its_time_on_every_screen_and_no_other_machine(start: Start) -> None:
    async with start(PlanRequest("2 TFLOP/s for 3 days")).run_test(size=BIG) as pilot:
        await settle(pilot)
        assert "3 days on your own machine, 2 TFLOP/s sustained" in " ".join(shown(pilot).split())
        assert "H100" not in shown(pilot)
        await pilot.press("escape")
        for key in ("2", "3", "4", "5", "1"):
            await pilot.press(key)
            screen = await settled(pilot)
            assert screen.session.problem is None
        assert "$" not in shown(pilot)
