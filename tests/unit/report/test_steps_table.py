"""The table of the steps of the explanation, and the waste as the comparison and the what-if word it."""

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.report.explanation import STEP_HEADER, step_lines, steps_table
from budgetscope.report.law_rows import waste_text


@pytest.mark.parametrize(("budget", "has_savings"), [("1e18", True), ("1e21", False)])
def test_a_column_without_any_value_is_left_out(budget: str, has_savings: bool) -> None:
    explanation = ADVISOR.explain(ADVISOR.answer(PlanRequest(budget), alone=True))
    for steps in explanation.datasets.values():
        header, rows = steps_table(steps)
        assert ("tuned needs" in header) == has_savings
        assert {len(row) for row in rows} == {len(header)} == {len(STEP_HEADER) - (not has_savings)}


def test_the_interval_of_a_step_says_that_it_is_of_noise_alone() -> None:
    answer = ADVISOR.answer(PlanRequest("2048 H100 for 60 days"), alone=True)
    explanation = ADVISOR.explain(answer)
    facts = dict(step_lines(explanation, "RefinedWeb", ADVISOR.compare(answer))[-1].facts)
    assert facts["N here"].endswith("202 B [181 B, 229 B] by noise alone")
    assert "the noise of the runs alone" in explanation.note


def test_dollars_of_a_share_that_rounds_to_nothing_are_not_named() -> None:
    assert waste_text(0.0001, 6.18) == "0.0%"
    assert waste_text(0.021, 66.72) == "2.1% = $66.72"
    assert waste_text(0.021, None) == "2.1%"
    assert waste_text(None, 1.0) == "-"
