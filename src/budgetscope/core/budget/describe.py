"""The canonical text of a budget, which `parse_budget` reads back as the same budget, to the last bit."""

import re
from dataclasses import replace

from budgetscope.core.budget.parse import (
    Budget,
    ComputeBudget,
    Fixed,
    HardwareBudget,
    LossTarget,
    SizeTarget,
    TokensTarget,
)

_PARTS_OF_AN_HOUR = ((60, "minute"), (3600, "second"))
_MAY_BE_GROUPED = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")


def describe(budget: Budget) -> str:
    """Return the canonical text of a budget: "64 x H100 for 14 days at 40% MFU", "1e21 FLOPs", "N=7B".

    `parse_budget(describe(budget)) == budget`, to the last bit, for every budget that `parse_budget` returns.
    """
    match budget:
        case HardwareBudget():
            return _hardware(budget) + _fixed(budget.fixed)
        case ComputeBudget(flops):
            text = f"{_scientific(flops)} FLOPs"
        case LossTarget(loss):
            text = f"loss {_plain(loss)}{' before decay' if budget.before_decay else ''}"
        case SizeTarget(n_params):
            text = f"N={_suffixed(n_params)}"
        case TokensTarget(tokens):
            text = f"D={_suffixed(tokens)}"
    machine = _hardware(budget.machine)
    rate = budget.machine.flops_per_s is not None
    on = " at " if rate else " on " if budget.machine.device or budget.machine.n_devices else ""
    return text + (f"{on}{machine}") + _fixed(budget.fixed)


def alternatives(budget: Budget) -> list[str]:
    """Return the budgets that are left of one whose text fixes N, D or data as well; none if it fixes nothing."""
    rest = replace(budget.fixed, n_params=None, tokens=None, epochs=None, unique_tokens=None, max_params=None)
    if rest == budget.fixed:
        return []
    machine = HardwareBudget() if isinstance(budget, HardwareBudget) else budget.machine
    found: list[Budget] = [replace(budget, fixed=rest)]
    if budget.fixed.n_params is not None:
        found.append(SizeTarget(budget.fixed.n_params, machine=machine, fixed=rest))
    if budget.fixed.tokens is not None:
        found.append(TokensTarget(budget.fixed.tokens, machine=machine, fixed=rest))
    return list(map(describe, found))


def _fixed(fixed: Fixed) -> str:
    parts = (
        fixed.n_params and f"N={_suffixed(fixed.n_params)}",
        fixed.max_params and f"at most {_suffixed(fixed.max_params)} parameters",
        fixed.tokens and f"D={_suffixed(fixed.tokens)}",
        fixed.epochs and f"{_plain(fixed.epochs)} epochs",
        fixed.unique_tokens and f"{_suffixed(fixed.unique_tokens)} unique tokens",
        fixed.seq_len and f"seq {fixed.seq_len}",
        fixed.precision and f"in {fixed.precision}",
    )
    return "".join(f", {part}" for part in parts if part)


def _hardware(budget: HardwareBudget) -> str:
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
    if budget.flops_per_s is not None:
        machines = _rate(budget.flops_per_s)
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


def _rate(flops_per_s: float) -> str:
    """Return FLOP/s exactly: "2 TFLOP/s", "1.5 GFLOP/s"."""
    for power, prefix in ((18, "E"), (15, "P"), (12, "T"), (9, "G")):
        digits = f"{flops_per_s / 10.0**power:.6g}"
        if 1 <= float(digits) < 1000 and float(f"{digits}e{power}") == flops_per_s:
            return f"{_plain(float(digits))} {prefix}FLOP/s"
    return f"{_scientific(flops_per_s)} FLOP/s"


def _duration(hours: float) -> str:
    """Return hours exactly, in the unit that is read best: "14 days", "36 hours", "100 minutes", "20 seconds"."""
    days = hours / 24
    value, unit = (days, "day") if days.is_integer() and days * 24 == hours else (hours, "hour")
    if unit == "hour" and (hours < 1 or hours != float(f"{hours:.6g}")):
        shorter = ((float(f"{hours * of:.6g}"), of, name) for of, name in _PARTS_OF_AN_HOUR)
        exact = ((short, name) for short, of, name in shorter if short >= 1 and short / of == hours)
        value, unit = next(exact, (hours, "hour"))
    return f"{_plain(value)} {unit}{'' if value == 1 else 's'}"


def _plain(value: float) -> str:
    """Return the shortest decimal text of `value` that has one reading: "14", "2.5", "5.1250"."""
    text = repr(float(value)).removesuffix(".0")
    return f"{text}0" if _MAY_BE_GROUPED.fullmatch(text) else text


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
