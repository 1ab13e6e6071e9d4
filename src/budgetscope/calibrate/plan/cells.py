"""A cell: one small model of a calibration, with everything that defines its training."""

import hashlib
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
    """

    shape: Shape
    learning_rate: float
    batch_sequences: int
    beta2: float
    seed: int
    tokens: int
    warmup_tokens: int
    readings: tuple[int, ...]

    @property
    def id(self) -> str:
        """The cell's stable name: the first 12 hex digits of a hash of all its fields."""
        return _id(self)

    @property
    def batch_tokens(self) -> int:
        """Tokens per optimizer step."""
        return self.batch_sequences * self.shape.seq_len

    @property
    def n_params(self) -> int:
        """N by the standard count: blocks and head."""
        return n_params(self.shape)

    def flops_at(self, tokens: int) -> float:
        """Return 6 N D after this many tokens."""
        return 6.0 * self.n_params * tokens


@lru_cache(maxsize=4096)
def _id(cell: Cell) -> str:
    return hashlib.sha256(repr(sorted(asdict(cell).items())).encode()).hexdigest()[:12]


@lru_cache(maxsize=1024)
def n_params(shape: Shape) -> int:
    """Return N by the standard count, which all calibration laws use."""
    return shape.count(Convention.STANDARD).n_params
