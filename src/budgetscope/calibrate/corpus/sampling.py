"""The tokens of a corpus as a stack takes them, and the order in which a seed reads them."""

import hashlib
import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetscope.calibrate.plan.mixture import SourceFacts
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError

_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A tokenized corpus.

    Attributes:
        train: training tokens, shape (n,), uint16 or uint32; may be a memory map.
        validation: held-out tokens, shape (m,), of the same type.
        vocab_size: every token is below it.
        sources: of a mix, in the order of their tokens in both arrays; empty for one source.
    """

    train: NDArray[Any]
    validation: NDArray[Any]
    vocab_size: int
    sources: tuple[SourceFacts, ...] = ()

    def check(self, shape: Shape) -> None:
        """Refuse tokens that are unsuitable for a shape.

        Raises:
            UsageError: the type is wrong, there are fewer than two training sequences or one held-out sequence, or the
                vocabulary is larger than the shape's.
        """
        for name, array in (("training", self.train), ("validation", self.validation)):
            if array.dtype not in (np.uint16, np.uint32):
                raise UsageError(f"the {name} tokens are {array.dtype}; give them as uint16 or uint32.")
        counts = [(f" of {s.title}", s.train_tokens, s.validation_tokens) for s in self.sources]
        for whose, n_train, n_validation in counts or [("", len(self.train), len(self.validation))]:
            for name, n, least in (
                ("training", n_train, 2 * shape.seq_len),
                ("validation", n_validation, shape.seq_len + 1),
            ):
                if n < least:
                    raise UsageError(
                        f"{n} {name} tokens{whose} are too few for sequences of {shape.seq_len}; at least {least} "
                        "are needed: give more text."
                    )
        if self.vocab_size > shape.vocab_size:
            raise UsageError(
                f"the tokens' vocabulary of {self.vocab_size} exceeds the model's {shape.vocab_size}; "
                "design the sweep for this tokenizer."
            )

    def training_starts(self, n_sequences: int, shape: Shape, seed: int) -> NDArray[np.int64]:
        """Return the start of each training sequence of a seed, as the function of this name does.

        Each sequence of a mix is drawn from one source: sequence k from the one whose share of [0, 1) holds the
        fraction of (h + k) times the golden ratio, h a hash of shape and seed. The sequences so far keep to the shares
        within a few sequences wherever they end (a Weyl sequence). Each source is read in epochs of its own.
        """
        if not self.sources:
            return training_starts(len(self.train), n_sequences, shape, seed)
        drawn = _drawn(n_sequences, [source.share for source in self.sources], _key(f"mix {shape!r} {seed}"))
        starts, first = np.empty(n_sequences, dtype=np.int64), 0
        for number, source in enumerate(self.sources):
            own = drawn == number
            if n_own := int(own.sum()):
                starts[own] = first + training_starts(source.train_tokens, n_own, shape, seed, f" {number}")
            first += source.train_tokens
        return starts

    def held_out(self, n_sequences: int, seq_len: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the start of each held-out sequence, and its weight.

        Of a mix each source gives sequences by its share, at least one, and all of them together weigh its share
        exactly; the weights add up to the number of sequences.
        """
        if not self.sources:
            starts = validation_starts(len(self.validation), n_sequences, seq_len)
            return starts, np.ones(len(starts), dtype=np.float32)
        parts, first = [], 0
        for source in self.sources:
            wanted = max(1, round(source.share * n_sequences))
            parts.append(first + validation_starts(source.validation_tokens, wanted, seq_len))
            first += source.validation_tokens
        total = sum(map(len, parts))
        weights = [np.full(len(p), s.share * total / len(p)) for p, s in zip(parts, self.sources, strict=True)]
        return np.concatenate(parts), np.concatenate(weights).astype(np.float32)


def training_starts(n_tokens: int, n_sequences: int, shape: Shape, seed: int, salt: str = "") -> NDArray[np.int64]:
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
        salt: part of what is hashed.

    Returns:
        Indices into the training tokens, shape (n_sequences,).
    """
    epochs: list[NDArray[np.int64]] = []
    missing = n_sequences
    while missing > 0:
        key = _key(f"order {shape!r} {seed} {len(epochs)}{salt}")
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


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def _drawn(count: int, shares: list[float], key: int) -> NDArray[np.int64]:
    """Return which source each of `count` sequences is drawn from."""
    fractions = np.arange(count, dtype=np.uint64) * np.uint64(_GOLDEN) + np.full(count, key, dtype=np.uint64)
    ends = np.array([min(int(math.ldexp(end, 64)), 2**64 - 1) for end in accumulate(shares)][:-1], dtype=np.uint64)
    return np.searchsorted(ends, fractions, side="right")


def _mixed(key: int, count: int) -> NDArray[np.uint64]:
    """Return `count` pseudo-random numbers: splitmix64 (Steele, Lea and Flood 2014) from the state `key`."""
    # Arrays throughout: NumPy warns about the overflow of scalars, but not of arrays.
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    z = steps + np.full(count, key, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
