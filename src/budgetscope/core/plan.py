"""From a budget to a plan: the one answer that every face shows."""

import math
from dataclasses import dataclass

from budgetscope.core import cautions
from budgetscope.core.budget import (
    Budget,
    ComputeBudget,
    HardwareBudget,
    LossTarget,
    SizeTarget,
    TokensTarget,
    describe,
)
from budgetscope.core.cautions import Caution
from budgetscope.core.errors import UsageError
from budgetscope.core.fit import Fit
from budgetscope.core.hyperparameters import (
    coupled_weight_decay,
    first_with,
    predict,
    predictors,
    whole_sequences,
)
from budgetscope.core.intervals import Estimate, params_interval
from budgetscope.core.laws import Beta2Law, Constant, WarmupParams
from budgetscope.core.ledger import Convention, Shape
from budgetscope.core.machine import Machine, describe_machine
from budgetscope.core.quantities import format_count, format_flops
from budgetscope.core.shapes import ShapeFamily, shape_family
from budgetscope.core.solve import MAX_FLOPS, MIN_FLOPS, OperatingPoint, flops_where, operate, recount
from budgetscope.core.valley import Valley

COOLDOWN_SHARE = 0.2
"""Share of the run over which to decay: at 20% a cooldown matches a cosine (Hägele et al. 2024,
arXiv 2405.18392, section 4)."""


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a plan depends on, resolved: no names left to look up.

    Attributes:
        budget: as parsed.
        fit: the law for N, D and the loss.
        hyperparameters: fits for learning rate, batch, beta2, warmup, weight decay and critical batch; for
            each of them the first fit that has a law for it is followed.
        opinions: further fits whose learning rate and batch show the spread of the field.
        machine: for hours and dollars.
        convention: who counts N and C in the question and in the plan.
        vocab_size: of the tokenizer to train with.
        seq_len: training context in tokens.
    """

    budget: Budget
    fit: Fit
    hyperparameters: tuple[Fit, ...]
    opinions: tuple[Fit, ...]
    machine: Machine
    convention: Convention
    vocab_size: int
    seq_len: int

    @property
    def family(self) -> ShapeFamily:
        """The shapes to choose from."""
        return shape_family("dense", vocab_size=self.vocab_size, seq_len=self.seq_len)


@dataclass(frozen=True, slots=True)
class Run:
    """The training run of the concrete shape, which spends the same budget as the optimum.

    Attributes:
        shape: the model to build; None where the shape family ends.
        n_params: its parameters by the plan's convention.
        tokens: training tokens.
        executed_flops: FLOPs that the machine executes.
        steps: optimizer steps.
        hours: wall time in hours on the machine.
        device_hours: device-hours.
        cost_usd: US dollars; None without a price.
    """

    shape: Shape | None
    n_params: float
    tokens: float
    executed_flops: float
    steps: int
    hours: float
    device_hours: float
    cost_usd: Estimate | None


@dataclass(frozen=True, slots=True)
class Recipe:
    """The hyperparameters.

    Attributes:
        learning_rate: peak, for AdamW.
        batch_tokens: tokens a step; a whole number of sequences.
        batch_sequences: the same in sequences.
        beta2: of AdamW.
        warmup_tokens: tokens of linear warmup.
        weight_decay_independent: shrinkage of the weights a step at peak learning rate.
        weight_decay_coupled: the same as PyTorch's AdamW wants it.
        critical_batch_tokens: batch beyond which steps no longer fall in proportion; None without a law.
        schedule: how the learning rate goes over the run, one phrase.
        sources: by hyperparameter, the id of the fit whose law is followed.
    """

    learning_rate: Estimate
    batch_tokens: Estimate
    batch_sequences: int
    beta2: float
    warmup_tokens: float
    weight_decay_independent: float
    weight_decay_coupled: float
    critical_batch_tokens: float | None
    schedule: str
    sources: dict[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train with a budget, by one law. Every face shows this and computes nothing of its own.

    Attributes:
        budget: canonical text of the budget.
        understood: how it was read, one sentence.
        law_id: the fit followed for N, D and the loss.
        law_title: what people call it.
        convention: who counts N and C below.
        flops: training FLOPs by that convention.
        executed_flops: FLOPs that the machine executes for the optimum.
        n_params: compute-optimal parameters.
        tokens: compute-optimal training tokens.
        tokens_per_param: their ratio.
        loss: of the optimum, in `loss_unit`; None when the law says nothing.
        loss_unit: such as nats/token.
        flat_band: the N that cost less than 0.1% of the loss; None without a surface.
        recipe: the hyperparameters.
        run: the concrete run.
        machine: what it runs on.
        vocab_size: of the tokenizer.
        seq_len: training context in tokens.
        assumptions: a sentence for everything that was not said.
        cautions: what to know before believing this.
    """

    budget: str
    understood: str
    law_id: str
    law_title: str
    convention: Convention
    flops: float
    executed_flops: float
    n_params: Estimate
    tokens: Estimate
    tokens_per_param: Estimate
    loss: Estimate | None
    loss_unit: str | None
    flat_band: tuple[float, float] | None
    recipe: Recipe
    run: Run
    machine: Machine
    vocab_size: int
    seq_len: int
    assumptions: tuple[str, ...]
    cautions: tuple[Caution, ...]


def plan(question: Question) -> Plan:
    """Answer a question.

    Raises:
        UsageError: no budget within bounds does what the question asks.
        FailureError: the fit has no law for N and D.
    """
    optimum = locate(question)
    family, valley = question.family, Valley(question.fit)
    own = recount(optimum, question.fit.counting, family)
    n_params, tokens, ratio = _intervals(question, optimum, own)
    best = valley.best_loss(own.flops)
    recipe = _recipe(question, optimum, best)
    run = _run(question, optimum, recipe.batch_sequences * question.seq_len)
    band = valley.flat_band(own.flops)
    return Plan(
        budget=describe(question.budget),
        understood=_understood(question, optimum, run),
        law_id=question.fit.id,
        law_title=question.fit.title,
        convention=question.convention,
        flops=optimum.flops,
        executed_flops=executed(question, optimum),
        n_params=n_params,
        tokens=tokens,
        tokens_per_param=ratio,
        loss=None if best is None else _loss(valley, own.flops, best),
        loss_unit=question.fit.loss_unit,
        flat_band=None if band is None else _in_convention(question, band),
        recipe=recipe,
        run=run,
        machine=question.machine,
        vocab_size=question.vocab_size,
        seq_len=question.seq_len,
        assumptions=question.machine.assumptions,
        cautions=cautions.collect(
            question.fit,
            [fit for fit in question.hyperparameters if fit.id in recipe.sources.values()],
            own,
            family=family,
            loss=best,
            recipe_sources=recipe.sources,
            batch_tokens=recipe.batch_tokens.value,
            critical_batch_tokens=recipe.critical_batch_tokens,
            shape_missing=run.shape is None,
            vocab_size=question.vocab_size,
        ),
    )


def executed(question: Question, point: OperatingPoint) -> float:
    """Return the FLOPs that the machine executes for a model and its tokens."""
    return point.tokens * question.family.executed_flops_per_token(point.position)


def locate(question: Question) -> OperatingPoint:
    """Return the operating point that the question's law gives its budget.

    Raises:
        UsageError: no budget within bounds does what the question asks.
    """
    fit, convention, family = question.fit, question.convention, question.family
    match question.budget:
        case ComputeBudget(flops):
            found: float | None = flops if MIN_FLOPS <= flops <= MAX_FLOPS else None
        case HardwareBudget():
            wanted = question.machine.executed_flops or 0.0
            found = flops_where(fit, convention, family, lambda p: executed(question, p), wanted)
        case LossTarget(loss):
            return _locate_loss(question, loss)
        case SizeTarget(n_params):
            found = flops_where(fit, convention, family, lambda p: p.n_params, n_params)
        case TokensTarget(tokens):
            found = flops_where(fit, convention, family, lambda p: p.tokens, tokens)
    if found is None:
        raise UsageError(
            f"{describe(question.budget)!r} lies outside {MIN_FLOPS:.0e} to {MAX_FLOPS:.0e} FLOPs, where no "
            "scaling law says anything; give a budget inside."
        )
    return operate(fit, found, convention, family)


def _locate_loss(question: Question, loss: float) -> OperatingPoint:
    fit, valley = question.fit, Valley(question.fit)
    if valley.best_loss(MIN_FLOPS) is None:
        raise UsageError(f"{fit.id} says nothing of the loss; choose another law with --law.")
    own_flops = valley.flops_for_loss(loss)
    if own_flops is None:
        reason = (
            f"is below {valley.floor:.3f}, the lowest loss that {fit.id} can reach"
            if loss <= valley.floor
            else f"is out of reach of {MIN_FLOPS:.0e} to {MAX_FLOPS:.0e} FLOPs by {fit.id}"
        )
        raise UsageError(f"a loss of {loss:g} {reason}; ask for another loss.")
    own = operate(fit, own_flops, fit.counting, question.family)
    return recount(own, question.convention, question.family)


def _intervals(question: Question, optimum: OperatingPoint, own: OperatingPoint) -> tuple[Estimate, Estimate, Estimate]:
    """Return N, D and D/N with intervals: the law's own, read in the plan's convention at fixed C."""
    interval = params_interval(question.fit, own.flops)
    n, d, c, basis = optimum.n_params, optimum.tokens, optimum.flops, interval.basis
    if interval.low is None or interval.high is None:
        return Estimate(n, basis=basis), Estimate(d, basis=basis), Estimate(d / n, basis=basis)
    family, counting = question.family, question.fit.counting
    ends = []
    for end in (interval.low, interval.high):
        position = family.position(own.n_params * end / interval.value, counting)
        ends.append(
            (
                family.n_params(position, question.convention),
                c / family.flops_per_token(position, question.convention),
            )
        )
    (n_low, d_high), (n_high, d_low) = ends
    return (
        Estimate(n, n_low, n_high, basis),
        Estimate(d, d_low, d_high, basis),
        Estimate(d / n, d_low / n_high, d_high / n_low, basis),
    )


def _in_convention(question: Question, band: tuple[float, float]) -> tuple[float, float]:
    low, high = (question.family.convert(n, question.fit.counting, question.convention) for n in band)
    return low, high


def _loss(valley: Valley, own_flops: float, best: float) -> Estimate:
    interval = valley.loss_interval(own_flops)
    if interval is None:
        return Estimate(best, basis="the source publishes no uncertainty")
    return Estimate(best, *interval, "95% of the bootstrap draws: the noise of the runs, not the form of the law")


def _recipe(question: Question, optimum: OperatingPoint, loss: float | None) -> Recipe:
    family, fits = question.family, question.hyperparameters
    learning_rate, lr_source = _hyperparameter("learning_rate", question, optimum, loss)
    batch, batch_source = _hyperparameter("batch_size", question, optimum, loss)
    sequences = whole_sequences(batch.value, question.seq_len)
    batch_tokens = float(sequences * question.seq_len)
    sources = {"learning_rate": lr_source, "batch_size": batch_source}
    laws = {}
    for role in ("beta2", "warmup", "weight_decay"):
        found = first_with(role, fits)
        if found is None:
            raise UsageError(f"no fit in use has a law for {role}; choose others with --hyperparameters.")
        sources[role] = found[0].id
        laws[role] = found
    beta2, warmup, decay = (laws[role][1].law for role in ("beta2", "warmup", "weight_decay"))
    if not (isinstance(beta2, Beta2Law) and isinstance(warmup, WarmupParams) and isinstance(decay, Constant)):
        raise UsageError("a fit in use has a law of the wrong form; choose others with --hyperparameters.")
    warmup_tokens = warmup.warmup_tokens(predictors(laws["warmup"][0], optimum, family, loss))
    critical = first_with("critical_batch_size", fits)
    critical_tokens = None
    if critical is not None:
        prediction = predict(critical[0], "critical_batch_size", optimum, family, loss)
        critical_tokens = prediction.value if prediction else None
        sources["critical_batch_size"] = critical[0].id
    return Recipe(
        learning_rate=learning_rate,
        batch_tokens=_whole_batch(batch, batch_tokens),
        batch_sequences=sequences,
        beta2=beta2.at_batch(batch_tokens),
        warmup_tokens=warmup_tokens,
        weight_decay_independent=decay.value,
        weight_decay_coupled=coupled_weight_decay(decay.value, learning_rate.value),
        critical_batch_tokens=critical_tokens,
        schedule=_schedule(warmup_tokens, optimum.tokens, batch_tokens),
        sources=sources,
    )


def _hyperparameter(role: str, question: Question, optimum: OperatingPoint, loss: float | None) -> tuple[Estimate, str]:
    """Return the followed law's value with the spread of all laws that speak, and the followed fit's id."""
    followed = [predict(fit, role, optimum, question.family, loss) for fit in question.hyperparameters]
    speaking = [p for p in followed if p is not None and p.value is not None]
    if not speaking or speaking[0].value is None:
        raise UsageError(
            f"no fit in use predicts the {role.replace('_', ' ')} here; choose others with --hyperparameters."
        )
    value = speaking[0].value
    if speaking[0].interval is not None:
        return Estimate(value, *speaking[0].interval, "95% of the law's bootstrap draws"), speaking[0].fit_id
    others = [predict(fit, role, optimum, question.family, loss) for fit in question.opinions]
    values = {p.fit_id: p.value for p in [*others, speaking[0]] if p is not None and p.value is not None}
    basis = f"range over {len(values)} published laws, not a confidence interval"
    return Estimate(value, min(values.values()), max(values.values()), basis), speaking[0].fit_id


def _whole_batch(predicted: Estimate, batch_tokens: float) -> Estimate:
    """Return the rounded batch with the prediction's range, widened where rounding left it."""
    low, high = (batch_tokens if end is None else end for end in (predicted.low, predicted.high))
    return Estimate(batch_tokens, min(low, batch_tokens), max(high, batch_tokens), predicted.basis)


def _schedule(warmup_tokens: float, tokens: float, batch_tokens: float) -> str:
    warmup_steps = math.ceil(warmup_tokens / batch_tokens)
    return (
        f"linear warmup over {format_count(warmup_tokens)} tokens ({warmup_steps} steps), constant to "
        f"{format_count((1 - COOLDOWN_SHARE) * tokens)} tokens, then a linear decay to zero over the last "
        f"{COOLDOWN_SHARE:.0%}"
    )


def _run(question: Question, optimum: OperatingPoint, batch_tokens: int) -> Run:
    machine = question.machine
    shape = question.family.nearest(optimum.n_params, question.convention)
    n_params, tokens = optimum.n_params, optimum.tokens
    executed_flops = executed(question, optimum)
    if shape is not None:
        count = shape.count(question.convention)
        n_params = float(count.n_params)
        if machine.executed_flops is not None:
            tokens = machine.executed_flops / shape.executed_flops_per_token
        else:
            tokens = optimum.flops / count.flops_per_token
        executed_flops = tokens * shape.executed_flops_per_token
    device_hours = machine.device_hours(executed_flops)
    price = machine.price
    return Run(
        shape=shape,
        n_params=n_params,
        tokens=tokens,
        executed_flops=executed_flops,
        steps=math.ceil(tokens / batch_tokens),
        hours=device_hours / machine.n_devices,
        device_hours=device_hours,
        cost_usd=None if price is None else _times(price, device_hours),
    )


def _times(estimate: Estimate, factor: float) -> Estimate:
    low, high = (None if end is None else end * factor for end in (estimate.low, estimate.high))
    return Estimate(estimate.value * factor, low, high, estimate.basis)


def _understood(question: Question, optimum: OperatingPoint, run: Run) -> str:
    flops = f"{format_flops(optimum.flops)} FLOPs by the {question.convention} count"
    if isinstance(question.budget, HardwareBudget):
        said = describe_machine(question.machine, run.device_hours)
        return f"{said} executes {format_flops(run.executed_flops)} FLOPs = {flops}"
    if isinstance(question.budget, ComputeBudget):
        return flops
    return f"{describe(question.budget)} takes {flops}"
