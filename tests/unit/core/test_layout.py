"""The layouts of a plan: what fits, in what order, with exactly the plan's batch; what is said when nothing does."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.asking import ADVISOR, answer_where_known
from tests.sizes import examples

from budgetscope.api import PlanRequest
from budgetscope.core.answers.cautions import NO_LAYOUT, Level
from budgetscope.core.answers.layout import Layouts, describe, fits, of_memory
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.memory import Layout, Recompute, Regime, estimate
from budgetscope.report.decision import decision
from budgetscope.report.layouts import layout_rows, memory_rows, summary


def layouts(budget: str, **options: str | float) -> Layouts:
    return ADVISOR.memory(ADVISOR.answer(PlanRequest(budget, **options)))  # type: ignore[arg-type]


@examples(30)
@given(
    flops=st.floats(18, 26),
    devices=st.sampled_from((1, 2, 7, 8, 24, 64, 1000, 16_384)),
    device=st.sampled_from(("h100-sxm", "a100-40gb", "rtx-4090", "gb200", "mi300x", "t4")),
)
def test_every_layout_gives_the_plans_batch_on_the_plans_devices(flops: float, devices: int, device: str) -> None:
    answer = answer_where_known(f"{10**flops:.3g}", gpus=float(devices), device=device, law="hoffmann2022/approach-2")
    found = ADVISOR.memory(answer)
    machine = answer.question.machine
    for placed in (*found.ranked, found.leanest):
        assert placed.layout.batch_sequences == answer.plan.recipe.batch_sequences
        assert placed.layout.n_devices + placed.idle == devices
        assert placed.memory == estimate(found.shape, placed.layout)
        assert placed.slowdown >= 1
    assert all(fits(placed.memory, machine.device) for placed in found.ranked)
    assert bool(found.ranked) == (not found.problem) == fits(found.leanest.memory, machine.device)
    # The plan says it at once, after looking at a few layouts only.
    assert [c.text for c in answer.plan.cautions if c.code == NO_LAYOUT] == ([found.problem] if found.problem else [])
    speeds = [round(placed.slowdown, 2) for placed in found.ranked]
    assert speeds == sorted(speeds)


def test_a_small_model_is_copied_and_a_large_one_is_shared() -> None:
    assert layouts("1e19 on 1 x 4090").ranked[0].layout.regime == Regime.DDP
    found = layouts("64 H100 for 14 days at 40% MFU")
    assert describe(found.ranked[0].layout) == "FSDP2 over 64"
    assert not any(placed.layout.regime == Regime.DDP for placed in found.ranked)
    assert {placed.layout.regime for placed in found.ranked} >= {Regime.FSDP2, Regime.ZERO3, Regime.MEGATRON}
    tensor = next(placed for placed in found.ranked if placed.layout.tensor == 4)
    assert "tensor traffic" in tensor.reason


@pytest.mark.parametrize("budget", ["64 H100 for 14 days", "1e24 on 1024 H100", "1e19 on 1 x 4090", "$50k", "1e21"])
def test_the_smallest_layout_fits_and_no_fewer_devices_do(budget: str) -> None:
    found = layouts(budget)
    assert found.smallest is not None
    fewest = found.smallest.layout.n_devices + found.smallest.idle
    device = ADVISOR.answer(PlanRequest(budget)).question.machine.device
    assert fits(found.smallest.memory, device)
    assert found.smallest.layout.batch_sequences == found.batch_sequences
    assert fewest <= found.n_devices
    if fewest > 1:
        n_params = f"N={found.shape.count('standard').n_params:.6g}"  # type: ignore[arg-type]
        half = layouts(f"{n_params} on {fewest // 2} x {device.id}")
        assert half.problem


def test_a_plan_says_its_memory_and_what_is_the_least_that_holds_it() -> None:
    memory, smallest = memory_rows(layouts("64 H100 for 14 days"))
    assert re.fullmatch(r"[\d.]+ of 80 GB", memory.text)
    assert memory.basis.startswith("on a device, FSDP2 over 64, the fastest that fits; ")
    assert smallest.text == "8 devices"
    assert smallest.basis.startswith("hold the model, 4 do not: FSDP2 over 8, ")
    assert memory_rows(layouts("1e21"))[1].basis.startswith("holds the model: ")
    (misfit,) = memory_rows(layouts("1e24 on 8 A100"))
    assert misfit.text == "does not fit"
    assert misfit.basis == layouts("1e24 on 8 A100").problem
    open_ = memory_rows(layouts("$50k"))[0]
    assert "on one node of 8" in open_.basis


def test_rows_name_the_parts_of_the_bytes_the_largest_first() -> None:
    found = layouts("64 H100 for 14 days")
    basis = layout_rows(found)[0].basis
    parts = re.findall(r"(\w+) ([\d.]+)", basis[basis.index("(") : basis.index(")")])
    assert [float(size) for _, size in parts] == sorted((float(size) for _, size in parts), reverse=True)
    assert {name for name, _ in parts} == {"weights", "gradients", "Adam", "activations", "logits", "copies"}


def test_a_slow_link_or_a_tight_memory_costs_time_and_is_named() -> None:
    idle = layouts("1e21 on 300 H100").ranked[0]
    assert idle.reason == "100 of 300 devices idle"
    assert idle.slowdown == pytest.approx(300 / 200, rel=0.001)
    assert memory_rows(layouts("1e21 on 300 H100"))[0].basis.endswith("; 100 of 300 devices idle")
    assert layouts("1e21 on 7 H100").ranked[0].idle == 0
    tight = layouts("8 H100 for 300 days").ranked[0]
    assert tight.layout.recompute == Recompute.FULL
    assert "recomputation 33%" in tight.reason


@pytest.mark.parametrize("budget", ["1e24 on 8 A100", "1e23 on 1 x 4090"])
def test_a_model_that_does_not_fit_is_told_first_with_the_nearest_that_does(budget: str) -> None:
    plan = ADVISOR.answer(PlanRequest(budget)).plan
    worst = plan.cautions[0]
    assert (worst.code, worst.level) == (NO_LAYOUT, Level.DECISION)
    assert decision(plan)[0] == f"It does not run: {worst.text}"
    assert summary(layouts(budget))[1:] == worst.text[1:]
    assert layout_rows(layouts(budget))[0].basis == worst.text
    more = re.search(r"fits: ([\d,]+) x ", worst.text)
    smaller = re.search(r"\(--max-params (\S+)\)", worst.text)
    assert more is not None
    assert smaller is not None
    device = plan.machine.device
    flops = f"{plan.flops:.3g}"
    enough = ADVISOR.answer(PlanRequest(flops, device=device.id, gpus=float(more[1].replace(",", "")))).plan
    assert not any(caution.code == NO_LAYOUT for caution in enough.cautions)
    from_text = {"B": 1e9, "M": 1e6}[smaller[1][-1]] * float(smaller[1][:-1])
    assert not any(
        caution.code == NO_LAYOUT for caution in ADVISOR.answer(PlanRequest(budget, max_params=from_text)).plan.cautions
    )


def test_where_n_is_the_users_no_option_changes_it() -> None:
    text = layouts("N=405B on 8 H100").problem
    assert "32.4 B parameters on these devices." in text
    assert "--max-params" not in text


def test_open_devices_are_taken_to_be_one_node_and_never_warned_of() -> None:
    request = PlanRequest("$5M on A100", gpus=None)
    answer = ADVISOR.answer(request)
    assert answer.plan.machine.n_devices is None
    assert not any(caution.code == NO_LAYOUT for caution in answer.plan.cautions)
    found = ADVISOR.memory(answer)
    assert found.n_devices == 8
    assert any("one node of 8" in note for note in found.notes)


def test_other_vendors_are_told_to_be_unchecked_and_no_shape_is_refused() -> None:
    assert any("not on MI300X" in note for note in layouts("1e21", device="mi300x").notes)
    assert "counted in 16 bits, and not in fp8" in layouts("64 H100 for 14 days in fp8", mfu=0.25).notes
    answer = ADVISOR.answer(PlanRequest("1e21"))
    nowhere = replace(answer, plan=replace(answer.plan, run=replace(answer.plan.run, shape=None)))
    with pytest.raises(UsageError, match="such as N=1B"):
        ADVISOR.memory(nowhere)


def test_a_batch_of_any_size_has_layouts() -> None:
    # A batch law of a damaged fit once asked for 10^27 sequences, and the search for its divisors did not end.
    asked = ADVISOR.answer(PlanRequest("1e19"))
    shape = asked.plan.run.shape
    for batch in (1, 10**27, 10**27 + 7):
        assert not of_memory(asked.question, shape, batch)


@pytest.mark.parametrize("regime", Regime)
def test_no_layout_is_over_one(regime: Regime) -> None:
    alone = describe(Layout(regime, recompute=Recompute.FULL))
    assert "over 1" not in alone
    assert alone.startswith("without sharding, " if regime == Regime.DDP else describe(Layout(regime, 8)).split()[0])
    assert alone.endswith(", full recomputation")
    split = describe(Layout(regime, tensor=2, pipeline=4))
    assert "over 1" not in split
    assert split.endswith(", tensor 2, pipeline 4")
