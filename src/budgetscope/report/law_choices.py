"""The laws to choose from as people read them: exponent and fitted range."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from budgetscope.core.answers.curves import local_exponent
from budgetscope.core.budget.quantities import format_flops
from budgetscope.core.laws.fit import Fit

_NOWHERE_FLOPS = 1e21
"""Where the exponent is taken of a law whose source gives no range of budgets."""


@dataclass(frozen=True, slots=True)
class LawChoice:
    """A law that splits a budget into N and D.

    Attributes:
        fit_id: of its fit.
        title: what people call it.
        ablation: a step of an argument or an example, not a recommendation.
        exponent: how N grows with C, in the middle of the fitted range.
        fitted: the range of budgets that it was fitted on.
    """

    fit_id: str
    title: str
    ablation: bool
    exponent: str
    fitted: str


def law_choices(fits: Iterable[Fit]) -> tuple[LawChoice, ...]:
    """Return the laws to choose from by id, recommendations first; fits without a law for N and D are left out."""
    with_law = [fit for fit in fits if fit.allocation]
    return tuple(_choice(fit) for fit in sorted(with_law, key=lambda fit: (fit.ablation, fit.id)))


def _choice(fit: Fit) -> LawChoice:
    law = fit.allocation
    span = law.fitted.get("flops") if law is not None else None
    middle = _NOWHERE_FLOPS if span is None else math.sqrt(span.low * span.high)
    return LawChoice(
        fit_id=fit.id,
        title=fit.title,
        ablation=fit.ablation,
        exponent=f"N grows as C^{local_exponent(fit, middle):.3f}",
        fitted="no range given" if span is None else f"{format_flops(span.low)} to {format_flops(span.high)} FLOPs",
    )
