"""Findings about the devices of a run: memory, time, and the precision of the weights."""

import re
from collections.abc import Iterator

from budgetscope.core.audit.counts import Counts
from budgetscope.core.audit.finding import Finding, Severity
from budgetscope.core.audit.yardstick import OnMachine, Yardstick
from budgetscope.core.budget.quantities import format_count, format_hours, format_usd
from budgetscope.core.language import _

_LONGEST_HOURS = 365 * 24.0
_PURE = re.compile(r"\b(?:bf16|fp16|16)[-_](?:true|pure)\b|\bpure[-_](?:bf16|fp16)\b")
"""In the name of a precision: the weights themselves are in 16 bits, as in LitGPT's `bf16-true`."""
_FP16 = ("fp16", "float16", "16-mixed", "half")


def of_precision(counts: Counts) -> Iterator[Finding]:
    """Yield that weights in 16 bits have no copy in 32, or that fp16 needs its loss scaled."""
    precision = (counts.run.precision or "").lower()
    evidence = counts.run.evidence.get("precision")
    written = precision if evidence is None else evidence.text.lower()
    if _PURE.search(written):
        yield Finding(
            "precision-weights",
            Severity.WARN,
            _("The weights are in 16 bits, with no copy in 32."),
            _("The configuration says a precision of {precision}.").format(precision=written),
            _("Keep the weights in float32 and compute the products in bf16 (mixed precision)."),
            _(
                "A small step is rounded away: bf16 has 8 significant bits, so that a change under 0.2% of a weight is "
                "always lost. The loss for one run is not known."
            ),
        )
    elif precision in _FP16:
        yield Finding(
            "precision-fp16",
            Severity.NOTE,
            _("fp16 products need a scaled loss, and overflow where bf16 does not."),
            _("The configuration says a precision of {precision}.").format(precision=precision),
            _("Train in bf16 where the device has it."),
            _("Steps whose gradient overflows are skipped; how many is not known before the run."),
        )


def of_machine(yardstick: Yardstick) -> Iterator[Finding]:
    """Yield that the model does not fit its devices, or takes more than a year."""
    machine = yardstick.machine
    if machine is None:
        return
    devices = _("{count} x {device}").format(count=f"{machine.n_devices:,}", device=machine.device)
    if machine.problem:
        yield Finding(
            "memory-none-fits",
            Severity.BAD,
            _("The model does not fit on {devices}.").format(devices=devices),
            f"{machine.problem[:1].upper()}{machine.problem[1:]}",
            _("Take more devices, or a smaller model."),
            _("The run would stop with an error of memory."),
        )
    elif machine.micro_fits is False:
        yield Finding(
            "memory-micro-batch",
            Severity.WARN,
            _("The micro-batch of the run fits in no layout on {devices}.").format(devices=devices),
            _("The fastest layout that fits holds {peak} of {memory} GB with another micro-batch.").format(
                peak=f"{(machine.peak_bytes or 0.0) / 1e9:.1f}", memory=f"{machine.memory_bytes / 1e9:.0f}"
            ),
            _("Take fewer sequences at once and accumulate, or shard the model further."),
            _("The run would stop with an error of memory."),
        )
    yield from _of_time(machine, devices)


def _of_time(machine: OnMachine, devices: str) -> Iterator[Finding]:
    if machine.hours.value > _LONGEST_HOURS:
        yield Finding(
            "time-long",
            Severity.WARN,
            _("The run takes {time} on {devices}.").format(time=format_hours(machine.hours.value), devices=devices),
            _("An MFU of {mfu} is expected.").format(mfu=f"{machine.mfu:.0%}"),
            _("Take more devices or fewer tokens."),
            _("What it costs is not known: the device has no price here.")
            if machine.cost_usd is None
            else _("It costs {cost} on these devices.").format(cost=format_usd(machine.cost_usd.value)),
        )


def of_split(counts: Counts) -> Iterator[Finding]:
    """Yield that micro-batch, accumulation and devices do not make up the batch."""
    run = counts.run
    if None in (run.batch_sequences, run.micro_sequences, run.accumulation, run.n_devices):
        return
    batch, micro = run.batch_sequences or 0.0, run.micro_sequences or 0
    accumulation, devices = run.accumulation or 0, run.n_devices or 0
    a_replica = micro * accumulation
    if a_replica <= 0 or batch <= 0:
        return
    replicas = batch / a_replica
    # Tensor, pipeline and context parallelism share one replica between devices.
    if replicas == round(replicas) and replicas <= devices and devices % round(replicas) == 0:
        return
    yield Finding(
        "batch-split",
        Severity.WARN,
        _("Micro-batch, accumulation and devices do not make up the batch."),
        _("{batch} sequences a step / ({micro} x {accumulation}) = {replicas} replicas, on {devices} devices.").format(
            batch=format_count(batch),
            micro=micro,
            accumulation=accumulation,
            replicas=f"{replicas:.3g}",
            devices=f"{devices:,}",
        ),
        _("Change one of them so that the replicas are whole and divide the devices."),
        _("The trainer refuses to start, or trains with another batch than it says."),
    )
