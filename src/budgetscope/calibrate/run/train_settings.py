"""Settings of the training that do not define a cell: mode, evaluations, micro-step."""

from dataclasses import dataclass
from enum import StrEnum

from budgetscope.calibrate.plan.pace import EVALUATED_SEQUENCES, EVALUATIONS


class Mode(StrEnum):
    """How a stack runs its micro-steps.

    ============== ===================================================================================
    auto           eager without CUDA; with CUDA, compile+graph if the run is long enough to repay the
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
    """Settings of a stack's training.

    Attributes:
        mode: how micro-steps run.
        evaluations: most evaluations in a reading; fewer where they would cost more than a tenth of the training.
        eval_sequences: held-out sequences of an evaluation, always the same.
        micro_tokens: most tokens of all members in a micro-step, which bounds the memory of the activations; None for
            the device's default. It changes no result.
        report_seconds: time between two `Step` events; also the latency of a stop.
    """

    mode: Mode = Mode.AUTO
    evaluations: int = EVALUATIONS
    eval_sequences: int = EVALUATED_SEQUENCES
    micro_tokens: int | None = None
    report_seconds: float = 0.5
