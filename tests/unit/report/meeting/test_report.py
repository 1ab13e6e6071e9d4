"""The report of a plan: what its sections say, for plans of every kind."""

import re
from dataclasses import replace
from functools import cache
from typing import TypeVar

import pytest
from tests.asking import ADVISOR
from tests.pages import Page

from budgetscope import __version__
from budgetscope.api import PlanRequest
from budgetscope.core.answers.cautions import Level
from budgetscope.core.budget.quantities import format_count, format_usd
from budgetscope.report.decision import decision, doubt, reasons
from budgetscope.report.meeting.document import (
    Alert,
    Bullets,
    Commands,
    Document,
    Form,
    Heading,
    Paragraph,
    Points,
    Quotes,
    Table,
)
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.html import html
from budgetscope.report.meeting.markdown import markdown
from budgetscope.report.meeting.report import report
from budgetscope.report.meeting.wording import sentence, waste
from budgetscope.report.rows import plan_rows

KEYS = (
    "decision", "return", "alternatives", "changes", "figures", "risks", "checklist", "assumptions", "provenance",
    "say", "minutes", "reproduce",
)  # fmt: skip
REQUESTS = {
    "hardware": PlanRequest("64xH100 14d"),
    "flops": PlanRequest("1e21"),
    "sure": PlanRequest("1 RTX 4090 for 3 days"),
    "no loss": PlanRequest("1e21", law="kaplan2020/fixed-batch"),
    "no price": PlanRequest("1e21", device="MI355X"),
    "no shape": PlanRequest("1e12"),
    "fixed": PlanRequest("64xH100 14d", params=7e9),
    "bounded": PlanRequest("64xH100 14d", max_params=7e9),
    "loosely bounded": PlanRequest("64xH100 14d", max_params=100e9),
    "served": PlanRequest("64xH100 14d", served_tokens=1e13),
    "too large": PlanRequest("N=400B D=1T", device="RTX 4090", gpus=8.0),
    "open count": PlanRequest("$50k on H100 at $2.50/h"),
    "kaplan count": PlanRequest("1e20", counting="kaplan"),
}

T = TypeVar("T")


@cache
def facts(name: str) -> Facts:
    return ADVISOR.facts(ADVISOR.answer(REQUESTS[name]))


@cache
def made(name: str) -> Document:
    return report(facts(name), (), "No figures.", "budgetscope export X -o report.html")


def section(document: Document, key: str) -> tuple[object, ...]:
    return next(each.blocks for each in document.sections if each.key == key)


def only(blocks: tuple[object, ...], kind: type[T]) -> list[T]:
    return [block for block in blocks if isinstance(block, kind)]


@pytest.mark.parametrize("name", REQUESTS)
def test_every_plan_has_every_section_in_order(name: str) -> None:
    document = made(name)
    assert tuple(each.key for each in document.sections) == KEYS
    page = Page(html(document, {}))
    assert page.faults == []
    assert not re.search(r"\{\w+\}|\bNone\b|\bnan\b", page.text)
    text = markdown(document, {})
    assert not re.search(r"\{\w+\}|\bNone\b|\bnan\b", text)
    for block in (block for each in document.sections for block in each.blocks):
        if isinstance(block, Table):
            assert {len(row) for row in block.rows} == {len(block.header)}
            assert not block.widths or sum(block.widths) == 100


@pytest.mark.parametrize("name", ["hardware", "no loss", "fixed", "served"])
def test_the_three_points_have_the_numbers_of_the_plan(name: str) -> None:
    plan = facts(name).plan
    (points,) = only(section(made(name), "decision"), Points)
    (_, train), (_, cost), (_, unsure) = points.points
    assert f"{format_count(plan.run.n_params)} parameters on {format_count(plan.run.tokens)} tokens" in train
    assert plan.run.cost_usd is not None
    assert format_usd(plan.run.cost_usd.value) in cost
    reached = plan.loss_after_decay or plan.loss
    assert ("The loss ends near" in train) == (reached is not None)
    assert unsure
    told = {*only(section(made(name), "decision"), Bullets)[0].items, train, cost, unsure}
    # The three points and the ledger say what to train and at what cost.
    assert set(reasons(plan)) <= told
    assert not {text for text in decision(plan) if text not in reasons(plan)} & told


def test_what_is_least_certain_follows_the_plan() -> None:
    def unsure(name: str) -> str:
        return only(section(made(name), "decision"), Points)[0].points[2][1]

    for name in ("hardware", "no loss"):
        assert unsure(name) == doubt(facts(name).plan)
    # A size that the request fixes or bounds is no longer in doubt.
    for name in ("fixed", "bounded"):
        assert unsure(name).startswith("The learning rate: published laws differ by a factor of ")
        assert "The loss may end anywhere from " in unsure(name)
        assert "size" not in unsure(name)
        rows = only(section(made(name), "changes"), Table)[0].rows
        assert not [row for row in rows if "size" in str(row[2])]
    # Nor is one that is known well.
    assert unsure("sure").startswith("The learning rate: published laws differ by a factor of 2.2.")
    # A bound that changes nothing decides nothing.
    assert "Least certain is the budget's best size" in unsure("loosely bounded")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fixed", "You set the size; the best size for this compute is 19.1 B."),
        ("bounded", "The size is the largest that you allow; the best size for this compute is 19.1 B."),
        ("served", "and trains longer, since that is cheaper to serve: the training takes 116% more than the budget."),
    ],
)
def test_the_first_point_says_what_decided_the_size(name: str, told: str) -> None:
    assert told in only(section(made(name), "decision"), Points)[0].points[0][1]


@pytest.mark.parametrize(
    ("request_", "over"),
    [
        (PlanRequest("64xH100 14d"), "over published prices."),
        (PlanRequest("1e21"), "over published rates and prices."),
        (PlanRequest("1e21", price=2.0), "over published rates."),
    ],
)
def test_the_range_of_the_cost_names_what_moves_it(request_: PlanRequest, over: str) -> None:
    document = report(ADVISOR.facts(ADVISOR.answer(request_)), (), "", "x")
    assert over in only(section(document, "decision"), Points)[0].points[1][1]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("hardware", "Approve $92.5 K and 14 days on 64 x H100 SXM, with a limit of $148 K, or name another budget"),
        ("too large", "Choose other devices or a smaller model; as it stands, this plan is not to be approved."),
        ("no price", "once their price is known."),
        ("open count", "device-hours of H100 SXM, and say on how many."),
    ],
)
def test_the_first_page_says_what_is_wanted(name: str, asked: str) -> None:
    blocks = section(made(name), "decision")
    assert asked in blocks[blocks.index(Heading("The decision wanted")) + 1].text  # type: ignore[attr-defined]


def test_a_law_without_loss_promises_none() -> None:
    found = ADVISOR.facts(ADVISOR.answer(PlanRequest("1e21", law="meta2024/llama3")))
    told = only(section(report(found, (), "", "x"), "return"), Paragraph)[-1].text
    assert told.endswith("this law does not say the loss.")
    assert "with the loss at its end" in only(section(made("hardware"), "return"), Paragraph)[-1].text


@pytest.mark.parametrize("name", ["fixed", "served", "bounded"])
def test_the_column_of_added_loss_holds_losses(name: str) -> None:
    blocks = section(made(name), "alternatives")
    table = blocks[blocks.index(Heading("What your constraints cost")) + 1]
    assert isinstance(table, Table)
    assert [abs(float(str(row[1]))) < 1 for row in table.rows] == [True]
    after = blocks[blocks.index(table) + 1]
    assert isinstance(after, Paragraph)
    assert after.text.startswith("The optimal run of the same loss has ")


def test_no_step_is_asked_for_that_is_done() -> None:
    """With a stated MFU the rate of the code is known; a budget of money is its own limit."""
    form = dict(only(section(made("open count"), "minutes"), Form)[0].rows)
    assert form["Limit"] == "at most $50 K without asking again"
    document = report(ADVISOR.facts(ADVISOR.answer(PlanRequest("64xH100 14d", mfu=0.4))), (), "", "x")
    assert "rate of our code" not in dict(only(section(document, "minutes"), Form)[0].rows)["Before the run"]
    assert "rate of our code" in form["Before the run"]


def test_a_plan_that_does_not_fit_says_so_first() -> None:
    blocks = section(made("too large"), "decision")
    assert isinstance(blocks[0], Alert)
    assert "does not run" in blocks[0].text
    assert only(section(made("too large"), "say"), Quotes)[0].items[0].startswith("The model does not fit")
    assert not only(section(made("hardware"), "decision"), Alert)
    # Nor do the minutes offer to approve it.
    form = dict(only(section(made("too large"), "minutes"), Form)[0].rows)
    assert form["Decision"] == "☐ other devices   ☐ a smaller model   ☐ not now"
    assert form["Limit"] == ""


@pytest.mark.parametrize("name", REQUESTS)
def test_every_caution_stands_at_its_level(name: str) -> None:
    blocks, levels = section(made(name), "risks"), iter(Level)
    found: dict[Level, tuple[str, ...]] = {}
    level = Level.DECISION
    for block in blocks:
        if isinstance(block, Heading):
            level = next(levels)
            found[level] = ()
        elif isinstance(block, Bullets):
            found[level] = block.items
    for each in Level:
        assert found[each] == tuple(sentence(c.text) for c in facts(name).plan.cautions if c.level == each)


def test_the_ledger_has_every_row_and_every_assumption() -> None:
    plan, blocks = facts("hardware").plan, section(made("hardware"), "assumptions")
    shown = {row for table in only(blocks, Table) for row in table.rows}
    for row in plan_rows(plan):
        assert (row.label, row.text, row.interval, row.basis) in shown
    told = {item for bullets in only(blocks, Bullets) for item in bullets.items}
    assert {sentence(text) for text in plan.assumptions} <= told


def test_provenance_names_every_fit_with_its_source_the_price_and_the_version() -> None:
    found, blocks = facts("hardware"), section(made("hardware"), "provenance")
    (table,) = only(blocks, Table)
    assert {row[1] for row in table.rows} == {found.plan.law_id, *found.plan.recipe.sources.values()}
    text = Page(html(made("hardware"), {}))
    for row in table.rows:
        fit = found.fit(str(row[1]))
        assert fit is not None
        assert fit.url in text.links
    assert __version__ in only(blocks, Bullets)[0].items[-1]
    assert "2026-11" in only(blocks, Bullets)[0].items[1]


def test_sizes_are_priced_and_the_optimum_is_free() -> None:
    table = only(section(made("hardware"), "alternatives"), Table)[0]
    rows = {str(row[0]).removesuffix(" *"): row for row in table.rows}
    assert rows["the optimum"][4:] == ("0", "0.0% = $0", "x 1.00")
    assert rows["half the size"][6] == "x 0.50"
    band = facts("hardware").plan.optimum.flat_band
    assert band is not None
    assert [rows[f"{end} of the flat band"][1] for end in ("smallest", "largest")] == [*map(format_count, band)]
    fixed = only(section(made("fixed"), "alternatives"), Table)[0]
    assert "this plan's size, by your constraints" in {str(row[0]).removesuffix(" *") for row in fixed.rows}


def test_other_budgets_lose_and_gain() -> None:
    (table,) = only(section(made("hardware"), "return"), Table)
    assert [row[0] for row in table.rows] == ["x 0.25", "x 0.5", "x 1", "x 2", "x 4"]
    losses = [float(str(row[5])) for row in table.rows]
    assert losses == sorted(losses, reverse=True)
    assert str(table.rows[2][1]) == format_usd(facts("hardware").budgets[2].usd or 0.0)


def test_the_own_machine_is_among_the_machines() -> None:
    table = only(section(made("hardware"), "alternatives"), Table)[-1]
    (marked,) = table.marked
    assert table.rows[marked][0] == "this plan"
    assert {"cheapest", "fastest"} <= {str(row[0]) for row in table.rows}
    assert len(table.rows) <= 10


@pytest.mark.parametrize(("name", "answer"), [("hardware", "Yes: N and C are by the standard count."),
                                              ("kaplan count", "No: N is by the kaplan count.")])  # fmt: skip
def test_the_checklist_answers_for_this_plan(name: str, answer: str) -> None:
    (table,) = only(section(made(name), "checklist"), Table)
    rows = {str(row[1]): str(row[2]) for row in table.rows}
    assert rows["Are the FLOPs of the last layer counted?"] == answer
    assert rows["Is the warmup short against the run, for small models too?"].startswith("Yes")


@pytest.mark.parametrize(
    ("tokens_a_parameter", "share", "answer"),
    [(1.0, 0.07, "Yes"), (0.3, 0.04, "Yes"), (3.4, 0.17, "No"), (1.0, 0.2, "No"), (2.0, 0.1, "Hardly")],
)
def test_a_long_warmup_is_no_fair_comparison(tokens_a_parameter: float, share: float, answer: str) -> None:
    """Cerebras-GPT 111M warmed up over 17% of its tokens, 3.4 times its parameters."""
    found = facts("flops")
    warmup = tokens_a_parameter * found.plan.run.n_params
    run = replace(found.plan.run, tokens=warmup / share)
    plan = replace(found.plan, run=run, recipe=replace(found.plan.recipe, warmup_tokens=warmup))
    document = report(replace(found, answer=replace(found.answer, plan=plan)), (), "", "x")
    (table,) = only(section(document, "checklist"), Table)
    assert str(table.rows[1][2]).startswith(f"{answer}: ")


def test_dollars_of_waste_are_of_the_budget_and_not_of_the_longer_run() -> None:
    """With much serving the run takes twice the budget; what a size wastes of the budget is not a share of the run."""
    found, free = facts("served"), facts("hardware")
    assert found.plan.run.cost_usd is not None
    assert free.plan.run.cost_usd is not None
    assert found.plan.run.cost_usd.value > 2 * free.plan.run.cost_usd.value
    for name in ("served", "hardware"):
        table = only(section(made(name), "alternatives"), Table)[0]
        rows = {str(row[0]).removesuffix(" *"): row for row in table.rows}
        assert rows["half the size"][5] == "18.5% = $17.1 K"


def test_each_range_moves_alone() -> None:
    """With N and D fixed, MFU and price move the cost, each with the other at its middle."""
    found = ADVISOR.facts(ADVISOR.answer(PlanRequest("N=7B D=140B", device="H100", gpus=64.0)))
    (table,) = only(section(report(found, (), "", "x"), "changes"), Table)
    rows = {str(row[0]): str(row[2]) for row in table.rows}
    run, moves, price = found.plan.run, found.plan.spread, found.plan.machine.price
    assert moves.price is not None
    assert moves.device_hours is not None
    assert price is not None
    low, high = (format_usd(end * run.device_hours) for end in moves.price)
    assert rows["the price of a device-hour"] == f"the cost: {low} to {high}"
    low, high = (format_usd(end * price.value) for end in moves.device_hours)
    assert rows["the MFU that the code reaches"].endswith(f"the cost: {low} to {high}")


def test_the_sentences_and_the_minutes_have_this_plans_numbers() -> None:
    plan = facts("hardware").plan
    quotes = only(section(made("hardware"), "say"), Quotes)[0].items
    n_params, tokens = format_count(plan.run.n_params), format_count(plan.run.tokens)
    assert f"{n_params} parameters trained on {tokens} tokens" in quotes[0]
    form = dict(only(section(made("hardware"), "minutes"), Form)[0].rows)
    assert plan.spread.cost_usd is not None
    assert form["Limit"] == f"at most {format_usd(plan.spread.cost_usd[1])} without asking again"
    assert form["Responsible"] == ""


@pytest.mark.parametrize(("name", "runs"), [("hardware", "smaller runs:"), ("sure", "runs with noise:")])
def test_the_law_is_said_to_be_of_smaller_runs_where_it_is(name: str, runs: str) -> None:
    quotes = only(section(made(name), "say"), Quotes)[0].items
    assert [each for each in quotes if each.startswith(f"The law was measured on {runs}")]


def test_no_amount_is_smaller_than_a_cent() -> None:
    assert waste(1e-15, 1e3) == "0.0% = $0"
    assert waste(0.5, 1e3) == "50.0% = $500"
    assert not [row for row in only(section(made("flops"), "alternatives"), Table)[1].rows if "e-" in str(row[5])]


def test_the_commands_are_those_of_the_plan_and_its_report() -> None:
    first, second = only(section(made("hardware"), "reproduce"), Commands)
    assert first.lines == ("budgetscope export X -o report.html",)
    assert second.lines[0] == facts("hardware").command
    assert "--recipe" in second.lines[1]
    # A model that no device holds has no recipe to write.
    assert len(only(section(made("too large"), "reproduce"), Commands)[1].lines) == 1


def test_a_report_without_the_explanation_still_stands() -> None:
    document = report(replace(facts("flops"), explanation=None), (), "", "x")
    assert tuple(each.key for each in document.sections) == tuple(key for key in KEYS if key != "figures")
