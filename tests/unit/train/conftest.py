"""A small shape and a corpus that can be learned; nothing here is collected without torch."""

import random
from importlib.util import find_spec

import numpy as np
import pytest

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.core.counting.ledger import Shape

collect_ignore_glob = [] if find_spec("torch") else ["test_stack*.py"]

if find_spec("torch"):
    import torch

    # These products are so small that a second thread only waits.
    torch.set_num_threads(1)

SHAPE = Shape(depth=2, width=16, d_ff=24, n_heads=2, n_kv_heads=2, vocab_size=32, seq_len=16)


@pytest.fixture(scope="session")
def corpus() -> Tokens:
    """A chain in which nine tokens of ten follow from the one before."""
    source = random.Random(0)
    following = list(range(32))
    source.shuffle(following)
    text = [0]
    while len(text) < 12_000:
        text.append(following[text[-1]] if source.random() < 0.9 else source.randrange(32))
    tokens = np.array(text, dtype=np.uint16)
    return Tokens(tokens[:10_000], tokens[10_000:], 32)


def cell(
    learning_rate: float = 3e-3,
    batch_sequences: int = 4,
    beta2: float = 0.95,
    seed: int = 0,
    tokens: int = 64 * 16 * 4,
    warmup_tokens: int = 512,
    readings: tuple[int, ...] | None = None,
) -> Cell:
    """Return a cell of the small shape."""
    return Cell(SHAPE, learning_rate, batch_sequences, beta2, seed, tokens, warmup_tokens, readings or (tokens,))
