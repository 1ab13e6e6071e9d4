"""The decision of a plan, in a few sentences written from its numbers; every face shows them."""

from budgetscope.core.answers.cautions import NO_LAYOUT
from budgetscope.core.answers.confirmation import SHARE
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_hours, format_usd

_SURE = 1.25
"""A factor of N within which its uncertainty is no news."""
_APART = 1.5
"""Factor between learning rates beyond which laws disagree."""
_LEAST_LOSS = 5e-4
"""Loss that the constraints may cost before it is named."""


def decision(plan: Plan) -> tuple[str, ...]:
    """Return whether it fits, what to train and at what cost, how far one may move, what is unsure, the next step."""
    return (*_misfit(plan), _what(plan), _freedom(plan), _doubt(plan), *_confirm(plan))


def _misfit(plan: Plan) -> tuple[str, ...]:
    """Return why the model does not fit its devices, and the nearest that does; nothing where it fits."""
    texts = (caution.text for caution in plan.cautions if caution.code == NO_LAYOUT)
    return tuple(f"It does not run: {text}" for text in texts)


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
    loss, decayed = (plan.loss, plan.loss_after_decay)
    if plan.choice is not None:
        loss, decayed = plan.choice.loss, plan.choice.loss_after_decay
    unit = plan.loss_unit or ""
    if decayed is not None:
        return f"{trained}; the loss ends near {decayed.value:.2f} {unit} after the decay."
    return f"{trained}." if loss is None else f"{trained}; the loss ends near {loss.value:.2f} {unit}."


def _freedom(plan: Plan) -> str:
    choice = plan.choice
    if choice is not None:
        names = ", ".join(price.text for price in choice.prices)
        if choice.loss_difference is None or choice.equal_flops is None:
            return f"What the constraints ({names}) cost is not known: the law has no loss off the optimum."
        if choice.loss_difference < _LEAST_LOSS and choice.equal_flops >= 0.999 * choice.point.flops:
            return f"The constraints ({names}) cost nothing."
        less = max(0.0, 1 - choice.equal_flops / choice.point.flops)
        optimum = (
            f"{format_count(choice.equal_params or 0)} parameters on {format_count(choice.equal_tokens or 0)} tokens"
        )
        return (
            f"The constraints ({names}) cost {choice.loss_difference:.3f} of the loss; without them {optimum} reach "
            f"the same loss with {less:.0%} less compute."
        )
    if plan.flat_band is None:
        return "How far the size may move is not known: the law has no loss off the optimum."
    low, high = map(format_count, plan.flat_band)
    return (
        f"Any size from {low} to {high} costs less than 0.1% of the loss: take a smaller one to serve it cheaper or to "
        "fit memory, a larger one to need fewer tokens."
    )


def _doubt(plan: Plan) -> str:
    n = plan.n_params
    if n.low is None or n.high is None:
        return (
            f"How sure N is cannot be said: {plan.law_id} has no published uncertainty. A calibration on your own data "
            "measures it: budgetscope calibrate."
        )
    if n.high / n.low < _SURE**2:
        return f"The size is known within {n.high / n.low - 1:.0%}; the learning rate is less certain."
    waste = plan.expected_waste
    cost = ""
    if waste is not None:
        dollars = "" if plan.run.cost_usd is None else f" = {format_usd(waste * plan.run.cost_usd.value)}"
        cost = f"; to be off costs {waste:.0%} of the compute{dollars} on average"
    return (
        f"Least certain is the optimal size, {format_count(n.low)} to {format_count(n.high)} with 95%{cost}. "
        "A calibration on your own data narrows it; `budgetscope value` says by how much."
    )


def _confirm(plan: Plan) -> tuple[str, ...]:
    """Return the confirmation of the learning rate, where published laws disagree on it."""
    rate, runs = plan.recipe.learning_rate, plan.recipe.confirmation
    if runs is None or rate.low is None or rate.high is None or rate.high < _APART * rate.low:
        return ()
    cost = "" if runs.usd is None else f" for {format_usd(runs.usd)}"
    rates = ", ".join(f"{each:.2g}" for each in runs.learning_rates)
    sentence = (
        f"Laws differ by a factor of {rate.high / rate.low:.2g} in the learning rate: before the run, try {rates} at "
        f"{format_count(runs.n_params)} parameters on {format_count(runs.tokens)} tokens, at most {SHARE:.0%} of the "
        f"budget{cost}, and scale the rate by the best."
    )
    return (sentence,)
