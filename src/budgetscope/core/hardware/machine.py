"""The machine of a plan: its devices, MFU and price, by the budget, the options and the defaults."""

from dataclasses import dataclass, replace

from budgetscope.core.budget.exchange import yen_assumptions
from budgetscope.core.budget.parse import Budget, HardwareBudget
from budgetscope.core.budget.quantities import as_share, format_hours
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.bounds import MFU_BOUNDS, N_DEVICES_BOUNDS, PRICE_BOUNDS
from budgetscope.core.hardware.devices import Device, default_price, own_machine, training_precision
from budgetscope.core.hardware.mfu import MeasuredRate, assumed_text, elsewhere, measured_mfu
from budgetscope.core.hardware.prices import device_price, price_text, stated_price
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Estimate

DEFAULT_DEVICE = "h100-sxm"
DEFAULT_N_DEVICES = 8.0
"""One node."""

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A measured rate with the model that it is of.

    Attributes:
        n_params: of the model, by `convention`.
        flops_per_token: that the machine executes for it.
        seq_len: its context, in tokens.
    """

    rate: MeasuredRate
    n_params: float
    flops_per_token: float
    seq_len: int
    convention: str


@dataclass(frozen=True, slots=True)
class MachineOptions:
    """The options that describe the machine; None means not given."""

    n_devices: float | None = None
    mfu: float | None = None
    price_usd_per_device_hour: float | None = None
    measured: MeasuredRun | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """Devices of one kind with their MFU and price.

    Attributes:
        precision: of training, a key of the device's peaks; "unknown" where only a rate is known.
        n_devices: None when device-hours or dollars leave it open.
        mfu: model FLOPs utilisation, from 0 to 1; 1 of a sustained rate.
        expected: the published MFU with its range, which `mfu` is the middle of; None if it is stated or measured.
        price: US dollars a device-hour; None when neither the user nor the device table gives one.
        executed_flops: FLOPs that the machine executes within the budget; None if the budget is not a hardware budget.
        assumptions: one sentence for each default in use.
    """

    device: Device
    precision: str
    n_devices: float | None
    mfu: float
    expected: Estimate | None
    price: Estimate | None
    executed_flops: float | None
    assumptions: tuple[str, ...]

    def reaching(self, expected: Estimate) -> "Machine":
        """Return the machine with another expected MFU, and the FLOPs that it then executes."""
        if self.expected is None:
            return self
        before, after = (assumed_text(self.device, each) for each in (self.expected, expected))
        flops = None if self.executed_flops is None else self.executed_flops * expected.value / self.mfu
        told = tuple(after if text == before else text for text in self.assumptions)
        return replace(self, mfu=expected.value, expected=expected, executed_flops=flops, assumptions=told)

    @property
    def device_flops_per_s(self) -> float:
        """FLOP/s of one device: dense peak x MFU."""
        return self.device.peak_flops_per_s[self.precision] * self.mfu

    def device_hours(self, executed_flops: float) -> float:
        """Return the device-hours for a number of executed FLOPs."""
        return executed_flops / self.device_flops_per_s / SECONDS_PER_HOUR

    def flops_in(self, device_hours: float) -> float:
        """Return the FLOPs executed in a number of device-hours."""
        return device_hours * SECONDS_PER_HOUR * self.device_flops_per_s

    def hours(self, device_hours: float) -> float | None:
        """Return the wall time of a number of device-hours; None when the number of devices is open."""
        return None if self.n_devices is None else device_hours / self.n_devices


def stated_once(name: str, in_budget: float | None, option: float | None, flag: str) -> float | None:
    """Return the value from the budget or from the option; None if neither has one.

    Raises:
        UsageError: both have one, and they differ.
    """
    if in_budget is not None and option is not None and in_budget != option:
        raise UsageError(f"the budget says {name} {in_budget:g} and {flag} says {option:g}; say it once.")
    return in_budget if in_budget is not None else option


def _check(name: str, value: float | None, bounds: tuple[float, float]) -> None:
    low, high = bounds
    if value is not None and not low <= value <= high:
        raise UsageError(f"{name} {value:g} is out of bounds; give a number from {low} to {high}.")


def _hardware(budget: Budget) -> HardwareBudget:
    return budget if isinstance(budget, HardwareBudget) else budget.machine


def device_name(budget: Budget, option: str | None) -> str | None:
    """Return the device that the budget or the option names; None when neither does.

    Raises:
        UsageError: both name one, and the names differ.
    """
    in_budget = _hardware(budget).device
    if in_budget and option and in_budget.casefold() != option.casefold():
        raise UsageError(f"the budget says {in_budget!r} and --device says {option!r}; say it once.")
    return in_budget or option


def stated_machine(budget: Budget, option: str | None) -> Device | None:
    """Return the user's own machine, where the budget states its sustained rate; None where it does not.

    Args:
        budget: of any kind.
        option: the device that --device names.

    Raises:
        UsageError: a device is named as well.
    """
    hardware = _hardware(budget)
    if hardware.flops_per_s is None:
        return None
    own = own_machine(hardware.flops_per_s, budget.fixed.precision)
    if option is not None:
        raise _beside_rate(own, "--device")
    return own


def _beside_rate(own: Device, option: str) -> UsageError:
    return UsageError(
        f"the budget says that a whole machine of your own sustains {own.sustained}; leave {option} out, or plan the "
        "device without the rate, as in '1 RTX 4090 for 3 days'."
    )


def stated_mfu(budget: Budget) -> float | None:
    """Return the MFU that a budget's text states; None when it states none."""
    return _hardware(budget).mfu


def machine_for(budget: Budget, device: Device, options: MachineOptions, *, device_stated: bool) -> Machine:
    """Return the machine that a budget and its options describe.

    Args:
        budget: of any kind.
        device: the device named by the user, or the default one.
        options: the options beside the budget.
        device_stated: whether the user named the device.

    Raises:
        UsageError: budget and options contradict each other, a value is out of bounds, or a budget in dollars has a
            device without a price.
    """
    if device.by_rate:
        return _own(budget, device, options)
    return _of_devices(budget, device, options, device_stated=device_stated)


def _of_devices(budget: Budget, device: Device, options: MachineOptions, *, device_stated: bool) -> Machine:
    hardware = _hardware(budget)
    n_devices = stated_once("devices", hardware.n_devices, options.n_devices, "--gpus")
    mfu = stated_once("MFU", hardware.mfu, options.mfu, "--mfu")
    price = stated_once("price", hardware.price_usd_per_device_hour, options.price_usd_per_device_hour, "--price")
    amount = hardware.usd is not None or hardware.device_hours is not None
    if amount and hardware.hours is not None and options.n_devices is not None:
        raise UsageError("the budget's amount and duration say how many devices run; leave --gpus out.")
    _check("the number of devices", n_devices, N_DEVICES_BOUNDS)
    if mfu is not None and 1 < mfu <= 100:
        raise UsageError(f"the MFU {mfu:g} is above 1; {as_share(mfu)}.")
    _check("the MFU", mfu, MFU_BOUNDS)
    _check("the price", price, PRICE_BOUNDS)
    assumptions = []
    if not device_stated:
        assumptions.append(_("device: {device}, since none is named (--device)").format(device=device.name))
    if n_devices is None and not amount:
        assumptions.append(_("devices: {n} (--gpus)").format(n=f"{DEFAULT_N_DEVICES:g}"))
    if budget.fixed.precision is None and "bf16" not in device.peak_flops_per_s:
        assumptions.append(_("precision: fp16, since {device} has no bf16").format(device=device.name))
    precision = _precision(device, budget.fixed.precision, mfu_known=not (mfu is None and options.measured is None))
    if options.measured is not None:
        mfu, arithmetic = _measured(options.measured, mfu, device, precision)
        assumptions.append(arithmetic)
    elif mfu is None:
        assumptions.append(assumed_text(device, elsewhere()))
    if price is None and default_price(device) is not None:
        assumptions.append(_("price: {price} (--price)").format(price=price_text(device)))
    known = device_price(device) if price is None else stated_price(price)
    if known is not None:
        assumptions += yen_assumptions()
    machine = Machine(
        device=device,
        precision=precision,
        n_devices=n_devices or (None if amount else DEFAULT_N_DEVICES),
        mfu=elsewhere().value if mfu is None else mfu,
        expected=elsewhere() if mfu is None else None,
        price=known,
        executed_flops=None,
        assumptions=tuple(assumptions),
    )
    return _with_budget(machine, hardware) if hardware is budget else machine


def _own(budget: Budget, device: Device, options: MachineOptions) -> Machine:
    """Return the user's own machine: one device, at its rate, with a price only where one is stated.

    Raises:
        UsageError: the options state devices or an MFU, which the rate has in it.
    """
    hardware = _hardware(budget)
    for value, option in ((options.n_devices, "--gpus"), (options.mfu, "--mfu"), (options.measured, "--measured")):
        if value is not None:
            raise _beside_rate(device, option)
    price = stated_once("price", hardware.price_usd_per_device_hour, options.price_usd_per_device_hour, "--price")
    _check("the price", price, PRICE_BOUNDS)
    rate = _("rate: {rate}, sustained in training with attention counted, as `budgetscope calibrate --probe` tells it")
    machine = Machine(
        device=device,
        precision=next(iter(device.peak_flops_per_s)),
        n_devices=1.0,
        mfu=1.0,
        expected=None,
        price=None if price is None else stated_price(price),
        executed_flops=None,
        assumptions=(rate.format(rate=device.sustained), *(() if price is None else yen_assumptions())),
    )
    return _with_budget(machine, hardware) if hardware is budget else machine


def _measured(run: MeasuredRun, mfu: float | None, device: Device, precision: str) -> tuple[float, str]:
    """Return the MFU of a measured run and its arithmetic.

    Raises:
        UsageError: an MFU is stated as well, or the rate is out of bounds.
    """
    if mfu is not None:
        raise UsageError(f"the MFU is stated as {mfu:g} and measured as {run.rate.text!r}; say one of the two.")
    return measured_mfu(run.rate, run.n_params, run.flops_per_token, device, precision, run.seq_len, run.convention)


def _precision(device: Device, stated: str | None, *, mfu_known: bool) -> str:
    """Return the training precision, stated or by default.

    Raises:
        UsageError: the device has no peak for the stated one, or it is below 16 bits and no MFU is stated.
    """
    if stated is None:
        return training_precision(device)
    if stated not in device.peak_flops_per_s:
        raise UsageError(f"{device.name} has no {stated}; it has {', '.join(device.peak_flops_per_s)}.")
    if stated in ("fp8", "fp4") and not mfu_known:
        raise UsageError(
            f"published MFUs were measured in bf16; say what {stated} reaches of its own peak, for example 25% MFU."
        )
    return stated


def require_memory(machine: Machine) -> None:
    """Refuse a machine of which only the rate is known.

    Raises:
        UsageError: it is one.
    """
    if machine.device.by_rate:
        raise UsageError(
            "the memory of a machine that is said by its rate is not known, so that no layout is planned for it; name "
            "its device instead, as in '1 RTX 4090 for 3 days', or describe it in your device file."
        )


def at_end(machine: Machine, budget: Budget, mfu: float, price: float | None) -> Machine:
    """Return a machine with an MFU and a price in US dollars a device-hour, and what the budget then gives."""
    stated = None if price is None else Estimate(price)
    machine = replace(machine, mfu=mfu, expected=None, price=stated, executed_flops=None)
    return _with_budget(machine, budget) if isinstance(budget, HardwareBudget) else machine


def _with_budget(machine: Machine, hardware: HardwareBudget) -> Machine:
    """Return the machine with the FLOPs that it executes within the hardware budget."""
    if hardware.device_hours is not None:
        device_hours = hardware.device_hours
    elif hardware.usd is not None:
        if machine.price is None:
            raise UsageError(f"no price is known for {machine.device.name}; say one, for example --price 2.50.")
        device_hours = hardware.usd / machine.price.value
    elif hardware.hours is not None and machine.n_devices is not None:
        device_hours = hardware.hours * machine.n_devices
    else:
        raise UsageError("the budget says no duration, no device-hours and no dollars; add one of them.")
    if hardware.hours is not None and (hardware.usd is not None or hardware.device_hours is not None):
        machine = replace(machine, n_devices=device_hours / hardware.hours)
    return replace(machine, executed_flops=machine.flops_in(device_hours))


def describe_machine(machine: Machine, device_hours: float) -> str:
    """Return the text that derives the FLOPs of a machine, such as "8 x H100 SXM at 989 TFLOP/s … for 14 days"."""
    if machine.device.by_rate:
        text = _("your own machine, {rate} sustained, for {time}")
        return text.format(rate=machine.device.sustained, time=format_hours(device_hours))
    told = {
        "device": machine.device.name,
        "peak": f"{machine.device.peak_flops_per_s[machine.precision] / 1e12:g}",
        "precision": machine.precision,
        "mfu": f"{machine.mfu:.3g}",
    }
    if machine.n_devices is None:
        hours = f"{device_hours:,.0f}" if device_hours >= 100 else f"{device_hours:.3g}"
        text = _("{hours} device-hours of {device} at {peak} TFLOP/s ({precision}, dense) x {mfu} MFU")
        return text.format(hours=hours, **told)
    text = _("{n} x {device} at {peak} TFLOP/s ({precision}, dense) x {mfu} MFU for {time}")
    return text.format(n=f"{machine.n_devices:g}", time=format_hours(device_hours / machine.n_devices), **told)
