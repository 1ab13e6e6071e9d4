"""The decision of a plan, in a few sentences written from its numbers; every face shows them."""

from budgetscope.core.answers.cautions import NO_LAYOUT
from budgetscope.core.answers.confirmation import SHARE
from budgetscope.core.answers.constraints import Choice
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_flops, format_hours, format_usd

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
    return tuple(filter(None, (_misfit(plan), _what(plan), _freedom(plan), _doubt(plan), _confirm(plan))))


def _misfit(plan: Plan) -> str:
    """Return why the model does not fit its devices, and the nearest that does; nothing where it fits."""
    text = next((caution.text for caution in plan.cautions if caution.code == NO_LAYOUT), "")
    return text and f"It does not run: {text}"


def _what(plan: Plan) -> str:
    run, machine = plan.run, plan.machine
    cost = ""
    if run.cost_usd is not None:
        span = run.cost_usd.low, run.cost_usd.high
        ends = "" if None in span else f" ({format_usd(span[0] or 0)} to {format_usd(span[1] or 0)})"
        cost = f", for {format_usd(run.cost_usd.value)}{ends}"
    time = f"{format_count(run.device_hours)} device-hours of {machine.device.name}"
    if run.hours is not None and machine.n_devices is not None:
        time = f"{format_hours(run.hours)} on {machine.n_devices:g} x {machine.device.name}"
    trained = f"Train {format_count(run.n_params)} parameters on {format_count(run.tokens)} tokens: {time}{cost}"
    loss, decayed = plan.loss, plan.loss_after_decay
    unit = plan.loss_unit or ""
    if decayed is not None:
        return f"{trained}; the loss ends near {decayed.value:.2f} {unit} after the decay."
    return f"{trained}." if loss is None else f"{trained}; the loss ends near {loss.value:.2f} {unit}."


def _freedom(plan: Plan) -> str:
    if plan.choice is not None:
        return " ".join(filter(None, (_price(plan, plan.choice), _unspent(plan), _served(plan.choice))))
    if plan.optimum.flat_band is None:
        return "How far the size may move is not known: the law has no loss off the optimum."
    low, high = map(format_count, plan.optimum.flat_band)
    return (
        f"Any size from {low} to {high} costs less than 0.1% of the loss: take a smaller one to serve it cheaper or to "
        "fit memory, a larger one to need fewer tokens."
    )


def _price(plan: Plan, choice: Choice) -> str:
    """Return what the constraints cost in loss, and the optimal run of the same loss; that of serving apart."""
    names = ", ".join(price.text for price in choice.prices if price.lifetime_flops is None)
    if not names:
        return ""
    if choice.loss_difference is None or choice.equal_flops is None:
        return f"What the constraints ({names}) cost is not known: the law has no loss off the optimum."
    if choice.loss_difference < _LEAST_LOSS:
        return f"The constraints ({names}) cost nothing."
    cost = f"The constraints ({names}) cost {choice.loss_difference:.3f} of the loss"
    served = any(price.lifetime_flops is not None for price in choice.prices)
    less = max(0.0, 1 - choice.equal_flops / choice.point.flops)
    if served or less < _LEAST_SHARE:
        return f"{cost} against {format_count(plan.optimum.n_params.value)} parameters with the whole budget."
    run = f"{format_count(choice.equal_params or 0)} parameters on {format_count(choice.equal_tokens or 0)} tokens"
    return f"{cost}; without them {run} reach the same loss with {less:.0%} less compute."


def _unspent(plan: Plan) -> str:
    """Return how much of the budget the run leaves."""
    left = 1 - plan.run.executed_flops / plan.executed_flops
    return f"The run uses {1 - left:.0%} of the budget." if left > _LEAST_SHARE else ""


def _served(choice: Choice) -> str:
    """Return what serving changes: the longer training, and what it saves over the model's life."""
    (price,) = [price for price in choice.prices if price.lifetime_flops is not None] or (None,)
    if price is None or price.lifetime_flops is None:
        return ""
    if not price.training_flops:
        return f"For {price.text} nothing changes: no smaller model of the same loss is cheaper over its life."
    more = price.training_flops / (choice.point.flops - price.training_flops)
    saved = "" if price.lifetime_usd is None else f" ({format_usd(abs(price.lifetime_usd))})"
    return (
        f"For {price.text} the training takes {more:.0%} more than the budget, at the same loss, and saves "
        f"{format_flops(abs(price.lifetime_flops))} FLOPs{saved} over the model's life, if it is served at "
        "this price and MFU."
    )


def _doubt(plan: Plan) -> str:
    n = plan.optimum.n_params
    if plan.choice is not None and any("n_params" in price.constraints for price in plan.choice.prices):
        # The size is decided.
        return ""
    calibrate = "A calibration on your own data narrows it; `budgetscope value` says by how much."
    if n.low is None or n.high is None:
        return (
            f"How sure N is cannot be said: {plan.law_id} has no published uncertainty. A calibration on your own data "
            "measures it: budgetscope calibrate."
        )
    if "too narrow" in n.basis:
        return f"How sure the size is can hardly be said: {plan.law_id} publishes the interval of its exponent alone."
    factor = (n.high / n.low) ** 0.5
    if factor < _SURE:
        return f"The optimal size is known within a factor of {factor:.2f}."
    waste, cost = plan.expected_waste, ""
    if waste is not None:
        share = waste * plan.executed_flops / plan.run.executed_flops
        dollars = "" if plan.run.cost_usd is None else f" = {format_usd(share * plan.run.cost_usd.value)}"
        cost = f"; to be off costs {waste:.0%} of the compute{dollars} on average"
    span = f"{format_count(n.low)} to {format_count(n.high)}"
    return f"Least certain is the optimal size, {span} with 95%{cost}. {calibrate}"


def _confirm(plan: Plan) -> str:
    """Return the confirmation of the learning rate, where published laws disagree on it."""
    rate, runs = plan.recipe.learning_rate, plan.recipe.confirmation
    if runs is None or rate.low is None or rate.high is None or rate.high < _APART * rate.low:
        return ""
    cost = "" if runs.usd is None else f" for {format_usd(runs.usd)}"
    rates = ", ".join(f"{each:.2g}" for each in runs.learning_rates)
    return (
        f"Laws differ by a factor of {rate.high / rate.low:.2g} in the learning rate: before the run, try {rates} at "
        f"{format_count(runs.n_params)} parameters on {format_count(runs.tokens)} tokens, {SHARE:.0%} of the "
        f"run{cost}; multiply the rate by how much the best of them differs from the middle one."
    )
