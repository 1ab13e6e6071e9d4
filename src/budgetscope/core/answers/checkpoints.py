"""Which checkpoints of a run to keep, so that it can be read later as a member of IsoFLOP curves.

At constant learning rate a run that stops early is a run of fewer tokens: its loss there is that of a shorter run of
the same model, so that one run gives a point at every budget that it passes. Porian et al. 2024 read their tuned runs
so, at budgets that double (their code, `const` runs). From the start of the decay on that no longer holds.
"""

from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.recipe import COOLDOWN_SHARE
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.operating_point import operate

MAX_HALVINGS = 8
NEAR = 3.0
"""An IsoFLOP minimum is read off sizes within this factor of it: that of the excess law of `fits/porian2024`."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint.

    Attributes:
        step: optimizer step after which to save.
        tokens: trained by then.
        flops: training FLOPs by then, by the plan's convention.
        share: of the run's tokens.
        halvings: the budget is the run's own halved so often; None at the start of the decay and at the end.
        ratio: the run's N over the law's optimum at that budget.
        decayed: the learning rate has been decayed by then, so that it is a point of no IsoFLOP curve.
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
        """Whether the run's size tells something of the optimum at that budget."""
        return not self.decayed and 1 / NEAR <= self.ratio <= NEAR


@guarded
def checkpoints(answer: Answer) -> tuple[Checkpoint, ...]:
    """Return the checkpoints to keep, by growing tokens: C/2^k after the warmup, the start of the decay, the end.

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
        # The last step is the one that the plan counts: the batch that the end of the data fills in part.
        step=plan.run.steps if tokens == plan.run.tokens else round(tokens / batch),
        tokens=tokens,
        flops=flops,
        share=tokens / plan.run.tokens,
        halvings=halvings,
        ratio=n_params / best.n_params,
        decayed=decayed,
    )
