"""Other budgets: the plan's own at factor one, and what more or less buys."""

from itertools import pairwise

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.other_budgets import other_budgets


def test_the_same_budget_is_the_plan() -> None:
    answer = ADVISOR.answer(PlanRequest("64xH100 14d"))
    plan = answer.plan
    (same,) = other_budgets(answer, (1.0,), intervals=True)
    assert (same.n_params, same.tokens, same.flops) == (plan.n_params.value, plan.tokens.value, plan.flops)
    assert same.loss is not None
    assert plan.loss_after_decay is not None
    assert same.loss.value == pytest.approx(plan.loss_after_decay.value)
    assert same.loss.low is not None
    assert plan.run.cost_usd is not None
    # The plan's cost is of a concrete shape, which is not exactly of the optimal size.
    assert same.usd == pytest.approx(plan.run.cost_usd.value, rel=0.01)


def test_more_money_buys_a_lower_loss_and_a_larger_model() -> None:
    found = other_budgets(ADVISOR.answer(PlanRequest("1e21")), (0.5, 1.0, 2.0))
    for less, more in pairwise(found):
        assert less.usd is not None
        assert more.usd is not None
        assert less.loss is not None
        assert more.loss is not None
        assert less.usd < more.usd < 2.2 * less.usd
        assert less.loss.value > more.loss.value
        assert less.n_params < more.n_params
        assert less.tokens < more.tokens


def test_budgets_out_of_bounds_are_left_out() -> None:
    answer = ADVISOR.answer(PlanRequest("1e12"))
    assert [each.factor for each in other_budgets(answer, (1e-9, 1.0))] == [1.0]


def test_a_law_without_loss_and_a_device_without_price() -> None:
    (found,) = other_budgets(ADVISOR.answer(PlanRequest("1e21", law="hoffmann2022/approach-1")), (1.0,))
    assert found.loss is None
    (found,) = other_budgets(ADVISOR.answer(PlanRequest("1e21", device="MI355X")), (1.0,))
    assert found.usd is None
