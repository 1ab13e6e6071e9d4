"""What a design costs before it runs, and what it will tell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.design import Design, readings
from budgetscope.calibrate.plan.ladder import n_params
from budgetscope.calibrate.plan.memory import choose_micro_sequences, memory_estimate, token_bytes
from budgetscope.calibrate.run.state import RunState
from budgetscope.calibrate.run.train_settings import repays_compilation

OPTIMUM_LN_STD = 0.19
"""Standard deviation of ln N* at one budget: root mean square over the eight budgets of `budgetscope2026/english`,
6 to 7 sizes each (docs/explanation/calibration.md)."""
OPTIMUM_SEEDS = 3
"""Seeds of each of its sizes."""
MAX_EPOCHS = 4.0
"""Repeating data up to so often costs little (Muennighoff et al. 2023, arXiv 2305.16264)."""

_Z95 = 1.959963984540054

# Model FLOP/s by width, attention counted, where nothing has been measured: a stack of 32 on an H200 as a
# prototype ran it, and two CPU cores: up to width 32 as the smoke preset trains and reads there.
ASSUMED_RATES: dict[str, dict[int, float]] = {
    "cuda": {32: 12e12, 64: 40e12, 128: 110e12, 256: 185e12},
    "mps": {64: 0.5e12, 256: 2e12},
    "cpu": {4: 1e9, 8: 2.2e9, 16: 7e9, 32: 1.8e10, 128: 6e10, 256: 8e10},
}
# Of a stack. On an H200, compiled: 7 to 17 s.
_START_SECONDS = {"cuda": 10.0, "mps": 2.0, "cpu": 0.3}
# On CUDA a stack too short to be compiled is bound by the launch of its operations, whatever the card's rate:
# 3 members of width 16 to 48 ran at 0.085 to 0.13 TFLOP/s a unit of width on an H200.
_UNCOMPILED_FLOPS_PER_S_A_WIDTH = 0.1e12
_UNCOMPILED_START_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a device trains.

    Attributes:
        device: `cuda`, `mps` or `cpu`.
        flops_per_s: model FLOP/s, attention counted, by width.
        measured: whether a probe measured them here.
    """

    device: str
    flops_per_s: Mapping[int, float]
    measured: bool

    @classmethod
    def assumed(cls, device: str) -> "Rate":
        """Return what is assumed of a kind of device."""
        return cls(device, ASSUMED_RATES[device], measured=False)

    def at(self, width: int) -> float:
        """Return FLOP/s at a width: linear between the known widths in logs, level beyond the largest."""
        known = sorted(self.flops_per_s)
        above = next((k for k in known if k >= width), None)
        if above is None:
            return self.flops_per_s[known[-1]]
        below = max((k for k in known if k < width), default=None)
        if below is None:
            # Narrower models waste more of the machine.
            return self.flops_per_s[above] * width / above
        share = math.log(width / below) / math.log(above / below)
        return float(self.flops_per_s[below] ** (1 - share) * self.flops_per_s[above] ** share)

    def seconds(self, cells: Sequence[Cell]) -> float:
        """Return the time that some cells take, and the start of every shape."""
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


def law_flops(cells: Sequence[Cell]) -> float:
    """Return the laws' FLOPs of some cells: 6 N D."""
    return sum(c.flops_at(c.tokens) for c in cells)


@dataclass(frozen=True, slots=True)
class StagePrice:
    """What one stage costs.

    Attributes:
        stage: 1 or 2.
        cells: models trained.
        sizes: distinct N, ascending.
        flops: 6 N D of all.
        tokens: of all.
        longest_tokens: of the longest run.
        seconds: expected.
        memory_bytes: of the largest stack and the tokens that it reads, an estimate.
    """

    stage: int
    cells: int
    sizes: tuple[int, ...]
    flops: float
    tokens: int
    longest_tokens: int
    seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Price:
    """What a design costs and tells.

    Attributes:
        stages: both.
        epochs: passes over the data of the longest run.
        rate: what the seconds were computed from.
        exponent_half_width: of the 95% interval of the exponent of N*(C), to be expected.
        sizes_per_budget: sizes that each IsoFLOP curve has, ascending by budget.
        cautions: one sentence each.
    """

    stages: tuple[StagePrice, ...]
    epochs: float
    rate: Rate
    exponent_half_width: float
    sizes_per_budget: tuple[int, ...]
    cautions: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Expected of both stages."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def flops(self) -> float:
        """6 N D of both stages."""
        return sum(stage.flops for stage in self.stages)


def price(design: Design, rate: Rate, train_tokens: int) -> Price:
    """Price a design.

    Args:
        design: what is to be trained.
        rate: of the device.
        train_tokens: in the training data.
    """
    stages = tuple(_stage(k, cells, rate, train_tokens) for k, cells in ((1, design.stage1), (2, design.stage2)))
    epochs = max(stage.longest_tokens for stage in stages) / train_tokens
    cautions = []
    if epochs > MAX_EPOCHS:
        cautions.append(
            f"The longest run passes {epochs:.1f} times over the data: beyond {MAX_EPOCHS:g} epochs repeated text "
            "teaches less and bends the laws; give more data or spend less."
        )
    if not rate.measured:
        cautions.append("The minutes come from an assumed rate: smoke measures nothing, the other presets do.")
    return Price(
        stages=stages,
        epochs=epochs,
        rate=rate,
        exponent_half_width=_Z95 * exponent_std(design),
        sizes_per_budget=tuple(sum(bool(readings(s, (c,))) for s in design.shapes) for c in design.budgets),
        cautions=tuple(cautions),
    )


def seconds_left(state: RunState, design: Design) -> float | None:
    """Return how long a run still takes at the rate that it had so far; None before it has one.

    Args:
        state: of the run.
        design: of the run; its stage 2 counts until it is planned.
    """
    if not state.trained_seconds or not state.trained_flops:
        return None
    to_come = design.stage2 if state.stage < 2 else ()
    flops = state.remaining_flops + sum(c.shape.executed_flops_per_token * c.tokens for c in to_come)
    return flops * state.trained_seconds / state.trained_flops


def _stage(stage: int, cells: Sequence[Cell], rate: Rate, train_tokens: int) -> StagePrice:
    by_shape = {shape: [c for c in cells if c.shape == shape] for shape in {c.shape for c in cells}}
    return StagePrice(
        stage=stage,
        cells=len(cells),
        sizes=tuple(sorted(n_params(shape) for shape in by_shape)),
        flops=law_flops(cells),
        tokens=sum(c.tokens for c in cells),
        longest_tokens=max(c.tokens for c in cells),
        seconds=rate.seconds(cells),
        memory_bytes=max(
            memory_estimate(shape, len(members), choose_micro_sequences(members, rate.device, None), rate.device)
            + token_bytes(members, train_tokens)
            for shape, members in by_shape.items()
        ),
    )


def exponent_std(design: Design) -> float:
    """Return the standard deviation of the exponent of N*(C) to expect.

    A line through the optima of the budgets, each known as well as those of the calibration that ships, which fell as
    the root of the seeds. It is no better than that calibration resembles this one.
    """
    std = OPTIMUM_LN_STD * math.sqrt(OPTIMUM_SEEDS / len(design.seeds))
    x = [math.log(flops) for flops in design.budgets]
    middle = sum(x) / len(x)
    return std / math.sqrt(sum((value - middle) ** 2 for value in x))
