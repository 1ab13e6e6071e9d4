"""Scenarios side by side: what differs is told as it is, and what cannot be compared is not."""

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.counting.ledger import Convention
from budgetscope.report.rows import plan_rows
from budgetscope.report.scenarios import ABOUT, OTHER, OTHER_COUNT, OTHER_LAW, SAME, Board, Cell, Column, board
from budgetscope.report.tables import board_markdown


@pytest.fixture(scope="module")
def advisor() -> Advisor:
    return Advisor()


def line(made: Board, key: str) -> tuple[Cell, ...]:
    return next(line.cells for line in made.rows if line.key == key)


def test_every_quantity_is_the_plans_and_the_reference_differs_in_nothing(advisor: Advisor) -> None:
    plans = [advisor.answer(PlanRequest(budget)).plan for budget in ("1e21", "64 H100 for 14 days")]
    for reference in (0, 1):
        made = board([Column("a", plans[0]), Column("b", plans[1])], reference)
        for each in made.rows:
            assert each.cells[reference].difference == SAME
            if each.key != "counting":
                for cell, plan in zip(each.cells, plans, strict=True):
                    # The loss is that at the end of the run, as in the points of the report.
                    key = "loss_after_decay" if each.key == "loss" else each.key
                    assert cell.text == next(row.text for row in plan_rows(plan) if row.key == key)
        assert line(made, "loss") == next(row for row in made.rows if row.label == "final loss").cells


def test_differences_by_hand(advisor: Advisor) -> None:
    small, large = (advisor.answer(PlanRequest("64 H100 for 14 days", price=price)).plan for price in (2.0, 3.0))
    assert small.run.cost_usd is not None
    made = board([Column("cheap", small), Column("dear", large)], 0)
    assert line(made, "cost_usd")[1] == Cell("$64.5 K", "▲ ×1.5", number=True)
    assert line(made, "n_params")[1].difference == SAME
    turned = board([Column("cheap", small), Column("dear", large)], 1)
    assert line(turned, "cost_usd")[0].difference == "▼ ×0.667"
    other = advisor.answer(PlanRequest("64 A100 for 14 days")).plan
    made = board([Column("cheap", small), Column("other", other)], 0)
    assert line(made, "device")[1] == Cell("A100 80GB", OTHER)
    assert line(made, "budget")[1].difference == OTHER
    assert line(made, "hours")[1].difference == SAME
    assert small.loss_after_decay is not None
    assert other.loss_after_decay is not None
    change = other.loss_after_decay.value - small.loss_after_decay.value
    assert line(made, "loss")[1].difference == f"▲ {change:+.3f}"


def test_a_difference_too_small_for_its_digits_is_about_the_same(advisor: Advisor) -> None:
    plans = [advisor.answer(PlanRequest(budget)).plan for budget in ("1e21", "1.0001e21")]
    made = board([Column("a", plans[0]), Column("b", plans[1])], 0)
    assert line(made, "n_params")[1].difference == ABOUT
    assert line(made, "loss")[1].difference == ABOUT
    assert line(made, "law")[1].difference == SAME


def test_what_counts_otherwise_and_the_loss_of_another_law_are_not_compared(advisor: Advisor) -> None:
    base = advisor.answer(PlanRequest("1e21")).plan
    counted = advisor.answer(PlanRequest("1e21", counting="kaplan")).plan
    made = board([Column("a", base), Column("b", counted)], 0)
    assert [line(made, key)[1].difference for key in ("flops", "n_params", "tokens_per_param")] == [OTHER_COUNT] * 3
    assert line(made, "counting")[1] == Cell(Convention.KAPLAN, OTHER)
    assert line(made, "tokens")[1].difference.startswith(("▲", "▼"))
    followed = advisor.answer(PlanRequest("1e21", law="besiroglu2024/refit", counting="standard")).plan
    made = board([Column("a", base), Column("b", followed)], 0)
    assert line(made, "loss")[1].difference == OTHER_LAW
    assert line(made, "n_params")[1].difference.startswith("▼")
    silent = advisor.answer(PlanRequest("1e21", law="meta2024/llama3")).plan
    made = board([Column("a", base), Column("b", silent)], 0)
    assert line(made, "loss")[1] == Cell("-", SAME, number=True)


@pytest.mark.parametrize("reference", [0, 1])
def test_a_scenario_without_a_plan_keeps_its_column_and_its_sentence(advisor: Advisor, reference: int) -> None:
    made = board(
        [Column("gone", None, "the law is gone."), Column("b", advisor.answer(PlanRequest("1e21")).plan)], reference
    )
    for each in made.rows:
        assert each.cells[0] == Cell("")
        assert each.cells[1].text
        assert each.cells[1].difference == SAME
    assert made.columns[0].problem == "the law is gone."
    assert {each.label for each in made.rows} >= {"optimal N", "optimal D", "cost", "law", "counting"}
    alone = board([Column("gone", None, "the law is gone.")], 0)
    assert all(each.cells == (Cell(""),) for each in alone.rows)


def test_markdown_holds_every_cell_and_escapes_names(advisor: Advisor) -> None:
    plans = [advisor.answer(PlanRequest(budget)).plan for budget in ("1e21", "1e22")]
    hostile = "Mine | *b* `c`"
    made = board([Column("now", plans[0]), Column(hostile, plans[1]), Column("gone", None, "no <law>.")], 0)
    text = board_markdown(made)
    lines = text.splitlines()
    header = next(each for each in lines if each.startswith("| "))
    assert header == r"|  | now | Mine \| \*b\* \`c\` | gone |"
    (row,) = [each for each in lines if each.startswith("| optimal N |")]
    cells = line(made, "n_params")
    assert row == f"| optimal N | {cells[0].text} | {cells[1].text} {cells[1].difference} |  |"
    assert r"- gone: no \<law\>." in lines
    assert "compare with “now”:" in text
    assert text.endswith("\n")
