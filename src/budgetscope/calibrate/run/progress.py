"""Events of a trainer: frozen dataclasses that need no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Started:
    """A stack started or resumed.

    Attributes:
        cell_ids: its members, in the order that all events of this stack use.
        tokens: training tokens per member that are already done; 0 unless it resumes.
        mode: eager, graph, compile or compile+graph.
        micro_sequences: sequences per member and micro-step.
        startup_seconds: time for initialisation, compilation and capture.
        graphs_found: compiled graphs that torch found in its cache.
        graphs_compiled: graphs that had to be compiled.
    """

    cell_ids: tuple[str, ...]
    tokens: int
    mode: str
    micro_sequences: int
    startup_seconds: float
    graphs_found: int = 0
    graphs_compiled: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Training since the last `Step`.

    Attributes:
        cell_ids: the members.
        tokens: training tokens per member so far.
        train_loss: mean training loss since the last `Step`, nats per token; None for a member that has finished or
            diverged.
        tokens_per_s: training tokens per second, over all members that still train.
        model_flops_per_s: `tokens_per_s` times the shape's executed FLOPs per token, attention counted.
    """

    cell_ids: tuple[str, ...]
    tokens: int
    train_loss: tuple[float | None, ...]
    tokens_per_s: float
    model_flops_per_s: float


@dataclass(frozen=True, slots=True)
class LossReading:
    """The validation loss of one cell at one of its readings.

    A resumed stack repeats its readings from before and after its checkpoint, with the same values; `(cell_id, tokens)`
    is the key.

    Attributes:
        cell_id: of the cell.
        tokens: training tokens, D_r; one of the cell's `readings`.
        loss: mean over the evaluations in the last tenth of D_r, nats per token of held-out text.
        loss_sd: standard deviation over these evaluations; 0 if there is only one.
        n_evaluations: number of these evaluations.
    """

    cell_id: str
    tokens: int
    loss: float
    loss_sd: float
    n_evaluations: int


@dataclass(frozen=True, slots=True)
class Diverged:
    """A member diverged and was masked: its weights are frozen and it gives no more readings.

    Attributes:
        cell_id: of the cell.
        tokens: training tokens when it was masked.
        reason: one clause.
    """

    cell_id: str
    tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A member has reached its last reading."""

    cell_id: str


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """The stack's state is on disk.

    Attributes:
        cell_ids: members in the state.
        tokens: training tokens per member so far.
        path: folder of the checkpoint.
    """

    cell_ids: tuple[str, ...]
    tokens: int
    path: str


@dataclass(frozen=True, slots=True)
class Split:
    """A stack did not fit in memory and continues as smaller stacks.

    Attributes:
        sizes: number of members of each new stack, in order; their sum is that of the old stack.
    """

    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CheckpointLost:
    """A checkpoint is damaged, so its stack starts again; finished cells stay finished.

    Attributes:
        reason: one sentence.
    """

    reason: str


TrainEvent = Started | Step | LossReading | Diverged | Finished | Checkpointed | Split | CheckpointLost
