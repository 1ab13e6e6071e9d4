"""The MFU that a plan takes, by the size of its model, and what the ranges of MFU and price leave open."""

import math
from contextlib import suppress
from dataclasses import dataclass, replace

from budgetscope.core.answers.constraints import choose
from budgetscope.core.answers.question import Question, locate, machine_flops
from budgetscope.core.budget.parse import HardwareBudget, SizeTarget
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.machine import Machine, at_end
from budgetscope.core.hardware.mfu import expected_mfu, measured_here
from budgetscope.core.language import _
from budgetscope.core.laws.guard import guarded
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.operating_point import OperatingPoint, flops_where, operate
from budgetscope.core.wording import all_of

Ends = tuple[float, float]
"""The lower and the upper end of a range."""


def settle(question: Question) -> tuple[Question, OperatingPoint]:
    """Return a question whose machine reaches the MFU expected for the model, and the optimum there.

    The model is that of the fixed N, else the optimum, or the largest allowed. With hardware and time it is the MFU
    that says how much can be computed, so that size and MFU are solved together.

    Raises:
        UsageError: as `locate`.
        FailureError: as `locate`.
    """
    budget, wanted = question.budget, question.constraints
    if question.machine.expected is None:
        return question, locate(question)
    fixed = budget.n_params if isinstance(budget, SizeTarget) else wanted.n_params
    if fixed is None and not isinstance(budget, HardwareBudget):
        optimum = locate(question)
        return reaching(question, optimum.n_params), optimum
    n_params = _size(question) if fixed is None else fixed
    question = question if n_params is None else reaching(question, n_params)
    return question, locate(question)


def reaching(question: Question, n_params: float) -> Question:
    """Return a question with the MFU that is expected for a size."""
    return replace(question, machine=_machine(question, n_params))


def _machine(question: Question, n_params: float) -> Machine:
    """Return the machine with the MFU that is expected for a size, by the question's convention."""
    most, family, machine = question.constraints.max_params, question.family, question.machine
    n_params = n_params if most is None else min(n_params, most)
    standard = family.n_params(family.position(n_params, question.convention), Convention.STANDARD)
    known = measured_here(question.rates, machine.device, machine.precision, standard)
    return machine.reaching(known or expected_mfu(machine.device, standard))


@guarded
def _size(question: Question) -> float | None:
    """Return the optimal N of a hardware budget at the MFU of this N; None outside the bounds of laws."""
    machine = question.machine

    def at_peak(point: OperatingPoint) -> float:
        return machine_flops(question, point) / _machine(question, point.n_params).mfu

    wanted = (machine.executed_flops or 0.0) / machine.mfu
    flops = flops_where(question.fit, question.convention, question.family, at_peak, wanted)
    return None if flops is None else operate(question.fit, flops, question.convention, question.family).n_params


@dataclass(frozen=True, slots=True)
class Spread:
    """What a plan's machine leaves open: the run at the ends of the MFU's and of the price's range, taken together.

    None where a quantity has no range: the budget fixes it, or MFU and price are stated or measured. None of this is an
    interval of 95%, and the uncertainty of the law is not in it.

    Attributes:
        mfu: the published range, from 0 to 1.
        price: US dollars a device-hour.
        executed_flops: of the run.
        n_params: N of the run, by the plan's convention.
        tokens: D of the run.
        n_devices: where an amount and a duration say it.
        hours: wall time.
        device_hours: of all devices.
        cost_usd: US dollars.
    """

    mfu: Ends | None = None
    price: Ends | None = None
    executed_flops: Ends | None = None
    n_params: Ends | None = None
    tokens: Ends | None = None
    n_devices: Ends | None = None
    hours: Ends | None = None
    device_hours: Ends | None = None
    cost_usd: Ends | None = None


@dataclass(frozen=True, slots=True)
class _Corner:
    """A run at one end of both ranges; N and D are None where they are not searched."""

    executed_flops: float
    n_params: float | None
    tokens: float | None
    n_devices: float | None
    hours: float | None
    device_hours: float
    cost_usd: float | None


def mfu_text(moves: Spread) -> str:
    """Return the range of the MFU in words, such as "MFU of 38% to 45%"; empty without one."""
    if moves.mfu is None:
        return ""
    low, high = (f"{mfu:.0%}" for mfu in moves.mfu)
    return _("MFU of {low} to {high}").format(low=low, high=high)


def spread(question: Question, executed_flops: float) -> Spread:
    """Return what the ranges of MFU and price leave open in a run.

    Every quantity rises or falls from the corner of low MFU and high price to that of high MFU and low price.

    Args:
        question: with its machine settled.
        executed_flops: of the run.
    """
    machine = question.machine
    mfu, price = (None if each is None else _known((each.low, each.high)) for each in (machine.expected, machine.price))
    if mfu is None and price is None:
        return Spread()
    slow, fast = mfu or (machine.mfu, machine.mfu)
    stated = None if machine.price is None else machine.price.value
    cheap, dear = price or (stated, stated)
    corners = [_corner(question, executed_flops, *end) for end in ((slow, dear), (fast, cheap))]
    names = ("executed_flops", "n_params", "tokens", "n_devices", "hours", "device_hours", "cost_usd")
    ends = {name: _known(tuple(getattr(corner, name) for corner in corners)) for name in names}
    if ends["executed_flops"] is None:
        ends |= {"n_params": None, "tokens": None}
    return Spread(mfu, price, **ends)


_SAME = 1e-6
"""Share within which the ends of a range are one number."""


def _known(ends: tuple[float | None, ...] | None) -> Ends | None:
    """Return two ends in order; None where they are not known, or are the same."""
    if ends is None or ends[0] is None or ends[1] is None:
        return None
    low, high = sorted((ends[0], ends[1]))
    return None if high - low <= _SAME * high else (low, high)


def _corner(question: Question, executed_flops: float, mfu: float, price: float | None) -> _Corner:
    """Return the run at an MFU and a price.

    A run of fixed N and D, or one that serving prolongs, is kept and takes longer; so is one that does not fit there.
    """
    machine = at_end(question.machine, question.budget, mfu, price)
    n_params = tokens = None
    wanted = question.constraints
    kept = wanted.served_tokens is not None or (wanted.n_params is not None and wanted.tokens is not None)
    if not kept and (machine.executed_flops is not None or wanted.deadline_hours is not None):
        ended = replace(question, machine=machine)
        with suppress(UsageError):
            optimum = locate(ended)
            choice = choose(ended, optimum, None)
            point = optimum if choice is None else choice.point
            executed_flops = machine_flops(ended, point)
            n_params, tokens = point.n_params, point.tokens
    device_hours = machine.device_hours(executed_flops)
    return _Corner(
        executed_flops=executed_flops,
        n_params=n_params,
        tokens=tokens,
        n_devices=machine.n_devices,
        hours=machine.hours(device_hours),
        device_hours=device_hours,
        cost_usd=None if price is None else price * device_hours,
    )


_WHOLE = 1e-3
"""Share by which a run may differ from the whole budget."""


def run_cost(question: Question, device_hours: float, moves: Spread) -> Estimate | None:
    """Return the cost of a run in US dollars, with its range and what that rests on; None without a price.

    Args:
        question: with its machine settled.
        device_hours: of the run.
        moves: of the run, from `spread`.
    """
    budget, price = question.budget, question.machine.price
    if price is None:
        return None
    usd = price.value * device_hours
    if moves.cost_usd is None:
        budgeted = budget.usd if isinstance(budget, HardwareBudget) else None
        whole = budgeted is not None and math.isclose(usd, budgeted, rel_tol=_WHOLE)
        return Estimate(usd, basis=_("the budget") if whole else price.basis)
    parts = (mfu_text(moves) if moves.hours or moves.device_hours else "", price.basis if moves.price else "")
    return Estimate(usd, *moves.cost_usd, all_of(filter(None, parts)))
