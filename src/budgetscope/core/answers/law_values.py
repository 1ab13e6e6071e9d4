"""The value of every law for every hyperparameter at an answer's optimum, in common units."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.recipe_choice import PAIR
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import BatchStep, Constant, Timescale, TokenHalfLife, WarmupParams
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.hyperparameters import outside, predict, predict_interval, predictors
from budgetscope.core.stored_words import stored_text

RECIPE_ROLES = ("learning_rate", "batch_size", "critical_batch_size", "beta2", "warmup", "weight_decay")
"""The roles of a recipe, in the order of display."""


@dataclass(frozen=True, slots=True)
class LawValue:
    """The value of one law for one hyperparameter.

    Attributes:
        role: one of `RECIPE_ROLES`.
        followed: whether the plan follows the law.
        ablation: whether the fit is an example, not a recommendation.
        value: peak learning rate, tokens of a batch or a warmup, beta2, or independent weight decay a step.
        low: lower end of the 95% interval of the law's draws; None without draws.
        high: upper end.
        has_range: whether the range of the law's data is known.
        beyond: the factor by which the plan lies outside that range; None when inside.
        is_outlier: whether the value lies outside the plan's range over the laws.
        note: of the law.
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
    is_outlier: bool
    note: str


def law_values(answer: Answer, fits: Sequence[Fit]) -> tuple[LawValue, ...]:
    """Return the value of every law at the run of an answer, by role: the followed law first, ablations last.

    A law without a usable number is left out. Laws for beta2 take the plan's batch.

    Args:
        answer: for its optimum and batch.
        fits: all fits with laws to include.
    """
    found: dict[str, list[LawValue]] = {role: [] for role in RECIPE_ROLES}
    for fit in fits:
        for role in fit.laws.keys() & found.keys():
            with suppress(FailureError):
                value = _law_value(fit, role, answer)
                if value is not None:
                    found[role].append(value)

    def place(value: LawValue) -> tuple[bool, bool, str]:
        return not value.followed, value.ablation, value.fit_id

    return tuple(value for values in found.values() for value in sorted(values, key=place))


@guarded
def _law_value(fit: Fit, role: str, answer: Answer) -> LawValue | None:
    plan, optimum = answer.plan, answer.point
    law, family = fit.laws[role], answer.question.family
    loss = plan.loss.value if plan.loss else None
    at = predictors(fit, optimum, family, loss)
    batch = plan.recipe.batch_tokens.value
    low = high = value = None
    match law.law:
        case _ if role in ("learning_rate", "batch_size", "critical_batch_size"):
            prediction = predict(fit, role, optimum, family, loss)
            if prediction is not None:
                value = prediction.value
                low, high = predict_interval(fit, role, optimum, family, loss) or (None, None)
        case BatchStep() | TokenHalfLife():
            value = law.law.at_batch(batch)
        case WarmupParams():
            value = law.law.warmup_tokens(at)
        case Constant() | Timescale():
            value = law.law.weight_decay(at, batch)
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
        is_outlier=plan.recipe.is_outlier(role, value),
        note=stored_text(law.note) if law.note else "",
    )


def outlying_roles(fit: Fit, answer: Answer) -> tuple[str, ...]:
    """Return the roles in which a fit's values at the run of an answer are `LawValue.is_outlier`."""
    plan, family = answer.plan, answer.question.family
    loss = plan.loss.value if plan.loss else None
    found = []
    for role in PAIR:
        with suppress(FailureError):
            prediction = predict(fit, role, answer.point, family, loss)
            value = None if prediction is None else prediction.value
            if value is not None and plan.recipe.is_outlier(role, value):
                found.append(role)
    return tuple(found)
