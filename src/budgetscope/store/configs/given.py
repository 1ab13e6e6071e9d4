"""What a user adds to a configuration that does not say it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Given:
    """Values for what a configuration does not say; what it says itself is kept.

    Lengths in steps become tokens only where batch and sequence length are known, so that these are given before it is
    read.

    Attributes:
        seq_len: tokens of a sequence.
        vocab_size: of the tokenizer.
        n_devices: of the whole run; micro-batches times accumulation times devices is the batch.
        tokens: of training, of which a warmup may be a share.
    """

    seq_len: int | None = None
    vocab_size: int | None = None
    n_devices: int | None = None
    tokens: float | None = None


NOTHING = Given()
