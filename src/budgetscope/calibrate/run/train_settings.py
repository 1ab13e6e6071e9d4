"""How to train, as far as it does not define a cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from budgetscope.calibrate.plan.cells import Cell

# Executed FLOPs of a stack, per unit of width, above which compilation repays itself. On an H200 graphs of
# uncompiled operations ran at 0.1 to 0.18 TFLOP/s a unit of width (7.3 with 74 members of width 40, 14.6 with 3 of
# width 80), compiled ones at 0.6 to 1.2 (60 with 3 of width 96, 75 with 74 of width 64); compilation took about 10 s.
_COMPILE_ABOVE_FLOPS_A_WIDTH = 2.5e12


def repays_compilation(cells: Sequence[Cell]) -> bool:
    """Return whether cells of one shape train long enough on CUDA to be compiled first."""
    shape = cells[0].shape
    flops = sum(cell.tokens for cell in cells) * shape.executed_flops_per_token
    return flops > _COMPILE_ABOVE_FLOPS_A_WIDTH * shape.width


class Mode(StrEnum):
    """How a stack's micro-step is run.

    ============== ===================================================================================
    auto           eager without CUDA; with it, compile+graph for a run long enough to repay the
                   compilation, else graph
    eager          every operation launched from Python
    graph          eager operations, captured once as a CUDA graph
    compile        block, loss and optimizer compiled, launched from Python
    compile+graph  compiled, then captured as a CUDA graph
    ============== ===================================================================================
    """

    AUTO = "auto"
    EAGER = "eager"
    GRAPH = "graph"
    COMPILE = "compile"
    COMPILE_GRAPH = "compile+graph"

    @property
    def compiles(self) -> bool:
        """Whether torch.compile is used."""
        return self in (Mode.COMPILE, Mode.COMPILE_GRAPH)

    @property
    def captures(self) -> bool:
        """Whether a CUDA graph is captured."""
        return self in (Mode.GRAPH, Mode.COMPILE_GRAPH)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How to train a stack.

    Attributes:
        mode: how the micro-step runs.
        evaluations: evaluations that a reading averages, at most; fewer where they would cost more than a
            tenth of the training.
        eval_sequences: held-out sequences of an evaluation; the same ones every time.
        micro_tokens: tokens of all members that one micro-step may feed, which bounds the activations'
            memory; None for the device's default. It changes no result.
        report_seconds: seconds between two `Step` events, and the latency of a stop.
    """

    mode: Mode = Mode.AUTO
    evaluations: int = 8
    eval_sequences: int = 128
    micro_tokens: int | None = None
    report_seconds: float = 0.5
