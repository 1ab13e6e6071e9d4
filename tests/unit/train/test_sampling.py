"""The order of training windows, and the refusal of unsuitable tokens."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.train.conftest import SHAPE

from budgetscope.calibrate.corpus.sampling import Tokens, training_starts, validation_starts
from budgetscope.core.errors import UsageError


@given(st.integers(32, 2000), st.integers(1, 300), st.integers(0, 5))
def test_an_epoch_reads_each_window_once(n_tokens: int, n_sequences: int, seed: int) -> None:
    starts = training_starts(n_tokens, n_sequences, SHAPE, seed)
    assert len(starts) == n_sequences
    assert starts.min() >= 0
    assert starts.max() + 17 <= n_tokens
    first_epoch = starts[: (n_tokens - 1 - int(starts[0] % 16)) // 16]
    assert len(set(first_epoch.tolist())) == len(first_epoch)
    assert len({int(start) % 16 for start in first_epoch}) == 1


def test_the_order_is_a_prefix_of_any_longer_one() -> None:
    assert (training_starts(1000, 50, SHAPE, 1) == training_starts(1000, 200, SHAPE, 1)[:50]).all()


def test_the_order_depends_on_seed_epoch_and_shape() -> None:
    order = training_starts(1000, 200, SHAPE, 1)
    assert (order != training_starts(1000, 200, SHAPE, 2)).any()
    assert (order != training_starts(1000, 200, replace(SHAPE, depth=3), 1)).any()
    assert (order[:61] != order[62:123]).any()


def test_the_order_is_always_the_same() -> None:
    # A change here makes every resumed run read other text: raise the checkpoint's format with it.
    assert training_starts(400, 8, SHAPE, 0).tolist() == [374, 214, 134, 262, 198, 166, 102, 118]


def test_held_out_windows_are_spread_and_do_not_overlap() -> None:
    starts = validation_starts(1000, 10, 16)
    assert len(starts) == 10
    assert np.diff(starts).min() >= 16
    assert starts[-1] > 800
    assert len(validation_starts(50, 10, 16)) == 3


@pytest.mark.parametrize(
    ("train", "validation", "vocab_size", "message"),
    [
        (np.zeros(1000, np.int64), np.zeros(100, np.uint16), 32, "training tokens are int64; give them as uint16"),
        (np.zeros(31, np.uint16), np.zeros(100, np.uint16), 32, "31 training tokens are too few"),
        (np.zeros(1000, np.uint32), np.zeros(16, np.uint32), 32, "16 validation tokens are too few"),
        (np.zeros(1000, np.uint16), np.zeros(100, np.uint16), 33, "vocabulary of 33 exceeds the model's 32"),
    ],
)
def test_tokens_that_cannot_be_used_are_refused(
    train: np.ndarray, validation: np.ndarray, vocab_size: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Tokens(train, validation, vocab_size).check(SHAPE)
