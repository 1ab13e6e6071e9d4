"""Layouts of a plan: how its model and batch lie on the machine's devices, which of them fit, and which is fastest."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from budgetscope.core.answers.cautions import NO_LAYOUT, Caution
from budgetscope.core.answers.layout_notes import layout_notes
from budgetscope.core.answers.layout_traffic import context_seconds, data_seconds, tensor_seconds
from budgetscope.core.answers.question import Question
from budgetscope.core.budget.parse import SizeTarget
from budgetscope.core.budget.quantities import english_count, format_count
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.devices import Device
from budgetscope.core.hardware.machine import Machine, require_memory
from budgetscope.core.hardware.memory import Layout, Memory, Recompute, Regime, estimate
from budgetscope.core.language import N_, _
from budgetscope.core.wording import listed, one_of

MARGIN = 0.10
"""Share of the peak that a layout leaves free. The estimate meets Megatron's published peaks within 1.5%, and on
H200s those of plain PyTorch within 1% and of FSDP2 within 3%; those of DDP within 1%, or by up to 20% from above
(tests/golden). The rest is for the allocator's fragments and what a trainer adds."""
RESERVED_BYTES = 1e9
"""For the driver's context and the collectives' buffers; the context alone held 0.8 GB on an H200 with torch 2.11."""

_MOST_SHOWN = 6
_MOST_SLOWDOWN = 1.5
"""Of a layout that is shown, over the fastest."""
_MOST_STAGES = 64
_LEAST_CONTEXT = 4096
"""Tokens of a sequence on one device, below which context parallelism is not tried."""
_MOST_MICRO_TOKENS = 65_536
"""Of a micro-batch: matrices of more rows are no faster."""
_GOOD_MICRO_TOKENS = 8192
"""Of a micro-batch, up to which a larger one is preferred at the same speed: it hides the launches of kernels."""
_PLAINNESS = {regime: place for place, regime in enumerate(Regime)}


@dataclass(frozen=True, slots=True)
class Placed:
    """A layout on the devices of a plan.

    Attributes:
        memory: of the fullest device.
        free: share of the device's memory that is left.
        idle: devices that the layout leaves unused, since they do not divide the batch.
        slowdown: expected time of a step over that of its FLOPs at the machine's MFU on all devices; for the ranking.
        reason: what the layout loses, in words.
    """

    layout: Layout
    memory: Memory
    free: float
    idle: int
    slowdown: float
    reason: str


@dataclass(frozen=True, slots=True)
class Layouts:
    """The layouts of a plan's model.

    Attributes:
        shape: the model to build.
        batch_sequences: of a step; every layout gives exactly this.
        device: name of the device.
        memory_bytes: of one device, as published.
        n_devices: of the machine.
        counted: whether the request says that number; else it is one node.
        ranked: those that fit, the fastest first: the best of each way to share the model, and of each regime, as far
            as they take at most half as long again.
        leanest: the layout with the lowest peak of one sequence a micro-batch, whether it fits or not.
        smallest: the fastest layout on the fewest devices that hold the model, found by doubling; None if none do.
        problem: why none fits, and the nearest that does; empty when some fit.
        notes: the error margin, and assumptions of the ranking.
    """

    shape: Shape
    batch_sequences: int
    device: str
    memory_bytes: int
    n_devices: int
    counted: bool
    ranked: tuple[Placed, ...]
    leanest: Placed
    smallest: Placed | None
    problem: str
    notes: tuple[str, ...]


def fits(memory: Memory, device: Device) -> bool:
    """Return whether a layout leaves its margin free."""
    return memory.peak * (1 + MARGIN) + RESERVED_BYTES <= device.memory_bytes


def layouts(question: Question, shape: Shape | None, batch_sequences: int) -> Layouts:
    """Return the layouts of the model that a plan builds.

    Args:
        question: for its machine and constraints.
        shape: of the plan's run.
        batch_sequences: of the plan's recipe.

    Raises:
        UsageError: the plan has no shape, or the memory of its machine is not known.
    """
    shape = require_shape(shape)
    require_memory(question.machine)
    machine, device = question.machine, question.machine.device
    n_devices = whole_devices(machine)
    found = fitting(shape, machine, n_devices, batch_sequences)
    best: dict[tuple[object, ...], Placed] = {}
    regimes: dict[Regime, Placed] = {}
    for each in found:
        if each.slowdown > _MOST_SLOWDOWN * found[0].slowdown:
            break
        layout = each.layout
        best.setdefault((layout.regime, layout.tensor, layout.pipeline, layout.context), each)
        regimes.setdefault(layout.regime, each)
    shown = {*regimes.values(), *list(best.values())[:_MOST_SHOWN]}
    leanest, memory = _leanest(shape, device, n_devices, batch_sequences)
    return Layouts(
        shape=shape,
        batch_sequences=batch_sequences,
        device=device.name,
        memory_bytes=device.memory_bytes,
        n_devices=n_devices,
        counted=machine.n_devices is not None,
        ranked=tuple(each for each in best.values() if each in shown),
        leanest=_placed(shape, leanest, machine, n_devices, memory),
        smallest=smallest(shape, machine, n_devices, batch_sequences) if found else None,
        problem="" if found else _problem(question, shape, batch_sequences, leanest, memory),
        notes=layout_notes(machine, MARGIN, RESERVED_BYTES),
    )


def best_where(
    question: Question, shape: Shape, batch_sequences: int, allowed: Callable[[Layout], bool]
) -> tuple[Placed, bool]:
    """Return the fastest layout of those allowed that fits, and True; where none fits the leanest of them, and False.

    Args:
        question: for its machine.
        shape: of the model.
        batch_sequences: of a step.
        allowed: whether a layout may be taken; it must allow the leanest layout of a data-parallel regime.
    """
    machine, n_devices = question.machine, whole_devices(question.machine)
    found = [
        _placed(shape, each, machine, n_devices, estimate(shape, each))
        for each in _candidates(shape, machine.device, n_devices, batch_sequences)
        if allowed(each)
    ]
    fitting = [each for each in found if fits(each.memory, machine.device)]
    if fitting:
        return min(fitting, key=lambda each: _rank(each, shape.seq_len)), True
    return min(found, key=lambda each: each.memory.peak), False


def require_shape(shape: Shape | None) -> Shape:
    """Return the shape of a plan's model.

    Raises:
        UsageError: it has none.
    """
    if shape is None:
        raise UsageError(
            "no shape is given for a model of this size, so that its memory is not known; ask for a size of the shape "
            "family, such as N=1B."
        )
    return shape


def _fewest_devices(shape: Shape, device: Device, batch_sequences: int, most: int) -> int | None:
    """Return the fewest devices, of 1, 2, 4 and so on up to `most`, on which a model fits; None if it fits none."""
    counts = [2**power for power in range(most.bit_length()) if 2**power <= most]
    fitting = (
        count for count in dict.fromkeys((*counts, most)) if _fits_leanest(shape, device, count, batch_sequences)
    )
    return next(fitting, None)


def fitting(shape: Shape, machine: Machine, n_devices: int, batch_sequences: int) -> list[Placed]:
    """Return the layouts that fit, the fastest first."""
    fitting = []
    for layout in _candidates(shape, machine.device, n_devices, batch_sequences):
        memory = estimate(shape, layout)
        if fits(memory, machine.device):
            fitting.append(_placed(shape, layout, machine, n_devices, memory))
    return sorted(fitting, key=lambda each: _rank(each, shape.seq_len))


def smallest(shape: Shape, machine: Machine, n_devices: int, batch_sequences: int) -> Placed | None:
    """Return the fastest layout on the fewest devices that hold a model, up to `n_devices`; None if these do not."""
    fewest = _fewest_devices(shape, machine.device, batch_sequences, n_devices)
    return None if fewest is None else fitting(shape, machine, fewest, batch_sequences)[0]


def of_memory(question: Question, shape: Shape | None, batch_sequences: int) -> list[Caution]:
    """Return a caution if no layout fits; nothing when the number of devices or their memory is not known.

    It tries a few layouts only.
    """
    if shape is None or question.machine.n_devices is None or question.machine.device.by_rate:
        return []
    device, n_devices = question.machine.device, whole_devices(question.machine)
    if _fits_leanest(shape, device, n_devices, batch_sequences):
        return []
    layout, memory = _leanest(shape, device, n_devices, batch_sequences)
    return [Caution(NO_LAYOUT, _problem(question, shape, batch_sequences, layout, memory))]


def whole_devices(machine: Machine) -> int:
    """Return the whole devices of a machine; one node when their number is open."""
    return machine.device.devices_per_node if machine.n_devices is None else max(int(machine.n_devices), 1)


def _rank(placed: Placed, seq_len: int) -> tuple[float, int, float, float]:
    """Sort by speed in steps of 1%, then by the plainer regime, the fewer and larger micro-batches, and memory."""
    layout = placed.layout
    plain = _PLAINNESS[layout.regime] + layout.tensor + layout.pipeline + layout.context
    micro_tokens = min(layout.micro_sequences * seq_len / layout.context, _GOOD_MICRO_TOKENS)
    return round(placed.slowdown, 2), plain, -micro_tokens, placed.memory.peak


# Candidates


def _divisors(number: int, most: int) -> Iterator[int]:
    """Yield the divisors of a number, of any size, up to `most`, rising."""
    return (n for n in range(1, min(number, most) + 1) if number % n == 0)


@lru_cache(maxsize=256)
def _data_degree(n_replicas: int, batch_sequences: int) -> int:
    """Return the most data-parallel replicas that divide the batch."""
    return next(n for n in range(min(n_replicas, batch_sequences), 0, -1) if batch_sequences % n == 0)


def _model_parallel(shape: Shape, device: Device, n_devices: int) -> Iterator[tuple[int, int, int]]:
    """Yield the tensor, pipeline and context degrees that the shape and the machine allow; tensor stays in a node."""
    tensors = [t for t in (1, 2, 4, 8) if t <= device.devices_per_node and not (shape.n_kv_heads % t or shape.d_ff % t)]
    pipelines = list(_divisors(shape.depth, _MOST_STAGES))
    contexts = [
        c for c in (1, 2, 4, 8) if c == 1 or not (shape.seq_len % (2 * c) or shape.seq_len < c * _LEAST_CONTEXT)
    ]
    for t in tensors:
        for p in pipelines:
            yield from ((t, p, c) for c in contexts if t * p * c <= n_devices)


def _candidates(shape: Shape, device: Device, n_devices: int, batch_sequences: int) -> Iterator[Layout]:
    for regime in Regime:
        megatron = regime == Regime.MEGATRON
        for t, p, c in _model_parallel(shape, device, n_devices) if megatron else ((1, 1, 1),):
            data = _data_degree(n_devices // (t * p * c), batch_sequences)
            rest = batch_sequences // data
            most = max(1, _MOST_MICRO_TOKENS * c // shape.seq_len)
            for recompute in (Recompute.NONE, Recompute.FULL) if megatron else Recompute:
                for micro in _divisors(rest, most):
                    yield Layout(
                        regime, data, t, p, c,
                        sequence_parallel=t > 1, recompute=recompute, micro_sequences=micro, accumulation=rest // micro,
                    )  # fmt: skip


def _fits_leanest(shape: Shape, device: Device, n_devices: int, batch_sequences: int) -> bool:
    """Return whether any layout fits; most models need one look."""
    first = next(_lean(shape, device, n_devices, batch_sequences))
    return fits(estimate(shape, first), device) or fits(_leanest(shape, device, n_devices, batch_sequences)[1], device)


def _leanest(shape: Shape, device: Device, n_devices: int, batch_sequences: int) -> tuple[Layout, Memory]:
    """Return the layout with the lowest peak."""
    found = [(each, estimate(shape, each)) for each in _lean(shape, device, n_devices, batch_sequences)]
    return min(found, key=lambda pair: pair[1].peak)


def _lean(shape: Shape, device: Device, n_devices: int, batch_sequences: int) -> Iterator[Layout]:
    """Yield the candidates of one sequence a micro-batch and full recomputation."""
    data = _data_degree(n_devices, batch_sequences)
    for regime in sorted(Regime, key=lambda regime: regime != Regime.FSDP2):
        if regime != Regime.MEGATRON:
            yield Layout(regime, data, recompute=Recompute.FULL, accumulation=batch_sequences // data)
    for t, p, c in _model_parallel(shape, device, n_devices):
        data = _data_degree(n_devices // (t * p * c), batch_sequences)
        yield Layout(
            Regime.MEGATRON, data, t, p, c,
            sequence_parallel=t > 1, recompute=Recompute.FULL, accumulation=batch_sequences // data,
        )  # fmt: skip


# Speed


def _placed(shape: Shape, layout: Layout, machine: Machine, n_devices: int, memory: Memory) -> Placed:
    """Return a layout with its memory, and what it loses against FLOPs at the machine's MFU on all devices.

    Recomputation adds a third of the blocks' FLOPs, a sixth if selective. A pipeline is empty for (p-1)/(v m) of the
    time (Narayanan et al. 2021, arXiv 2104.04473, section 2.2), and its other stages wait for the head's. Tensor
    parallelism moves four times 2w bytes a token and layer around a ring, six times with full recomputation
    (Korthikanti et al. 2022, section 4.2.2), and waits for them; context parallelism passes keys and values on, and is
    taken to wait as well. Gradients and gathered weights travel behind the computation: what is longer is waited for.
    """
    device = machine.device
    tokens = layout.micro_sequences * layout.accumulation * shape.seq_len / layout.context
    executed = shape.executed_flops_per_token
    head = 6.0 * shape.n_params_head
    share = layout.context / (layout.n_devices / layout.data)
    busy = executed * tokens * share / machine.device_flops_per_s
    again = {Recompute.NONE: 0.0, Recompute.SELECTIVE: 1 / 6, Recompute.FULL: 1 / 3}[layout.recompute]
    lost = {
        N_("recomputation"): again * (1 - head / executed),
        N_("pipeline bubble"): (layout.pipeline - 1) / (layout.interleave * layout.accumulation),
        N_("head on the last stage"): (layout.pipeline - 1) * head / executed,
        N_("tensor traffic"): tensor_seconds(shape, layout, device, tokens) / busy,
        N_("context traffic"): context_seconds(shape, layout, device, tokens) / busy,
        N_("data-parallel traffic"): data_seconds(shape, layout, device, busy) / busy,
    }
    idle = n_devices - layout.n_devices
    told = [f"{_(name)} {value:.0%}" for name, value in lost.items() if value >= _NOTABLE]
    if idle:
        told.append(_("{idle} of {n} devices idle").format(idle=f"{idle:,}", n=f"{n_devices:,}"))
    return Placed(
        layout=layout,
        memory=memory,
        free=1 - memory.peak / device.memory_bytes,
        idle=idle,
        slowdown=(1 + sum(lost.values())) * n_devices / layout.n_devices,
        reason=listed(told) or _("nothing notable"),
    )


_NOTABLE = 0.005


# What is told


def describe(layout: Layout) -> str:
    """Return a layout in words: "FSDP2 over 64, full recomputation"."""
    title = {Regime.DDP: "DDP", Regime.FSDP2: "FSDP2", Regime.MEGATRON: "Megatron"}.get(
        layout.regime, f"ZeRO-{layout.regime[-1]}"
    )
    parts = [_("{regime} over {n}").format(regime=title, n=layout.data)] if layout.data > 1 else [title]
    if layout.n_devices == 1:
        # Nothing is shared, whatever the trainer calls it.
        plain = layout.regime == Regime.DDP
        parts = [_("without sharding") if plain else _("{regime} on one device").format(regime=title)]
    degrees = (
        (N_("tensor {n}"), layout.tensor),
        (N_("pipeline {n}"), layout.pipeline),
        (N_("context {n}"), layout.context),
        (N_("{n} chunks a stage"), layout.interleave),
    )
    parts += [_(told).format(n=degree) for told, degree in degrees if degree > 1]
    if layout.recompute == Recompute.SELECTIVE:
        parts.append(_("selective recomputation"))
    if layout.recompute == Recompute.FULL:
        parts.append(_("full recomputation"))
    return listed(parts)


def _problem(question: Question, shape: Shape, batch_sequences: int, layout: Layout, memory: Memory) -> str:
    """Return why nothing fits, and the nearest that does: more devices, or a smaller model on these."""
    machine, device = question.machine, question.machine.device
    n_devices = whole_devices(machine)
    usable = (device.memory_bytes - RESERVED_BYTES) / (1 + MARGIN)
    told = {
        "size": format_count(shape.count(question.convention).n_params),
        "n": f"{n_devices:,}",
        "device": device.name,
        "layout": describe(layout),
        "needed": f"{memory.peak / 1e9:,.0f}",
        "usable": f"{max(usable, 0) / 1e9:.0f}",
        "memory": f"{device.memory_bytes / 1e9:.0f}",
    }
    if machine.n_devices is None:
        text = _(
            "the model of {size} parameters does not fit one node of {n} x {device}: the leanest layout ({layout}) "
            "needs {needed} GB on a device, and {usable} of {memory} GB can be planned with"
        )
    else:
        text = _(
            "the model of {size} parameters does not fit {n} x {device}: the leanest layout ({layout}) needs {needed} "
            "GB on a device, and {usable} of {memory} GB can be planned with"
        )
    nearest = _nearest(question, shape, batch_sequences)
    if not nearest:
        return _("{phrase}.").format(phrase=text.format(**told))
    ended = _("{problem}; the nearest that fits: {nearest}.")
    return ended.format(problem=text.format(**told), nearest=one_of(nearest))


def _nearest(question: Question, shape: Shape, batch_sequences: int) -> list[str]:
    """Return what fits instead, in words: more devices, or a smaller model; with the options that ask for it."""
    machine, device = question.machine, question.machine.device
    more = _enough_devices(shape, device, whole_devices(machine), batch_sequences)
    smaller = _largest(question, batch_sequences)
    nearest = []
    if more is not None:
        option = f" (--gpus {more})" if machine.n_devices is None else ""
        nearest.append(_("{n} x {device}").format(n=f"{more:,}", device=device.name) + option)
    if smaller is not None:
        free = question.constraints.n_params is None and not isinstance(question.budget, SizeTarget)
        option = f" (--max-params {english_count(smaller).replace(' ', '')})" if free else ""
        text = _("{size} parameters on these devices{option}")
        nearest.append(text.format(size=format_count(smaller), option=option))
    return nearest


def _enough_devices(shape: Shape, device: Device, n_devices: int, batch_sequences: int) -> int | None:
    """Return the fewest devices, by doubling, on which the model fits; None where no number helps."""
    for _doubling in range(_DOUBLINGS):
        n_devices *= 2
        if _fits_leanest(shape, device, n_devices, batch_sequences):
            return n_devices
    return None


_DOUBLINGS = 8
_STEPS = 12
_THREE_DIGITS = 3


def _largest(question: Question, batch_sequences: int) -> float | None:
    """Return about the largest N of the shape family that fits, three digits rounded down; None if none does.

    Its batch is taken to be half as large, since that of a smaller model is smaller, and shards it less.
    """
    family, device, n_devices = question.family, question.machine.device, whole_devices(question.machine)
    batch = max(batch_sequences // 2, 1)
    low, high = 0, len(family.shapes)
    while low < high:
        middle = (low + high) // 2
        if _fits_leanest(family.shapes[middle], device, n_devices, batch):
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return None
    n_params = family.shapes[low - 1].count(question.convention).n_params
    step = 10.0 ** (math.floor(math.log10(n_params)) - _THREE_DIGITS + 1)
    return math.floor(n_params / step) * step
