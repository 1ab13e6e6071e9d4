"""The tokens of a corpus as a stack takes them, and the order in which a seed reads them."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A tokenized corpus.

    Attributes:
        train: training tokens, shape (n,), uint16 or uint32; may be a memory map.
        validation: held-out tokens, shape (m,), of the same type.
        vocab_size: every token is below it.
    """

    train: NDArray[Any]
    validation: NDArray[Any]
    vocab_size: int

    def check(self, shape: Shape) -> None:
        """Refuse tokens that are unsuitable for a shape.

        Raises:
            UsageError: the type is wrong, there are fewer than two training sequences or one held-out sequence, or the
                vocabulary is larger than the shape's.
        """
        for name, array, least in (
            ("training", self.train, 2 * shape.seq_len),
            ("validation", self.validation, shape.seq_len + 1),
        ):
            if array.dtype not in (np.uint16, np.uint32):
                raise UsageError(f"the {name} tokens are {array.dtype}; give them as uint16 or uint32.")
            if len(array) < least:
                raise UsageError(
                    f"{len(array)} {name} tokens are too few for sequences of {shape.seq_len}; at least {least} "
                    "are needed: give more text."
                )
        if self.vocab_size > shape.vocab_size:
            raise UsageError(
                f"the tokens' vocabulary of {self.vocab_size} exceeds the model's {shape.vocab_size}; "
                "design the sweep for this tokenizer."
            )


def training_starts(n_tokens: int, n_sequences: int, shape: Shape, seed: int) -> NDArray[np.int64]:
    """Return the start of each training sequence of a seed, in the order in which they are read.

    An epoch is a random offset and a permutation of the windows of `seq_len` tokens after it. Windows do not overlap;
    one more token is read as the last target. Both come from a hash of the shape, the seed and the epoch, so the order
    depends
    on nothing else: not on the batch, the stack or the version of NumPy.

    Args:
        n_tokens: training tokens, at least 2·seq_len.
        n_sequences: number of sequences; epochs follow each other until there are enough.
        shape: of the model.
        seed: of the cell.

    Returns:
        Indices into the training tokens, shape (n_sequences,).
    """
    epochs: list[NDArray[np.int64]] = []
    missing = n_sequences
    while missing > 0:
        name = f"order {shape!r} {seed} {len(epochs)}"
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
        offset = key % min(shape.seq_len, n_tokens - shape.seq_len)
        n_windows = (n_tokens - 1 - offset) // shape.seq_len
        order = np.argsort(_mixed(key, n_windows), kind="stable")[:missing]
        epochs.append(offset + shape.seq_len * order.astype(np.int64))
        missing -= len(order)
    return np.concatenate(epochs)


def validation_starts(n_tokens: int, n_sequences: int, seq_len: int) -> NDArray[np.int64]:
    """Return the start of each held-out sequence: evenly spread windows that do not overlap.

    Returns:
        Indices into the validation tokens; fewer than `n_sequences` if the tokens hold fewer windows.
    """
    n_windows = (n_tokens - 1) // seq_len
    chosen = np.arange(min(n_sequences, n_windows), dtype=np.int64) * n_windows // min(n_sequences, n_windows)
    return chosen * seq_len


def _mixed(key: int, count: int) -> NDArray[np.uint64]:
    """Return `count` pseudo-random numbers: splitmix64 (Steele, Lea and Flood 2014) from the state `key`."""
    # Arrays throughout: NumPy warns about the overflow of scalars, but not of arrays.
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = steps + np.full(count, key, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
