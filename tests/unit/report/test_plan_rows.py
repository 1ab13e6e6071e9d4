"""The rows of a plan as text."""

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.report.rows import plan_rows


@pytest.mark.parametrize(("budget", "hours"), [("1 H100 10 min", "0.167"), ("1 H100 5 h", "5"), ("1 H100 14d", "336")])
def test_a_short_run_takes_more_than_no_device_hours(budget: str, hours: str) -> None:
    rows = {row.key: row.text for row in plan_rows(Advisor().answer(PlanRequest(budget)).plan)}
    assert rows["device_hours"] == hours
