"""One training run: a row of a runs table, to which laws are fitted."""

from dataclasses import dataclass

NEAR_TOKENS = 0.02
"""Runs of one size whose D differs by less have one length: a loss moves by under 0.2% with it."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One training run, or one point of its learning curve.

    Attributes:
        flops: training FLOPs C up to this point.
        n_params: parameters N, by the table's counting convention.
        tokens: training tokens D up to this point.
        loss: in nats per token.
        learning_rate: peak of the schedule.
        batch_tokens: tokens per step.
        beta2: of AdamW.
        seed: differs between repeats of one configuration.
        step: optimizer steps up to this point.
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
