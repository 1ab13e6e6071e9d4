"""What a trainer reports while it runs: small frozen events that need no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Started:
    """A stack begins or resumes.

    Attributes:
        cell_ids: its members, in the order that every other event of this stack uses.
        tokens: training tokens a member that were already done; 0 unless it resumes.
        mode: how it runs: eager, graph, compile or compile+graph.
        micro_sequences: sequences a member that one micro-step feeds.
        startup_seconds: initialisation, compilation and capture.
    """

    cell_ids: tuple[str, ...]
    tokens: int
    mode: str
    micro_sequences: int
    startup_seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """Training went on since the last `Step`.

    Attributes:
        cell_ids: the members.
        tokens: training tokens a member so far.
        train_loss: mean training loss in nats a token since the last `Step`; None for a member that has
            finished or diverged.
        tokens_per_s: training tokens a second, of all members that still learn.
        model_flops_per_s: `tokens_per_s` times the shape's executed FLOPs a token, attention counted.
    """

    cell_ids: tuple[str, ...]
    tokens: int
    train_loss: tuple[float | None, ...]
    tokens_per_s: float
    model_flops_per_s: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The validation loss of one cell at one of its readings.

    A resumed stack repeats its readings, those before its checkpoint and those after, with the same values:
    `(cell_id, tokens)` is the key.

    Attributes:
        cell_id: the cell.
        tokens: training tokens, D_r; one of the cell's `readings`.
        loss: mean over the evaluations in the last tenth of D_r, nats a token on held-out text.
        loss_sd: standard deviation over these evaluations; 0 when there was one.
        n_evaluations: how many there were.
    """

    cell_id: str
    tokens: int
    loss: float
    loss_sd: float
    n_evaluations: int


@dataclass(frozen=True, slots=True)
class Diverged:
    """A member was masked out; its weights are frozen and it gives no more readings.

    Attributes:
        cell_id: the cell.
        tokens: training tokens when it was masked.
        reason: one clause for the user.
    """

    cell_id: str
    tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A member reached its last reading."""

    cell_id: str


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """The stack's state is on disk.

    Attributes:
        cell_ids: the members that it holds.
        tokens: training tokens a member so far.
        path: the checkpoint's folder.
    """

    cell_ids: tuple[str, ...]
    tokens: int
    path: str


@dataclass(frozen=True, slots=True)
class Split:
    """The stack did not fit in memory and goes on as smaller ones.

    Attributes:
        sizes: members of each new stack, in order; they add up to the old one.
    """

    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CheckpointLost:
    """A saved state is damaged, so that its stack starts anew; what has finished stays.

    Attributes:
        reason: a sentence.
    """

    reason: str


TrainEvent = Started | Step | Reading | Diverged | Finished | Checkpointed | Split | CheckpointLost
