"""MFU that is measured, or assumed beside what published runs reached."""

import re

import pytest
from tests.asking import ADVISOR

from budgetscope.api import PlanRequest
from budgetscope.core.answers.plan import Plan
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import find_device
from budgetscope.core.hardware.mfu import parse_measured, published_range
from budgetscope.store.devices import bundled_devices

DEVICES = bundled_devices().devices


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
    assumed = next(text for text in found.assumptions if text.startswith("MFU"))
    mfu, rate, giga, peak = map(float, [*re.findall(r"(\d[\d,.]*\d)", assumed.replace(",", ""))[:3], "989.4"])
    assert "/ 989.4 TFLOP/s (bf16, dense" in assumed
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
        ("h100-sxm", 7e9, 0.44, 0.46),  # llm-foundry, MPT-3B and 7B on 8 to 32 H100
        ("h100-sxm", 175e9, 0.42, 0.42),  # Megatron-LM's README, 4,608 H100
        ("h200", 405e9, 0.38, 0.43),  # Llama 3, table 4
        ("a100-80gb", 7e9, 0.60, 0.62),  # llm-foundry, MPT-3B; MPT-7B's 64 is the highest of all
        ("a100-80gb", 70e9, 0.53, 0.53),
    ],
)
def test_published_runs_lie_in_their_range(device: str, n_params: float, low: float, high: float) -> None:
    found = published_range(find_device(device, DEVICES), n_params)
    assert found is not None
    assert found[0] <= low <= high <= found[1]


def test_the_assumed_mfu_stands_beside_what_runs_of_its_size_reached() -> None:
    def assumed(budget: str, **options: str) -> str:
        return next(text for text in plan(budget, **options).assumptions if text.startswith("MFU"))

    assert "38% to 45% with models 13 to 100 B on H100s" in assumed("64 H100 for 14 days")
    assert "40% to 50% with models under 0.5 B on A100s" in assumed("1e18", device="A100")
    assert assumed("1e21", device="mi300x").endswith("no published runs of this size on MI300X are known here")
