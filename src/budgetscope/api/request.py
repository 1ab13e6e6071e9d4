"""A question as data, and its other forms: a shell command, a stored record, the texts of the app's form."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from budgetscope.api.fields import BY_NAME, FIELDS, FORM, fields_of
from budgetscope.core.budget.quantities import shown
from budgetscope.core.errors import BudgetscopeError, UsageError


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a user asks; None is unsaid. `fields.FIELDS` says what each field means and what it can hold."""

    budget: str
    law: str | None = None
    hyperparameters: str | None = None
    device: str | None = None
    gpus: float | None = None
    mfu: float | None = None
    price: float | None = None
    seq_len: int | None = None
    vocab: int | None = None
    convention: str | None = None


def check(request: PlanRequest) -> None:
    """Refuse values that no text could have said; what a budget means is another matter.

    Raises:
        UsageError: naming the option of a value that is empty, of the wrong type or out of bounds.
    """
    for field in FIELDS[1:]:
        field.check(getattr(request, field.name))


def command(request: PlanRequest, verb: str = "plan") -> str:
    """Return the shell command that asks the same question, with those fields that the verb has options for."""
    words = ["budgetscope", verb, request.budget]
    for field in fields_of(verb)[1:]:
        text = field.text(getattr(request, field.name))
        words += [field.option, text] if text else []
    return shlex.join(words)


def said(request: PlanRequest) -> dict[str, str | float]:
    """Return the record of a request, by field and without what is unsaid; `request_of` is the inverse."""
    return {field.name: value for field in FIELDS if (value := getattr(request, field.name)) is not None}


def request_of(record: Mapping[str, object]) -> PlanRequest:
    """Return the request of a record.

    Raises:
        UsageError: the record has no budget, a field that no request has, or a value that its field cannot hold.
    """
    for name, value in record.items():
        if name not in BY_NAME:
            raise UsageError(f"{shown(name)} is not a field of a request; ask it anew.")
        if value is None or (name == "budget" and not isinstance(value, str)):
            raise UsageError(f"{name!r} cannot be {shown(value)} in a request; ask it anew.")
        if name != "budget":
            BY_NAME[name].check(value)
    if "budget" not in record:
        raise UsageError("a request without a budget cannot be answered; say one, such as 1e21.")
    values: dict[str, Any] = dict(record)
    return PlanRequest(**values)


def with_text(request: PlanRequest, name: str, text: str) -> PlanRequest:
    """Return a request with one field as a person typed it; an empty option is unsaid.

    Raises:
        UsageError: the field cannot hold what the text says.
    """
    # What people type of a budget is shown as they typed it.
    value = text if name == "budget" else BY_NAME[name].parse(text) if text.strip() else None
    change: dict[str, Any] = {name: value}
    return replace(request, **change)


def has_text(request: PlanRequest, name: str, text: str) -> bool:
    """Return whether the text of a field says what the request says."""
    try:
        return with_text(request, name, text) == request
    except UsageError:
        return False


def form_texts(request: PlanRequest) -> dict[str, str]:
    """Return the text of every field of the form; `with_text` gives the same request back."""
    return {field.name: field.text(getattr(request, field.name)) for field in FORM}


def field_at_fault(request: PlanRequest, answer: Callable[[PlanRequest], object]) -> str:
    """Return the field of the form without which a refused request would be answered; else the budget.

    Args:
        request: the request.
        answer: answers a request or refuses it.
    """
    for field in FORM[1:]:
        if getattr(request, field.name) is None:
            continue
        unsaid: dict[str, Any] = {field.name: None}
        try:
            answer(replace(request, **unsaid))
        except BudgetscopeError:
            continue
        return field.name
    return "budget"
