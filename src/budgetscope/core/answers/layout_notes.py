"""What the memory and the time of a plan's layouts assume, in words."""

from budgetscope.core.answers.layout_traffic import NETWORK_BYTES_PER_S
from budgetscope.core.hardware.devices import TRAINING_PRECISIONS
from budgetscope.core.hardware.machine import Machine
from budgetscope.core.language import N_, _
from budgetscope.core.stored_words import stored_text

_TRAINING = N_(
    "16-bit training with flash attention, fused norms, a fused AdamW and fp32 masters; the peak is less than the sum "
    "where gradients are made while activations go"
)


_REGIMES = N_(
    "Megatron's tensor parallelism is with sequence parallelism and its distributed optimizer; selective recomputation "
    "is torchtitan's, every second matrix product kept"
)


def layout_notes(machine: Machine, margin: float, reserved_bytes: float) -> tuple[str, ...]:
    """Return what the memory and the time of layouts on a machine assume, one clause each.

    Args:
        machine: of the layouts.
        margin: share of the peak that a layout leaves free.
        reserved_bytes: of the driver and the collectives.
    """
    device = machine.device
    free = _(
        "a layout fits if {margin} of its peak and {reserved} GB stay free: the error of the estimate and the "
        "allocator's fragments, then the driver and the collectives"
    ).format(margin=f"{margin:.0%}", reserved=f"{reserved_bytes / 1e9:g}")
    speed = _(
        "time is for the ranking alone: links of {link} GB/s in a node of {n}, {network} GB/s a device between nodes"
    ).format(
        link=f"{device.link_bytes_per_s / 1e9:g}", n=device.devices_per_node, network=f"{NETWORK_BYTES_PER_S / 1e9:g}"
    )
    notes = [free, _(_TRAINING), speed, _(_REGIMES)]
    if machine.precision not in TRAINING_PRECISIONS:
        notes.append(_("counted in 16 bits, and not in {precision}").format(precision=machine.precision))
    if device.vendor != "NVIDIA":
        notes.append(_("checked on NVIDIA GPUs alone, and not on {device}").format(device=device.name))
        if device.note:
            notes.append(stored_text(device.note).rstrip(" .。"))
    if machine.n_devices is None:
        open_count = _("devices: one node of {n}, since their number is open (--gpus)")
        notes.append(open_count.format(n=device.devices_per_node))
    return tuple(notes)
