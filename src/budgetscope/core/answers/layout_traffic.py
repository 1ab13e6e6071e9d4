"""Traffic of a layout: the seconds of a step in which devices wait for each other's data."""

from budgetscope.core.counting.ledger import Shape
from budgetscope.core.hardware.devices import Device
from budgetscope.core.hardware.memory import Layout, Recompute, Regime

NETWORK_BYTES_PER_S = 50e9
"""Between nodes, one way and for one device: a 400 Gb/s adapter each, as in NVIDIA's DGX H100 (its data sheet)."""


def tensor_seconds(shape: Shape, layout: Layout, device: Device, tokens: float) -> float:
    """Return the time of the rings between tensor-parallel devices: four times 2w bytes a token and layer, or six."""
    t = layout.tensor
    times = 6 if layout.recompute == Recompute.FULL else 4
    moved = shape.depth / layout.pipeline * tokens * times * 2 * shape.width * 2 * (t - 1) / t
    return moved / device.link_bytes_per_s


def context_seconds(shape: Shape, layout: Layout, device: Device, tokens: float) -> float:
    """Return the time of passing keys and values (2 + 2 bytes) around the ring, forward and twice backward."""
    kv_width = shape.width * shape.n_kv_heads // shape.n_heads
    moved = shape.depth / layout.pipeline * tokens * 3 * 4 * kv_width * (layout.context - 1) / layout.tensor
    in_node = layout.tensor * layout.context <= device.devices_per_node
    return moved / (device.link_bytes_per_s if in_node else NETWORK_BYTES_PER_S)


def data_seconds(shape: Shape, layout: Layout, device: Device, busy: float) -> float:
    """Return the time that the step waits for gradients and weights: bytes a parameter of each regime, less overlap."""
    d = layout.data * layout.context
    if d == 1:
        return 0.0
    n_params = (
        (shape.n_params_blocks + shape.n_params_head + shape.n_params_embedding) / layout.tensor / layout.pipeline
    )
    micro = layout.accumulation
    moved = {
        Regime.DDP: 8.0,  # fp32 gradients, reduced and spread once a step
        Regime.FSDP2: (2 + 2 + 4) * micro,  # bf16 weights twice, fp32 gradients, every micro-batch
        Regime.ZERO1: 4.0,
        Regime.ZERO2: 2.0 * micro + 2,
        Regime.ZERO3: 6.0 * micro,
        Regime.MEGATRON: 6.0,
    }[layout.regime]
    speed = device.link_bytes_per_s
    if layout.n_devices > device.devices_per_node:
        # The devices of a node that belong to one group share their adapters: their rings cross on all of them.
        adapters = max(device.devices_per_node // layout.tensor, 1)
        speed = min(speed, NETWORK_BYTES_PER_S * adapters)
    every_micro_batch = layout.regime in (Regime.FSDP2, Regime.ZERO2, Regime.ZERO3)
    behind = busy if every_micro_batch else busy * 2 / 3 / micro
    return max(0.0, moved * n_params * (d - 1) / d / speed - behind)
