"""The energy of a training run, and its CO2e at a grid's intensity."""

from dataclasses import dataclass

from budgetscope.core.hardware.devices import Device
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Estimate, Kind

NODE_SHARE = (1.3, 1.5, 1.8)
"""Watts of a node over the TDP of its devices: low, usual, high.

A node of 8 H100s, whose TDP is 5.6 kW together, drew up to 8.4 kW in training (1.5), 76% of its rated 10.2 kW under
heavy load (1.38), and the rating is 1.82: Latif et al. 2024, arXiv 2412.08602; Newkirk et al. 2025, arXiv 2506.14551,
who find estimates from the TDP off by 27 to 37%.
"""
PUE = (1.1, 1.2, 1.54)
"""Power of a data centre over that of its machines: about that of the most efficient fleets, ours, and the mean of the
Uptime Institute's survey of 2025."""


@dataclass(frozen=True, slots=True)
class EnergyOptions:
    """What a request states of its energy; None means not given.

    Attributes:
        watts: measured, of one device with its share of the node.
        pue: of the data centre.
        grid_g_per_kwh: CO2e of the electricity, in grams a kWh.
    """

    watts: float | None = None
    pue: float | None = None
    grid_g_per_kwh: float | None = None


NO_OPTIONS = EnergyOptions()


@dataclass(frozen=True, slots=True)
class Energy:
    """The energy of a training run, at the data centre's meter.

    Attributes:
        kwh: with the range of the power, the PUE and the device-hours, all at their ends together.
        co2e_kg: of that electricity, and not of making the machines; None without a grid's intensity.
        watts: of one device with its share of the node.
        pue: of the data centre.
    """

    kwh: Estimate
    co2e_kg: Estimate | None
    watts: Estimate
    pue: Estimate


def run_energy(device: Device, device_hours: Estimate, options: EnergyOptions = NO_OPTIONS) -> Energy | None:
    """Return the energy of a run: device-hours x watts x PUE; None when neither power nor TDP is known.

    Args:
        device: for its TDP.
        device_hours: of the run, with their range where they have one.
        options: what is stated in place of the usual values.
    """
    watts = _watts(device, options)
    if watts is None:
        return None
    pue = _spread(PUE, 1.0, _("the most efficient fleets to the mean of Uptime's survey of 2025"))
    if device.by_rate:
        pue = Estimate(1.0, basis=_("at its own plug"))
    if options.pue is not None:
        pue = Estimate(options.pue, basis=_("as stated"), kind=Kind.STATED)
    kwh = _product(_product(watts, pue), device_hours.times(1 / 1000))
    grid = options.grid_g_per_kwh
    return Energy(kwh, None if grid is None else kwh.times(grid / 1000), watts, pue)


def _watts(device: Device, options: EnergyOptions) -> Estimate | None:
    if options.watts is not None:
        return Estimate(options.watts, basis=_("as stated"), kind=Kind.STATED)
    if device.tdp_watts is None:
        return None
    return _spread(NODE_SHARE, device.tdp_watts, _("{share} x its TDP").format(share=NODE_SHARE[1]))


def _spread(of: tuple[float, float, float], factor: float, basis: str) -> Estimate:
    low, value, high = of
    return Estimate(value * factor, low * factor, high * factor, basis)


def _product(one: Estimate, other: Estimate) -> Estimate:
    """Return the product; the ends are the products of the ends, and none if both numbers are exact."""
    if one.low is None and other.low is None:
        return Estimate(one.value * other.value)
    low = (one.low or one.value) * (other.low or other.value)
    high = (one.high or one.value) * (other.high or other.value)
    return Estimate(one.value * other.value, low, high)


def energy_assumptions(device: Device, options: EnergyOptions) -> tuple[str, ...]:
    """Return what the energy of a run assumes: its power and the PUE, with their sources; nothing if it is unknown."""
    told = []
    if options.watts is None:
        if device.tdp_watts is None:
            return ()
        low, share, high = NODE_SHARE
        power = _(
            "power: {watts} W a device with its share of the node, {share} x its TDP of {tdp} W ({low} to {high}: "
            "8 H100s in training drew up to 8.4 of their node's rated 10.2 kW, arXiv 2412.08602, 2506.14551) (--watts)"
        )
        watts, tdp = f"{share * device.tdp_watts:,.0f}", f"{device.tdp_watts:,.0f}"
        told.append(power.format(watts=watts, share=share, tdp=tdp, low=low, high=high))
    if options.pue is None and device.by_rate:
        told.append(_("PUE: 1, at the plug of your own machine (--pue)"))
    elif options.pue is None:
        low, pue, high = PUE
        usual = _(
            "PUE: {pue} ({low} to {high}: the most efficient fleets, the mean of the Uptime Institute's survey of "
            "2025) (--pue)"
        )
        told.append(usual.format(pue=pue, low=low, high=high))
    return tuple(told)
