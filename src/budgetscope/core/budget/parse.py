"""Parsing of a training budget: FLOPs, hardware, dollars, a loss, a model size or a number of tokens.

`parse_budget` reads texts such as "64xH100 14d", "$50k on H100 at $2.50/h", "1e21", "loss 2.6" and "N=7B". `describe`
returns the canonical text of a budget, which `parse_budget` reads back as the same budget. A budget has only what the
text states: no device is looked up, no default is filled in and no law is applied.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from budgetscope.core.budget.phrases import EXAMPLES, LABELS, Stated, read_phrases
from budgetscope.core.budget.quantities import quote
from budgetscope.core.errors import UsageError


class _Positive:
    """Base of the budgets, which requires every number to be above zero and finite."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and not 0 < value < math.inf:
                raise UsageError(f"{field.name} is {value}, but it must be above zero and finite")


@dataclass(frozen=True, slots=True)
class ComputeBudget(_Positive):
    """Training FLOPs, by the counting convention of the plan."""

    flops: float


@dataclass(frozen=True, slots=True)
class HardwareBudget(_Positive):
    """Machine time or money, exactly as stated; None means not stated.

    A parsed budget has dollars, device-hours, or a number of devices and a duration. With dollars or device-hours it
    may also have a number of devices or a duration, but not both.
    """

    device: str | None = None
    n_devices: float | None = None
    hours: float | None = None
    device_hours: float | None = None
    usd: float | None = None
    mfu: float | None = None
    """Model FLOPs utilisation, a fraction of the dense peak in (0, 1]."""
    price_usd_per_device_hour: float | None = None

    def __post_init__(self) -> None:
        _Positive.__post_init__(self)
        if self.mfu is not None and self.mfu > 1:
            raise UsageError(f"mfu is {self.mfu}, but it must be a fraction of at most 1")


@dataclass(frozen=True, slots=True)
class LossTarget(_Positive):
    """A validation loss to reach, in nats per token."""

    loss: float


@dataclass(frozen=True, slots=True)
class SizeTarget(_Positive):
    """A number of parameters, by the counting convention of the plan."""

    n_params: float


@dataclass(frozen=True, slots=True)
class TokensTarget(_Positive):
    """A number of training tokens."""

    tokens: float


Budget = ComputeBudget | HardwareBudget | LossTarget | SizeTarget | TokensTarget

_WHOLE: dict[str, Callable[[float], Budget]] = {
    "flops": ComputeBudget,
    "loss": LossTarget,
    "n_params": SizeTarget,
    "tokens": TokensTarget,
}


def parse_budget(
    text: str, find_device: Callable[[str], object] | None = None, *, devices_counted: bool = False
) -> Budget:
    """Parse a budget.

    Args:
        text: at most 300 characters; case is ignored, "for", "at", "on", commas and hyphens are optional, and the parts
            of a hardware budget have any order.
        find_device: raises UsageError for an unknown device; without it every name is accepted.
        devices_counted: whether the number of devices is given elsewhere, so that a duration alone is enough.

    Returns:
        The budget as stated.

    Raises:
        UsageError: a part is not understood, is not above zero and finite, contradicts another part, or is missing.
    """
    stated = read_phrases(text, find_device)
    whole = [name for name in _WHOLE if name in stated.values]
    hardware = [name for name in stated.spans if name not in _WHOLE]
    if whole:
        if len(whole) + len(hardware) > 1:
            remedy = (
                "keep one of the two, the rest follows from it"
                if len(whole) > 1
                else "leave the machine out of the budget and say it with --device, --gpus, --mfu and --price"
            )
            raise UsageError(f"{stated.quoted} gives both {_phrases(stated, (whole + hardware)[:2])}; {remedy}")
        return _WHOLE[whole[0]](stated.values[whole[0]])
    if not hardware or (hardware == ["device"] and not any(map(str.isdigit, stated.device or ""))):
        raise UsageError(f"{stated.quoted} is not understood; examples: {EXAMPLES}")
    _require_one_amount(stated, devices_counted=devices_counted)
    return HardwareBudget(device=stated.device, **stated.values)


def _phrases(stated: Stated, names: Sequence[str]) -> str:
    """Return the stated parts with their text: "dollars ('$50k') and a duration ('14d')"."""
    phrases = [f"{LABELS[name]} ({quote(stated.spans[name])})" for name in names]
    return " and ".join(filter(None, (", ".join(phrases[:-1]), phrases[-1])))


def _require_one_amount(stated: Stated, *, devices_counted: bool) -> None:
    """Require that a hardware budget determines the machine time exactly once.

    Raises:
        UsageError: it does not.
    """
    values, quoted = stated.values, stated.quoted
    amounts = [name for name in ("usd", "device_hours") if name in values]
    factors = [name for name in ("n_devices", "hours") if name in values]
    if len(amounts) == 2 or (amounts and len(factors) == 2):
        raise UsageError(
            f"{quoted} gives {_phrases(stated, [*amounts, *factors])}, one too many; leave one out "
            "(a price is written like $2.50/h)"
        )
    if amounts or len(factors) == 2:
        return
    if factors == ["n_devices"]:
        raise UsageError(
            f"{quoted} says how many devices but not for how long; add a duration, for example '64xH100 14d'"
        )
    if factors == ["hours"]:
        if devices_counted:
            return
        raise UsageError(
            f"{quoted} says for how long but not on how many devices; add their number, for example '64xH100 14d'"
        )
    raise UsageError(
        f"{quoted} does not say how much machine time; add devices and a duration, for example '64xH100 14d', "
        "or dollars, for example '$50k on H100'"
    )


def describe(budget: Budget) -> str:
    """Return the canonical text of a budget: "64 x H100 for 14 days at 40% MFU", "1e21 FLOPs", "N=7B".

    `parse_budget(describe(budget)) == budget`, to the last bit, for every budget that `parse_budget` returns.
    """
    match budget:
        case ComputeBudget(flops):
            return f"{_scientific(flops)} FLOPs"
        case LossTarget(loss):
            return f"loss {_plain(loss)}"
        case SizeTarget(n_params):
            return f"N={_suffixed(n_params)}"
        case TokensTarget(tokens):
            return f"D={_suffixed(tokens)}"
    return _describe_hardware(budget)


def _describe_hardware(budget: HardwareBudget) -> str:
    device, one_word = budget.device, budget.device is not None and budget.device.isalnum()
    amount = machines = ""
    if budget.usd is not None:
        amount = f"${_suffixed(budget.usd)}"
    elif budget.device_hours is not None:
        of_device = one_word and budget.n_devices is None
        amount = f"{_plain(budget.device_hours)} {device if of_device else 'GPU'}-hours"
        device = None if of_device else device
    if budget.n_devices is not None:
        machines = f"{_plain(budget.n_devices)} " + (f"x {device}" if device else "GPUs")
    elif device is not None:
        machines = device
    text = " on ".join(filter(None, (amount, machines)))
    if budget.hours is not None:
        text += f"{' for ' if text else ''}{_duration(budget.hours)}"
    if budget.mfu is not None:
        percent = f"{budget.mfu * 100:.6g}"
        exact = "e" not in percent and float(f"{percent}e-2") == budget.mfu
        text += f" at {percent}% MFU" if exact else f" at MFU {_plain(budget.mfu)}"
    if budget.price_usd_per_device_hour is not None:
        price = budget.price_usd_per_device_hour
        cents = price < 1e6 and float(f"{price:.2f}") == price
        text += f" at ${f'{price:.2f}' if cents else _plain(price)}/h"
    return text


def _duration(hours: float) -> str:
    """Return hours exactly, as days if they are whole: "14 days", "36 hours"."""
    days = hours / 24
    value, unit = (days, "day") if days.is_integer() and days * 24 == hours else (hours, "hour")
    return f"{_plain(value)} {unit}{'' if value == 1 else 's'}"


def _plain(value: float) -> str:
    """Return the shortest decimal text of `value`, without a trailing ".0"."""
    return repr(float(value)).removesuffix(".0")


def _suffixed(value: float) -> str:
    """Return `value` exactly, with k, M, B or T if six digits suffice: "7B", "17.7B"."""
    for power, suffix in ((12, "T"), (9, "B"), (6, "M"), (3, "k")):
        digits = f"{value / 10.0**power:.6g}"
        if 1 <= float(digits) < 1000 and float(f"{digits}e{power}") == value:
            return digits + suffix
    return _plain(value)


def _scientific(value: float) -> str:
    """Return `value` exactly in scientific notation, such as 3.06e22."""
    texts = (f"{value:.{digits}e}" for digits in range(17))
    mantissa, exponent = next(text for text in texts if float(text) == value).split("e")
    return f"{mantissa}e{int(exponent)}"
