"""What the ranges of MFU and price leave open: only what the budget does not fix, and the plan inside of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.asking import ADVISOR, answer_where_known
from tests.sizes import examples

from budgetscope.api import PlanRequest
from budgetscope.core.answers.mfu_range import Spread
from budgetscope.core.answers.plan import Plan
from budgetscope.report.decision import decision
from budgetscope.report.rows import plan_rows

COMPUTE = {"executed_flops", "n_params", "tokens"}


def plan(budget: str, **options: Any) -> Plan:
    return ADVISOR.answer(PlanRequest(budget, **options)).plan


def moving(found: Spread) -> set[str]:
    return {name for name in Spread.__dataclass_fields__ if getattr(found, name) is not None} - {"mfu", "price"}


@pytest.mark.parametrize(
    ("budget", "options", "moves"),
    [
        ("1e21", {}, {"hours", "device_hours", "cost_usd"}),
        ("1e21", {"price": 2.0}, {"hours", "device_hours", "cost_usd"}),
        ("1e21", {"mfu": 0.4}, {"cost_usd"}),
        ("1e21", {"mfu": 0.4, "price": 2.0}, set()),
        ("loss 2.6", {}, {"hours", "device_hours", "cost_usd"}),
        ("64 H100 for 14 days", {}, {*COMPUTE, "cost_usd"}),
        ("64 H100 for 14 days", {"price": 2.0}, COMPUTE),
        ("64 H100 for 14 days", {"measured": "9600tok/s at 7B"}, {"cost_usd"}),
        ("11000 H100-hours", {}, {*COMPUTE, "cost_usd"}),
        ("$50k", {}, {*COMPUTE, "device_hours"}),
        ("$50k on 64 H100", {}, {*COMPUTE, "hours", "device_hours"}),
        ("$50k on 64 H100 at $2/h", {}, COMPUTE),
        ("$50k for 7 days on H100", {}, {*COMPUTE, "n_devices", "device_hours"}),
        # With N fixed only D can move, and with both fixed the time does.
        ("64 H100 for 14 days", {"params": 7e9}, {"executed_flops", "tokens", "cost_usd"}),
        ("64 H100 for 14 days", {"tokens": 3e11}, {"executed_flops", "n_params", "cost_usd"}),
        ("64 H100 for 14 days", {"params": 7e9, "tokens": 6e11}, {"hours", "device_hours", "cost_usd"}),
        # A deadline that binds fixes the time.
        ("1e22 on 64 H100", {"deadline": 72.0}, {*COMPUTE, "cost_usd"}),
        ("1e22 on 64 H100", {"deadline": 720.0}, {"hours", "device_hours", "cost_usd"}),
        ("64 H100 for 14 days", {"served_tokens": 1e13}, {"hours", "device_hours", "cost_usd"}),
    ],
)
def test_only_what_the_budget_leaves_open_has_a_range(budget: str, options: dict[str, Any], moves: set[str]) -> None:
    assert moving(plan(budget, **options).spread) == moves


@examples(40)
@given(
    budget=st.sampled_from(("1e20", "1e22 on 64 A100", "64 H100 for 14 days", "8 A100 for 30 hours", "$50k on 32 H100",
                            "$5k", "3000 H100-hours", "N=1B", "loss 2.6", "8 MI300X for 2 days")),
    options=st.sampled_from(({}, {"max_params": 2e9}, {"unique_tokens": 1e11}, {"price": 3.0})),
)  # fmt: skip
def test_the_plan_lies_within_its_ranges(budget: str, options: dict[str, Any]) -> None:
    if budget.startswith(("loss", "N=")) and options.keys() & {"max_params", "unique_tokens"}:
        options = {}
    found = answer_where_known(budget, **options)
    run, moves = found.plan.run, found.plan.spread
    usd = None if run.cost_usd is None else run.cost_usd.value
    for value, ends in (
        (found.plan.machine.mfu, moves.mfu),
        (run.executed_flops, moves.executed_flops),
        (found.point.n_params, moves.n_params),
        (found.point.tokens, moves.tokens),
        (run.hours, moves.hours),
        (run.device_hours, moves.device_hours),
        (usd, moves.cost_usd),
    ):
        if ends is not None:
            assert value is not None
            assert ends[0] * (1 - 1e-6) <= value <= ends[1] * (1 + 1e-6)


def test_the_ends_are_the_plans_at_these_rates() -> None:
    found = plan("64 H100 for 14 days").spread
    slow, fast = (plan("64 H100 for 14 days", mfu=mfu) for mfu in found.mfu or ())
    assert found.executed_flops == pytest.approx((slow.executed_flops, fast.executed_flops), rel=1e-6)
    assert found.n_params == pytest.approx((slow.n_params.value, fast.n_params.value), rel=1e-6)
    assert found.tokens == pytest.approx((slow.tokens.value, fast.tokens.value), rel=1e-6)
    taken = plan("1e21")
    rates = zip(taken.spread.mfu or (), (6.88, 2.69), strict=True)
    slow, fast = (plan("1e21", mfu=mfu, price=price) for mfu, price in rates)
    assert taken.spread.hours == pytest.approx((fast.run.hours, slow.run.hours))
    assert slow.run.cost_usd is not None
    assert fast.run.cost_usd is not None
    assert taken.spread.cost_usd == pytest.approx((fast.run.cost_usd.value, slow.run.cost_usd.value))


def test_rows_and_decision_show_the_ranges_and_what_they_rest_on() -> None:
    rows = {row.key: row for row in plan_rows(plan("1e21"))}
    assert (rows["hours"].interval, rows["hours"].basis) == ("[3.43 days, 4.36 days]", "MFU of 37% to 47%")
    assert rows["cost_usd"].basis == "MFU of 37% to 47% and on-demand prices by the bundled table of 2026-11"
    assert rows["energy_kwh"].basis.endswith("; MFU of 37% to 47%")
    assert rows["mfu"].basis == "of the dense peak; models of about 3 B on H100s"
    what, rests = decision(plan("1e21"))[:2]
    assert "3.84 days (3.43 to 4.36 days) on 8 x H100 SXM, for $3.17 K ($1.77 K to $5.76 K)" in what
    assert rests == (
        "The ranges of time and cost rest on an MFU of 37% to 47% (models of about 3 B on H100s) and prices of $2.69 "
        "to $6.88 a device-hour, both at their worst or best."
    )


@pytest.mark.parametrize(
    ("budget", "options", "begins", "ends"),
    [
        ("64 H100 for 14 days", {}, ("The time is fixed. The compute moves with an MFU of 38% to 45% (models 13 to "
         "100 B on H100s): 2.91e22 to 3.45e22 FLOPs, 18 B to 19.5 B parameters on 255 B to 278 B tokens."),
         " The range of the cost rests on prices of $2.69 to $6.88 a device-hour."),
        ("$50k", {}, "The cost is fixed. The compute moves with an MFU of ", "on 147 B to 262 B tokens."),
        ("$50k on H100 at 40% MFU", {}, ("The cost is fixed. The compute moves with prices of $2.69 to $6.88 a "
         "device-hour: "), "tokens."),
        ("64 H100 for 14 days at $2/h", {}, "Time and cost are fixed. The compute moves with an MFU of ", "tokens."),
        ("1e21", {"mfu": 0.4}, "The range of the cost rests on prices of", "a device-hour."),
        ("1e22 on 64 H100", {"deadline": 110.0}, ("The compute moves with an MFU of 38% to 47% (models of about "
         "13 B on H100s): "), ("The time moves with it. The range of the cost rests on prices of $2.69 to $6.88 a "
         "device-hour.")),
    ],
)  # fmt: skip
def test_the_decision_says_what_is_fixed(budget: str, options: dict[str, Any], begins: str, ends: str) -> None:
    rests = decision(plan(budget, **options))[1]
    assert rests.startswith(begins)
    assert rests.endswith(ends)


def test_without_ranges_nothing_is_said_of_them() -> None:
    said = " ".join(decision(plan("64 H100 for 14 days at 40% MFU at $2/h")))
    # The command at the end quotes the budget, with its MFU.
    assert "an MFU of" not in said
    assert "range" not in said
    assert "14 days on 64 x H100 SXM, for $43 K. The loss" in said


def test_a_run_that_a_low_mfu_makes_late_is_cautioned() -> None:
    late = plan("64 H100 for 14 days", params=7e9, tokens=6.8e11)
    assert late.cautions[0].code == "late-at-low-mfu"
    assert late.cautions[0].text.startswith("at an MFU of 38% the run takes 15 days, and 14 days are allowed")
    in_time = plan("64 H100 for 14 days", params=7e9, tokens=6e11)
    for other in (in_time, plan("64 H100 for 14 days"), plan("64 H100 for 14 days", params=7e9)):
        assert not any(caution.code == "late-at-low-mfu" for caution in other.cautions)
