"""A machine of the user's own, of which only the rate is known: its time is true, and nothing else is invented."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.asking import ADVISOR

from budgetscope.api import AnsweredRequest, PlanRequest
from budgetscope.core.budget.describe import describe
from budgetscope.core.budget.parse import ComputeBudget, HardwareBudget, SizeTarget, parse_budget
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import DeviceNames
from budgetscope.core.language import use
from budgetscope.report.decision import decision
from budgetscope.report.recipe_words import confirmation_command
from budgetscope.report.rows import plan_rows
from budgetscope.store.catalogues import read_language
from budgetscope.store.devices import bundled_devices

LAPTOP = "2 TFLOP/s for 3 days"
NAMES = DeviceNames(bundled_devices().devices)


def answered(budget: str = LAPTOP, **options: Any) -> AnsweredRequest:
    return ADVISOR.answer(PlanRequest(budget, **options))


@pytest.mark.parametrize(
    "text",
    [
        LAPTOP, "3 days at 2 TFLOP/s", "2 TFLOP/s x 3 days", "2 TFLOP/s over 72 h", "2 teraflop/s, 3 days",
        "2TF for 3d", "2000 GFLOP/s for 3 days", "2 TFLOPS for 3 days", "3日間 2 TFLOP/s",
    ],
)  # fmt: skip
def test_a_rate_and_a_time_in_any_words(text: str) -> None:
    budget = parse_budget(text, NAMES)
    assert budget == HardwareBudget(flops_per_s=2e12, hours=72)
    assert describe(budget) == LAPTOP


def test_a_rate_is_a_machine_for_every_target() -> None:
    own = HardwareBudget(flops_per_s=2e12)
    assert parse_budget("N=100M at 2 TFLOP/s") == SizeTarget(1e8, machine=own)
    assert describe(SizeTarget(1e8, machine=own)) == "N=100M at 2 TFLOP/s"


@pytest.mark.parametrize("text", ["100 petaflop/s-days", "100 PF-days", "100 PFLOP/s days", "8.64e21 FLOPs"])
def test_petaflop_s_days_are_an_amount_and_no_machine(text: str) -> None:
    assert parse_budget(text) == ComputeBudget(8.64e21)


def test_the_time_is_the_stated_one_and_the_flops_are_the_rate_times_it() -> None:
    plan = answered().plan
    assert plan.machine.executed_flops == pytest.approx(2e12 * 3 * 86400)
    assert plan.run.executed_flops == pytest.approx(2e12 * 3 * 86400)
    assert plan.run.hours == pytest.approx(72)
    assert plan.run.device_hours == pytest.approx(72)
    assert plan.budget == LAPTOP
    assert plan.understood.endswith(" = 5.18e17 FLOPs executed by your own machine, 2 TFLOP/s sustained, for 3 days")


def test_it_plans_what_a_device_of_the_same_sustained_rate_plans() -> None:
    device = answered("1 H100 for 3 days at 40% MFU").plan
    rate = device.machine.device_flops_per_s
    own = answered(f"{rate!r} FLOP/s for 3 days").plan
    assert (own.n_params, own.tokens, own.loss) == (device.n_params, device.tokens, device.loss)
    assert replace(own.recipe, confirmation=None) == replace(device.recipe, confirmation=None)
    assert own.run.hours == device.run.hours


def test_nothing_is_invented() -> None:
    plan = answered().plan
    assert (plan.run.cost_usd, plan.run.energy, plan.machine.price, plan.budget_usd) == (None, None, None, None)
    assert plan.spread == type(plan.spread)()
    assert not plan.is_laid_out
    assert [text.partition(":")[0] for text in plan.assumptions] == ["rate"]
    rows = {row.key: row for row in plan_rows(plan)}
    assert (rows["device"].text, rows["device"].basis) == ("your own machine", "2 TFLOP/s sustained, as stated")
    assert rows["mfu"].value is None
    assert "H100" not in " ".join(row.text + row.basis for row in rows.values())


def test_the_decision_names_the_machine_and_its_rate() -> None:
    said = decision(answered().plan)[0]
    assert ": 3 days on your own machine, 2 TFLOP/s sustained. The loss" in said
    assert "$" not in " ".join(decision(answered().plan))
    priced = answered(price=0.1).plan
    assert priced.run.cost_usd is not None
    assert priced.run.cost_usd.value == pytest.approx(7.2)
    assert ": 3 days on your own machine, 2 TFLOP/s sustained, for $7.20." in decision(priced)[0]


def test_stated_watts_are_taken_at_the_plug() -> None:
    energy = answered(watts=60.0, grid=400.0).plan.run.energy
    assert energy is not None
    assert energy.kwh.value == pytest.approx(0.06 * 72)
    assert energy.kwh.low is None
    assert energy.co2e_kg is not None
    assert energy.co2e_kg.value == pytest.approx(0.06 * 72 * 0.4)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"device": "H100"}, "--device"),
        ({"gpus": 2.0}, "--gpus"),
        ({"mfu": 0.4}, "--mfu"),
        ({"measured": "9600tok/s at 7B"}, "--measured"),
    ],
)
def test_another_machine_beside_the_rate_is_refused(options: dict[str, Any], option: str) -> None:
    with pytest.raises(UsageError, match=f"sustains 2 TFLOP/s; leave {option} out"):
        answered(**options)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2 TFLOP/s for 3 days on H100", "a sustained rate ('2 TFLOP/s') and a device ('H100'); keep one"),
        ("8 GPUs, 2 TFLOP/s for 3 days", "a sustained rate ('2 TFLOP/s') and a number of devices ('8 GPUs')"),
        ("2 TFLOP/s for 3 days at 40% MFU", "a sustained rate ('2 TFLOP/s') and an MFU ('40% MFU')"),
        ("$50 at 2 TFLOP/s", "a sustained rate ('2 TFLOP/s') and dollars ('$50')"),
        ("2 TFLOP/s", "is FLOP per second, a rate; add a time, as in '2 TFLOP/s for 3 days'"),
        ("2 TFLOP/s for 3 days, 1e21", "both FLOPs ('1e21') and a duration ('3 days')"),
        ("2 TFLOP/s for 3 days or 1 PFLOP/s", "'or' offers a choice"),
    ],
)
def test_what_a_rate_cannot_stand_beside(text: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_budget(text, NAMES)
    assert part in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "my laptop for 3 days", "1 laptop for 3 days", "3 days on a laptop", "cpu for 3 days", "8 CPUs for 3 days",
        "M2 for 3 days", "1 MacBook for 3 days", "3 days on a MacBook Pro", "3 days on an Apple M2 Max",
        "3 days on my Mac",
    ],
)  # fmt: skip
def test_a_computer_of_ones_own_is_refused_with_the_form_that_works(text: str) -> None:
    with pytest.raises(UsageError, match="sustained rate and a time, such as '2 TFLOP/s for 3 days'"):
        parse_budget(text, NAMES)


@pytest.mark.parametrize("name", ["laptop", "my laptop", "cpu", "M2", "MacBook", "macbook-pro", "Apple M4 Max"])
def test_so_is_one_as_an_option(name: str) -> None:
    with pytest.raises(UsageError, match=r"unknown device .*sustained rate and a time, such as '2 TFLOP/s for 3 days'"):
        answered("1e18", device=name)


def test_no_layout_is_planned_where_the_memory_is_not_known() -> None:
    answer = answered()
    with pytest.raises(UsageError, match="memory of a machine that is said by its rate is not known"):
        ADVISOR.memory(answer)
    with pytest.raises(UsageError, match="memory of a machine that is said by its rate is not known"):
        ADVISOR.trainer_recipe(answer, "torchtitan")
    for form in ("html", "md", "csv", "json"):
        assert "your own machine" in ADVISOR.export(answer, form)


def test_other_devices_train_the_same_model_one_of_each() -> None:
    answer = answered()
    found = ADVISOR.machines(answer)
    assert found.n_devices == 1
    assert found.alternatives
    assert ADVISOR.on_device(answer, found, "h100-sxm").device == "h100-sxm"
    # Both ends: the same FLOPs at the rates of the two.
    h100 = next(each for each in found.alternatives if each.machine.device.id == "h100-sxm")
    assert h100.hours * h100.machine.device_flops_per_s == pytest.approx(72 * 2e12)


def test_the_runs_that_confirm_the_rate_are_asked_for_on_the_same_machine() -> None:
    plan = answered("500 TFLOP/s for 3 days").plan
    assert plan.recipe.confirmation is not None
    command = confirmation_command(plan)
    assert " at 500 TFLOP/s' " in command
    assert "--device" not in command


def test_a_deadline_and_a_run_that_takes_too_long() -> None:
    assert answered(deadline=24.0).plan.run.hours == pytest.approx(24, rel=1e-6)
    with pytest.raises(UsageError, match="on a machine that sustains 2 TFLOP/s, and the budget is 3 days; give more t"):
        answered("N=1B D=1T, 2 TFLOP/s for 3 days")
    (slow,) = [each for each in answered("N=7B at 2 TFLOP/s").plan.cautions if each.code == "long-run"]
    assert slow.text.startswith("on your own machine this takes ")


def test_an_h100_that_nobody_named_is_an_assumption() -> None:
    assert "device: H100 SXM, since none is named (--device)" in answered("1 GPU for 3 days").plan.assumptions


@pytest.fixture
def _japanese() -> Iterator[None]:
    use(read_language("ja"))
    yield
    use(None)


@pytest.mark.usefixtures("_japanese")
def test_it_is_said_in_japanese() -> None:
    plan = answered().plan
    assert "お手元のマシン（実効2 TFLOP/s）で" in decision(plan)[0]
    assert "お手元のマシン（実効2 TFLOP/s）で" in plan.understood
