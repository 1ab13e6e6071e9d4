"""How to train, as far as it does not define a cell."""

from dataclasses import dataclass
from enum import StrEnum


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
