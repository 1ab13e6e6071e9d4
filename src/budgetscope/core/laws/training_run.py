"""One training run, as the laws are fitted to it: a row of a runs table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One training run, or one point of its learning curve.

    Attributes:
        flops: training FLOPs C so far.
        n_params: parameters N, under the table's counting convention.
        tokens: training tokens D so far.
        loss: in nats per token.
        learning_rate: the peak of its schedule.
        batch_tokens: tokens per step.
        beta2: of AdamW.
        seed: tells repeats of one configuration apart.
        name: of the run.
        step: optimizer steps so far.
    """

    flops: float
    n_params: float
    tokens: float
    loss: float
    learning_rate: float | None = None
    batch_tokens: float | None = None
    beta2: float | None = None
    seed: int | None = None
    name: str | None = None
    step: int | None = None
