"""Constraints: what a question fixes or bounds beside its budget, the run that they allow, and the price of each.

The unconstrained optimum stays the reference. Constraints are added one by one, in the order of `Constraints`; each is
priced by what it adds: loss, deadweight compute (what the optimal run of equal loss would save), and dollars.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import exp, inf, log

from budgetscope.core.answers.question import Question, after_decay, machine_flops
from budgetscope.core.budget.constraints import NONE, Constraints, said
from budgetscope.core.budget.quantities import english_count, english_hours, format_factor, format_flops
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.machine import Machine
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.loss_model import LossModel
from budgetscope.core.laws.operating_point import (
    MAX_FLOPS,
    MIN_FLOPS,
    OperatingPoint,
    flops_where,
    increasing_root,
    operate,
    point_of_run,
    recount,
)
from budgetscope.core.laws.repetition import MAX_EPOCHS, PARAMS_DECAY, TOKENS_DECAY, effective

SERVING_FLOPS_PER_PARAM = 2.0
"""FLOPs a parameter and served token: one multiplication and one addition (Sardana et al. 2024, arXiv 2401.00448)."""

_STEPS = (("deadline_hours",), ("n_params", "tokens"), ("max_params",), ("unique_tokens",), ("served_tokens",))
"""The constraints in the order in which they are added; N and D of a run are one."""

_FURTHEST = 1000.0
"""Factor off the optimal size beyond which a run is refused."""
_WIDEST = 200.0
"""Sizes are searched within this factor of the optimum."""
_TOLERANCE = 1e-7
_ROUNDING = 1e-7
_SLACK = 2e-3
"""Share by which a run of fixed N and D may exceed its limit: numbers are given in three digits."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one constraint, or a fixed N and D, adds to the constraints before it.

    Attributes:
        constraints: their fields in `Constraints`; one, or N and D together.
        text: a phrase.
        loss: in the law's loss unit; None without a law of the loss off the optimum.
        wasted_flops: deadweight compute, FLOPs by the question's convention; None likewise.
        wasted_usd: the same in US dollars at the plan's price; None likewise, or without a price.
        training_flops: change of the training FLOPs, by the question's convention.
        budget_flops: those of the unconstrained optimum.
        lifetime_flops: change of training plus serving, FLOPs that machines execute; None without served tokens.
        lifetime_usd: the same in US dollars.
    """

    constraints: tuple[str, ...]
    text: str
    loss: float | None
    wasted_flops: float | None
    wasted_usd: float | None
    training_flops: float
    budget_flops: float
    lifetime_flops: float | None
    lifetime_usd: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The run that the constraints allow.

    Attributes:
        point: N, D and C by the question's convention; D counts repeated tokens.
        loss: by the question's law, with the interval of the optimum's moved; None when the law has no loss off the
            optimum.
        loss_after_decay: of a law of runs at constant learning rate, after the advised decay; None otherwise.
        loss_difference: loss above the unconstrained optimum at the question's budget.
        equal_flops: the budget whose optimum has the same loss, FLOPs by the question's convention; None likewise.
        equal_params: N of that optimum.
        equal_tokens: D of that optimum.
        epochs: how often the unique tokens are read; None when they are not bounded.
        prices: one for each constraint, in order.
    """

    point: OperatingPoint
    loss: Estimate | None
    loss_after_decay: Estimate | None
    loss_difference: float | None
    equal_flops: float | None
    equal_params: float | None
    equal_tokens: float | None
    epochs: float | None
    prices: tuple[Price, ...]


@guarded
def choose(question: Question, optimum: OperatingPoint, best: Estimate | None) -> Choice | None:
    """Return the run that a question's constraints allow; None when it has none.

    Args:
        question: with its budget and constraints.
        optimum: the compute-optimal point of its budget.
        best: the loss there; None when the law has none.

    Raises:
        UsageError: the constraints contradict each other or the budget, need a law of the loss that the fit lacks, or
            read the unique tokens more than `MAX_EPOCHS` times.
        FailureError: the fit's laws give no usable numbers.
    """
    wanted = question.constraints
    if not wanted:
        return None
    search = _Search(question, optimum)
    given, found = NONE, search.state(optimum, NONE)
    states, prices = [found], []
    for names in _STEPS:
        values = {name: value for name in names if (value := getattr(wanted, name)) is not None}
        if values:
            given = replace(given, **values)
            found = search.solve(given)
            prices.append(search.price(values, states[-1], found))
            states.append(found)
    ratio = found.point.n_params / optimum.n_params
    if not 1 / _FURTHEST <= ratio <= _FURTHEST:
        factor = format_factor(max(ratio, 1 / ratio), 2)
        raise UsageError(
            f"{english_count(found.point.n_params)} parameters are {factor} times off the optimum "
            f"of {english_count(optimum.n_params)}, where no law says anything; give a size nearer to it."
        )
    equal = None if found.equal_flops is None else search.optimum_at(found.equal_flops)
    loss = difference = None
    if best is not None and found.loss is not None:
        difference = found.loss - best.value
        loss = best.plus(difference)
    return Choice(
        point=found.point,
        loss=loss,
        loss_after_decay=None if loss is None else after_decay(question, found.point, loss),
        loss_difference=difference,
        equal_flops=None if equal is None else equal.flops,
        equal_params=None if equal is None else equal.n_params,
        equal_tokens=None if equal is None else equal.tokens,
        epochs=None if wanted.unique_tokens is None else found.point.tokens / wanted.unique_tokens,
        prices=tuple(prices),
    )


@dataclass(frozen=True, slots=True)
class _State:
    """A run under some of the constraints; `equal_flops` is by the law's own convention."""

    point: OperatingPoint
    loss: float | None
    equal_flops: float | None


@dataclass(frozen=True, slots=True)
class _Search:
    """Finds runs at the budget of a question."""

    question: Question
    optimum: OperatingPoint

    def solve(self, given: Constraints) -> _State:
        """Return the best run under constraints."""
        point = self._run(given)
        if given.unique_tokens is not None:
            self._check_epochs(point, given.unique_tokens)
        if given.served_tokens is not None and given.n_params is None and given.tokens is None:
            point = self._for_serving(given, self.state(point, given))
        return self.state(point, given)

    def state(self, point: OperatingPoint, given: Constraints) -> _State:
        """Return a run with its loss."""
        loss = self._loss(point, given.unique_tokens)
        return _State(point, loss, None if loss is None else LossModel(self.question.fit).flops_for_loss(loss))

    def optimum_at(self, own_flops: float) -> OperatingPoint:
        """Return the optimum at a budget by the law's own convention, counted by the question's."""
        fit, family = self.question.fit, self.question.family
        return recount(operate(fit, own_flops, fit.counting, family), self.question.convention, family)

    def price(self, values: Mapping[str, float], before: _State, after: _State) -> Price:
        """Return what constraints add, by their names and values."""
        machine = self.question.machine
        rate = None if machine.price is None else machine.price.value
        wasted = self._wasted(after), self._wasted(before)
        flops = None if wasted[0] is None or wasted[1] is None else _rounded(wasted[0] - wasted[1], after.point.flops)
        served, lifetime = values.get("served_tokens"), None
        if served is not None:
            whole = self._lifetime(after.point, served)
            lifetime = _rounded(whole - self._lifetime(before.point, served), whole)
        executed = machine_flops(self.question, after.point) / after.point.flops
        return Price(
            constraints=tuple(values),
            text=said(values),
            loss=None if before.loss is None or after.loss is None else _rounded(after.loss - before.loss, after.loss),
            wasted_flops=flops,
            wasted_usd=None if rate is None or flops is None else rate * machine.device_hours(flops * executed),
            budget_flops=self.optimum.flops,
            training_flops=_rounded(after.point.flops - before.point.flops, after.point.flops),
            lifetime_flops=lifetime,
            lifetime_usd=None if rate is None or lifetime is None else rate * machine.device_hours(lifetime),
        )

    def _run(self, given: Constraints) -> OperatingPoint:
        """Return the best run under all constraints but that of serving."""
        if given.n_params is not None:
            self._check_size(given)
            tokens = self._tokens(given.n_params, given) if given.tokens is None else given.tokens
            return self._checked(self._at(given.n_params, tokens), given)
        most = inf if given.max_params is None else given.max_params
        if given.tokens is not None:
            n_params = self._size_for(given.tokens, given)
            return self._checked(self._at(min(n_params, most), given.tokens), given)
        best = self._best_size(given)
        if given.unique_tokens is not None and self._tokens(min(best, most), given) > given.unique_tokens:
            low, high = best / _WIDEST, min(best * _WIDEST, most)
            best = self._least(lambda n: self._known_loss(self._at(n, self._tokens(n, given)), given), low, high)
        best = min(best, most)
        return self._at(best, self._tokens(best, given))

    def _for_serving(self, given: Constraints, held: _State) -> OperatingPoint:
        """Return the run of the same loss whose training and serving take the fewest executed FLOPs."""
        served = given.served_tokens or 0.0
        loss = held.loss
        if loss is None:
            raise self._no_loss("served_tokens")
        start = held.point

        def trained(n_params: float) -> OperatingPoint | None:
            def above(log_tokens: float) -> float:
                return loss - self._known_loss(self._at(n_params, exp(log_tokens)), given)

            low, high = log(start.tokens) - log(_WIDEST), log(start.tokens) + log(_WIDEST)
            if above(high) < 0:
                return None
            point = self._at(n_params, exp(increasing_root(above, low, high, 1e-13)))
            within, unique = given.deadline_hours, given.unique_tokens
            late = within is not None and machine_flops(self.question, point) > self._within(within)
            stale = unique is not None and point.tokens > MAX_EPOCHS * unique
            return None if late or stale else point

        def lifetime(n_params: float) -> float:
            point = trained(n_params)
            return inf if point is None else self._lifetime(point, served)

        best = self._least(lifetime, start.n_params / _WIDEST, start.n_params)
        found = trained(best)
        return start if found is None or self._lifetime(start, served) <= lifetime(best) else found

    def _lifetime(self, point: OperatingPoint, served_tokens: float) -> float:
        """Return executed FLOPs of training and serving."""
        multiplied = self.question.family.n_params(point.position, Convention.STANDARD)
        return machine_flops(self.question, point) + SERVING_FLOPS_PER_PARAM * multiplied * served_tokens

    def _at(self, n_params: float, tokens: float) -> OperatingPoint:
        return point_of_run(n_params, tokens, self.question.convention, self.question.family)

    def _tokens(self, n_params: float, given: Constraints) -> float:
        """Return the tokens that the budget and the deadline allow for a size."""
        family, machine, convention = self.question.family, self.question.machine, self.question.convention
        position = family.position(n_params, convention)
        executed = family.executed_flops_per_token(position)
        if machine.executed_flops is None:
            tokens = self.optimum.flops / family.flops_per_token(position, convention)
        else:
            tokens = machine.executed_flops / executed
        if given.deadline_hours is not None:
            tokens = min(tokens, self._within(given.deadline_hours) / executed)
        return tokens

    def _within(self, hours: float) -> float:
        """Return the FLOPs that the machine executes in so many hours."""
        machine = self.question.machine
        if machine.n_devices is None:
            raise UsageError("a deadline needs a number of devices; give it with --gpus.")
        return machine.flops_in(hours * machine.n_devices)

    def _best_size(self, given: Constraints) -> float:
        """Return the compute-optimal N for what the budget and the deadline allow."""
        if given.deadline_hours is None:
            return self.optimum.n_params
        executed = self._within(given.deadline_hours)
        if machine_flops(self.question, self.optimum) <= executed:
            return self.optimum.n_params
        question = self.question
        found = flops_where(
            question.fit, question.convention, question.family, lambda p: machine_flops(question, p), executed
        )
        if found is None:
            hours = english_hours(given.deadline_hours)
            raise UsageError(f"in {hours} the machine trains no model that any law covers; give it longer.")
        return operate(question.fit, found, question.convention, question.family).n_params

    def _size_for(self, tokens: float, given: Constraints) -> float:
        """Return N that reads `tokens` within the budget."""
        low, high = log(self.optimum.n_params) - log(_WIDEST), log(self.optimum.n_params) + log(_WIDEST)
        n_params = exp(increasing_root(lambda x: log(tokens / self._tokens(exp(x), given)), low, high))
        if abs(log(tokens / self._tokens(n_params, given))) > _SLACK:
            most, least = self._tokens(exp(low), given), self._tokens(exp(high), given)
            raise UsageError(
                f"{english_count(tokens)} tokens fit no model near the budget's optimum; give from "
                f"{english_count(1.01 * least)} to {english_count(0.99 * most)} tokens, or another budget."
            )
        return n_params

    def _check_size(self, given: Constraints) -> None:
        n_params, most = given.n_params, given.max_params
        if n_params is not None and most is not None and n_params > most:
            raise UsageError(
                f"N is fixed at {english_count(n_params)} and bounded by {english_count(most)}; change one of them."
            )

    def _checked(self, point: OperatingPoint, given: Constraints) -> OperatingPoint:
        """Return a run of fixed N or D that the budget and the deadline allow."""
        machine = self.question.machine
        n_devices = machine.n_devices or 1.0
        hours = machine.device_hours(machine_flops(self.question, point)) / n_devices
        limits = [] if given.deadline_hours is None else [(given.deadline_hours, "the deadline")]
        if machine.executed_flops is not None:
            limits.append((machine.device_hours(machine.executed_flops) / n_devices, "the budget"))
        spent = point.flops / self.optimum.flops
        if machine.executed_flops is None and spent > 1 + _SLACK:
            raise UsageError(
                f"{english_count(point.n_params)} parameters on {english_count(point.tokens)} tokens are "
                f"{format_flops(point.flops)} FLOPs, {format_factor(spent)} times the budget; give a larger budget, a "
                "smaller model or fewer tokens."
            )
        for limit, whose in limits:
            if hours > limit * (1 + _SLACK):
                more = "" if machine.device.by_rate else "more devices, "
                raise UsageError(
                    f"{english_count(point.n_params)} parameters on {english_count(point.tokens)} tokens take "
                    f"{english_hours(hours)} on {_named(machine)}, and {whose} is "
                    f"{english_hours(limit)}; give {more}more time, a smaller model or fewer tokens."
                )
        if not MIN_FLOPS <= point.flops <= MAX_FLOPS:
            raise UsageError(
                f"{english_count(point.n_params)} parameters on {english_count(point.tokens)} tokens are "
                f"{format_flops(point.flops)} FLOPs, where no scaling law says anything; give others."
            )
        return point

    def _check_epochs(self, point: OperatingPoint, unique_tokens: float) -> None:
        epochs = point.tokens / unique_tokens
        if epochs > MAX_EPOCHS:
            raise UsageError(
                f"{english_count(unique_tokens)} unique tokens would be read {epochs:.3g} times, and beyond "
                f"{MAX_EPOCHS:g} times more compute gives almost nothing; give at least "
                f"{english_count(point.tokens / MAX_EPOCHS)} unique tokens, or a smaller budget."
            )

    def _loss(self, point: OperatingPoint, unique_tokens: float | None) -> float | None:
        """Return the loss of a run by the law; repeated tokens and the parameters beyond them count less."""
        question = self.question
        fit, family, model = question.fit, question.family, LossModel(question.fit)
        own = recount(point, fit.counting, family)
        n_params, flops = own.n_params, own.flops
        if unique_tokens is not None and point.tokens > unique_tokens:
            n_params = effective(n_params, min(n_params, self._params_for(unique_tokens)), PARAMS_DECAY)
            tokens = effective(point.tokens, unique_tokens, TOKENS_DECAY)
            flops = tokens * family.flops_per_token(family.position(n_params, fit.counting), fit.counting)
        level, above = model.best_loss(flops), model.excess_loss(flops, n_params)
        return None if level is None or above is None else level + above

    def _known_loss(self, point: OperatingPoint, given: Constraints) -> float:
        loss = self._loss(point, given.unique_tokens)
        if loss is None:
            raise self._no_loss("unique_tokens")
        return loss

    def _no_loss(self, name: str) -> UsageError:
        return UsageError(
            f"--{name.replace('_', '-')} needs a law of the loss off the optimum, and {self.question.fit.id} has none; "
            "choose another law with --law."
        )

    def _params_for(self, tokens: float) -> float:
        """Return the compute-optimal N for a number of tokens, by the law and its convention."""
        fit, family = self.question.fit, self.question.family
        flops = flops_where(fit, fit.counting, family, lambda point: point.tokens, tokens)
        if flops is None:
            raise UsageError(f"no law says anything of {english_count(tokens)} unique tokens; give more.")
        return operate(fit, flops, fit.counting, family).n_params

    def _wasted(self, state: _State) -> float | None:
        """Return the deadweight compute of a run, FLOPs by the question's convention."""
        if state.equal_flops is None:
            return None if state.loss is None else state.point.flops
        return max(0.0, state.point.flops - self.optimum_at(state.equal_flops).flops)

    @staticmethod
    def _least(cost: Callable[[float], float], low: float, high: float) -> float:
        """Return where a cost with one minimum in [low, high] is least: golden section search over the logarithm."""
        golden = (5**0.5 - 1) / 2
        left, right = log(low), log(high)
        inner = [right - golden * (right - left), left + golden * (right - left)]
        costs = [cost(exp(x)) for x in inner]
        while right - left > _TOLERANCE:
            # Of two runs that cannot be, the smaller model is further off.
            if costs[0] < costs[1]:
                right, inner[1], costs[1] = inner[1], inner[0], costs[0]
                inner[0] = right - golden * (right - left)
                costs[0] = cost(exp(inner[0]))
            else:
                left, inner[0], costs[0] = inner[0], inner[1], costs[1]
                inner[1] = left + golden * (right - left)
                costs[1] = cost(exp(inner[1]))
        return exp((left + right) / 2)


def _named(machine: Machine) -> str:
    if machine.device.by_rate:
        return f"a machine that sustains {machine.device.sustained}"
    return f"{machine.n_devices or 1.0:g} x {machine.device.name}"


def _rounded(difference: float, whole: float) -> float:
    """Return a difference; zero where it is the rounding of a search."""
    return 0.0 if abs(difference) < _ROUNDING * abs(whole) else difference
