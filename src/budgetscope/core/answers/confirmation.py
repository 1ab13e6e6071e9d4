"""The confirmation of a learning rate: three runs at the largest size that a small share of a run pays for.

An extrapolated learning rate can be far off (Yang et al. 2026, arXiv 2606.29158). Practice is to search at a small size
and to try the neighbours of the rate at the largest size that one can afford.
"""

import math
from dataclasses import dataclass

from budgetscope.core.answers.question import Question, machine_flops
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.hyperparameters import predict, whole_sequences
from budgetscope.core.laws.operating_point import OperatingPoint, flops_where, increasing_root, operate, point_of_run

SHARE = 0.01
"""Of the run's compute, for all three together."""
STEP = math.sqrt(2)
"""Ratio of neighbouring learning rates."""
_RUNS = 3
_LEAST_PARAMS = 5e6
"""No smaller model says anything of the learning rate of a larger one."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Three runs that differ in the learning rate alone.

    Attributes:
        n_params: of each, by the question's convention.
        tokens: of each.
        batch_tokens: of each.
        learning_rates: the law's rate at that size, with a neighbour on either side.
        flops: of each, by the question's convention.
        usd: of all together; None without a price.
        law: id of the fit of the rates.
    """

    n_params: float
    tokens: float
    batch_tokens: float
    learning_rates: tuple[float, float, float]
    flops: float
    usd: float | None
    law: str


def _smaller(question: Question, run: OperatingPoint, executed_flops: float) -> OperatingPoint | None:
    """Return a smaller run that stands for another: the optimum there, or under constraints that of the same D/N."""
    law, convention, family = question.fit, question.convention, question.family
    if not question.constraints:
        flops = flops_where(law, convention, family, lambda point: machine_flops(question, point), executed_flops)
        return None if flops is None else operate(law, flops, convention, family)

    def at(log_params: float) -> OperatingPoint:
        n_params = math.exp(log_params)
        return point_of_run(n_params, run.tokens_per_param * n_params, convention, family)

    def above(log_params: float) -> float:
        return math.log(machine_flops(question, at(log_params)) / executed_flops)

    top = math.log(run.n_params)
    return at(increasing_root(above, top - math.log(1 / SHARE * _RUNS), top))


def confirmation(question: Question, run: OperatingPoint, fit: Fit) -> Confirmation | None:
    """Return the confirmation of a recipe; None where the runs would be too small, or the law gives no rate there.

    Args:
        question: for its law of N and D, its machine and context.
        run: to be confirmed.
        fit: the fit of learning rate and batch that the recipe follows.
    """
    family = question.family
    point = _smaller(question, run, SHARE * machine_flops(question, run) / _RUNS)
    if point is None or point.n_params < _LEAST_PARAMS:
        return None
    rate, batch = (predict(fit, role, point, family, None) for role in ("learning_rate", "batch_size"))
    if rate is None or rate.value is None or batch is None or batch.value is None:
        return None
    machine = question.machine
    hours = _RUNS * machine.device_hours(machine_flops(question, point))
    return Confirmation(
        n_params=point.n_params,
        tokens=point.tokens,
        batch_tokens=float(whole_sequences(batch.value, question.seq_len) * question.seq_len),
        learning_rates=(rate.value / STEP, rate.value, rate.value * STEP),
        flops=point.flops,
        usd=None if machine.price is None else machine.price.value * hours,
        law=fit.id,
    )
