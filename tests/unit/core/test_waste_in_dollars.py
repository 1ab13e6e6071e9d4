"""Waste is a share of the budget, not of the run that the constraints make of it."""

from dataclasses import replace

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.whatif import IsoFlop

BUDGET = PlanRequest("64 H100 for 14 days")


@pytest.mark.parametrize("request_", [replace(BUDGET, served_tokens=3e12), replace(BUDGET, max_params=2e9)])
def test_dollars_of_waste_do_not_change_with_the_constraints(request_: PlanRequest) -> None:
    advisor = Advisor()
    free, bounded = advisor.answer(BUDGET), advisor.answer(request_)
    assert free.plan.run.cost_usd is not None
    assert bounded.plan.budget_usd == pytest.approx(free.plan.budget_usd)
    assert bounded.plan.run.cost_usd is not None
    half = free.optimum.n_params / 2
    for answer in (free, bounded):
        here = IsoFlop(answer).at(half)
        assert here.wasted_share is not None
        # The run of a free plan has a whole number of steps, so that its cost is the budget's up to a rounding.
        assert here.wasted_usd == pytest.approx(here.wasted_share * free.plan.run.cost_usd.value, rel=1e-3)
        row = next(row for row in advisor.compare(answer).rows if row.fit_id == "kaplan2020/fixed-batch")
        assert row.wasted_share is not None
        assert row.wasted_usd == pytest.approx(row.wasted_share * free.plan.run.cost_usd.value, rel=1e-3)
