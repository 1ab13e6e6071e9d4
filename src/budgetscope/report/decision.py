"""The decision of a plan, in a few sentences written from its numbers; every face shows them."""

import shlex

from budgetscope.core.answers.cautions import NO_LAYOUT
from budgetscope.core.answers.confirmation import SHARE
from budgetscope.core.answers.constraints import Choice, Price
from budgetscope.core.answers.mfu_range import Ends
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.question import DEFAULT_LAW
from budgetscope.core.budget.quantities import format_count, format_ends, format_flops, format_hours, format_usd
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Kind
from budgetscope.report.words import Form, beside, between, both, listed, sentences, valued

_SURE = 1.25
"""Half width of N, as a factor, within which its uncertainty is no news."""
_APART = 1.5
"""Factor between learning rates beyond which laws disagree."""
_LEAST_LOSS = 5e-4
"""Loss that the constraints may cost before it is named."""
_LEAST_SHARE = 0.005
"""Share of the budget that is named."""


def decision(plan: Plan) -> tuple[str, ...]:
    """Return whether it fits, what to train and at what cost, how far one may move, what is unsure, the next step."""
    return (*filter(None, (_misfit(plan), _what(plan))), *reasons(plan))


def lead(plan: Plan) -> str:
    """Return the first sentence of `decision` alone."""
    return _misfit(plan) or _what(plan)


def reasons(plan: Plan) -> tuple[str, ...]:
    """Return the sentences of `decision` after what to train: what the ranges rest on, freedom, doubt, next step."""
    return tuple(filter(None, (_ranges(plan), _freedom(plan), doubt(plan), _confirm(plan))))


def _misfit(plan: Plan) -> str:
    """Return why the model does not fit its devices, and the nearest that does; nothing where it fits."""
    text = next((caution.text for caution in plan.cautions if caution.code == NO_LAYOUT), "")
    return _("It does not run: {reason}").format(reason=text) if text else ""


def _what(plan: Plan) -> str:
    run, machine, moves = plan.run, plan.machine, plan.spread
    told = {
        "n_params": format_count(run.n_params),
        "tokens": format_count(run.tokens),
        "device": machine.device.name,
        "cost": "",
    }
    if run.cost_usd is not None:
        told["cost"] = _with_ends(run.cost_usd.value, moves.cost_usd, format_usd)
    if machine.device.by_rate and run.hours is not None:
        told |= {"time": format_hours(run.hours), "rate": machine.device.sustained}
        trained = _("Train {n_params} parameters on {tokens} tokens: {time} on your own machine, {rate} sustained.")
        if told["cost"]:
            trained = _(
                "Train {n_params} parameters on {tokens} tokens: {time} on your own machine, {rate} sustained, for "
                "{cost}."
            )
    elif run.hours is not None and machine.n_devices is not None:
        told["time"] = _with_ends(run.hours, moves.hours, format_hours)
        told["n"] = _with_ends(machine.n_devices, moves.n_devices, "{:,.4g}".format)
        trained = _("Train {n_params} parameters on {tokens} tokens: {time} on {n} x {device}.")
        if told["cost"]:
            trained = _("Train {n_params} parameters on {tokens} tokens: {time} on {n} x {device}, for {cost}.")
    else:
        told["amount"] = _with_ends(run.device_hours, moves.device_hours, format_count)
        trained = _("Train {n_params} parameters on {tokens} tokens: {amount} device-hours of {device}.")
        if told["cost"]:
            trained = _(
                "Train {n_params} parameters on {tokens} tokens: {amount} device-hours of {device}, for {cost}."
            )
    return sentences((trained.format(**told), _loss(plan)))


def _loss(plan: Plan) -> str:
    """Return the loss at the end of the run; nothing where the fit has no law of it."""
    unit = plan.loss_unit or ""
    if plan.loss_after_decay is not None:
        decayed = _("The loss ends near {loss} {unit} after the decay.")
        return decayed.format(loss=f"{plan.loss_after_decay.value:.2f}", unit=unit)
    if plan.loss is None:
        return ""
    return _("The loss ends near {loss} {unit}.").format(loss=f"{plan.loss.value:.2f}", unit=unit)


def _with_ends(value: float, ends: Ends | None, form: Form) -> str:
    """Return a value with its range in brackets, where it has one."""
    return valued(beside(value, ends, form), "" if ends is None else between(ends, form))


def _ranges(plan: Plan) -> str:
    """Return what the ranges in brackets rest on; what the budget fixes, and how far the run moves instead."""
    return _ranges_of_cost(plan) if plan.spread.executed_flops is None else _ranges_of_run(plan)


def _ranges_of_cost(plan: Plan) -> str:
    """Return what the ranges of time and cost rest on, for a budget that fixes the compute."""
    moves = plan.spread
    timed = moves.hours or moves.device_hours
    causes = list(filter(None, (_mfu(plan) if timed else "", _prices(plan))))
    if not (timed or moves.cost_usd) or not causes:
        return ""
    together = _("{first} and {second}, both at their worst or best")
    told = together.format(first=causes[0], second=causes[1]) if len(causes) > 1 else causes[0]
    if not moves.cost_usd:
        return _("The range of the time rests on {causes}.").format(causes=told)
    if not timed:
        return _("The range of the cost rests on {causes}.").format(causes=told)
    return _("The ranges of time and cost rest on {causes}.").format(causes=told)


def _ranges_of_run(plan: Plan) -> str:
    """Return what the budget fixes, and how far compute, N and D move instead, and by what."""
    moves = plan.spread
    paid = moves.cost_usd is None and moves.price is not None
    told = {
        "causes": both((_mfu(plan), _prices(plan) if paid else "")),
        "flops": between(moves.executed_flops or (0.0, 0.0), format_flops),
        "n_params": between(moves.n_params or (0.0, 0.0), format_count),
        "tokens": between(moves.tokens or (0.0, 0.0), format_count),
    }
    if moves.n_params and moves.tokens:
        moved = _("The compute moves with {causes}: {flops} FLOPs, {n_params} parameters on {tokens} tokens.")
    elif moves.n_params:
        moved = _("The compute moves with {causes}: {flops} FLOPs, {n_params} parameters.")
    elif moves.tokens:
        moved = _("The compute moves with {causes}: {flops} FLOPs, {tokens} tokens.")
    else:
        moved = _("The compute moves with {causes}: {flops} FLOPs.")
    timed = _("The time moves with it.") if moves.hours and moves.cost_usd is not None else ""
    priced = ""
    if moves.cost_usd is not None and moves.price:
        priced = _("The range of the cost rests on {causes}.").format(causes=_prices(plan))
    return sentences((_fixed(plan), moved.format(**told), timed, priced))


def _fixed(plan: Plan) -> str:
    """Return what a budget of time or money fixes."""
    moves, run = plan.spread, plan.run
    time = moves.hours is None and (run.hours is not None or moves.device_hours is None)
    cost = moves.cost_usd is None and run.cost_usd is not None
    if time and run.hours is not None:
        return _("Time and cost are fixed.") if cost else _("The time is fixed.")
    if time:
        return _("Device-hours and cost are fixed.") if cost else _("The device-hours are fixed.")
    return _("The cost is fixed.") if cost else ""


def _mfu(plan: Plan) -> str:
    """Return the range of the MFU and what reached it; empty without one."""
    expected, ends = plan.machine.expected, plan.spread.mfu
    if ends is None or expected is None:
        return ""
    low, high = (f"{end:.0%}" for end in ends)
    return _("an MFU of {low} to {high} ({basis})").format(low=low, high=high, basis=expected.basis)


def _prices(plan: Plan) -> str:
    """Return the range of the price; empty without one."""
    ends = plan.spread.price
    return "" if ends is None else _("prices of {range} a device-hour").format(range=between(ends, format_usd))


def _freedom(plan: Plan) -> str:
    if plan.choice is not None:
        return sentences((_price(plan, plan.choice), _unspent(plan), _served(plan.choice)))
    if plan.optimum.flat_band is None:
        return _("How far the size may move is not known: the law has no loss off the optimum.")
    low, high = format_ends(*plan.optimum.flat_band, format_count)
    return _(
        "Any size from {low} to {high} costs less than 0.1% of the loss: a smaller one is cheaper to serve and to fit, "
        "a larger one needs fewer tokens."
    ).format(low=low, high=high)


def _price(plan: Plan, choice: Choice) -> str:
    """Return what the constraints cost in loss, and the optimal run of the same loss; that of serving apart."""
    names = listed(price.text for price in choice.prices if price.lifetime_flops is None)
    if not names:
        return ""
    if choice.loss_difference is None or choice.equal_flops is None:
        unknown = _("What the constraints ({names}) cost is not known: the law has no loss off the optimum.")
        return unknown.format(names=names)
    if choice.loss_difference < _LEAST_LOSS:
        return _("The constraints ({names}) cost nothing.").format(names=names)
    told = {"names": names, "loss": f"{choice.loss_difference:.3f}"}
    served = any(price.lifetime_flops is not None for price in choice.prices)
    less = max(0.0, 1 - choice.equal_flops / choice.point.flops)
    if served or less < _LEAST_SHARE:
        cost = _(
            "The constraints ({names}) cost {loss} of the loss against {n_params} parameters with the whole budget."
        )
        return cost.format(n_params=format_count(plan.optimum.n_params.value), **told)
    cost = _(
        "The constraints ({names}) cost {loss} of the loss; without them {n_params} parameters on {tokens} tokens "
        "reach the same loss with {less} less compute."
    )
    n_params, tokens = format_count(choice.equal_params or 0), format_count(choice.equal_tokens or 0)
    return cost.format(n_params=n_params, tokens=tokens, less=f"{less:.0%}", **told)


def _unspent(plan: Plan) -> str:
    """Return how much of the budget the run leaves."""
    used = plan.run.executed_flops / plan.executed_flops
    return _("The run uses {share} of the budget.").format(share=f"{used:.0%}") if used < 1 - _LEAST_SHARE else ""


def _served(choice: Choice) -> str:
    """Return what serving changes: the longer training, and what it saves over the model's life."""
    (price,) = [price for price in choice.prices if price.lifetime_flops is not None] or (None,)
    if price is None or price.lifetime_flops is None:
        return ""
    if not price.training_flops:
        same = _("For {what} nothing changes: no smaller model of the same loss is cheaper over its life.")
        return same.format(what=price.text)
    saved = _("{flops} FLOPs").format(flops=format_flops(abs(price.lifetime_flops)))
    if price.lifetime_usd is not None:
        saved = valued(saved, format_usd(abs(price.lifetime_usd)))
    more = trained_longer(choice, price)
    return _(
        "For {what} the training takes {more} more than the budget, at the same loss, and saves {saved} over the "
        "model's life, if it is served at this price and MFU."
    ).format(what=price.text, more=f"{more:.0%}", saved=saved)


def trained_longer(choice: Choice, price: Price) -> float:
    """Return the training that served tokens add, as a share of that without them."""
    return price.training_flops / (choice.point.flops - price.training_flops)


def does_not_fit(plan: Plan) -> bool:
    """Return whether no layout holds the model on the plan's devices."""
    return any(caution.code == NO_LAYOUT for caution in plan.cautions)


def size_is_given(plan: Plan) -> bool:
    """Return whether the request states N."""
    return plan.choice is not None and any("n_params" in price.constraints for price in plan.choice.prices)


def size_is_bounded(plan: Plan) -> bool:
    """Return whether a largest N is stated that is below the best one."""
    # Where a law has no loss off the optimum, a bound that changes nothing has no price either.
    prices = () if plan.choice is None else plan.choice.prices
    bounds = (price for price in prices if "max_params" in price.constraints)
    return any(price.loss is None or price.loss > 0 for price in bounds)


def size_is_sure(plan: Plan) -> bool:
    """Return whether the optimal size is known so well that something else is less certain."""
    n = plan.optimum.n_params
    if n.low is None or n.high is None or n.kind is Kind.EXPONENT_ALONE:
        return False
    return n.high / n.low < _SURE**2


def doubt(plan: Plan) -> str:
    """Return how sure the optimal size is; nothing where the constraints decide it."""
    return sentences(doubts(plan))


def doubts(plan: Plan) -> tuple[str, ...]:
    """Return the sentences of `doubt`, the most important one first."""
    n = plan.optimum.n_params
    if size_is_given(plan) or size_is_bounded(plan):
        return ()
    if n.low is None or n.high is None:
        unknown = _("How sure N is cannot be said: {law} has no published uncertainty.")
        calibrate = _("A calibration on your own data measures it: budgetscope calibrate.")
        return unknown.format(law=plan.law_id), calibrate
    if n.kind is Kind.EXPONENT_ALONE:
        narrow = _("How sure the size is can hardly be said: {law} publishes the interval of its exponent alone.")
        return (narrow.format(law=plan.law_id),)
    factor = (n.high / n.low) ** 0.5
    if size_is_sure(plan):
        sure = _("The optimal size is known within a factor of {factor}.")
        if n.kind is Kind.NOISE_ALONE:
            sure = _("The optimal size is known within a factor of {factor} by the runs' noise alone.")
        return (sure.format(factor=f"{factor:.2f}"),)
    span = between((n.low, n.high), format_count)
    unsure = _("Least certain is the budget's best size: {range} with 95%.")
    if n.kind is Kind.NOISE_ALONE:
        unsure = _("Least certain is the budget's best size: {range} with 95%, by noise alone.")
    elif n.kind is Kind.NOISE_AND_LAW:
        unsure = _("Least certain is the budget's best size: {range} with 95%, by noise and the law's error.")
    return tuple(filter(None, (unsure.format(range=span), _waste(plan), _calibrate(plan))))


def _calibrate(plan: Plan) -> str:
    """Return what a calibration does about an unsure size."""
    if plan.over_least_budget is not None and plan.over_least_budget < 1:
        return _("A calibration on your own data would cost more than this run.")
    if command := value_command(plan):
        told = _("A calibration on your own data narrows it; `{command}` says by how much.")
        return told.format(command=command)
    return _("A calibration on your own data narrows it: budgetscope calibrate.")


def value_command(plan: Plan) -> str:
    """Return the command that tells what a calibration is worth; empty where N is sure, or nothing tells that.

    It takes the measured optima of the law, and a budget of which a share pays for a calibration: a law is sure inside
    its data, so that an unsure size is far above them, or below the smallest of them.
    """
    n = plan.optimum.n_params
    if n.low is None or n.high is None or n.kind is not Kind.NOISE_AND_LAW or size_is_sure(plan):
        return ""
    if plan.over_least_budget is None or plan.over_least_budget < 1:
        return ""
    law = () if plan.law_id == DEFAULT_LAW else ("--law", plan.law_id)
    return shlex.join(("budgetscope", "value", plan.budget, *law))


def _waste(plan: Plan) -> str:
    """Return what it costs on average to be off the optimal size; empty where that is not known."""
    waste = plan.expected_waste
    if waste is None:
        return ""
    told = {"share": f"{waste:.0%}"}
    if plan.budget_usd is None:
        return _("To miss it costs {share} of the compute on average.").format(**told)
    usd = waste * plan.budget_usd
    return _("To miss it costs {share} of the compute = {usd} on average.").format(usd=format_usd(usd), **told)


def _confirm(plan: Plan) -> str:
    """Return the confirmation of the learning rate, where published laws disagree on it."""
    rate, runs = plan.recipe.learning_rate, plan.recipe.confirmation
    if runs is None or rate.low is None or rate.high is None or rate.high < _APART * rate.low:
        return ""
    cost = _("{share} of the run").format(share=f"{SHARE:.0%}")
    return sentences(
        (
            _("Laws differ by a factor of {factor} in the learning rate.").format(factor=f"{rate.high / rate.low:.2g}"),
            _(
                "Before the run, try {rates} at {n_params} parameters on {tokens} tokens ({cost}); multiply the rate "
                "by how much the best of them differs from the middle one."
            ).format(
                rates=listed(f"{each:.2g}" for each in runs.learning_rates),
                n_params=format_count(runs.n_params),
                tokens=format_count(runs.tokens),
                cost=cost if runs.usd is None else listed((cost, format_usd(runs.usd))),
            ),
        )
    )
