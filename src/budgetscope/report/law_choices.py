"""Format the laws that a user can choose from: exponent and fitted range."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from budgetscope.core.answers.curves import local_exponent
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Fit
from budgetscope.report.fits import budgets_text, exponent_text
from budgetscope.report.rows import UNKNOWN

_DEFAULT_FLOPS = 1e21
"""Budget, FLOPs, for the local exponent of a law whose source gives no range of budgets."""


@dataclass(frozen=True, slots=True)
class LawChoice:
    """A fit with an allocation law, as text.

    Attributes:
        fit_id: id of the fit.
        title: of the fit.
        ablation: whether it is a step of an argument or an example, not a recommendation.
        exponent: growth of N with C; of a law that is not a power law, in the middle of the fitted range.
        fitted: the range of budgets that it was fitted on.
    """

    fit_id: str
    title: str
    ablation: bool
    exponent: str
    fitted: str


def law_choices(fits: Iterable[Fit]) -> tuple[LawChoice, ...]:
    """Return the fits that have an allocation law, sorted by id, ablations last."""
    with_law = [fit for fit in fits if fit.allocation]
    return tuple(_choice(fit) for fit in sorted(with_law, key=lambda fit: (fit.ablation, fit.id)))


def _choice(fit: Fit) -> LawChoice:
    law = fit.allocation
    span = law.fitted.get("flops") if law is not None else None
    exponent = exponent_text(fit, interval=False)
    if exponent == UNKNOWN:
        middle = _DEFAULT_FLOPS if span is None else math.sqrt(span.low * span.high)
        exponent = f"{local_exponent(fit, middle):.3f}"
    return LawChoice(
        fit_id=fit.id,
        title=fit.title,
        ablation=fit.ablation,
        exponent=_("N grows as C^{exponent}").format(exponent=exponent),
        fitted=_("no range given") if span is None else budgets_text(span),
    )
