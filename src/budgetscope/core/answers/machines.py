"""Alternatives: the same training on every device that can hold it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from budgetscope.core.answers import layout
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.cautions import NO_LAYOUT
from budgetscope.core.answers.layout import Placed
from budgetscope.core.answers.mfu_range import Spread, reaching, run_cost, spread
from budgetscope.core.answers.question import Question
from budgetscope.core.budget.constraints import NONE
from budgetscope.core.budget.parse import Fixed, SizeTarget
from budgetscope.core.counting.ledger import Convention, Shape
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import Device
from budgetscope.core.hardware.energy import Energy, EnergyOptions, run_energy
from budgetscope.core.hardware.machine import Machine, MachineOptions, machine_for
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Estimate, Kind
from budgetscope.core.wording import listed


@dataclass(frozen=True, slots=True)
class Alternative:
    """A training on one kind of device.

    Attributes:
        machine: its number of devices is that of all alternatives.
        hours: wall time.
        spread: of the training, over the ranges of MFU and price.
        cost_usd: US dollars; None without a price.
        energy: None where the power of the device is not known.
        fewest_devices: of 1, 2, 4, ..., the least on which the model fits.
        smallest: the fastest layout on these.
    """

    machine: Machine
    hours: float
    device_hours: float
    spread: Spread
    cost_usd: Estimate | None
    energy: Energy | None
    fewest_devices: int
    smallest: Placed


@dataclass(frozen=True, slots=True)
class Machines:
    """The same training on every device that can hold it.

    Attributes:
        budget: of the plan, canonical text.
        shape: the model.
        n_params: of the shape, by `convention`.
        tokens: training tokens.
        batch_sequences: of a step.
        n_devices: of every alternative.
        device: id of the plan's own device.
        alternatives: the fastest first.
        cheapest: id of the device with the lowest cost; None without prices.
        fastest: id of the device with the shortest time; None where nothing fits.
        left_out: why other devices are not among them, one sentence each.
        too_small: names of the devices that do not hold the model.
        problem: why there are none, one sentence; empty where there are.
    """

    budget: str
    shape: Shape
    n_params: float
    convention: Convention
    tokens: float
    batch_sequences: int
    n_devices: float
    device: str
    alternatives: tuple[Alternative, ...]
    cheapest: str | None
    fastest: str | None
    left_out: tuple[str, ...]
    too_small: tuple[str, ...]
    problem: str


def machines(answer: Answer, devices: Sequence[Device], mfu: float | None) -> Machines:
    """Return the training of an answer's plan on every device.

    A price that the request states is for the answer's own device alone; all others have that of the tables.

    Args:
        answer: with the plan.
        devices: to try; of several with one id, the first.
        mfu: for all devices; None for what a plan of this model takes on each.

    Raises:
        UsageError: the plan has no shape.
    """
    plan, question = answer.plan, answer.question
    shape, batch = layout.require_shape(plan.run.shape), plan.recipe.batch_sequences
    n_devices = question.machine.n_devices or float(question.machine.device.devices_per_node)
    found: list[Alternative] = []
    left_out: list[str] = []
    too_small: list[str] = []
    for device in {device.id: device for device in reversed(devices)}.values():
        lacking = _lacking(device, question.budget.fixed.precision)
        if lacking:
            left_out.append(lacking)
            continue
        try:
            on_device = _question(answer, device, n_devices, mfu)
        except UsageError as error:
            left_out.append(str(error))
            continue
        machine = on_device.machine
        smallest = layout.smallest(shape, machine, math.floor(n_devices), batch)
        if smallest is None:
            too_small.append(device.name)
            continue
        device_hours, moves = machine.device_hours(plan.run.executed_flops), spread(on_device, plan.run.executed_flops)
        ranged = Estimate(device_hours, *(moves.device_hours or ()))
        found.append(
            Alternative(
                machine=machine,
                hours=device_hours / n_devices,
                device_hours=device_hours,
                spread=moves,
                cost_usd=run_cost(on_device, device_hours, moves),
                energy=run_energy(device, ranged, _energy_options(answer, device)),
                fewest_devices=smallest.layout.n_devices + smallest.idle,
                smallest=smallest,
            )
        )
    found.sort(key=lambda each: each.hours)
    priced = [(each.cost_usd.value, each.machine.device.id) for each in found if each.cost_usd is not None]
    return Machines(
        budget=plan.budget,
        shape=shape,
        n_params=plan.run.n_params,
        convention=plan.convention,
        tokens=plan.run.tokens,
        batch_sequences=batch,
        n_devices=n_devices,
        device=question.machine.device.id,
        alternatives=tuple(found),
        cheapest=min(priced)[1] if priced else None,
        fastest=found[0].machine.device.id if found else None,
        left_out=tuple(sorted(left_out)),
        too_small=tuple(sorted(too_small)),
        problem="" if found else _problem(answer, n_devices),
    )


def _lacking(device: Device, precision: str | None) -> str:
    """Return that a device lacks the precision of the budget; empty where it has it."""
    if precision is None or precision in device.peak_flops_per_s:
        return ""
    told = _("{device} has no {precision}; it has {others}.")
    return told.format(device=device.name, precision=precision, others=listed(device.peak_flops_per_s))


def _question(answer: Answer, device: Device, n_devices: float, mfu: float | None) -> Question:
    """Return the question of an alternative: the answer's N on another machine, at the MFU that a plan of it takes.

    Raises:
        UsageError: the device lacks the precision of the budget.
    """
    own, fixed = answer.question.machine, answer.question.budget.fixed
    stated = own.price.value if own.price is not None and own.price.kind is Kind.STATED else None
    options = MachineOptions(n_devices, mfu, stated if device.id == own.device.id else None)
    target = SizeTarget(answer.plan.run.n_params, fixed=Fixed(precision=fixed.precision))
    machine = machine_for(target, device, options, device_stated=True)
    asked = replace(answer.question, budget=target, constraints=NONE, machine=machine)
    return reaching(asked, answer.plan.run.n_params)


def _problem(answer: Answer, n_devices: float) -> str:
    """Return why no device holds the model; of the plan's own device with the nearest that does."""
    own = next((caution.text for caution in answer.plan.cautions if caution.code == NO_LAYOUT), "")
    if own:
        told = _("no device that is known here holds the model, {n} of one kind; {own}")
    else:
        told = _("no device that is known here holds the model, {n} of one kind; ask with more devices (--gpus).")
    return told.format(n=f"{n_devices:g}", own=own)


def _energy_options(answer: Answer, device: Device) -> EnergyOptions:
    """Return what is stated of the energy; measured watts are of the answer's own device alone."""
    options = answer.question.energy
    return options if device.id == answer.question.machine.device.id else replace(options, watts=None)
