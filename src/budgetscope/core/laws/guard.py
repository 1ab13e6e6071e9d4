"""What the laws of a fit give, or one sentence that names the fit.

Every parameter and draw of a fit may be of ordinary size and its laws still overflow, divide by zero or leave the
domain of a logarithm at some budget. This is the one place where that becomes a refusal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import ParamSpec, TypeVar

from budgetscope.core.errors import FailureError

LARGEST = 1e60
"""No parameters, tokens, FLOPs or dollars are larger, and the product of two of them does not overflow."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def sound(
    fit_id: str, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Return what a function makes of a fit's laws.

    Args:
        fit_id: the fit to name when it cannot.
        function: any computation with that fit.
        args: of the function.
        kwargs: of the function.

    Raises:
        FailureError: the laws overflow or are undefined, or the result holds a number that is not finite or is
            beyond `LARGEST`.
    """
    try:
        result = function(*args, **kwargs)
    except (ArithmeticError, ValueError) as error:
        raise _refusal(fit_id) from error
    if not _usable(result):
        raise _refusal(fit_id)
    return result


def _refusal(fit_id: str) -> FailureError:
    return FailureError(
        f"{fit_id} gives no usable numbers here: by its parameters or draws a law overflows, vanishes or turns "
        "negative; correct them or choose another fit."
    )


def _usable(value: object) -> bool:
    """Return whether every number in a result is finite and of ordinary size."""
    if isinstance(value, int | float):
        return abs(value) <= LARGEST
    if isinstance(value, str):
        return True
    if isinstance(value, Mapping):
        return all(map(_usable, value.values()))
    if isinstance(value, Sequence):
        return all(map(_usable, value))
    if is_dataclass(value):
        return all(_usable(getattr(value, field.name)) for field in fields(value))
    return True
