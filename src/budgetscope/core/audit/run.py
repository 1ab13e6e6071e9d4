"""What the configuration of somebody's run says, whatever trainer it was written for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

COMMAND = "command"
"""The file of what stands on a command line."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a value was read.

    Attributes:
        file: the name of the file, or `COMMAND`.
        key: as the file writes it, with dots between levels.
        text: the value as the file writes it, or the arithmetic by which it follows from other keys.
    """

    file: str
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A run as its configuration describes it; None is what it does not say.

    Attributes:
        name: of the run, for people: the name in the file, or the name of the file.
        trainer: name of what the configuration was written for, such as `megatron` (see `core.trainers`).
        depth: layers.
        width: of the residual stream.
        d_ff: width of the feed-forward layer, of its gate and up matrices each.
        gated: whether the feed-forward layer has a gate (three matrices) or not (two).
        n_heads: query heads.
        n_kv_heads: key-value heads.
        head_dim: width of a head.
        vocab_size: as the model is built, with padding if that is said.
        tied: whether embedding and head share their weights.
        seq_len: tokens of a sequence.
        batch_sequences: sequences of an optimizer step, over all devices.
        micro_sequences: sequences of a device at once.
        accumulation: micro-batches of a device in a step.
        n_devices: of the whole run.
        device: name of the device, as the file writes it.
        steps: optimizer steps.
        tokens: of training; steps x batch unless the file says it itself.
        unique_tokens: of the data set, before repeats.
        optimizer: name, lower case, such as `adamw`.
        learning_rate: peak.
        min_learning_rate: at the end of the schedule.
        schedule: `cosine`, `linear`, `wsd`, `constant`, `inverse-sqrt`, or the file's own word.
        warmup_tokens: tokens of warmup.
        decay_tokens: tokens of the final decay of a `wsd` schedule; of a cosine, the tokens over which it falls.
        beta1: of Adam.
        beta2: of Adam.
        eps: of Adam.
        weight_decay: coupled, as PyTorch's AdamW takes it.
        clip: largest norm of the gradient.
        precision: of the products, such as `bf16`.
        tokenizer: its name.
        dataset: its name.
        loss: final loss that the file reports.
        loss_unit: such as `nats/token` or `bits/byte`.
        counts_head: whether N and C of the run count the last layer; from our own TOML alone, or a law's description.
        tuned_per_size: whether learning rate, batch and beta2 were tuned at each size; from our own TOML alone.
        evidence: by the name of an attribute, where it was read.
        remarks: sentences about what was read with an assumption, such as a padded vocabulary.
        unread: keys that look as if they mattered and were not understood.
    """

    name: str
    trainer: str
    depth: int | None = None
    width: int | None = None
    d_ff: int | None = None
    gated: bool | None = None
    n_heads: int | None = None
    n_kv_heads: int | None = None
    head_dim: int | None = None
    vocab_size: int | None = None
    tied: bool | None = None
    seq_len: int | None = None
    batch_sequences: float | None = None
    micro_sequences: int | None = None
    accumulation: int | None = None
    n_devices: int | None = None
    device: str | None = None
    steps: int | None = None
    tokens: float | None = None
    unique_tokens: float | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    min_learning_rate: float | None = None
    schedule: str | None = None
    warmup_tokens: float | None = None
    decay_tokens: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    eps: float | None = None
    weight_decay: float | None = None
    clip: float | None = None
    precision: str | None = None
    tokenizer: str | None = None
    dataset: str | None = None
    loss: float | None = None
    loss_unit: str | None = None
    counts_head: bool | None = None
    tuned_per_size: bool | None = None
    evidence: Mapping[str, Evidence] = field(default_factory=dict, hash=False)
    remarks: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def batch_tokens(self) -> float | None:
        """Tokens of an optimizer step; None where the batch or the sequence length is not said."""
        if self.batch_sequences is None or self.seq_len is None:
            return None
        return self.batch_sequences * self.seq_len


QUANTITIES = tuple(
    f.name for f in fields(ObservedRun) if f.name not in ("name", "trainer", "evidence", "remarks", "unread")
)
"""Attributes of a run that a configuration may say."""
