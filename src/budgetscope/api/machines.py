"""The same training on other devices: its machines side by side, and the request of each, to plan or to keep."""

from collections.abc import Sequence

from budgetscope.api.request import PlanRequest
from budgetscope.core.answers import machines as _machines
from budgetscope.core.answers.answer import Answer
from budgetscope.core.answers.machines import Machines
from budgetscope.core.hardware.devices import Device
from budgetscope.core.hardware.machine import stated_mfu
from budgetscope.core.laws.intervals import Kind


def machines(answer: Answer, request: PlanRequest, devices: Sequence[Device]) -> Machines:
    """Return the training of an answer on every device; a stated or measured MFU holds for all of them."""
    return _machines.machines(answer, devices, _mfu(answer, request))


def _mfu(answer: Answer, request: PlanRequest) -> float | None:
    given = (request.mfu, request.measured, stated_mfu(answer.question.budget))
    return None if given == (None, None, None) else answer.question.machine.mfu


def request_on(answer: Answer, request: PlanRequest, found: Machines, device: str) -> PlanRequest:
    """Return the request of an alternative: the same N and D on another device.

    Args:
        answer: of the plan.
        request: of the plan.
        found: the alternatives.
        device: id of the alternative's device.
    """
    question, is_own = answer.question, device == answer.question.machine.device.id
    precision = question.budget.fixed.precision
    price = question.machine.price if is_own else None
    return PlanRequest(
        budget=f"N={found.n_params:.12g} D={round(found.tokens)}{f' in {precision}' if precision else ''}",
        law=request.law,
        hyperparameters=request.hyperparameters,
        device=device,
        gpus=found.n_devices,
        mfu=_mfu(answer, request),
        price=price.value if price is not None and price.kind is Kind.STATED else None,
        seq_len=question.seq_len,
        vocab=question.vocab_size,
        counting=str(question.convention),
        watts=question.energy.watts if is_own else None,
        pue=question.energy.pue,
        grid=question.energy.grid_g_per_kwh,
    )
