"""A device as the planner sees it: kind, memory, and training rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from budgetscope.calibrate.plan.cells import Cell

DEVICES = ("cuda", "mps", "cpu")
ENGINES = ("local", "slurm", "ray")
"""What can place workers."""

# Model FLOP/s by width, attention counted, of devices that were never measured. CUDA: a stack of 32 on an H200, from a
# prototype. CPU: two cores; the rates up to width 32 include the smoke preset's readings.
ASSUMED_RATES: dict[str, dict[int, float]] = {
    "cuda": {32: 12e12, 64: 40e12, 128: 110e12, 256: 185e12},
    "mps": {64: 0.5e12, 256: 2e12},
    "cpu": {4: 1e9, 8: 2.2e9, 16: 7e9, 32: 1.8e10, 128: 6e10, 256: 8e10},
}
# Seconds to start a stack. On an H200 compilation took 7 to 17 s.
_START_SECONDS = {"cuda": 10.0, "mps": 2.0, "cpu": 0.3}
# An uncompiled CUDA stack is bound by kernel launches, whatever the card's rate: 3 members of width 16 to 48 ran at
# 0.085 to 0.13 TFLOP/s per unit of width on an H200.
_UNCOMPILED_FLOPS_PER_S_A_WIDTH = 0.1e12
_UNCOMPILED_START_SECONDS = 0.5
# Executed FLOPs of a stack, per unit of width, above which compilation pays. On an H200 graphs of uncompiled operations
# ran at 0.1 to 0.18 TFLOP/s per unit of width (7.3 with 74 members of width 40, 14.6 with 3 of width 80), compiled ones
# at 0.6 to 1.2 (60 with 3 of width 96, 75 with 74 of width 64); compilation took about 10 s.
_COMPILE_ABOVE_FLOPS_A_WIDTH = 2.5e12


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device as torch reports it.

    Attributes:
        device: `cuda`, `mps` or `cpu`.
        index: of the GPU; None if there is only one device of the kind.
        name: of the accelerator or processor.
        free_bytes: free memory; None if unknown.
        total_bytes: all memory; None if unknown.
        torch: version of torch.
        count: number of devices of the kind.
    """

    device: str
    index: int | None
    name: str
    free_bytes: int | None
    total_bytes: int | None
    torch: str
    count: int = 1


def repays_compilation(cells: Sequence[Cell]) -> bool:
    """Return whether a stack trains long enough on CUDA to be compiled first.

    Args:
        cells: of one shape.
    """
    shape = cells[0].shape
    flops = sum(cell.tokens for cell in cells) * shape.executed_flops_per_token
    return flops > _COMPILE_ABOVE_FLOPS_A_WIDTH * shape.width


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a device trains.

    Attributes:
        device: `cuda`, `mps` or `cpu`.
        flops_per_s: model FLOP/s, attention counted, by width.
        measured: whether a probe on this machine measured them.
    """

    device: str
    flops_per_s: Mapping[int, float]
    measured: bool

    @classmethod
    def assumed(cls, device: str) -> "Rate":
        """Return the assumed rate of a kind of device."""
        return cls(device, ASSUMED_RATES[device], measured=False)

    def at(self, width: int) -> float:
        """Return FLOP/s at a width: linear in logs between the known widths, constant above the largest."""
        known = sorted(self.flops_per_s)
        above = next((k for k in known if k >= width), None)
        if above is None:
            return self.flops_per_s[known[-1]]
        below = max((k for k in known if k < width), default=None)
        if below is None:
            # Narrower models use less of the machine.
            return self.flops_per_s[above] * width / above
        share = math.log(width / below) / math.log(above / below)
        return float(self.flops_per_s[below] ** (1 - share) * self.flops_per_s[above] ** share)

    def seconds(self, cells: Sequence[Cell]) -> float:
        """Return the seconds to train these cells, with the start of one stack per shape."""
        stacks: dict[object, list[Cell]] = {}
        for cell in cells:
            stacks.setdefault(cell.shape, []).append(cell)
        return sum(self._stack_seconds(stack) for stack in stacks.values())

    def _stack_seconds(self, cells: Sequence[Cell]) -> float:
        shape = cells[0].shape
        rate, start = self.at(shape.width), _START_SECONDS[self.device]
        if self.device == "cuda" and not repays_compilation(cells):
            rate, start = min(rate, _UNCOMPILED_FLOPS_PER_S_A_WIDTH * shape.width), _UNCOMPILED_START_SECONDS
        return sum(cell.tokens for cell in cells) * shape.executed_flops_per_token / rate + start
