"""What a user asks, as data, as a shell command, and as a stored record."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from budgetscope.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a user asks, as text and numbers; None is unsaid.

    Attributes:
        budget: as people write it: `1e21`, `64xH100 14d`, `$50k on H100`, `loss 2.6`, `N=7B`.
        law: id of the fit for N, D and loss, or the path of a fit file.
        hyperparameters: id of the fit for the recipe.
        device: name of the accelerator.
        gpus: how many.
        mfu: model FLOPs utilisation, from 0 to 1.
        price: US dollars a device-hour.
        seq_len: training context in tokens.
        vocab: size of the tokenizer's vocabulary.
        convention: who counts N and C.
    """

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


# An explanation is of five laws of one paper.
_OPTIONS = {"explain": {"device", "gpus", "mfu", "convention"}}


def command(request: PlanRequest, verb: str = "plan") -> str:
    """Return the shell command that asks the same question, with what the verb has options for."""
    words = ["budgetscope", verb, request.budget]
    for option in fields(PlanRequest):
        value = getattr(request, option.name)
        if option.name != "budget" and value is not None and option.name in _OPTIONS.get(verb, {option.name}):
            words += [f"--{option.name.replace('_', '-')}", str(value).removesuffix(".0")]
    return shlex.join(words)


def said(request: PlanRequest) -> dict[str, str | float]:
    """Return what a request says, by field, fit to be stored; `request_of` is the inverse."""
    return {f.name: value for f in fields(PlanRequest) if (value := getattr(request, f.name)) is not None}


def request_of(record: Mapping[str, object]) -> PlanRequest:
    """Return the request that says what a record says.

    Raises:
        UsageError: the record has no budget, a field that no request has, or a value of the wrong kind.
    """
    kinds: dict[str, tuple[type, ...]] = {
        "gpus": (int, float), "mfu": (int, float), "price": (int, float), "seq_len": (int,), "vocab": (int,),
    }  # fmt: skip
    names = {f.name for f in fields(PlanRequest)}
    for name, value in record.items():
        if name not in names or not isinstance(value, kinds.get(name, (str,))) or isinstance(value, bool):
            raise UsageError(f"{name!r} cannot be {value!r} in a request; ask it anew.")
    if "budget" not in record:
        raise UsageError("a request without a budget cannot be answered; say one, such as 1e21.")
    values: dict[str, Any] = dict(record)
    return PlanRequest(**values)
