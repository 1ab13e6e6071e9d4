"""The energy of a run: device-hours x watts x PUE, against what was published of real ones."""

from dataclasses import replace

import pytest

from budgetscope.core.budget.quantities import format_energy, format_mass
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import Device, device_from_mapping, find_device
from budgetscope.core.hardware.energy import Energy, EnergyOptions, energy_assumptions, run_energy
from budgetscope.core.laws.intervals import Estimate
from budgetscope.store.devices import bundled_devices

DEVICES = bundled_devices().devices
H100 = find_device("h100", DEVICES)


def energy(device: Device, device_hours: float, **options: float) -> Energy:
    found = run_energy(device, Estimate(device_hours), EnergyOptions(**options))
    assert found is not None
    return found


def test_a_node_of_h100s_is_as_measured_and_below_its_rating() -> None:
    # Latif et al. 2024, arXiv 2412.08602: up to 8.4 kW of the rated 10.2 kW.
    an_hour = energy(H100, 8, pue=1)
    assert an_hour.kwh.value == pytest.approx(8.4)
    assert an_hour.kwh.high == pytest.approx(10.2, rel=0.02)
    # Newkirk et al. 2025, arXiv 2506.14551: heavy load is 76% of the rating.
    assert an_hour.kwh.low is not None
    assert an_hour.kwh.low < 0.76 * 10.2 < an_hour.kwh.value


def test_the_energy_published_for_bloom_is_that_of_the_tdp_alone() -> None:
    # Luccioni et al. 2022, arXiv 2211.02001: 1,082,990 hours of A100-80GB are 433,196 kWh, 24.69 t at 57 gCO2e/kWh.
    a100 = find_device("a100", DEVICES)
    assert a100.tdp_watts is not None
    found = energy(a100, 1_082_990, watts=a100.tdp_watts, pue=1, grid_g_per_kwh=57)
    assert found.kwh.value == pytest.approx(433_196, abs=1)
    assert found.kwh.low is None
    assert found.co2e_kg is not None
    assert found.co2e_kg.value == pytest.approx(24_690, rel=1e-3)


def test_the_range_is_of_the_power_and_the_pue() -> None:
    found = energy(H100, 1000)
    assert found.kwh.value == pytest.approx(700 * 1.5 * 1.2)
    assert found.kwh.low == pytest.approx(700 * 1.3 * 1.1)
    assert found.kwh.high == pytest.approx(700 * 1.8 * 1.54)
    half = energy(H100, 1000, watts=900)
    assert half.kwh.low == pytest.approx(990)
    assert half.kwh.value == pytest.approx(1080)


def test_the_range_of_the_hours_multiplies_it() -> None:
    found = run_energy(H100, Estimate(1000, 900, 1200))
    assert found is not None
    assert (found.kwh.low, found.kwh.high) == pytest.approx((900 * 0.7 * 1.3 * 1.1, 1200 * 0.7 * 1.8 * 1.54))
    exact = run_energy(H100, Estimate(1000, 900, 1200), EnergyOptions(watts=1000, pue=1))
    assert exact is not None
    assert (exact.kwh.low, exact.kwh.value, exact.kwh.high) == pytest.approx((900, 1000, 1200))


def test_co2e_is_only_told_with_a_grid() -> None:
    assert energy(H100, 1000).co2e_kg is None
    clean, coal = (energy(H100, 1000, grid_g_per_kwh=grams).co2e_kg for grams in (0, 1000))
    assert clean is not None
    assert coal is not None
    assert clean.value == 0
    assert coal.value == pytest.approx(energy(H100, 1000).kwh.value)


def test_a_device_without_power_has_no_energy_until_it_is_stated() -> None:
    b300 = find_device("b300", DEVICES)
    assert run_energy(b300, Estimate(1000)) is None
    assert energy_assumptions(b300, EnergyOptions()) == ()
    assert energy(b300, 1000, watts=2000, pue=1).kwh.value == 2000


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (EnergyOptions(), ["power: 1,050 W", "PUE: 1.2"]),
        (EnergyOptions(watts=900), ["PUE: 1.2"]),
        (EnergyOptions(pue=1.1), ["power: 1,050 W"]),
        (EnergyOptions(watts=900, pue=1.1), []),
    ],
)
def test_what_is_not_stated_is_an_assumption_with_its_source(options: EnergyOptions, told: list[str]) -> None:
    assumed = energy_assumptions(H100, options)
    assert [text[: len(start)] for text, start in zip(assumed, told, strict=True)] == told
    assert all("arXiv" in text or "Uptime" in text for text in assumed)


@pytest.mark.parametrize("watts", [0, -700, 1e9, "700", True, float("nan")])
def test_an_impossible_power_of_an_own_device_is_refused(watts: object) -> None:
    table = {"peak_flops_per_s": {"bf16": 1e15}, "memory_bytes": 80e9, "memory_bandwidth_bytes_per_s": 3e12}
    with pytest.raises(UsageError, match=r"tdp_watts is .*; give watts from 1 to 20000"):
        device_from_mapping("mine", {**table, "tdp_watts": watts})
    assert device_from_mapping("mine", {**table, "tdp_watts": 650}).tdp_watts == 650


@pytest.mark.parametrize(
    ("kwh", "text"),
    [
        (0, "0 Wh"),
        (0.5, "500 Wh"),
        (999.4, "999 kWh"),
        (999.6, "1 MWh"),
        (27_100, "27.1 MWh"),
        (3.2e13, "32,000 TWh"),
    ],
)
def test_energy_is_told_in_its_unit(kwh: float, text: str) -> None:
    assert format_energy(kwh) == text


def test_mass_is_told_in_tons() -> None:
    assert [format_mass(kg) for kg in (12.34, 10_300, 5.39e6)] == ["12.3 kg", "10.3 t", "5.39 kt"]


def test_more_power_is_more_energy() -> None:
    assert energy(replace(H100, tdp_watts=1000.0), 10).kwh.value > energy(H100, 10).kwh.value
