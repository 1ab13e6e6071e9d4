"""Memory estimates, and the micro-step that fits."""

import pytest
from tests.unit.train.conftest import cell

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.memory import choose_micro_sequences, memory_estimate
from budgetscope.core.counting.ledger import Shape

WIDE = Shape(depth=8, width=256, d_ff=672, n_heads=8, n_kv_heads=8, vocab_size=4096, seq_len=512)
MEASURED_BYTES = 18.3e9
"""Peak of 32 compiled members with 8 sequences each, torch 2.11 on an H200."""


def test_the_estimate_is_near_what_was_measured() -> None:
    assert memory_estimate(WIDE, 32, 8, compiled=True) == pytest.approx(MEASURED_BYTES, rel=0.1)


def test_what_is_not_compiled_takes_more() -> None:
    assert memory_estimate(WIDE, 32, 8) > memory_estimate(WIDE, 32, 8, compiled=True)


@pytest.mark.parametrize(
    ("batches", "micro_tokens", "expected"),
    [
        ((8, 4, 16), None, 4),
        ((6, 9), None, 3),
        ((5, 7), None, 1),
        ((8, 8), 16 * 2 * 4, 4),
        ((6, 6), 16 * 2 * 4, 3),
        ((8,), 1, 1),
    ],
)
def test_a_micro_step_divides_every_batch_within_the_limit(
    batches: tuple[int, ...], micro_tokens: int | None, expected: int
) -> None:
    cells = [cell(batch_sequences=batch) for batch in batches]
    assert choose_micro_sequences(cells, "cpu", micro_tokens) == expected


def test_a_micro_step_shrinks_to_fit_in_memory() -> None:
    cells = [Cell(WIDE, 1e-3, 8, 0.95, seed, 4096, 0, (4096,)) for seed in range(32)]
    needed = memory_estimate(WIDE, 32, 4, compiled=True)
    assert choose_micro_sequences(cells, "cuda:0", None, free_bytes=needed, compiled=True) == 4
    assert choose_micro_sequences(cells, "cuda:0", None, free_bytes=2 * needed, compiled=True) == 8
    # Too little for anything: the smallest is tried, and the stack splits.
    assert choose_micro_sequences(cells, "cuda:0", None, free_bytes=1, compiled=True) == 1
