"""The decision of a plan, in a few sentences written from its numbers; every face shows them."""

from collections.abc import Callable

from budgetscope.core.answers.cautions import NO_LAYOUT
from budgetscope.core.answers.confirmation import SHARE
from budgetscope.core.answers.constraints import Choice
from budgetscope.core.answers.mfu_range import Ends, mfu_text
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
    said = (_misfit(plan), _what(plan), _ranges(plan), _freedom(plan), doubt(plan), _confirm(plan))
    return tuple(filter(None, said))


def _misfit(plan: Plan) -> str:
    """Return why the model does not fit its devices, and the nearest that does; nothing where it fits."""
    text = next((caution.text for caution in plan.cautions if caution.code == NO_LAYOUT), "")
    return text and f"It does not run: {text}"


def _what(plan: Plan) -> str:
    run, machine, moves = plan.run, plan.machine, plan.spread
    cost = ""
    if run.cost_usd is not None:
        cost = f", for {format_usd(run.cost_usd.value)}{_ends(moves.cost_usd, format_usd)}"
    amount = f"{format_count(run.device_hours)}{_ends(moves.device_hours, format_count)}"
    time = f"{amount} device-hours of {machine.device.name}"
    if run.hours is not None and machine.n_devices is not None:
        devices = f"{machine.n_devices:,.4g}{_ends(moves.n_devices, lambda n: f'{n:,.4g}')}"
        hours = f"{format_hours(run.hours)}{_ends(moves.hours, format_hours)}"
        time = f"{hours} on {devices} x {machine.device.name}"
    trained = f"Train {format_count(run.n_params)} parameters on {format_count(run.tokens)} tokens: {time}{cost}"
    loss, decayed = plan.loss, plan.loss_after_decay
    unit = plan.loss_unit or ""
    if decayed is not None:
        return f"{trained}; the loss ends near {decayed.value:.2f} {unit} after the decay."
    return f"{trained}." if loss is None else f"{trained}; the loss ends near {loss.value:.2f} {unit}."


def _ends(ends: Ends | None, form: Callable[[float], str]) -> str:
    """Return a range in brackets; nothing without one."""
    return "" if ends is None else f" ({_to(ends, form)})"


def _ranges(plan: Plan) -> str:
    """Return what the ranges in brackets rest on; what the budget fixes, and how far the run moves instead."""
    moves, run = plan.spread, plan.run
    if moves.executed_flops is None:
        found = (("time", moves.hours or moves.device_hours), ("cost", moves.cost_usd))
        moved = " and ".join(name for name, ends in found if ends)
        causes = [_mfu(plan), _prices(plan)] if moves.hours or moves.device_hours else [_prices(plan)]
        told = " and ".join(filter(None, causes))
        return (
            f"The range of {moved} rests on {told}{_TOGETHER if len(causes) > 1 and all(causes) else ''}."
            if moved
            else ""
        )
    paid = moves.cost_usd is None and moves.price is not None
    causes = list(filter(None, (_mfu(plan), _prices(plan) if paid else "")))
    sizes = ((moves.n_params, "parameters"), (moves.tokens, "tokens"))
    sized = " on ".join(f"{_to(ends, format_count)} {what}" for ends, what in sizes if ends)
    timed = "the time, " if moves.hours and moves.cost_usd is not None else ""
    run_moves = f", and the run, {sized}" if sized else ""
    moved = f"{timed}the compute, {_to(moves.executed_flops, format_flops)} FLOPs{run_moves}"
    told = f"{' and '.join(causes)} move{'' if paid else 's'} {moved}"
    fixed = []
    if moves.hours is None and moves.device_hours is None:
        fixed.append("time" if run.hours is not None else "device-time")
    elif moves.hours is None and run.hours is not None:
        fixed.append("time")
    if moves.cost_usd is None and run.cost_usd is not None:
        fixed.append("cost")
    begun = f"The {' and the '.join(fixed)} {'are' if len(fixed) > 1 else 'is'} fixed: " if fixed else ""
    rest = f"; the range of cost rests on {_prices(plan)}" if moves.cost_usd is not None and moves.price else ""
    return f"{begun or told[:1].upper()}{told if begun else told[1:]}{rest}."


_TOGETHER = ", both at their ends together"


def _mfu(plan: Plan) -> str:
    """Return the range of the MFU and what reached it; empty without one."""
    expected = plan.machine.expected
    told = mfu_text(plan.spread)
    return f"an {told} ({expected.basis})" if told and expected is not None else ""


def _prices(plan: Plan) -> str:
    """Return the range of the price; empty without one."""
    ends = plan.spread.price
    return "" if ends is None else f"prices of {_to(ends, format_usd)} a device-hour"


def _to(ends: Ends, form: Callable[[float], str]) -> str:
    """Return a range, with one unit for two times: "3.4 to 4.4 days"."""
    low, high = map(form, ends)
    number, _, unit = low.partition(" ")
    return f"{number if form is format_hours and high.endswith(f' {unit}') else low} to {high}"


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


def doubt(plan: Plan) -> str:
    """Return how sure the optimal size is; nothing where the constraints decide it."""
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
    rests = n.basis.partition(": ")[2]
    why = f" by the {rests.replace(' and ', ' and the ')}" if rests else ""
    return f"Least certain is the optimal size, {span} with 95%{why}{cost}. {calibrate}"


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
