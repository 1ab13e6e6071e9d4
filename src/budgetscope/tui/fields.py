"""The fields of a request: what each is called, how its text is read, and whose fault a refusal is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_usd, parse_count
from budgetscope.core.errors import BudgetscopeError, UsageError


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: of the attribute of `PlanRequest`.
        label: what people call it.
        read: from what a person typed to the attribute's value.
        resolved: what a plan took when the field is empty.
    """

    name: str
    label: str
    read: Callable[[str], Any]
    resolved: Callable[[Plan], str]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no new plan.

    Attributes:
        field: name of the field at fault.
        sentence: what to tell.
    """

    field: str
    sentence: str


def _mfu(text: str) -> float:
    number = parse_count(text.removesuffix("%"))
    return number / 100 if text.endswith("%") else number


def _dollars(text: str) -> float:
    return parse_count(text.removeprefix("$"))


def _whole(text: str) -> int:
    value = parse_count(text)
    if not value.is_integer():
        raise UsageError(f"{text!r} is not a whole number; write it like 2048.")
    return int(value)


def _price(plan: Plan) -> str:
    price = plan.machine.price
    return "unknown" if price is None else f"{format_usd(price.value)}/h"


FIELDS = (
    Field("budget", "Budget", str, lambda plan: plan.budget),
    Field("device", "device", str, lambda plan: plan.machine.device.name),
    Field("gpus", "devices", parse_count, lambda plan: f"{plan.machine.n_devices:g}"),
    Field("mfu", "MFU", _mfu, lambda plan: f"{plan.machine.mfu:.3g}"),
    Field("price", "price", _dollars, _price),
    Field("seq_len", "seq_len", _whole, lambda plan: f"{plan.seq_len} tokens"),
    Field("vocab", "vocab", _whole, lambda plan: f"{plan.vocab_size}"),
    Field("convention", "counting", str, lambda plan: str(plan.convention)),
    Field("law", "law", str, lambda plan: plan.law_id),
)
"""The budget first; the others may be empty and are then resolved by the plan."""


def read(request: PlanRequest, name: str, text: str) -> PlanRequest:
    """Return a request with one field as a person typed it; an empty option is unsaid.

    Raises:
        UsageError: naming what is not understood.
    """
    field = next(field for field in FIELDS if field.name == name)
    stripped = text.strip()
    value = text if name == "budget" else field.read(stripped) if stripped else None
    change: dict[str, Any] = {name: value}
    return replace(request, **change)


def means(request: PlanRequest, name: str, text: str) -> bool:
    """Return whether the text of a field says what a request says."""
    try:
        return read(request, name, text) == request
    except UsageError:
        return False


def written(request: PlanRequest) -> Mapping[str, str]:
    """Return the text of every field for a request; `read` gives the same request back."""
    texts = {}
    for field in FIELDS:
        value = getattr(request, field.name)
        texts[field.name] = "" if value is None else _decimal(value) if isinstance(value, float) else str(value)
    return texts


def _decimal(value: float) -> str:
    short = f"{value:.12g}"
    return short if float(short) == value else repr(value)


def field_at_fault(advisor: Advisor, request: PlanRequest) -> str:
    """Return the field without which a refused request would be understood; the budget if there is none such."""
    for field in FIELDS[1:]:
        if getattr(request, field.name) is None:
            continue
        unsaid: dict[str, Any] = {field.name: None}
        try:
            advisor.question(replace(request, **unsaid))
        except BudgetscopeError:
            continue
        return field.name
    return FIELDS[0].name
