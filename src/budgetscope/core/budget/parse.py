"""Parsing of a training budget: FLOPs, hardware, dollars, a loss, a model size or a number of tokens.

`parse_budget` reads texts such as "64xH100 14d", "$50k on H100 at $2.50/h", "1e21", "loss 2.6" and "N=7B". A budget has
only what the text states: no device is looked up, no default is filled in and no law is applied.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from budgetscope.core.budget.names import DeviceNames
from budgetscope.core.budget.phrases import read_phrases
from budgetscope.core.budget.statement import EXAMPLES, LABELS, Stated
from budgetscope.core.budget.tokens import quote
from budgetscope.core.errors import UsageError


class _Positive:
    """Base of the parts of a budget, which requires every number to be above zero and finite."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0 < value < math.inf:
                raise UsageError(f"{each.name} is {value}, but it must be above zero and finite")


@dataclass(frozen=True, slots=True)
class Fixed(_Positive):
    """What a text fixes of the training run beside its budget; None means not stated.

    Attributes:
        n_params: parameters, by the counting convention of the plan.
        tokens: training tokens.
        seq_len: training context in tokens.
        precision: of training, such as "bf16".
        epochs: passes over the data.
        unique_tokens: tokens of the data.
        max_params: parameters, at most.
    """

    n_params: float | None = None
    tokens: float | None = None
    seq_len: int | None = None
    precision: str | None = None
    epochs: float | None = None
    unique_tokens: float | None = None
    max_params: float | None = None


NOTHING = Fixed()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked(_Positive):
    """What every budget may have.

    Attributes:
        fixed: what the text fixes of the training run.
        choices: how parts of the text were read that have another reading, one sentence each.
    """

    fixed: Fixed = NOTHING
    choices: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class HardwareBudget(_Asked):
    """Machine time or money, exactly as stated; None means not stated.

    A parsed budget has dollars, device-hours, or a number of devices and a duration, or a rate and a duration. With
    dollars or device-hours it may also have a number of devices or a duration, but not both.
    """

    device: str | None = None
    n_devices: float | None = None
    hours: float | None = None
    device_hours: float | None = None
    usd: float | None = None
    mfu: float | None = None
    """Model FLOPs utilisation, a fraction of the dense peak in (0, 1]."""
    price_usd_per_device_hour: float | None = None
    flops_per_s: float | None = None
    """FLOPs, attention counted, that a machine of one's own executes a second in training; it has no device then."""

    def __post_init__(self) -> None:
        _Positive.__post_init__(self)
        if self.mfu is not None and self.mfu > 1:
            raise UsageError(f"mfu is {self.mfu}, but it must be a fraction of at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target(_Asked):
    """A budget that is no machine time; the machine that it is for, as far as stated."""

    machine: HardwareBudget = HardwareBudget()


@dataclass(frozen=True, slots=True)
class ComputeBudget(_Target):
    """Training FLOPs, by the counting convention of the plan."""

    flops: float


@dataclass(frozen=True, slots=True)
class LossTarget(_Target):
    """A validation loss to reach, in nats per token.

    Attributes:
        before_decay: whether it is meant at constant learning rate; else after the advised decay, if the law allows.
    """

    loss: float
    before_decay: bool = False


@dataclass(frozen=True, slots=True)
class SizeTarget(_Target):
    """A number of parameters, by the counting convention of the plan."""

    n_params: float


@dataclass(frozen=True, slots=True)
class TokensTarget(_Target):
    """A number of training tokens."""

    tokens: float


Budget = ComputeBudget | HardwareBudget | LossTarget | SizeTarget | TokensTarget

_FIXED = ("n_params", "max_params", "tokens", "epochs", "unique_tokens")
_MACHINE = ("n_devices", "mfu", "price_usd_per_device_hour", "flops_per_s")
_TIME = ("usd", "device_hours", "hours")


def parse_budget(text: str, devices: DeviceNames | None = None, *, devices_counted: bool = False) -> Budget:
    """Parse a budget.

    Args:
        text: at most 300 characters; case is ignored, and the parts of a budget have any order.
        devices: the known names of devices; without them every name is accepted.
        devices_counted: whether the number of devices is given elsewhere, so that a duration alone is enough.

    Returns:
        The budget as stated.

    Raises:
        UsageError: a part is not understood, has two readings, is not above zero and finite, contradicts another part,
            or is missing.
    """
    stated = read_phrases(text, devices)
    _require_rate_alone(stated)
    values: dict[str, Any] = dict(stated.values)
    fixed = Fixed(
        precision=stated.precision,
        seq_len=round(values.pop("seq_len")) if "seq_len" in values else None,
        **{name: values.pop(name) for name in _FIXED if name in values},
    )
    targets = {name: values.pop(name) for name in ("flops", "loss") if name in values}
    machine = HardwareBudget(
        device=stated.device, **{name: value for name, value in values.items() if name in _MACHINE}
    )
    choices = tuple(stated.choices)
    if targets:
        _require_one_target(stated, [*targets, *(name for name in values if name in _TIME)])
        (name,) = targets
        if name == "flops":
            return ComputeBudget(targets[name], machine=machine, fixed=fixed, choices=choices)
        return LossTarget(
            targets[name], before_decay=stated.before_decay, machine=machine, fixed=fixed, choices=choices
        )
    if not values.keys() & {*_TIME} and (fixed.n_params or fixed.tokens):
        return _size_or_tokens(fixed, machine, choices)
    if not values and not any(map(str.isdigit, stated.device or "")):
        raise UsageError(f"{stated.quoted} is not understood; examples: {EXAMPLES}")
    _require_one_amount(stated, devices_counted=devices_counted)
    return HardwareBudget(device=stated.device, **values, fixed=fixed, choices=choices)


def _size_or_tokens(fixed: Fixed, machine: HardwareBudget, choices: tuple[str, ...]) -> Budget:
    """Return the target of a text without time and money: its N, or its D where it has no N."""
    if fixed.n_params is not None:
        rest = replace(fixed, n_params=None)
        return SizeTarget(fixed.n_params, machine=machine, fixed=rest, choices=choices)
    if fixed.tokens is None:
        raise AssertionError
    return TokensTarget(fixed.tokens, machine=machine, fixed=replace(fixed, tokens=None), choices=choices)


def _phrases(stated: Stated, names: Sequence[str]) -> str:
    """Return the stated parts with their text: "dollars ('$50k') and a duration ('14d')"."""
    phrases = [f"{LABELS[name]} ({quote(stated.spans[name])})" for name in names]
    return " and ".join(filter(None, (", ".join(phrases[:-1]), phrases[-1])))


def _require_one_target(stated: Stated, names: Sequence[str]) -> None:
    if len(names) > 1:
        raise UsageError(
            f"{stated.quoted} gives both {_phrases(stated, names[:2])}; keep one of the two, the rest follows from it"
        )


_BESIDE_NO_RATE = ("device", "n_devices", "mfu", "usd", "device_hours")


def _require_rate_alone(stated: Stated) -> None:
    """Require that a sustained rate, which describes a whole machine of one's own, has no other machine beside it."""
    beside = next((name for name in _BESIDE_NO_RATE if name in stated.spans), None)
    if "flops_per_s" in stated.spans and beside is not None:
        raise UsageError(
            f"{stated.quoted} gives both {_phrases(stated, ['flops_per_s', beside])}; keep one of the two: the rate is "
            "of a whole machine of your own, such as '2 TFLOP/s for 3 days'"
        )


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
        if devices_counted or "flops_per_s" in values:
            return
        raise UsageError(
            f"{quoted} says for how long but not on how many devices; add their number, for example '64xH100 14d'"
        )
    if "flops_per_s" in values:
        raise UsageError(
            f"{quoted} is FLOP per second, a rate; add a time, as in '2 TFLOP/s for 3 days' on a machine of your own; "
            f"examples: {EXAMPLES}"
        )
    raise UsageError(
        f"{quoted} does not say how much machine time; add devices and a duration, for example '64xH100 14d', "
        "or dollars, for example '$50k on H100'"
    )
