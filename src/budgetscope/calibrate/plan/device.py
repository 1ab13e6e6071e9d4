"""A device as the planner sees it: kind, memory, and training rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.ladder import ladder
from budgetscope.calibrate.plan.pace import (
    CAPTURED,
    COMPILED,
    CUDA_STARTS,
    PROBED_FASTER,
    PROCESSOR,
    UNCOMPILED_STARTS,
    Pace,
    Starts,
)
from budgetscope.calibrate.plan.slices import cut, stacks, turns
from budgetscope.core.counting.ledger import Shape

DEVICES = ("cuda", "mps", "cpu")
ENGINES = ("local", "slurm", "ray")
"""What can place workers."""

# Saved seconds above which compilation pays, though most stacks are compiled ahead.
_COMPILATION_PAYS_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Trial:
    """The stacks that a probe trains.

    Attributes:
        widths: of the models of each stack, the most informative first.
        members: per stack.
        batch_sequences: of each member.
        vocab_size: of the models.
        seq_len: of the models.
    """

    widths: tuple[int, ...]
    members: int
    batch_sequences: int
    vocab_size: int
    seq_len: int

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes of the ladder nearest to the widths."""
        known = ladder(self.vocab_size, self.seq_len)
        return tuple(dict.fromkeys(min(known, key=lambda shape: abs(shape.width - width)) for width in self.widths))

    def flops_per_s(self, pace: Pace) -> dict[int, float]:
        """Return the model FLOP/s by width, attention counted, that a probe measures on a machine of this pace."""
        tokens = self.members * self.batch_sequences * self.seq_len
        return {
            shape.width: PROBED_FASTER
            * tokens
            * shape.executed_flops_per_token
            / (pace.micro_step(shape, tokens) + pace.optimizer_step(shape, self.members))
            for shape in self.shapes()
        }


TRIALS = {
    "cuda": Trial((256, 64, 128, 32), 32, 8, 4096, 512),
    "mps": Trial((256, 64), 8, 8, 4096, 256),
    "cpu": Trial((32, 8, 128, 4), 8, 8, 512, 128),
}
# What is assumed of Apple's GPUs, which nobody has measured: model FLOP/s by width.
_MPS_FLOPS_PER_S = {64: 0.5e12, 256: 2e12}


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
    return CAPTURED.training(cells, "cuda") - COMPILED.training(cells, "cuda") > _COMPILATION_PAYS_SECONDS


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
        """Return the assumed rate of a kind of device: an H200, two cores of a server, or some Apple GPU."""
        pace = {"cuda": COMPILED, "cpu": PROCESSOR}.get(device)
        return cls(device, TRIALS[device].flops_per_s(pace) if pace else _MPS_FLOPS_PER_S, measured=False)

    def at(self, width: int) -> float:
        """Return FLOP/s at a width: linear in logs between the known widths, constant above the largest."""
        return _between(self.flops_per_s, width, below=1.0)

    def seconds(self, cells: Sequence[Cell]) -> float:
        """Return the seconds to train the cells of one stage as one stack a shape, small shapes first, with starts."""
        return self.in_turn(stacks(cells))

    def in_turn(self, slices: Sequence[Sequence[Cell]]) -> float:
        """Return the seconds to train slices, each of one shape, one after another, with their starts."""
        training = [(self.training_seconds(cells), self._compiles(cells)) for cells in slices]
        return sum(seconds for seconds, _ in training) + self._starts.seconds(training)

    def wall_seconds(self, cells: Sequence[Cell], workers: int) -> float:
        """Return the seconds of one stage on equal workers, cut for them, with all starts."""
        if workers == 1:
            return self.seconds(cells)
        pieces = cut(cells, workers, self.slice_seconds)
        each = turns([self.slice_seconds(piece) for piece in pieces], workers)
        return max(self.in_turn([pieces[k] for k in turn]) for turn in each)

    def slice_seconds(self, cells: Sequence[Cell]) -> float:
        """Return the seconds to train one slice that was made ready ahead."""
        return self.training_seconds(cells) + self._starts.ready

    @property
    def _starts(self) -> Starts:
        return CUDA_STARTS if self.device == "cuda" else UNCOMPILED_STARTS[self.device]

    def training_seconds(self, cells: Sequence[Cell]) -> float:
        """Return the seconds to train a stack, readings included and its start not.

        The pace of the machine that the program knows is scaled, at the width of the stack, by what a probe measured
        on this one.
        """
        shape = cells[0].shape
        if self.device == "mps":
            return sum(cell.tokens for cell in cells) * shape.executed_flops_per_token / self.at(shape.width)
        pace = PROCESSOR if self.device == "cpu" else COMPILED
        slowness = {width: _expected(self.device, width) / rate for width, rate in self.flops_per_s.items()}
        used = CAPTURED if self.device == "cuda" and not self._compiles(cells) else pace
        return used.training(cells, self.device) * _between(slowness, shape.width)

    def _compiles(self, cells: Sequence[Cell]) -> bool:
        return self.device == "cuda" and repays_compilation(cells)


@lru_cache(maxsize=256)
def _expected(device: str, width: int) -> float:
    """Return the model FLOP/s that a probe measures at a width on the machine that the program knows."""
    return _between(TRIALS[device].flops_per_s(PROCESSOR if device == "cpu" else COMPILED), width, below=1.0)


def _between(values: Mapping[int, float], width: int, below: float = 0.0) -> float:
    """Return a value by width: linear in logs between the known widths, constant above, a power of width below."""
    known = sorted(values)
    above = next((k for k in known if k >= width), None)
    if above is None:
        return values[known[-1]]
    under = max((k for k in known if k < width), default=None)
    if under is None:
        # Narrower models use less of the machine.
        return float(values[above] * (width / above) ** below)
    share = math.log(width / under) / math.log(above / under)
    return float(values[under] ** (1 - share) * values[above] ** share)
