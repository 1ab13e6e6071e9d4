"""The checkpoints of a run to keep, so that it gives points of IsoFLOP curves later.

At constant learning rate, the loss at an earlier token is that of a shorter run of the same model, so that one run
gives a point at every smaller budget. Porian et al. 2024 evaluate their tuned runs in this way, at budgets a factor of
two apart (their code, `const` runs). It does not hold from the start of the decay on.
"""

from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.recipe import COOLDOWN_SHARE
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.operating_point import operate

MAX_HALVINGS = 8
NEAR = 3.0
"""Only sizes within this factor of the optimum help to find it: the window of the excess law of `fits/porian2024`."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint to keep.

    Attributes:
        step: optimizer step after which to save.
        tokens: training tokens up to it.
        flops: training FLOPs up to it, by the plan's convention.
        share: of the run's tokens.
        halvings: k if its budget is the run's budget over 2^k; None at the start of the decay and at the end.
        ratio: the run's N over the optimal N at that budget.
        decayed: whether the decay has begun, so that it is not a point of an IsoFLOP curve.
    """

    step: int
    tokens: float
    flops: float
    share: float
    halvings: int | None
    ratio: float
    decayed: bool

    @property
    def is_near(self) -> bool:
        """Whether the run's size is near enough to the optimum at that budget to help find it."""
        return not self.decayed and 1 / NEAR <= self.ratio <= NEAR


@guarded
def checkpoints(answer: Answer) -> tuple[Checkpoint, ...]:
    """Return the checkpoints to keep, by growing tokens: at C/2^k after the warmup, before the decay, at the end.

    Raises:
        FailureError: the answer's law gives no usable numbers at one of the budgets.
    """
    plan = answer.plan
    total, batch = plan.run.tokens, plan.recipe.batch_tokens.value
    halved = [(total / 2**k, k) for k in range(MAX_HALVINGS, 0, -1) if total / 2**k > plan.recipe.warmup_tokens]
    decay = (1 - COOLDOWN_SHARE) * total
    return tuple(
        _checkpoint(answer, tokens, halvings, decayed=tokens > decay)
        for tokens, halvings in (*halved, (decay, None), (total, None))
        if tokens >= batch
    )


def _checkpoint(answer: Answer, tokens: float, halvings: int | None, *, decayed: bool) -> Checkpoint:
    question, plan = answer.question, answer.plan
    family, convention = question.family, question.convention
    batch, n_params = plan.recipe.batch_tokens.value, plan.run.n_params
    flops = tokens * family.flops_per_token(family.position(n_params, convention), convention)
    best = operate(question.fit, flops, convention, family)
    return Checkpoint(
        # The last step is rounded up, as in the plan: its batch is only partly filled.
        step=plan.run.steps if tokens == plan.run.tokens else round(tokens / batch),
        tokens=tokens,
        flops=flops,
        share=tokens / plan.run.tokens,
        halvings=halvings,
        ratio=n_params / best.n_params,
        decayed=decayed,
    )
