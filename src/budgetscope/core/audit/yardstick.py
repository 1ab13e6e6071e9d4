"""What the laws say of a run: the yardstick of its audit, at the run's own N, D and compute."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.layout import best_where, layouts
from budgetscope.core.answers.recipe import range_over_laws
from budgetscope.core.answers.recipe_choice import RecipeChoice
from budgetscope.core.audit.counts import Counts
from budgetscope.core.errors import BudgetscopeError, FailureError
from budgetscope.core.laws.fit import Fit
from budgetscope.core.laws.forms import BatchStep, Constant, Timescale, TokenHalfLife
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.hyperparameters import DOUBT_FACTOR, predictors
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.operating_point import recount


@dataclass(frozen=True, slots=True)
class OnMachine:
    """A run on the devices that it names.

    Attributes:
        device: name of the device.
        n_devices: of the whole run.
        hours: wall time at the expected MFU, with its range.
        mfu: that is expected, from 0 to 1.
        cost_usd: US dollars; None without a price.
        peak_bytes: of the fullest device in the fastest layout that fits; None where none does, or the model's sizes
            or its batch are not said.
        memory_bytes: of one device.
        problem: why no layout holds the model and the batch, one sentence; empty where one does or it is not known.
        micro_fits: whether a layout holds the run's own micro-batch; None where it is not known.
    """

    device: str
    n_devices: int
    hours: Estimate
    mfu: float
    cost_usd: Estimate | None
    peak_bytes: float | None
    memory_bytes: int
    problem: str
    micro_fits: bool | None


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What the laws say of a run.

    Attributes:
        law: id of the fit for N, D and the loss.
        n_params: compute-optimal N at the run's compute, by the standard count.
        tokens: compute-optimal D.
        tokens_per_param: compute-optimal D/N.
        flat_band: smallest and largest N that cost under 0.1% of the loss; None without a law of it.
        loss_unit: of the law, such as nats/token; empty where it is not known.
        loss_above: loss of the run above the optimum at its compute; None without a law of it.
        equal_flops: compute whose optimum has the loss of the run; None likewise.
        equal_params: N of that optimum.
        equal_tokens: D of that optimum.
        learning_rate: of the recipe, with its range over published laws.
        batch_tokens: likewise.
        recipe: id of the fit of the two.
        covered: whether the run lies inside the data of that fit, or hardly outside.
        evidence: what recipes cost on the public grid nearest to the run; None where the user named the recipe.
        warmup_tokens: of the recipe.
        critical_batch_tokens: None without a law of it.
        beta2: lowest and highest over published rules, at the run's own batch; None where that is not said.
        weight_decay: lowest and highest independent decay a step over published rules; None likewise.
        machine: None where the devices or their number are not said.
    """

    law: str
    n_params: Estimate
    tokens: Estimate
    tokens_per_param: Estimate
    flat_band: tuple[float, float] | None
    loss_unit: str
    loss_above: float | None
    equal_flops: float | None
    equal_params: float | None
    equal_tokens: float | None
    learning_rate: Estimate
    batch_tokens: Estimate
    recipe: str
    covered: bool
    evidence: RecipeChoice | None
    warmup_tokens: float
    critical_batch_tokens: float | None
    beta2: tuple[float, float] | None
    weight_decay: tuple[float, float] | None
    machine: OnMachine | None


def yardstick(answer: Answer, counts: Counts, rules: Sequence[Fit]) -> Yardstick:
    """Return what the laws say of a run.

    Args:
        answer: the plan of the run's N and D, by the standard count.
        counts: of the run.
        rules: fits with rules for beta2 and weight decay.
    """
    plan, choice = answer.plan, answer.plan.choice
    recipe, optimum = plan.recipe, plan.optimum
    return Yardstick(
        law=plan.law_id,
        n_params=optimum.n_params,
        tokens=optimum.tokens,
        tokens_per_param=optimum.tokens_per_param,
        flat_band=optimum.flat_band,
        loss_unit=plan.loss_unit or "",
        loss_above=None if choice is None else choice.loss_difference,
        equal_flops=None if choice is None else choice.equal_flops,
        equal_params=None if choice is None else choice.equal_params,
        equal_tokens=None if choice is None else choice.equal_tokens,
        learning_rate=_over_laws("learning_rate", recipe.learning_rate, answer),
        batch_tokens=_over_laws("batch_size", recipe.batch_tokens, answer),
        recipe=recipe.sources["learning_rate"],
        covered=recipe.choice is None or math.exp(recipe.choice.beyond) <= DOUBT_FACTOR,
        evidence=recipe.choice,
        warmup_tokens=recipe.warmup_tokens,
        critical_batch_tokens=recipe.critical_batch_tokens,
        beta2=_range([_beta2(fit, counts) for fit in rules]),
        weight_decay=_range([_weight_decay(fit, answer, counts) for fit in rules]),
        machine=on_machine(answer, counts),
    )


def _over_laws(role: str, recommended: Estimate, answer: Answer) -> Estimate:
    """Return a value of the recipe with its range over the published laws, whatever the interval of its own law."""
    question, loss = answer.question, answer.plan.loss
    fit_id = answer.plan.recipe.sources[role]
    followed = next(fit for fit in question.recipe_fits if fit.id == fit_id)
    return range_over_laws(
        role, recommended.value, question, followed, answer.point, None if loss is None else loss.value
    )


def _range(values: Sequence[float | None]) -> tuple[float, float] | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None


def _beta2(fit: Fit, counts: Counts) -> float | None:
    law = fit.laws.get("beta2")
    batch = counts.run.batch_tokens
    if law is None or batch is None or not isinstance(law.law, BatchStep | TokenHalfLife):
        return None
    return law.law.at_batch(batch)


def _weight_decay(fit: Fit, answer: Answer, counts: Counts) -> float | None:
    """Return the independent weight decay of a rule; None where it gives no usable number."""
    law = fit.laws.get("weight_decay")
    batch, family = counts.run.batch_tokens, answer.question.family
    if law is None or batch is None or not isinstance(law.law, Constant | Timescale):
        return None
    with suppress(FailureError):
        return _decay_at(fit, law.law, answer, batch) if family else None
    return None


@guarded
def _decay_at(fit: Fit, law: Constant | Timescale, answer: Answer, batch: float) -> float:
    family = answer.question.family
    return law.weight_decay(predictors(fit, recount(answer.point, fit.counting, family), family, None), batch)


def on_machine(answer: Answer, counts: Counts) -> OnMachine | None:
    """Return a run on its devices; None where they or their number are not said.

    Time follows from the FLOPs that the machine executes for the run's own shape where that is known, else for the
    shape that a plan of its size builds.
    """
    run, machine = counts.run, answer.question.machine
    if run.device is None or run.n_devices is None or run.tokens is None:
        return None
    plan, scale = answer.plan, 1.0
    if counts.shape is not None:
        scale = run.tokens * counts.shape.executed_flops_per_token / plan.run.executed_flops
    device_hours = Estimate(plan.run.device_hours, *(plan.spread.device_hours or ()))
    cost = plan.run.cost_usd
    peak, problem, micro_fits = _memory(answer, counts)
    return OnMachine(
        device=machine.device.name,
        n_devices=run.n_devices,
        hours=device_hours.times(scale / run.n_devices),
        mfu=machine.mfu,
        cost_usd=None if cost is None else cost.times(scale),
        peak_bytes=peak,
        memory_bytes=machine.device.memory_bytes,
        problem=problem,
        micro_fits=micro_fits,
    )


def _memory(answer: Answer, counts: Counts) -> tuple[float | None, str, bool | None]:
    """Return the peak of the fastest layout, why none fits, and whether one holds the run's own micro-batch."""
    run, shape, question = counts.run, counts.shape, answer.question
    if shape is None or run.batch_sequences is None or run.batch_sequences < 1:
        return None, "", None
    batch = round(run.batch_sequences)
    try:
        found = layouts(question, shape, batch)
    except BudgetscopeError:
        return None, "", None
    peak = found.ranked[0].memory.peak if found.ranked else None
    micro = run.micro_sequences
    if peak is None or micro is None or not 1 <= micro <= batch:
        return peak, found.problem, None
    with suppress(ValueError):  # no layout has this micro-batch with exactly this batch
        return peak, found.problem, best_where(question, shape, batch, lambda each: each.micro_sequences == micro)[1]
    return peak, found.problem, None
