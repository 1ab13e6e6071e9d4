"""Keyword arguments of the notebook functions, parsed by `api.fields` like the options of the command line."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from os import PathLike, fspath
from typing import Any, TypedDict

from budgetscope.api.fields import (
    BY_NAME,
    BYTES_PER_TOKEN_BOUNDS,
    CALIBRATION_BOUNDS,
    COUNT,
    DRAWS_BOUNDS,
    SEED_BOUNDS,
    SHARE,
    WHOLE,
    Field,
    Kind,
    fields_of,
)
from budgetscope.api.notebook.frames import plain_number, table_of_runs
from budgetscope.api.request import PlanRequest, to_record
from budgetscope.api.runs import FitChoices, RunsSource
from budgetscope.core.budget.quantities import shown
from budgetscope.core.errors import UsageError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.operating_point import MAX_FLOPS, MIN_FLOPS

Name = str | PathLike[str]


class RequestOptions(TypedDict, total=False):
    """The fields of a request after the budget; `api.fields` describes them."""

    law: Name | Fit | None
    hyperparameters: Name | Fit | None
    device: str | None
    gpus: float | str | None
    mfu: float | str | None
    price: float | str | None
    seq_len: int | str | None
    vocab: int | str | None
    counting: str | None
    deadline: float | str | None
    params: float | str | None
    tokens: float | str | None
    max_params: float | str | None
    unique_tokens: float | str | None
    served_tokens: float | str | None
    measured: str | None
    watts: float | str | None
    pue: float | str | None
    grid: float | str | None


class CountOptions(TypedDict, total=False):
    """The options of `budgetscope flops`."""

    depth: int | str | None
    width: int | str | None
    size: float | str | None
    vocab: int | str | None
    seq_len: int | str | None
    d_ff: int | str | None
    heads: int | str | None
    kv_heads: int | str | None
    tied: bool
    gated: bool
    family: str
    counting: str


class AuditKeywords(TypedDict, total=False):
    """The options of `budgetscope audit`."""

    vocab: int | str | None
    seq_len: int | str | None
    device: str | None
    gpus: int | str | None
    tokens: float | str | None


class FitOptions(TypedDict, total=False):
    """The options of `budgetscope fit`."""

    name: str | None
    title: str | None
    kind: str | None
    variables: str | None
    counting: str | None
    mapping: Mapping[str, str] | None
    where: Mapping[str, Any] | None
    join: Any
    loss_unit: str | None
    bytes_per_token: float | str | None
    curves: str | None
    repeats: bool | None
    best: bool | None
    noise: str | None
    schedule: str | None
    seq_len: int | str | None
    vocab: int | str | None
    tokenizer: str | None
    draws: int | str | None
    seed: int | str | None


CALIBRATION = Field(name="calibration", help="", kind=SHARE, bounds=CALIBRATION_BOUNDS, required=True)
NAME = Field(name="name", help="", kind=Kind("a fit's id", "mine/lab", str, str), required=True)
OUTPUT = Field(name="output", help="", kind=Kind("a path", "plan.html", str, str), required=True)
_TEXTS = {name: Field(name=name, help="") for name in ("format", "recipe", "lang")}
_OF_FIT = {
    "seq_len": BY_NAME["seq_len"],
    "vocab": BY_NAME["vocab"],
    "bytes_per_token": Field(name="bytes_per_token", help="", kind=COUNT, bounds=BYTES_PER_TOKEN_BOUNDS),
    "draws": Field(name="draws", help="", kind=WHOLE, bounds=DRAWS_BOUNDS),
    "seed": Field(name="seed", help="", kind=WHOLE, bounds=SEED_BOUNDS),
}
_OF_COUNT = {
    name: Field(name=name, help="", kind=WHOLE)
    for name in ("depth", "width", "vocab", "seq_len", "d_ff", "heads", "kv_heads")
} | {"size": Field(name="size", help="", kind=COUNT), "counting": BY_NAME["counting"]}
_OF_SOURCE = frozenset(each.name for each in fields(RunsSource))
_LAWS = ("law", "hyperparameters")


def check_names(verb: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Require that a function has all given keyword arguments.

    Raises:
        UsageError: it has not; the message names the nearest one.
    """
    known = tuple(known)
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}" if near else "no option is near it"
            raise UsageError(f"{verb} has no option {name!r}: {hint}; it takes {', '.join(known)}.")


def value_of(field: Field, given: Any) -> Any:
    """Return the checked value of a keyword argument; a text is parsed as on the command line, as is a path.

    Raises:
        UsageError: it is not a value of the field.
    """
    given = fspath(given) if isinstance(given, PathLike) else plain_number(given)
    if isinstance(given, str):
        return field.parse(given)
    field.check(given)
    return given


def request_of(
    verb: str, budget: str | float | PlanRequest, options: RequestOptions
) -> tuple[PlanRequest, dict[str, Fit]]:
    """Return a request, and by field the fits that were given in place of an id.

    Args:
        verb: the name of the command with the same options.
        budget: a text, a number of FLOPs, or a request; options replace the fields of a request.
        options: by field.

    Raises:
        UsageError: an option is unknown or has an invalid value.
    """
    check_names(verb, options, (field.name for field in fields_of(verb)[1:]))
    stated: dict[str, Any]
    if isinstance(budget, PlanRequest):
        # A budget of another type is refused when the request is looked up.
        stated = {"budget": budget.budget, **to_record(budget), **options}
    else:
        stated = {"budget": _budget(budget), **options}
    held: dict[str, Fit] = {}
    for name, given in stated.items():
        if name in _LAWS and isinstance(given, Fit):
            held[name] = given
            stated[name] = given.id
        elif name != "budget":
            stated[name] = value_of(BY_NAME[name], given)
    return PlanRequest(**stated), held


def _budget(given: object) -> str:
    given = plain_number(given)
    if isinstance(given, str):
        return given
    if isinstance(given, int | float) and not isinstance(given, bool):
        if not MIN_FLOPS <= given <= MAX_FLOPS:
            raise UsageError(
                f"budget {shown(given)} lies outside {MIN_FLOPS:.0e} to {MAX_FLOPS:.0e} FLOPs, where no scaling law "
                "says anything; give a number of FLOPs inside, or a text such as '64xH100 14d'."
            )
        # Without the unit, a small number could be parameters or tokens.
        return f"{BY_NAME['budget'].text(float(given))} FLOPs"
    raise UsageError(f"{shown(given)} is no budget; say it as a text such as '1e21', or as a PlanRequest.")


def text_of(name: str, given: Any) -> str | None:
    """Return an option of `export` that is a text; None where it is left out.

    Raises:
        UsageError: it is empty or no text.
    """
    checked: str | None = value_of(_TEXTS[name], given)
    return checked


def flag_of(name: str, given: object) -> bool:
    """Return an option that is on or off.

    Raises:
        UsageError: it is neither.
    """
    if not isinstance(given, bool):
        raise UsageError(f"{name} = {shown(given)} is neither True nor False.")
    return given


def count_of(options: CountOptions) -> dict[str, Any]:
    """Return the arguments of `api.ledger.count`; an option that is None is left out.

    Raises:
        UsageError: an option is unknown or has an invalid value.
    """
    check_names("count", options, CountOptions.__annotations__)
    found: dict[str, Any] = {name: given for name, given in options.items() if given is not None}
    for name, given in found.items():
        # The ledger parses a size that is a text.
        if name in _OF_COUNT and not (name == "size" and isinstance(given, str)):
            found[name] = value_of(_OF_COUNT[name], given)
    return found


def fit_of(runs: object, options: FitOptions) -> tuple[RunsSource, FitChoices]:
    """Return the runs table with its reading options, and the options of the fit.

    Args:
        runs: a path, a DataFrame or a dict of columns.
        options: by name.

    Raises:
        UsageError: an option is unknown or has an invalid value, or `runs` is not a table.
    """
    check_names("fit", options, FitOptions.__annotations__)
    reading: dict[str, Any] = {}
    fitting: dict[str, Any] = {}
    for name, given in options.items():
        if given is not None:
            into = reading if name in _OF_SOURCE else fitting
            into["vocab_size" if name == "vocab" else name] = _fit_option(name, given)
    return RunsSource(table_of_runs(runs), **reading), FitChoices(**fitting)


def _fit_option(name: str, given: Any) -> Any:
    if name in _OF_FIT:
        return value_of(_OF_FIT[name], given)
    if name == "join":
        return table_of_runs(given)
    if name in ("mapping", "where"):
        if not isinstance(given, Mapping):
            raise UsageError(f"{name} = {shown(given)} is no dict; write it like {{'loss': 'val_loss'}}.")
        return {str(key): str(value) for key, value in given.items()}
    if name in ("repeats", "best"):
        return flag_of(name, given)
    if not isinstance(given, str):
        raise UsageError(f"{name} = {shown(given)} is no text; write it in quotation marks.")
    return given
