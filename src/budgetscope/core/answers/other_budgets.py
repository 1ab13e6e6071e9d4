"""Other budgets: the compute-optimal run of a share or a multiple of a plan's budget, with its cost and loss."""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.question import after_decay, machine_flops
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import MAX_FLOPS, MIN_FLOPS, operate, recount


@dataclass(frozen=True, slots=True)
class OtherBudget:
    """The compute-optimal run of another budget, without constraints, on the plan's machine.

    Attributes:
        factor: of the plan's budget.
        flops: the budget, by the plan's convention.
        n_params: compute-optimal parameters, by the plan's convention.
        tokens: compute-optimal training tokens.
        loss: in the plan's loss unit, after the advised decay where that is known; None without a law of it.
        usd: at the plan's price and MFU; None without a price.
    """

    factor: float
    flops: float
    n_params: float
    tokens: float
    loss: Estimate | None
    usd: float | None


@guarded
def other_budgets(answer: Answer, factors: Sequence[float], *, intervals: bool = False) -> tuple[OtherBudget, ...]:
    """Return the compute-optimal runs of other budgets.

    Args:
        answer: gives law, machine and the budget.
        factors: of the budget; budgets outside `MIN_FLOPS` to `MAX_FLOPS` are left out.
        intervals: whether to add the interval of the loss, which takes a thousand times as long.

    Raises:
        FailureError: the law gives no usable numbers at one of them.
    """
    question, machine = answer.question, answer.question.machine
    fit, convention, family = question.fit, question.convention, question.family
    loss_model, found = LossModel(fit), []
    for factor in factors:
        flops = answer.optimum.flops * factor
        if not MIN_FLOPS <= flops <= MAX_FLOPS:
            continue
        point = operate(fit, flops, convention, family)
        own = recount(point, fit.counting, family).flops
        best = loss_model.best_loss(own)
        loss = None
        if best is not None:
            low, high = (loss_model.loss_interval(own) if intervals else None) or (None, None)
            loss = Estimate(best, low, high)
            loss = after_decay(question, point, loss) or loss
        hours = machine.device_hours(machine_flops(question, point))
        usd = None if machine.price is None else machine.price.value * hours
        found.append(OtherBudget(factor, flops, point.n_params, point.tokens, loss, usd))
    return tuple(found)
