"""The plan of an answer: the model, the recipe, the run with its cost, and cautions."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from budgetscope.core.answers import cautions, layout
from budgetscope.core.answers.cautions import Caution
from budgetscope.core.answers.constraints import Choice, choose
from budgetscope.core.answers.idle_devices import of_idle
from budgetscope.core.answers.mfu_range import Spread, run_cost, spread
from budgetscope.core.answers.question import Question, after_decay, machine_flops
from budgetscope.core.answers.recipe import Recipe, recommend, scheduled
from budgetscope.core.budget.describe import describe
from budgetscope.core.budget.parse import ComputeBudget, HardwareBudget
from budgetscope.core.budget.quantities import format_flops
from budgetscope.core.counting.ledger import Convention, Shape
from budgetscope.core.errors import FailureError
from budgetscope.core.hardware.energy import Energy, energy_assumptions, run_energy
from budgetscope.core.hardware.machine import Machine, describe_machine
from budgetscope.core.language import _
from budgetscope.core.laws.fit import Draws
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import Estimate, check_span, params_interval
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import OperatingPoint, recount


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """The training run of a concrete shape, at the same budget as the optimum.

    Attributes:
        shape: the model to build; None beyond the ends of the shape family.
        n_params: of the shape, by the plan's convention.
        tokens: training tokens.
        executed_flops: FLOPs that the machine executes.
        steps: optimizer steps.
        hours: wall time on the machine; None when the number of devices is open.
        cost_usd: US dollars; None without a price.
        energy: None where the power of the device is not known.
    """

    shape: Shape | None
    n_params: float
    tokens: float
    executed_flops: float
    steps: int
    hours: float | None
    device_hours: float
    cost_usd: Estimate | None
    energy: Energy | None


@dataclass(frozen=True, slots=True)
class Optimum:
    """The compute-optimal run of a budget, whatever the constraints.

    Attributes:
        n_params: compute-optimal parameters, by the plan's convention.
        tokens: compute-optimal training tokens.
        tokens_per_param: D/N.
        loss: in the plan's loss unit; None when the fit has no law of it.
        loss_after_decay: after the advised decay of the learning rate; None when `loss` is None, is after a decay
            already, or is not in nats a token.
        flat_band: smallest and largest N that cost less than 0.1% of the loss; None when the fit has no law of the
            loss or of the loss above the optimum.
    """

    n_params: Estimate
    tokens: Estimate
    tokens_per_param: Estimate
    loss: Estimate | None
    loss_after_decay: Estimate | None
    flat_band: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The recommendation for a budget, by one fit. The command line, the app and the notebook show it unchanged.

    Attributes:
        budget: canonical text.
        understood: the budget in FLOPs, as a sentence.
        law_id: the fit for N, D and the loss.
        law_title: its name for people.
        convention: of N and C.
        flops: training FLOPs by that convention.
        executed_flops: FLOPs that the machine executes for the optimum.
        n_params: parameters of the run to train: the optimum's, or what the constraints allow.
        tokens: its training tokens.
        tokens_per_param: D/N.
        loss: of that run, in `loss_unit`; None when the fit has no law of it.
        loss_unit: such as nats/token.
        loss_after_decay: after the advised decay of the learning rate; None as in `Optimum`.
        optimum: the compute-optimal run.
        spread: of the run, over the ranges of MFU and price.
        vocab_size: of the tokenizer.
        seq_len: training context in tokens.
        assumptions: one sentence for each default in use.
        cautions: the most severe first.
        expected_waste: deadweight compute as a share of the budget, the mean over the interval of N; None without an
            interval or a law of the loss off the optimum.
        choice: the run that the constraints allow, which the recipe and the run are of; None without constraints.
        over_least_budget: C as a multiple of the smallest budget that the law was measured on; None where its measured
            optima are not kept.
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
    loss_after_decay: Estimate | None
    optimum: Optimum
    recipe: Recipe
    run: PlannedRun
    machine: Machine
    spread: Spread
    vocab_size: int
    seq_len: int
    assumptions: tuple[str, ...]
    cautions: tuple[Caution, ...]
    choice: Choice | None
    expected_waste: float | None
    over_least_budget: float | None

    @property
    def final_loss(self) -> Estimate | None:
        """The loss at the end of the run: after the decay where that is foretold; None without a law of it."""
        return self.loss_after_decay or self.loss

    @property
    def is_before_decay(self) -> bool:
        """Whether the law foretells losses before the decay, so that `loss` is not that at the end."""
        return self.optimum.loss_after_decay is not None

    @property
    def is_laid_out(self) -> bool:
        """Whether it has a shape, and a machine whose memory is known: what layouts need."""
        return self.run.shape is not None and not self.machine.device.by_rate

    @property
    def budget_usd(self) -> float | None:
        """US dollars of the optimum at the plan's price, of which waste is a share; None without a price.

        The run of a plan with constraints may cost less, or with served tokens more.
        """
        cost = self.run.cost_usd
        return None if cost is None else cost.value * self.executed_flops / self.run.executed_flops

    def cautions_of(self, fit_id: str) -> tuple[Caution, ...]:
        """Return the cautions about one fit."""
        return tuple(caution for caution in self.cautions if caution.fit_id == fit_id)


@guarded
def plan(question: Question, optimum: OperatingPoint) -> Plan:
    """Return the plan for a question.

    Args:
        question: with all names looked up.
        optimum: its compute-optimal operating point, from `locate`.

    Raises:
        UsageError: no fit in use has a law for a hyperparameter, or the law knows N too badly.
        FailureError: a fit in use gives no usable numbers.
    """
    family, loss_model = question.family, LossModel(question.fit)
    own = recount(optimum, question.fit.counting, family)
    best = _best_loss(loss_model, own.flops)
    loss = None if best is None else _loss(loss_model, own.flops, best)
    band = loss_model.flat_band(own.flops)
    around = Optimum(
        *_intervals(question, optimum, own),
        loss=loss,
        loss_after_decay=None if loss is None else after_decay(question, optimum, loss),
        flat_band=None if band is None else _in_convention(question, band),
    )
    choice = choose(question, optimum, loss)
    point, reached = (optimum, loss) if choice is None else (choice.point, choice.loss)
    recipe = recommend(question, point, None if reached is None else reached.value)
    run, moves = _run(question, point, recipe.batch_sequences * question.seq_len)
    recipe = scheduled(recipe, run.tokens)
    found = (
        *question.cautions,
        *cautions.of_interval(question.fit, around.n_params),
        *(
            cautions.of_shape(run.n_params, around.flat_band)
            if choice is None and run.shape and around.flat_band
            else []
        ),
        *layout.of_memory(question, run.shape, recipe.batch_sequences),
        *of_idle(question, run.shape, recipe.batch_sequences, recipe.batch_tokens.value, run.device_hours),
        *cautions.of_time(question.machine.n_devices, run.hours, is_own=question.machine.device.by_rate),
        *cautions.of_range(_limit_hours(question), moves.hours, moves.mfu),
        *cautions.of_recipe(recipe.sources, recipe.learning_rate, recipe.batch_tokens),
        *([] if choice is None else cautions.of_choice(choice.epochs, choice.point.n_params / optimum.n_params)),
        *cautions.collect(
            question.fit,
            [fit for fit in question.recipe_fits if fit.id in recipe.sources.values()],
            recount(point, question.fit.counting, family),
            family=family,
            loss=None if reached is None else reached.value,
            recipe_sources=recipe.sources,
            batch_tokens=recipe.batch_tokens.value,
            critical_batch_tokens=recipe.critical_batch_tokens,
            shape_missing=run.shape is None,
            vocab_size=question.vocab_size,
            spreads=_spreads(around.n_params, recipe),
        ),
    )
    return Plan(
        budget=describe(question.budget),
        understood=_understood(question, optimum, moves),
        law_id=question.fit.id,
        law_title=question.fit.title,
        convention=question.convention,
        flops=optimum.flops,
        executed_flops=machine_flops(question, optimum),
        n_params=around.n_params if choice is None else _allowed(choice.point.n_params),
        tokens=around.tokens if choice is None else _allowed(choice.point.tokens),
        tokens_per_param=around.tokens_per_param if choice is None else _allowed(choice.point.tokens_per_param),
        loss=reached,
        loss_unit=question.fit.loss_unit,
        loss_after_decay=around.loss_after_decay if choice is None else choice.loss_after_decay,
        optimum=around,
        recipe=recipe,
        run=run,
        machine=question.machine,
        spread=moves,
        vocab_size=question.vocab_size,
        seq_len=question.seq_len,
        assumptions=(*question.machine.assumptions, *energy_assumptions(question.machine.device, question.energy)),
        cautions=cautions.ranked(found),
        choice=choice,
        expected_waste=_expected_waste(loss_model, own, around.n_params),
        over_least_budget=None if question.fit.points is None else own.flops / question.fit.points.rows[0][0],
    )


def _allowed(value: float) -> Estimate:
    return Estimate(value, basis=_("as the constraints allow"))


def _limit_hours(question: Question) -> float | None:
    """Return the wall time that a run of fixed N and D must keep; None for other runs, which stop in time."""
    budget, wanted = question.budget, question.constraints
    if wanted.n_params is None or wanted.tokens is None:
        return None
    limits = [wanted.deadline_hours, budget.hours if isinstance(budget, HardwareBudget) else None]
    return min((hours for hours in limits if hours is not None), default=None)


_NODES = 25
_FURTHEST_STD = 3.5
_NORMAL = NormalDist()


def _expected_waste(loss_model: LossModel, own: OperatingPoint, n_params: Estimate) -> float | None:
    """Return the mean deadweight share over a normal error of ln N with the interval's width."""
    if n_params.low is None or n_params.high is None or loss_model.wasted_share(own.flops, own.n_params) is None:
        return None
    std = math.log(n_params.high / n_params.low) / (2 * _NORMAL.inv_cdf(0.975))
    steps = [_FURTHEST_STD * (2 * k / (_NODES - 1) - 1) for k in range(_NODES)]
    weights = [_NORMAL.pdf(step) for step in steps]
    shares = [loss_model.wasted_share(own.flops, own.n_params * math.exp(std * step)) or 0.0 for step in steps]
    return math.fsum(w * share for w, share in zip(weights, shares, strict=True)) / math.fsum(weights)


def _spreads(n_params: Estimate, recipe: Recipe) -> dict[str, float]:
    """Return by role how far a law can be off: the half width of N as a factor, the range of the learning rate."""
    spreads = {}
    if n_params.low is not None and n_params.high is not None:
        spreads["allocation"] = math.sqrt(n_params.high / n_params.low)
    rate = recipe.learning_rate
    if rate.low is not None and rate.high is not None:
        spreads["learning_rate"] = rate.high / rate.low
    return spreads


def _intervals(question: Question, optimum: OperatingPoint, own: OperatingPoint) -> tuple[Estimate, Estimate, Estimate]:
    """Return N, D and D/N with intervals: those of the law, converted to the plan's convention at fixed C."""
    interval = params_interval(question.fit, own.flops)
    check_span(question.fit, own.flops, interval)
    n, d, c, told = optimum.n_params, optimum.tokens, optimum.flops, (interval.basis, interval.kind)
    if interval.low is None or interval.high is None:
        return Estimate(n, None, None, *told), Estimate(d, None, None, *told), Estimate(d / n, None, None, *told)
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
        Estimate(n, n_low, n_high, *told),
        Estimate(d, d_low, d_high, *told),
        Estimate(d / n, d_low / n_high, d_high / n_low, *told),
    )


def _in_convention(question: Question, band: tuple[float, float]) -> tuple[float, float]:
    low, high = (question.family.convert(n, question.fit.counting, question.convention) for n in band)
    return low, high


def _best_loss(loss_model: LossModel, own_flops: float) -> float | None:
    best = loss_model.best_loss(own_flops)
    if best is not None and best <= 0:
        raise FailureError(
            f"{loss_model.fit.id} gives a loss of {best:.3g} here, where no loss can be; correct its parameters or "
            "choose another law."
        )
    return best


def _loss(loss_model: LossModel, own_flops: float, best: float) -> Estimate:
    law = loss_model.fit.laws.get("loss_curve") or loss_model.fit.laws.get("surface")
    interval = loss_model.loss_interval(own_flops)
    if interval is None or law is None or not isinstance(law.uncertainty, Draws):
        return Estimate(best, basis=_("the source publishes no uncertainty"))
    if law.uncertainty.forecast:
        return Estimate(best, *interval, _("95%: noise, floor and drift of the exponent"))
    basis = _("95% of the bootstrap draws: the noise of the runs, not the form of the law")
    return Estimate(best, *interval, basis)


def _shape(question: Question, n_params: float) -> Shape | None:
    """Return the shape to build, within the largest N that the question allows."""
    most = question.constraints.max_params
    shape = question.family.to_build(n_params, question.convention)
    while shape is not None and most is not None and shape.count(question.convention).n_params > most:
        n_params *= _SMALLER
        shape = question.family.to_build(n_params, question.convention)
    return shape


_SMALLER = 0.98
"""Step in N on the way to a shape that is small enough."""


def _run(question: Question, point: OperatingPoint, batch_tokens: int) -> tuple[PlannedRun, Spread]:
    machine = question.machine
    shape = _shape(question, point.n_params)
    n_params, tokens = point.n_params, point.tokens
    whole = None if question.constraints else machine.executed_flops
    executed_flops = machine_flops(question, point) if whole is None else whole
    if shape is not None:
        count = shape.count(question.convention)
        n_params = float(count.n_params)
        if question.constraints.tokens is not None:
            tokens = question.constraints.tokens
        elif machine.executed_flops is not None:
            tokens = executed_flops / shape.executed_flops_per_token
        else:
            tokens = point.flops / count.flops_per_token
        hours, devices = question.constraints.deadline_hours, machine.n_devices
        if hours is not None and devices is not None:
            tokens = min(tokens, machine.flops_in(hours * devices) / shape.executed_flops_per_token)
        executed_flops = tokens * shape.executed_flops_per_token
    device_hours = machine.device_hours(executed_flops)
    moves = spread(question, executed_flops)
    run = PlannedRun(
        shape=shape,
        n_params=n_params,
        tokens=tokens,
        executed_flops=executed_flops,
        steps=math.ceil(tokens / batch_tokens),
        hours=machine.hours(device_hours),
        device_hours=device_hours,
        cost_usd=run_cost(question, device_hours, moves),
        energy=run_energy(machine.device, Estimate(device_hours, *(moves.device_hours or ())), question.energy),
    )
    return run, moves


def _understood(question: Question, optimum: OperatingPoint, moves: Spread) -> str:
    """Return the budget in FLOPs, after the choices that its reading took."""
    text = _of_budget(question, optimum, moves)
    choices = question.budget.choices
    return _("{choices}: {budget}").format(choices="; ".join(choices), budget=text) if choices else text


def _of_budget(question: Question, optimum: OperatingPoint, moves: Spread) -> str:
    budget = question.budget
    flops = _("{flops} FLOPs by the {convention} count").format(
        flops=format_flops(optimum.flops), convention=question.convention
    )
    if isinstance(budget, ComputeBudget):
        return flops
    if not isinstance(budget, HardwareBudget):
        return _("{budget} takes {flops}").format(budget=describe(budget), flops=flops)
    machine, executed = question.machine, question.machine.executed_flops or 0.0
    told = {
        "machine": describe_machine(machine, machine.device_hours(executed)),
        "executed": format_flops(executed),
        "flops": flops,
    }
    if moves.mfu is None or machine.executed_flops is None:
        return _("{flops} = {executed} FLOPs executed by {machine}").format(**told)
    least, most = (format_flops(executed * mfu / machine.mfu) for mfu in moves.mfu)
    low, high = (f"{mfu:.0%}" for mfu in moves.mfu)
    text = _("{flops} = {executed} FLOPs ({least} to {most} with an MFU of {low} to {high}) executed by {machine}")
    return text.format(least=least, most=most, low=low, high=high, **told)
