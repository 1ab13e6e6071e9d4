"""Every law's word on every hyperparameter of a plan, in one unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.question import Question, locate
from budgetscope.core.errors import FailureError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import BatchStep, Constant, TokenHalfLife, WarmupParams
from budgetscope.core.laws.guard import sound
from budgetscope.core.laws.hyperparameters import outside, predict, predict_interval, predictors
from budgetscope.core.laws.operating_point import OperatingPoint

RECIPE_ROLES = ("learning_rate", "batch_size", "critical_batch_size", "beta2", "warmup", "weight_decay")
"""In the order in which people ask for them."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One law's word.

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


def opinions(question: Question, plan: Plan, fits: Sequence[Fit]) -> tuple[Opinion, ...]:
    """Return what every law says at a plan's optimum: by role, the one that is followed first, examples last.

    A law that gives no usable number here is left out. Rules for beta2 are asked at the plan's batch.

    Args:
        question: what was asked.
        plan: the answer to it.
        fits: all fits to ask.

    Raises:
        UsageError: no budget within bounds does what the question asks.
        FailureError: the question's law gives no usable numbers.
    """
    optimum = locate(question)
    found = []
    for role in RECIPE_ROLES:
        spoken = []
        for fit in fits:
            try:
                said = sound(fit.id, _opinion, role, fit, question, plan, optimum) if role in fit.laws else None
            except FailureError:
                continue
            if said is not None:
                spoken.append(said)
        found += sorted(spoken, key=lambda each: (not each.followed, each.ablation, each.fit_id))
    return tuple(found)


def _opinion(role: str, fit: Fit, question: Question, plan: Plan, optimum: OperatingPoint) -> Opinion | None:
    law, family = fit.laws[role], question.family
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
    return Opinion(
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
