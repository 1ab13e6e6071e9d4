"""Requests, and their conversion to a shell command, a stored record and the texts of the app's form."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from budgetscope.api.fields import BY_NAME, FIELDS, FORM, fields_of
from budgetscope.core.budget.quantities import shown
from budgetscope.core.errors import BudgetscopeError, UsageError
from budgetscope.core.language import spoken_words


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A user's request; None means not given. `fields.FIELDS` describes each field; the deadline is in hours."""

    budget: str
    law: str | None = None
    hyperparameters: str | None = None
    device: str | None = None
    gpus: float | None = None
    mfu: float | None = None
    price: float | None = None
    seq_len: int | None = None
    vocab: int | None = None
    counting: str | None = None
    deadline: float | None = None
    params: float | None = None
    tokens: float | None = None
    max_params: float | None = None
    unique_tokens: float | None = None
    served_tokens: float | None = None
    measured: str | None = None
    watts: float | None = None
    pue: float | None = None
    grid: float | None = None


def check(request: PlanRequest) -> None:
    """Check the types and bounds of all fields; the text of the budget is not parsed.

    Raises:
        UsageError: a value is empty, of the wrong type or out of bounds; the message names its option.
    """
    if not isinstance(request.budget, str):
        raise UsageError(f"{shown(request.budget)} is no budget; write it as a text, such as '1e21'.")
    for field in FIELDS[1:]:
        field.check(getattr(request, field.name))


def command(request: PlanRequest, verb: str = "plan") -> str:
    """Return the shell command of a request, with the fields that the verb has options for, and the language."""
    words = ["budgetscope", verb, request.budget]
    for field in fields_of(verb)[1:]:
        text = field.text(getattr(request, field.name))
        words += [field.option, text] if text else []
    # A file that somebody else writes again must not be in their language.
    return shlex.join((*words, *spoken_words(always=verb == "export")))


def to_record(request: PlanRequest) -> dict[str, str | float]:
    """Return a request as a record, by field, without fields that are None; `from_record` is the inverse."""
    return {field.name: value for field in FIELDS if (value := getattr(request, field.name)) is not None}


def from_record(record: Mapping[str, object]) -> PlanRequest:
    """Return the request of a record.

    Raises:
        UsageError: the record has no budget, an unknown field, or a value of the wrong type or out of bounds.
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
    """Return a request with one field replaced by a typed text; an empty text gives None.

    Raises:
        UsageError: the text is not a value of the field.
    """
    # The budget is shown as typed.
    value = text if name == "budget" else BY_NAME[name].parse(text) if text.strip() else None
    change: dict[str, Any] = {name: value}
    return replace(request, **change)


def has_text(request: PlanRequest, name: str, text: str) -> bool:
    """Return whether the text of a field has the value of the request."""
    try:
        return with_text(request, name, text) == request
    except UsageError:
        return False


def form_texts(request: PlanRequest) -> dict[str, str]:
    """Return the text of every field of the form; `with_text` is the inverse."""
    return {field.name: field.text(getattr(request, field.name)) for field in FORM}


def field_at_fault(request: PlanRequest, answer: Callable[[PlanRequest], object]) -> str:
    """Return the field that causes a refusal: the request is answered without it; else the budget.

    Args:
        request: a refused request.
        answer: answers a request, or raises the error of its refusal.
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
