"""Constraints: what a question fixes or bounds beside its budget."""

from collections.abc import Callable
from dataclasses import dataclass, fields

from budgetscope.core.budget.quantities import format_count, format_hours


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a question fixes or bounds; None means free.

    Attributes:
        deadline_hours: wall time on the question's machine, at most.
        n_params: N, by the question's convention.
        tokens: D.
        max_params: N, at most.
        unique_tokens: tokens of text that there are; more are read again.
        served_tokens: tokens that the model will read and write in its life. Training plus serving is then least at
            the loss that the other constraints allow (Sardana et al. 2024).
    """

    deadline_hours: float | None = None
    n_params: float | None = None
    tokens: float | None = None
    max_params: float | None = None
    unique_tokens: float | None = None
    served_tokens: float | None = None

    def __bool__(self) -> bool:
        """Whether anything is fixed or bounded."""
        return any(getattr(self, field.name) is not None for field in fields(self))


NONE = Constraints()


_PHRASES: dict[str, Callable[[float], str]] = {
    "deadline_hours": lambda hours: f"within {format_hours(hours)}",
    "n_params": lambda n: f"{format_count(n)} parameters",
    "tokens": lambda d: f"{format_count(d)} tokens",
    "max_params": lambda n: f"at most {format_count(n)} parameters",
    "unique_tokens": lambda d: f"{format_count(d)} unique tokens",
    "served_tokens": lambda d: f"{format_count(d)} tokens served",
}


def said(name: str, value: float) -> str:
    """Return a constraint as a phrase.

    Args:
        name: its field in `Constraints`.
        value: of the field.
    """
    return _PHRASES[name](value)
