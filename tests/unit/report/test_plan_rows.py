"""The rows of a plan as text."""

import pytest

from budgetscope.api import Advisor, PlanRequest
from budgetscope.report.rows import plan_rows


@pytest.mark.parametrize(("budget", "hours"), [("1 H100 10 min", "0.167"), ("1 H100 5 h", "5"), ("1 H100 14d", "336")])
def test_a_short_run_takes_more_than_no_device_hours(budget: str, hours: str) -> None:
    rows = {row.key: row.text for row in plan_rows(Advisor().answer(PlanRequest(budget)).plan)}
    assert rows["device_hours"] == hours


@pytest.mark.parametrize(
    ("budget", "key", "text", "interval"),
    [
        ("2 TFLOP/s for 3 days", "tokens", "0.923 B", "[0.792 B, 1.08 B]"),
        ("1 RTX 4090 for 2 days with 2B tokens of data", "batch_tokens", "0.119 M", "[0.119 M, 1.35 M]"),
    ],
)
def test_a_value_is_in_the_unit_of_its_interval(budget: str, key: str, text: str, interval: str) -> None:
    rows = {row.key: row for row in plan_rows(Advisor().answer(PlanRequest(budget)).plan)}
    assert (rows[key].text, rows[key].interval) == (text, interval)


def test_one_head_is_not_many() -> None:
    rows = {row.key: row for row in plan_rows(Advisor().answer(PlanRequest("1e15")).plan)}
    assert ", 1 head, " in rows["shape"].basis
