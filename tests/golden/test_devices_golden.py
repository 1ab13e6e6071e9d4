"""Every dense peak of the device table against the vendor's published number.

Where a vendor prints only the rate with 2:4 sparsity, the figure stands here as printed, halved.
"""

import pytest

from budgetscope.core.hardware.devices import Device
from budgetscope.store.devices import bundled_devices

DEVICES = bundled_devices().devices

# device: (publication, {precision: printed figure in FLOP/s})
PUBLISHED: dict[str, tuple[str, dict[str, float]]] = {
    "v100": ("NVIDIA V100 data sheet, SXM2: dense", {"fp32": 15.7e12, "fp16": 125e12}),
    "a100-40gb": (
        "NVIDIA A100 data sheet: 'with sparsity'",
        {"fp32": 19.5e12, "tf32": 312e12 / 2, "bf16": 624e12 / 2, "fp16": 624e12 / 2},
    ),
    "a100-80gb": (
        "NVIDIA A100 data sheet: 'with sparsity'",
        {"fp32": 19.5e12, "tf32": 312e12 / 2, "bf16": 624e12 / 2, "fp16": 624e12 / 2},
    ),
    "h100-sxm": (
        "NVIDIA H100 data sheet, SXM: 'with sparsity'",
        {"fp32": 67e12, "tf32": 989e12 / 2, "bf16": 1979e12 / 2, "fp16": 1979e12 / 2, "fp8": 3958e12 / 2},
    ),
    "h100-pcie": (
        "NVIDIA H100 data sheet (2022), PCIe: 'with sparsity'",
        {"fp32": 51e12, "tf32": 756e12 / 2, "bf16": 1513e12 / 2, "fp16": 1513e12 / 2, "fp8": 3026e12 / 2},
    ),
    "h100-nvl": (
        "NVIDIA H100 data sheet, NVL: 'with sparsity', per GPU",
        {"fp32": 60e12, "tf32": 835e12 / 2, "bf16": 1671e12 / 2, "fp16": 1671e12 / 2, "fp8": 3341e12 / 2},
    ),
    "h200": (
        "NVIDIA H200 data sheet, SXM: 'with sparsity'",
        {"fp32": 67e12, "tf32": 989e12 / 2, "bf16": 1979e12 / 2, "fp16": 1979e12 / 2, "fp8": 3958e12 / 2},
    ),
    "b200": (
        "NVIDIA Blackwell data sheet, HGX B200, individual GPU: 'with sparsity'",
        {
            "fp32": 75e12,
            "tf32": 2.2e15 / 2,
            "bf16": 4.5e15 / 2,
            "fp16": 4.5e15 / 2,
            "fp8": 9e15 / 2,
            "fp4": 18e15 / 2,
        },
    ),
    "gb200": (
        "NVIDIA Blackwell data sheet, GB200 NVL72, individual GPU: 'with sparsity'",
        {
            "fp32": 80e12,
            "tf32": 2.5e15 / 2,
            "bf16": 5e15 / 2,
            "fp16": 5e15 / 2,
            "fp8": 10e15 / 2,
            "fp4": 20e15 / 2,
        },
    ),
    "mi250x": ("AMD Instinct MI250X data sheet: dense", {"fp32": 47.9e12, "bf16": 383e12, "fp16": 383e12}),
    "mi300x": (
        "AMD Instinct MI300X data sheet: dense (sparse is 2614.9 for bf16)",
        {"fp32": 163.4e12, "tf32": 653.7e12, "bf16": 1307.4e12, "fp16": 1307.4e12, "fp8": 2614.9e12},
    ),
    "mi325x": (
        "AMD Instinct MI325X data sheet: dense",
        {"fp32": 163.4e12, "tf32": 653.7e12, "bf16": 1307.4e12, "fp16": 1307.4e12, "fp8": 2614.9e12},
    ),
    "l40s": (
        "NVIDIA L40S data sheet: dense (sparse is 733 for bf16)",
        {"fp32": 91.6e12, "tf32": 183e12, "bf16": 362.05e12, "fp16": 362.05e12, "fp8": 733e12},
    ),
    "rtx-4090": (
        "NVIDIA Ada whitepaper, fp32 accumulate: sparse",
        {
            "fp32": 82.6e12,
            "tf32": 165.2e12 / 2,
            "bf16": 330.4e12 / 2,
            "fp16": 330.4e12 / 2,
            "fp8": 660.6e12 / 2,
        },
    ),
    "rtx-5090": (
        "NVIDIA RTX Blackwell whitepaper, fp32 accumulate: sparse",
        {
            "fp32": 104.8e12,
            "tf32": 209.5e12 / 2,
            "bf16": 419e12 / 2,
            "fp16": 419e12 / 2,
            "fp8": 838e12 / 2,
            "fp4": 3352e12 / 2,
        },
    ),
    "a800": (
        "NVIDIA A800 data sheet: 'with sparsity'",
        {"fp32": 19.5e12, "tf32": 312e12 / 2, "bf16": 624e12 / 2, "fp16": 624e12 / 2},
    ),
    "h800": (
        "NVIDIA H800 data sheet, SXM: 'with sparsity'",
        {"fp32": 67e12, "tf32": 989e12 / 2, "bf16": 1979e12 / 2, "fp16": 1979e12 / 2, "fp8": 3958e12 / 2},
    ),
    "h20": (
        "NVIDIA H20 data sheet: dense",
        {"fp32": 44e12, "tf32": 74e12, "bf16": 148e12, "fp16": 148e12, "fp8": 296e12},
    ),
    "b300": (
        "NVIDIA Blackwell Ultra data sheet, HGX B300, individual GPU: 'with sparsity' but for fp4",
        {
            "fp32": 75e12,
            "tf32": 2.2e15 / 2,
            "bf16": 4.5e15 / 2,
            "fp16": 4.5e15 / 2,
            "fp8": 9e15 / 2,
            "fp4": 14e15,
        },
    ),
    "gb300": (
        "NVIDIA Blackwell Ultra data sheet, GB300 NVL72, individual GPU: 'with sparsity' but for fp4",
        {
            "fp32": 80e12,
            "tf32": 2.5e15 / 2,
            "bf16": 5e15 / 2,
            "fp16": 5e15 / 2,
            "fp8": 10e15 / 2,
            "fp4": 15e15,
        },
    ),
    "mi355x": (
        "AMD Instinct MI355X data sheet: dense",
        {"fp32": 157.3e12, "bf16": 2.5166e15, "fp16": 2.5166e15, "fp8": 5.0332e15, "fp4": 10.0663e15},
    ),
    "l4": (
        "NVIDIA L4 data sheet: 'with sparsity'",
        {"fp32": 30.3e12, "tf32": 120e12 / 2, "bf16": 242e12 / 2, "fp16": 242e12 / 2, "fp8": 485e12 / 2},
    ),
    "t4": ("NVIDIA T4 data sheet: mixed precision", {"fp32": 8.1e12, "fp16": 65e12}),
    "rtx-a6000": (
        "NVIDIA Ampere GA102 whitepaper, RTX A6000, fp32 accumulate: sparse",
        {"fp32": 38.7e12, "tf32": 154.8e12 / 2, "bf16": 309.7e12 / 2, "fp16": 309.7e12 / 2},
    ),
    "rtx-6000-ada": (
        "NVIDIA RTX 6000 Ada data sheet: tensor 1457 is fp8 with sparsity",
        {"fp32": 91.1e12, "tf32": 1457e12 / 8, "bf16": 1457e12 / 4, "fp16": 1457e12 / 4, "fp8": 1457e12 / 2},
    ),
    "rtx-pro-6000": (
        "NVIDIA RTX PRO 6000 data sheet: 4030 AI TOPS are fp4 with sparsity",
        {
            "fp32": 126e12,
            "tf32": 4030e12 / 16,
            "bf16": 4030e12 / 8,
            "fp16": 4030e12 / 8,
            "fp8": 4030e12 / 4,
            "fp4": 4030e12 / 2,
        },
    ),
    "rtx-3090": (
        "NVIDIA Ampere GA102 whitepaper, GeForce RTX 3090, fp32 accumulate: sparse",
        {"fp32": 35.6e12, "tf32": 71e12 / 2, "bf16": 142e12 / 2, "fp16": 142e12 / 2},
    ),
    "titan-rtx": ("NVIDIA TITAN RTX specification: 130 tensor TFLOP/s", {"fp32": 16.3e12, "fp16": 130e12}),
    "tpu-v4": ("cloud.google.com/tpu/docs/v4, peak compute per chip", {"bf16": 275e12}),
    "tpu-v5e": ("cloud.google.com/tpu/docs/v5e, peak compute per chip", {"bf16": 197e12}),
    "tpu-v5p": ("cloud.google.com/tpu/docs/v5p, peak compute per chip", {"bf16": 459e12}),
    "tpu-v6e": ("cloud.google.com/tpu/docs/v6e, peak compute per chip", {"bf16": 918e12}),
}


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.id)
def test_peaks_are_the_published_dense_ones(device: Device) -> None:
    publication, printed = PUBLISHED[device.id]
    # Data sheets round to three or four digits; a sparse figure would be off by a factor of two.
    assert dict(device.peak_flops_per_s) == pytest.approx(printed, rel=5e-3), publication


def test_no_published_device_is_missing() -> None:
    assert {device.id for device in DEVICES} == set(PUBLISHED)


# Printed both ways together: NVLink of NVIDIA's data sheets, 7 links of Infinity Fabric of AMD's.
LINKS = {
    "v100": 300e9, "a100-80gb": 600e9, "a800": 400e9, "h100-sxm": 900e9, "h800": 400e9, "h200": 900e9, "b200": 1.8e12,
    "gb200": 1.8e12, "mi300x": 7 * 128e9, "mi355x": 7 * 153.6e9,
}  # fmt: skip


def test_links_are_one_way() -> None:
    found = {device.id: 2 * device.link_bytes_per_s for device in DEVICES if device.id in LINKS}
    assert found == pytest.approx(LINKS)
    assert {device.id for device in DEVICES if device.devices_per_node == 72} == {"gb200", "gb300"}


# Largest power of one device by the vendor's data sheet, W: TDP, TGP, or peak board power.
PUBLISHED_WATTS = {
    "v100": 300, "a100-40gb": 400, "a100-80gb": 400, "a800": 400, "h100-sxm": 700, "h100-pcie": 350, "h100-nvl": 400,
    "h800": 700, "h20": 400, "h200": 700, "b200": 1000, "gb200": 1200, "mi250x": 560, "mi300x": 750, "mi325x": 1000,
    "mi355x": 1400, "l40s": 350, "l4": 72, "t4": 70, "rtx-a6000": 300, "rtx-6000-ada": 300, "rtx-pro-6000": 600,
    "rtx-3090": 350, "titan-rtx": 280, "rtx-4090": 450, "rtx-5090": 575,
}  # fmt: skip


def test_every_power_is_the_published_one() -> None:
    assert {device.id: device.tdp_watts for device in DEVICES if device.tdp_watts is not None} == PUBLISHED_WATTS
