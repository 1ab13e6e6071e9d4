"""MFU that is measured, or assumed beside what published runs reached."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.asking import ADVISOR, answer_where_known
from tests.sizes import examples

from budgetscope.api import PlanRequest
from budgetscope.core.answers.plan import Plan
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import find_device
from budgetscope.core.hardware.mfu import ModelRate, elsewhere, expected_mfu, measured_here, parse_measured, percent
from budgetscope.store.devices import bundled_devices

DEVICES = bundled_devices().devices


def assumed(found: Plan) -> str:
    return next(text for text in found.assumptions if text.startswith("MFU"))


def plan(budget: str, **options: str | float) -> Plan:
    return ADVISOR.answer(PlanRequest(budget, **options)).plan  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "rate", "size"),
    [
        ("9600tok/s", 9600, None),
        ("9600", 9600, None),
        ("9,600 tokens/s", 9600, None),
        ("9.6k tok/s/GPU at 7B", 9600, 7e9),
        ("9.6K tokens per second per device for N=6.7B", 9600, 6.7e9),
        ("12500 tps of 1.5 B", 12500, 1.5e9),
    ],
)
def test_rates_as_people_write_them(text: str, rate: float, size: float | None) -> None:
    found = parse_measured(text)
    assert found is not None
    assert (found.tokens_per_s, found.n_params) == (rate, size)


@pytest.mark.parametrize(
    "text",
    ["", "fast", "tok/s", "0tok/s", "-5 tok/s", "1e999tok/s", "9600 tok/s/node", "9600 tok/s at", "9600 tok/s at x",
     "40%", "9600tok/min", "nan tok/s", "9600 tok/s at -7B"],
)  # fmt: skip
def test_what_is_no_rate_of_one_device(text: str) -> None:
    assert parse_measured(text) is None


def test_a_measured_rate_becomes_mfu_by_the_arithmetic_that_is_shown() -> None:
    found = plan("64 H100 for 14 days", measured="9600tok/s at 7B")
    told = assumed(found)
    mfu, rate, giga, peak = map(float, [*re.findall(r"(\d[\d,.]*\d)", told.replace(",", ""))[:3], "989.4"])
    assert "/ 989.4 TFLOP/s (bf16, dense" in told
    assert rate == 9600
    assert mfu == pytest.approx(rate * giga * 1e9 / (peak * 1e12), rel=0.01)
    assert found.machine.mfu == pytest.approx(mfu, rel=0.01)
    # 6 N and attention over the whole context: 12 L w s, 5 to 8% at 7 B and 2,048 tokens.
    assert 6 * 7 * 1.05 < giga < 6 * 7 * 1.08


@pytest.mark.parametrize("request_", [PlanRequest("N=7B, D=140B"), PlanRequest("64 H100 14d", params=7e9)], ids=str)
def test_the_plans_own_size_is_taken_where_it_is_fixed(request_: PlanRequest) -> None:
    other = plan("64 H100 for 14 days", measured="9600tok/s at 7B").machine.mfu
    options = {"params": request_.params} if request_.params else {}
    assert plan(request_.budget, measured="9600tok/s", **options).machine.mfu == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize(
    ("budget", "options", "sentence"),
    [
        ("1e21", {"measured": "9600tok/s"}, "does not say which model was measured; add its size: '9600tok/s at 7B'"),
        ("1e21", {"measured": "9600tok/s at 7B", "mfu": 0.4}, "is stated as 0.4 and measured as '9600tok/s at 7B'"),
        ("64 H100 14d at 40% MFU", {"measured": "9600tok/s at 7B"}, "the MFU is stated as 0.4 and measured"),
        ("1e21", {"measured": "76800tok/s at 7B"}, "an MFU of 3.52 on H100 SXM, at 7 B parameters; give the"),
        ("1e21", {"measured": "1tok/s at 7B"}, "would be an MFU of 4.58e-05"),
        ("1e21", {"measured": "lots"}, "--measured 'lots' is not a rate of one device"),
    ],
)  # fmt: skip
def test_rates_that_say_too_little_or_too_much(budget: str, options: dict[str, str | float], sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        plan(budget, **options)


def test_a_measured_fp8_rate_needs_no_stated_mfu() -> None:
    found = plan("64 H100 for 14 days in fp8", measured="9600tok/s at 7B")
    assert found.machine.mfu == pytest.approx(plan("64 H100 14d", measured="9600tok/s at 7B").machine.mfu / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("device", "n_params", "low", "high"),
    [
        ("h100-sxm", 1e9, 0.42, 0.42),  # llm-foundry, MPT-1B on 8 to 32 H100
        ("h100-sxm", 7e9, 0.44, 0.46),  # the same, MPT-3B and 7B
        ("h100-sxm", 30e9, 0.44, 0.44),  # the same, MPT-30B
        ("h100-sxm", 70e9, 0.41, 0.43),  # the same, MPT-70B on 128 and 512 H100
        ("h100-sxm", 175e9, 0.42, 0.42),  # Megatron-LM's README, 4,608 H100
        ("h200", 405e9, 0.38, 0.43),  # Llama 3, table 4
        ("a100-80gb", 1e9, 0.60, 0.60),  # llm-foundry, MPT-1B
        ("a100-80gb", 7e9, 0.60, 0.62),  # the same, MPT-3B; MPT-7B's 64 is the highest of all
        ("a100-80gb", 70e9, 0.53, 0.53),
    ],
)
def test_published_runs_lie_in_their_range(device: str, n_params: float, low: float, high: float) -> None:
    found = expected_mfu(find_device(device, DEVICES), n_params)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= low <= high <= found.high
    assert found.value == pytest.approx((found.low + found.high) / 2)


def test_where_no_run_was_published_another_range_is_told() -> None:
    assert expected_mfu(find_device("mi300x", DEVICES), 7e9) == elsewhere()
    assert expected_mfu(find_device("a100-80gb", DEVICES), 2e11) == elsewhere()
    told = assumed(plan("1e21", device="mi300x"))
    assert told.startswith("MFU: 40% of the dense peak, the middle of 30% to 50%")
    assert told.endswith("no published runs of this size on MI300X are known here")


def test_the_assumed_mfu_is_the_middle_of_what_runs_of_its_size_reached() -> None:
    assert assumed(plan("64 H100 for 14 days")).startswith(
        "MFU: 41.5% of the dense peak, the middle of 38% to 45%: compiled code with models 13 to 100 B on H100s (llm-"
    )
    assert "45% of the dense peak, the middle of 40% to 50%: compiled code with models under 0.5 B on A100s" in assumed(
        plan("1e18", device="A100")
    )
    assert not any(text.startswith("MFU") for text in plan("64 H100 for 14 days", mfu=0.4).assumptions)


@examples(60)
@given(log_n=st.floats(6, 12.5), device=st.sampled_from(("h100-sxm", "h200")))
def test_a_slightly_larger_model_has_about_the_same_mfu(log_n: float, device: str) -> None:
    known = find_device(device, DEVICES)
    here, beside = (expected_mfu(known, n).value for n in (10**log_n, 1.01 * 10**log_n))
    assert here == pytest.approx(beside, rel=0.01)


@examples(40)
@given(hours=st.floats(0.2, 2e4), devices=st.sampled_from((1, 8, 64, 1024)))
def test_more_hours_are_more_compute_and_size_and_mfu_agree(hours: float, devices: int) -> None:
    found = answer_where_known(f"{devices} H100 for {hours:.6g} hours")
    machine = found.plan.machine
    assert machine.mfu == pytest.approx(expected_mfu(machine.device, found.optimum.n_params).value, rel=1e-6)
    assert machine.executed_flops == pytest.approx(devices * hours * 3600 * machine.device_flops_per_s, rel=1e-4)
    longer = answer_where_known(f"{devices} H100 for {1.05 * hours:.6g} hours")
    assert longer.optimum.flops > found.optimum.flops


CALIBRATED = "budgetscope2026/english"


def test_a_calibrations_rate_is_taken_for_models_of_its_size_on_its_device_alone() -> None:
    small = plan("1e15", device="H200", law=CALIBRATED)
    assert assumed(small) == (
        f"MFU: {percent(small.machine.mfu)} of the dense peak, measured by the calibration {CALIBRATED} "
        "(--mfu, or --measured)"
    )
    # 132.3 TFLOP/s of its provenance, of an H200's dense peak of 989.4.
    assert small.machine.mfu == pytest.approx(132.3 / 989.4, rel=1e-3)
    assert small.spread.hours is None
    for other in (plan("1e15", device="H100", law=CALIBRATED), plan("1e21", device="H200", law=CALIBRATED)):
        assert "measured" not in assumed(other).removesuffix("(--mfu, or --measured)")


def test_the_nearest_measured_size_is_taken_and_none_that_is_far() -> None:
    h100 = find_device("h100-sxm", DEVICES)
    rates = [ModelRate("h100-sxm", (1e6, 1e6), 50e12, "a"), ModelRate("h100-sxm", (8e6, 9e6), 100e12, "b")]

    def basis(n_params: float, precision: str = "bf16", known: Sequence[ModelRate] = rates) -> str | None:
        found = measured_here(known, h100, precision, n_params)
        return None if found is None else found.basis

    assert [basis(n) for n in (1e5, 4e5, 2e6, 5e6, 2.6e7, 3e7)] == [None, "a", "a", "b", "b", None]
    assert basis(1e6, "fp8") is None
    assert basis(1e6, known=[replace(rates[0], device_id="a100-80gb")]) is None
    # Twice the peak is no measurement.
    assert basis(1e6, known=[replace(rates[0], flops_per_s=2e15)]) is None
