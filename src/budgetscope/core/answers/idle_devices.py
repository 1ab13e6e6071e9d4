"""Devices of a plan that its batch leaves idle, and how many would all work."""

from collections.abc import Iterator

from budgetscope.core.answers.cautions import Caution
from budgetscope.core.answers.layout import fitting, whole_devices
from budgetscope.core.answers.question import Question
from budgetscope.core.budget.quantities import format_hours
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.language import _
from budgetscope.core.laws.hyperparameters import whole_sequences

_NOTABLE = 0.05
"""Share of the devices whose idling could change the decision."""
_MOST_TRIES = 8
"""Numbers of devices whose layouts are looked through: a plan is made at every keystroke."""


def of_idle(
    question: Question, shape: Shape | None, batch_sequences: int, batch_tokens: float, device_hours: float
) -> list[Caution]:
    """Return a caution if the fastest layout leaves devices idle, with a number of devices that it does not.

    Args:
        question: for its machine and deadline.
        shape: of the plan's run.
        batch_sequences: of the plan's recipe.
        batch_tokens: that its law asks for.
        device_hours: of the run.
    """
    machine = question.machine
    if shape is None or machine.n_devices is None or machine.device.by_rate:
        return []
    n_devices = whole_devices(machine)
    if batch_sequences % n_devices == 0:
        return []
    found = fitting(shape, machine, n_devices, batch_sequences)
    if not found or not found[0].idle:
        return []
    told = {"idle": f"{found[0].idle:,}", "n": f"{n_devices:,}", "batch": f"{batch_sequences:,}"}
    text = _(
        "{idle} of the {n} devices stand idle in the fastest layout, since a batch of {batch} sequences does not fill "
        "them, and time and cost count them all."
    )
    deadline = question.constraints.deadline_hours
    for fewer in (n_devices - found[0].idle, *_even(question, n_devices, batch_tokens)):
        hours = device_hours / fewer
        if deadline is not None and hours > deadline:
            break
        best = fitting(shape, machine, fewer, whole_sequences(batch_tokens, question.seq_len, fewer))
        if best and not best[0].idle:
            text = _(
                "{idle} of the {n} devices stand idle in the fastest layout, since a batch of {batch} sequences does "
                "not fill them, and time and cost count them all: take {fewer} devices for {time}, which is the same "
                "compute."
            )
            told |= {"fewer": f"{fewer:,}", "time": format_hours(hours)}
            break
    code = "idle-devices" if found[0].idle >= _NOTABLE * n_devices else "few-idle-devices"
    return [Caution(code, text.format(**told))]


def _even(question: Question, n_devices: int, batch_tokens: float) -> Iterator[int]:
    """Yield the largest numbers of devices below `n_devices`, in whole nodes, that divide the batch for them."""
    node = question.machine.device.devices_per_node
    step, tries = (node, 0) if n_devices > node else (1, 0)
    for fewer in range((n_devices - 1) // step * step, 0, -step):
        if whole_sequences(batch_tokens, question.seq_len, fewer) % fewer == 0:
            yield fewer
            tries += 1
            if tries == _MOST_TRIES:
                return
