"""Accelerators as people read them."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from budgetscope.core.devices import Device, training_precision
from budgetscope.report.rows import UNKNOWN

DEVICE_HEADER = ("device", "id", "dense peak", "memory", "bandwidth", "$/h", "price of")


def device_cells(device: Device) -> tuple[str, ...]:
    """Return a device's line, under `DEVICE_HEADER`."""
    precision = training_precision(device)
    low, high = device.price_usd_per_hour_low, device.price_usd_per_hour_high
    return (
        device.name + (" (yours)" if device.user_defined else ""),
        device.id,
        f"{device.peak_flops_per_s[precision] / 1e12:g} TFLOP/s {precision}",
        f"{device.memory_bytes / 1e9:.0f} GB",
        f"{device.memory_bandwidth_bytes_per_s / 1e12:.2f} TB/s",
        UNKNOWN if low is None or high is None else f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}",
        device.price_date or UNKNOWN,
    )


def devices_json(devices: Sequence[Device]) -> str:
    """Return the devices as JSON, with the source of every figure."""
    return json.dumps([asdict(device) for device in devices], indent=2) + "\n"
