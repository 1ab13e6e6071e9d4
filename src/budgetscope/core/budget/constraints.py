"""Constraints: what a question fixes or bounds beside its budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from budgetscope.core.budget.quantities import format_count, format_hours
from budgetscope.core.language import N_, _


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


_PHRASES: dict[str, tuple[str, Callable[[float], str]]] = {
    "deadline_hours": (N_("within {amount}"), format_hours),
    "n_params": (N_("{amount} parameters"), format_count),
    "tokens": (N_("{amount} tokens"), format_count),
    "max_params": (N_("at most {amount} parameters"), format_count),
    "unique_tokens": (N_("{amount} unique tokens"), format_count),
    "served_tokens": (N_("{amount} tokens served"), format_count),
}


def said(values: Mapping[str, float]) -> str:
    """Return a constraint as a phrase: one, or N and D together.

    Args:
        values: by its fields in `Constraints`.
    """
    if len(values) == 1:
        ((name, value),) = values.items()
        phrase, form = _PHRASES[name]
        return _(phrase).format(amount=form(value))
    n_params, tokens = values["n_params"], values["tokens"]
    return _("{n_params} parameters on {tokens} tokens").format(
        n_params=format_count(n_params), tokens=format_count(tokens)
    )
