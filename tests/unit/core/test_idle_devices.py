"""Devices that a plan's batch leaves idle."""

import re

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.cautions import Caution, Level
from budgetscope.core.answers.plan import Plan


def plan(budget: str, **options: float) -> Plan:
    return ADVISOR.answer(PlanRequest(budget, **options)).plan  # type: ignore[arg-type]


def idle(found: Plan) -> list[Caution]:
    return [caution for caution in found.cautions if "idle" in caution.code]


@pytest.mark.parametrize(
    ("budget", "said", "level"),
    [
        ("2048 H100 for 2 hours", "704 of the 2,048 devices stand idle", Level.DECISION),
        ("300 A100 for 20 min", "140 of the 300 devices stand idle", Level.DECISION),
        ("$1000 on 1000 H100", "456 of the 1,000 devices stand idle", Level.DECISION),
        ("256 H100 for 5 min", "8 of the 256 devices stand idle", Level.KNOW),
    ],
)
def test_idle_devices_are_told_with_a_number_that_leaves_none_idle(budget: str, said: str, level: Level) -> None:
    found = plan(budget)
    (told,) = idle(found)
    assert told.text.startswith(said)
    assert told.level == level
    remedy = re.search(r"take ([\d,]+) devices for (.*), which is the same compute", told.text)
    assert remedy is not None
    fewer = plan(f"{remedy[1].replace(',', '')} x {found.machine.device.name} for {remedy[2]}")
    assert not idle(fewer)
    assert fewer.run.executed_flops == pytest.approx(found.run.executed_flops, rel=0.01)


@pytest.mark.parametrize("budget", ["64 H100 for 14 days", "77 H100 for 3 min", "1e21", "1 H100 for 1 day"])
def test_devices_that_all_work_are_no_news(budget: str) -> None:
    assert not idle(plan(budget))


def test_fewer_devices_are_not_advised_where_they_miss_the_deadline() -> None:
    (told,) = idle(plan("1e21 on 5000 H100", deadline=9 / 60))
    assert told.text.endswith("and time and cost count them all.")
