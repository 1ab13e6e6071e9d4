import dataclasses
import re
import tomllib

import pytest

from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import (
    PRECISIONS,
    Device,
    default_price,
    device_from_mapping,
    find_device,
    training_precision,
)
from budgetscope.store.devices import bundled_devices

DEVICES = bundled_devices().devices

MINE = """
peak_flops_per_s = {bf16 = 500e12, fp8 = 1e15}
memory_bytes = 96e9
memory_bandwidth_bytes_per_s = 4_000_000_000_000
price_usd_per_hour_low = 1
price_usd_per_hour_high = 4.0
price_date = "2026-10"
aliases = ["our h100", "h100"]
"""


def mine(**changes: object) -> dict[str, object]:
    entry = tomllib.loads(MINE) | changes
    return {key: value for key, value in entry.items() if value is not ...}


def test_every_name_finds_its_own_device_and_no_other() -> None:
    for device in DEVICES:
        for label in (device.id, device.name, *device.aliases):
            assert find_device(label, DEVICES) is device, label


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.id)
def test_bundled_entries_are_complete_and_plausible(device: Device) -> None:
    assert set(device.peak_flops_per_s) <= set(PRECISIONS)
    assert training_precision(device) in device.peak_flops_per_s
    assert 15e9 < device.memory_bytes < 300e9
    assert 3e11 <= device.memory_bandwidth_bytes_per_s <= 8e12
    assert device.spec_source
    assert not device.user_defined
    low, high = device.price_usd_per_hour_low, device.price_usd_per_hour_high
    if low is None or high is None or device.price_date is None:
        assert (low, high, device.price_date, device.price_source) == (None,) * 4
        assert "no dated public rent" in device.note
    else:
        assert 0 < low <= high
        assert device.price_source
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", device.price_date)
        assert device.price_date <= bundled_devices().date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("H100", "h100-sxm"),
        ("H100s", "h100-sxm"),
        ("h100 sxm", "h100-sxm"),
        ("H100_SXM5", "h100-sxm"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("NVIDIA A100-SXM4-40GB", "a100-40gb"),
        ("a100", "a100-80gb"),
        ("L40S", "l40s"),
        ("l40ss", "l40s"),
        ("4090s", "rtx-4090"),
        ("Google TPU v5 lite", "tpu-v5e"),
        (" trillium ", "tpu-v6e"),
        ("80GB A100", "a100-80gb"),
        ("80GB A100s", "a100-80gb"),
        ("48 GB L40S", "l40s"),
        ("A100-80G", "a100-80gb"),
        ("A100 40 GB SXM4", "a100-40gb"),
        ("H100 80GB SXM5", "h100-sxm"),
        ("H100 (94GB) NVL", "h100-nvl"),
        ("RTX6000 Ada", "rtx-6000-ada"),
        ("NVIDIA RTX PRO 6000 Blackwell", "rtx-pro-6000"),
    ],
)
def test_names_as_people_and_drivers_write_them(text: str, expected: str) -> None:
    assert find_device(text, DEVICES).id == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [("h10", "h100-sxm"), ("rtx 4900", "rtx-4090"), ("mi300xx", "mi300x"), ("rtx 6000", "rtx-6000-ada")],
)
def test_unknown_device_names_the_text_near_ones_and_the_list(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=rf"{text!r}: perhaps you mean .*{hint}.*`budgetscope devices`"):
        find_device(text, DEVICES)


def test_of_two_devices_of_a_name_the_first_is_found() -> None:
    ours = dataclasses.replace(DEVICES[0], id="ours", name="H100")
    assert find_device("h100", (ours, *DEVICES)).id == "ours"
    assert find_device("h100", (*DEVICES, ours)).id == "h100-sxm"


@pytest.mark.parametrize("text", ["", " ", "nvidia", "abacus", "s", "80GB", "SXM"])
def test_unlike_anything_has_no_guess(text: str) -> None:
    with pytest.raises(UsageError, match="unknown device"):
        find_device(text, DEVICES)


def test_default_price_is_the_geometric_middle() -> None:
    h100 = find_device("h100-sxm", DEVICES)
    assert default_price(dataclasses.replace(h100, price_usd_per_hour_low=1.0, price_usd_per_hour_high=4.0)) == 2.0
    assert default_price(dataclasses.replace(h100, price_usd_per_hour_low=2.0, price_usd_per_hour_high=3.0)) == 2.45
    assert default_price(dataclasses.replace(h100, price_usd_per_hour_low=None, price_usd_per_hour_high=None)) is None


def test_training_precision_prefers_bf16() -> None:
    assert training_precision(find_device("h100", DEVICES)) == "bf16"
    assert training_precision(find_device("v100", DEVICES)) == "fp16"
    with pytest.raises(UsageError, match="neither a bf16 nor an fp16"):
        training_precision(dataclasses.replace(find_device("v100", DEVICES), peak_flops_per_s={"fp32": 1e13}))


def test_user_entry_is_read_and_wins_over_bundled_names() -> None:
    device = device_from_mapping("My-Card", mine())
    assert device.user_defined
    assert device.name == "My-Card"
    assert dict(device.peak_flops_per_s) == {"bf16": 5e14, "fp8": 1e15}
    assert device.memory_bytes == 96_000_000_000
    assert isinstance(device.memory_bytes, int)
    assert default_price(device) == 2.0
    assert find_device("my card", [device, *DEVICES]) is device
    assert find_device("H100", [device, *DEVICES]) is device
    assert find_device("h100-sxm", [device, *DEVICES]).id == "h100-sxm"


def test_user_entry_may_leave_out_price_and_texts() -> None:
    device = device_from_mapping(
        "x", mine(price_usd_per_hour_low=..., price_usd_per_hour_high=..., price_date=..., aliases=...)
    )
    assert default_price(device) is None
    assert device.aliases == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peak_tflops": 500}, "unknown key 'peak_tflops'; the keys are"),
        ({"memory_bytes": ...}, "memory_bytes is missing; add it"),
        ({"memory_bytes": -1}, "memory_bytes is -1; give a number"),
        ({"memory_bytes": 96}, "memory_bytes is 96; give a number of 1e.06 or more in bytes"),
        ({"memory_bytes": float("nan")}, "memory_bytes is nan"),
        ({"memory_bytes": True}, "memory_bytes is True"),
        ({"memory_bytes": "96GB"}, "memory_bytes is '96GB'"),
        ({"devices_per_node": 0}, "devices_per_node is 0; give a whole number from 1 to 1024"),
        ({"link_bytes_per_s": 450}, "link_bytes_per_s is 450; give a number"),
        ({"memory_bandwidth_bytes_per_s": float("inf")}, "memory_bandwidth_bytes_per_s is inf"),
        ({"memory_bandwidth_bytes_per_s": 10**400}, "memory_bandwidth_bytes_per_s is 1000"),
        ({"peak_flops_per_s": 500e12}, "give a table by precision"),
        ({"peak_flops_per_s": {"bf16": 500}}, "peak_flops_per_s.bf16 is 500; .* dense FLOP/s"),
        ({"peak_flops_per_s": {"bf16": 5e14, "int8": 1e15}}, "unknown precision 'int8'"),
        ({"peak_flops_per_s": {"fp8": 1e15}}, "neither bf16 nor fp16; add"),
        ({"price_usd_per_hour_low": ...}, "price_usd_per_hour_high stands alone; give both"),
        ({"price_usd_per_hour_low": 0}, "price_usd_per_hour_low is 0"),
        ({"price_usd_per_hour_low": 9}, "low 9 is above price_usd_per_hour_high 4; swap"),
        ({"price_date": "yesterday"}, "price_date is 'yesterday'; give year and month"),
        ({"name": 7}, "name is 7; give it as printable text"),
        ({"note": " "}, "note is ' '; give it as printable text"),
        ({"aliases": "h100"}, "aliases is 'h100'; give a list of names"),
        ({"aliases": ["-"]}, "aliases is .*; give a list of names"),
    ],
)
def test_bad_user_entries_are_refused_with_key_and_remedy(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as refusal:
        device_from_mapping("my-card", mine(**changes))
    assert "'my-card'" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("device_id", ["", "../etc/passwd", "[red]x[/]", "a" * 65, "-"])
def test_bad_ids_are_refused(device_id: str) -> None:
    with pytest.raises(UsageError, match="not a valid id; use"):
        device_from_mapping(device_id, mine())


@pytest.mark.parametrize("entry", [3, "h100", None, [1]])
def test_an_entry_that_is_no_table_is_refused(entry: object) -> None:
    with pytest.raises(UsageError, match="write it as a table"):
        device_from_mapping("my-card", entry)
