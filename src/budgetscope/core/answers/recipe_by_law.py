"""The recipe by law: what every law gives for every hyperparameter at an answer's optimum, in one unit."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import BatchStep, Constant, TokenHalfLife, WarmupParams
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.hyperparameters import outside, predict, predict_interval, predictors

RECIPE_ROLES = ("learning_rate", "batch_size", "critical_batch_size", "beta2", "warmup", "weight_decay")
"""In the order in which people ask for them."""


@dataclass(frozen=True, slots=True)
class LawValue:
    """What one law gives for one hyperparameter.

    Attributes:
        role: one of `RECIPE_ROLES`.
        fit_id: whose.
        title: what people call it.
        followed: whether the plan takes it.
        ablation: an example, not a recommendation.
        value: a learning rate; tokens a step, of warmup or of the critical batch; beta2; independent decay a step.
        low: lower end of 95% of the law's draws; None when it has none.
        high: upper end.
        has_range: whether the source says what the law was fitted on.
        beyond: the factor by which the plan lies outside of that; None when inside.
        note: what a user of the law must know.
    """

    role: str
    fit_id: str
    title: str
    followed: bool
    ablation: bool
    value: float
    low: float | None
    high: float | None
    has_range: bool
    beyond: float | None
    note: str


def law_values(answer: Answer, fits: Sequence[Fit]) -> tuple[LawValue, ...]:
    """Return what every law gives at an answer's optimum: by role, the one that is followed first, examples last.

    A law that gives no usable number here is left out. Rules for beta2 are asked at the plan's batch.

    Args:
        answer: whose optimum and batch.
        fits: all fits to ask.
    """
    found = []
    for role in RECIPE_ROLES:
        values = []
        for fit in fits:
            with suppress(FailureError):
                value = _law_value(fit, role, answer) if role in fit.laws else None
                if value is not None:
                    values.append(value)
        found += sorted(values, key=lambda each: (not each.followed, each.ablation, each.fit_id))
    return tuple(found)


@guarded
def _law_value(fit: Fit, role: str, answer: Answer) -> LawValue | None:
    plan, optimum = answer.plan, answer.optimum
    law, family = fit.laws[role], answer.question.family
    loss = plan.loss.value if plan.loss else None
    at = predictors(fit, optimum, family, loss)
    batch = plan.recipe.batch_tokens.value
    low = high = value = None
    match law.law:
        case _ if role in ("learning_rate", "batch_size", "critical_batch_size"):
            said = predict(fit, role, optimum, family, loss)
            if said is not None:
                value = said.value
                low, high = predict_interval(fit, role, optimum, family, loss) or (None, None)
        case BatchStep() | TokenHalfLife():
            value = law.law.at_batch(batch)
        case WarmupParams():
            value = law.law.warmup_tokens(at)
        case Constant():
            value = law.law.value
    if value is None:
        return None
    factors = outside(law, at, batch)
    return LawValue(
        role=role,
        fit_id=fit.id,
        title=fit.title,
        followed=plan.recipe.sources.get(role) == fit.id,
        ablation=fit.ablation,
        value=value,
        low=low,
        high=high,
        has_range=bool(law.fitted),
        beyond=max(factors.values()) if factors else None,
        note=law.note,
    )
