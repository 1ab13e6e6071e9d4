"""The check for usable numbers from the laws of a fit.

Even with ordinary parameters and draws, a law may overflow, divide by zero or leave the domain of a logarithm at some
budget. `guarded` turns that into an error that names the fit.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import cache, wraps
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeVar

from budgetscope.core.errors import FailureError

LARGEST = 1e60
"""Largest usable number: above any parameters, tokens, FLOPs or dollars; the product of two does not overflow."""

Subject = TypeVar("Subject")
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def guarded(
    function: Callable[Concatenate[Subject, Arguments], Result],
) -> Callable[Concatenate[Subject, Arguments], Result]:
    """Turn numeric errors inside a fit into a FailureError that names it.

    The error is raised when the laws overflow or are undefined, and when the result has a number that is not finite or
    larger than `LARGEST`.

    Args:
        function: its first argument is a fit, or a question, an answer or a loss model with one.
    """

    @wraps(function)
    def checked(subject: Subject, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            result = function(subject, *args, **kwargs)
        except (ArithmeticError, ValueError) as error:
            raise _refusal(subject) from error
        if not _usable(result):
            raise _refusal(subject)
        return result

    return checked


def _refusal(subject: object) -> FailureError:
    return FailureError(
        f"{_fit_id(subject)} gives no usable numbers here: by its parameters or draws a law overflows, vanishes or "
        "turns negative; correct them or choose another fit."
    )


def _fit_id(subject: object) -> str:
    """Return the id of a fit, or of the fit of an answer, a question or a loss model."""
    for name in ("answer", "question", "fit"):
        subject = getattr(subject, name, subject)
    return str(getattr(subject, "id"))  # noqa: B009 - any of several types


def _usable(value: object) -> bool:
    """Return whether every number in a result is finite and at most `LARGEST`."""
    if isinstance(value, int | float):
        return abs(value) <= LARGEST
    parts = _parts(type(value))  # type: ignore[arg-type] # mypy asks the hash of its instances
    return parts is None or all(map(_usable, parts(value)))


@cache
def _parts(kind: type) -> Callable[[Any], Iterable[object]] | None:
    """Return what lists the parts of a value of a type; None if it has none. Thousands of values are of few types."""
    # Not `Mapping` and `Sequence`: at its first question, an abstract class asks all its subclasses.
    if issubclass(kind, dict | MappingProxyType):
        return kind.values
    if issubclass(kind, tuple | list):
        return iter
    if is_dataclass(kind):
        names = [field.name for field in fields(kind)]
        return lambda value: [getattr(value, name) for name in names]
    return None
