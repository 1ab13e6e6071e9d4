"""A cell: one small model of a calibration, with everything that defines its training."""

import hashlib
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import lru_cache

from budgetscope.core.counting.ledger import Convention, Shape


@dataclass(frozen=True, slots=True)
class Cell:
    """One small model to train.

    Attributes:
        shape: of the model.
        learning_rate: AdamW's peak, constant after the warmup.
        batch_sequences: sequences per optimizer step.
        beta2: of AdamW.
        seed: of the weights and of the data order. Cells that differ only in hyperparameters share both, so that their
            difference is not noise.
        tokens: training tokens, D; a whole number of batches.
        warmup_tokens: tokens of linear warmup.
        readings: tokens at which the validation loss is read, ascending; the last is `tokens`. The learning rate is
            constant, so one run serves every budget that it passes.
        decay: share of a reading's tokens over which the learning rate falls linearly to zero before the loss is read;
            0 keeps it constant. Each reading then is the end of a branch from the run at constant rate, the trunk.
    """

    shape: Shape
    learning_rate: float
    batch_sequences: int
    beta2: float
    seed: int
    tokens: int
    warmup_tokens: int
    readings: tuple[int, ...]
    decay: float = 0.0

    @property
    def id(self) -> str:
        """The cell's stable name: the first 12 hex digits of a hash of all its fields."""
        return _id(self)

    @property
    def batch_tokens(self) -> int:
        """Tokens per optimizer step."""
        return self.batch_sequences * self.shape.seq_len

    def branch(self, reading: int) -> int:
        """Return the tokens, whole batches, at which the decay before a reading begins; without one, the reading."""
        if not self.decay:
            return reading
        batches = reading // self.batch_tokens
        return (batches - max(1, int(self.decay * batches))) * self.batch_tokens

    @property
    def trunk_tokens(self) -> int:
        """Tokens at constant rate: the last decay begins there."""
        return self.branch(self.tokens)

    @property
    def trained_tokens(self) -> int:
        """Tokens that are trained in all, on the trunk and on its branches."""
        return self.tokens_left(0, ())

    def tokens_left(self, tokens: int, taken: Collection[int]) -> int:
        """Return the tokens that remain to be trained.

        Args:
            tokens: so far, on the trunk or on a branch.
            taken: the readings so far.
        """
        branches = sum(reading - self.branch(reading) for reading in self.readings if reading not in taken)
        return max(0, self.trunk_tokens + branches - tokens)

    @property
    def n_params(self) -> int:
        """N by the standard count: blocks and head."""
        return n_params(self.shape)

    def flops_at(self, tokens: int) -> float:
        """Return 6 N D after this many tokens."""
        return 6.0 * self.n_params * tokens


@lru_cache(maxsize=4096)
def _id(cell: Cell) -> str:
    # `decay` came later: a cell without one keeps its name.
    fields = {name: value for name, value in asdict(cell).items() if name != "decay" or value}
    return hashlib.sha256(repr(sorted(fields.items())).encode()).hexdigest()[:12]


@lru_cache(maxsize=1024)
def n_params(shape: Shape) -> int:
    """Return N by the standard count, which all calibration laws use."""
    return shape.count(Convention.STANDARD).n_params
