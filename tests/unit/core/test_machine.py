"""From what was said of the machine to FLOPs, hours and dollars."""

from dataclasses import replace
from typing import Any

import pytest

from budgetscope.core.budget.parse import ComputeBudget, HardwareBudget, parse_budget
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import default_price, find_device
from budgetscope.core.hardware.machine import (
    Machine,
    MachineOptions,
    at_end,
    describe_machine,
    device_name,
    machine_for,
)
from budgetscope.core.hardware.mfu import elsewhere
from budgetscope.store.devices import bundled_devices

H100 = find_device("H100", bundled_devices().devices)


def machine(text: str, **options: Any) -> Machine:
    return machine_for(parse_budget(text), H100, MachineOptions(**options), device_stated=True)


def test_devices_and_a_duration_by_hand() -> None:
    # 64 x 989.4e12 x 0.4 x 14 days.
    found = machine("64xH100 14d at 40% MFU")
    assert H100.peak_flops_per_s["bf16"] == pytest.approx(989.5e12, rel=1e-3)
    assert found.executed_flops == pytest.approx(64 * H100.peak_flops_per_s["bf16"] * 0.4 * 14 * 86400, rel=1e-12)
    assert found.device_hours(found.executed_flops or 0) == pytest.approx(64 * 14 * 24, rel=1e-12)
    assert (found.n_devices, found.mfu) == (64, 0.4)


def test_device_hours_by_hand() -> None:
    found = machine("5000 H100-hours")
    assert found.device_hours(found.executed_flops or 0) == pytest.approx(5000)
    assert (found.mfu, found.expected) == (elsewhere().value, elsewhere())


def test_dollars_by_hand() -> None:
    found = machine("$50k on H100 at $2.50/h")
    assert found.device_hours(found.executed_flops or 0) == pytest.approx(20_000)
    assert found.price is not None
    assert (found.price.value, found.price.low) == (2.5, None)


def test_dollars_at_the_tables_price() -> None:
    found = machine("$50k on H100")
    price = default_price(H100)
    assert price is not None
    assert found.device_hours(found.executed_flops or 0) == pytest.approx(50_000 / price)
    assert found.price is not None
    assert found.price.low == H100.price_usd_per_hour_low
    assert found.price.high == H100.price_usd_per_hour_high


def test_an_amount_and_a_duration_say_how_many_devices() -> None:
    assert machine("5000 H100-hours for 100 hours").n_devices == pytest.approx(50)
    assert machine("$50k on H100 at $2.50/h for 200 hours").n_devices == pytest.approx(100)
    with pytest.raises(UsageError, match="leave --gpus out"):
        machine("5000 H100-hours for 100 hours", n_devices=8)


def test_what_was_stated_is_kept_to_the_bit() -> None:
    assert machine("43 H100 for 762.688 hours").n_devices == 43


def test_a_compute_budget_says_nothing_of_the_machine() -> None:
    found = machine_for(ComputeBudget(1e21), H100, MachineOptions(), device_stated=False)
    assert found.executed_flops is None
    said = " ".join(found.assumptions)
    for flag in ("--device", "--gpus", "--mfu", "--price"):
        assert flag in said


def test_only_what_was_not_said_is_assumed() -> None:
    assert machine("64xH100 14d at 40% MFU at $2/h").assumptions == ()
    (assumed,) = machine("64xH100 14d at $2/h").assumptions
    assert "MFU" in assumed
    (assumed,) = machine("64xH100 14d", mfu=0.3).assumptions
    assert "price" in assumed


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("64xH100 14d", {"n_devices": 32.0}, "the budget says devices 64 and --gpus says 32"),
        ("64xH100 14d at 40% MFU", {"mfu": 0.5}, "the budget says MFU 0.4 and --mfu says 0.5"),
        ("$50k on H100 at $2/h", {"price_usd_per_device_hour": 3.0}, "the budget says price 2 and --price says 3"),
        ("1e21", {"mfu": 0.0}, "the MFU 0 is out of bounds"),
        ("1e21", {"mfu": 1.01}, "the MFU 1.01"),
        ("1e21", {"mfu": float("nan")}, "the MFU nan"),
        ("1e21", {"n_devices": 0.5}, "the number of devices 0.5"),
        ("1e21", {"n_devices": float("inf")}, "the number of devices inf"),
        ("1e21", {"price_usd_per_device_hour": -1.0}, "the price -1"),
        ("1e21", {"price_usd_per_device_hour": 0.0}, "the price 0"),
    ],
)
def test_contradictions_and_bounds(text: str, options: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        machine(text, **options)


@pytest.mark.parametrize(
    ("text", "flops", "n_devices"),
    [
        ("64xH100 14d", 64 * 14 * 86400, 64),
        ("$50k on H100 for 200 hours", 25_000 * 3600, 125),
        ("$50k on H100", 25_000 * 3600, None),
        ("5000 H100-hours", 5000 * 3600, None),
        ("1e21", None, 8),
    ],
)
def test_at_another_mfu_and_price_the_budget_gives_other_flops(
    text: str, flops: float | None, n_devices: int | None
) -> None:
    budget = parse_budget(text)
    found = at_end(machine(text), budget, 0.3, 2.0)
    assert found.n_devices == n_devices
    if flops is None:
        assert found.executed_flops is None
    else:
        assert found.executed_flops == pytest.approx(flops * 0.3 * H100.peak_flops_per_s["bf16"])


def test_saying_the_same_twice_is_fine() -> None:
    assert machine("64xH100 14d at 40% MFU", n_devices=64.0, mfu=0.4).n_devices == 64


def test_dollars_without_any_price_ask_for_one() -> None:
    unpriced = replace(H100, price_usd_per_hour_low=None, price_usd_per_hour_high=None)
    with pytest.raises(UsageError, match="--price"):
        machine_for(HardwareBudget(usd=1000.0), unpriced, MachineOptions(), device_stated=True)


def test_a_target_may_name_its_machine_and_any_budget_its_precision() -> None:
    found = machine("1e21 on 64 H100 at 30% MFU")
    assert (found.n_devices, found.mfu, found.executed_flops) == (64, 0.3, None)
    assert machine("64 H100 14d in fp16").precision == "fp16"
    assert machine("64 H100 14d in fp8 at 25% MFU").device_flops_per_s == pytest.approx(1978.9e12 / 4)
    with pytest.raises(UsageError, match="published MFUs were measured in bf16; say what fp8 reaches"):
        machine("64 H100 14d in fp8")
    with pytest.raises(UsageError, match="H100 SXM has no fp4; it has fp32, tf32"):
        machine("64 H100 14d in fp4")


def test_turing_says_that_it_has_no_bf16() -> None:
    t4 = find_device("T4", bundled_devices().devices)
    found = machine_for(parse_budget("8 T4 for a week"), t4, MachineOptions(), device_stated=True)
    assert found.precision == "fp16"
    assert "precision: fp16, since T4 has no bf16" in found.assumptions
    with pytest.raises(UsageError, match="T4 has no bf16"):
        machine_for(parse_budget("8 T4 for a week in bf16"), t4, MachineOptions(), device_stated=True)


def test_device_hours_alone_fix_no_number_of_devices() -> None:
    found = machine("1.3M H100-hours")
    assert found.n_devices is found.hours(1.3e6) is None
    assert machine("1.3M H100-hours", n_devices=1000.0).hours(1.3e6) == 1300
    assert describe_machine(found, 1.3e6).startswith("1,300,000 device-hours of H100 SXM at 989")


def test_the_device_is_named_once() -> None:
    assert device_name(parse_budget("64xH100 14d"), None) == "H100"
    assert device_name(parse_budget("64xH100 14d"), "h100") == "H100"
    assert device_name(parse_budget("1e21"), "A100") == "A100"
    assert device_name(parse_budget("1e21"), None) is None
    with pytest.raises(UsageError, match="the budget says 'H100' and --device says 'A100'"):
        device_name(parse_budget("64xH100 14d"), "A100")


def test_the_machine_in_words() -> None:
    found = machine("64xH100 14d at 40% MFU")
    said = describe_machine(found, 64 * 14 * 24)
    assert said.startswith("64 x H100 SXM at 989")
    assert said.endswith("x 0.4 MFU for 14 days")
