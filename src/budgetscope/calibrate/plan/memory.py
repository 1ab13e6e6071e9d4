"""How much memory a stack takes, and how many sequences a micro-step may therefore feed."""

import math
from collections.abc import Sequence

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.core.counting.ledger import Shape

# Tokens of all members a micro-step: enough to fill a large GPU, little enough for a CPU's cache.
_MICRO_TOKENS = {"cuda": 2**18, "mps": 2**15, "cpu": 2**13}

# Elements of a logits tensor above which the head runs over some members at a time.
LOGITS_AT_ONCE = 2**29


def memory_estimate(
    shape: Shape, members: int, micro_sequences: int, device: str = "cuda", *, compiled: bool = False
) -> int:
    """Return about how many bytes a stack needs on its device, tokens aside.

    A weight takes 16 bytes of fp32 (itself, its gradient and two moments) and, on CUDA, 4 of bf16 (copy and
    fresh gradient) or elsewhere 4 of fp32 (fresh gradient). A token of one block keeps what its backward
    pass reads, counted from `model.block`; compiled, it recomputes about a third of that. Logits and their
    gradient are held at once, with four fp32 intermediates unless compiled. On an H200, 32 members of width
    256, depth 8 and vocabulary 4096 took 18.3 GB compiled, for which this says 18.7.

    Args:
        shape: the model.
        members: of the stack.
        micro_sequences: sequences a member that one micro-step feeds.
        device: `cuda` or another.
        compiled: whether the micro-step is.
    """
    element = 2 if device.startswith("cuda") else 4
    n_weights = members * (shape.n_params_blocks + shape.n_params_head + shape.n_params_embedding)
    n_tokens = members * micro_sequences * shape.seq_len
    # In fp32 two residual streams, queries and keys before and after their norms; in the products' type two
    # norms' outputs, queries, keys and values, two rotations and the mix.
    a_block = shape.width * (6 * 4 + 8 * element) + 4 * shape.d_ff * element
    if compiled:
        a_block = 2 * a_block // 3
    logits = min(n_tokens * shape.vocab_size, max(LOGITS_AT_ONCE, n_tokens * shape.vocab_size // members))
    return (
        20 * n_weights
        + n_tokens * (shape.depth * a_block + 8 * shape.width)
        + logits * (2 * element + (0 if compiled else 16))
    )


def token_bytes(cells: Sequence[Cell], n_train: int) -> int:
    """Return the bytes that the training tokens of a stack take on its device.

    What its longest member reads, once a seed, or all of them where that is less; and where each sequence begins.

    Args:
        cells: the members.
        n_train: training tokens there are.
    """
    shape = cells[0].shape
    sequences = len({cell.seed for cell in cells}) * (max(cell.tokens for cell in cells) // shape.seq_len)
    itemsize = 2 if shape.vocab_size <= 2**16 else 4
    return itemsize * min(n_train, sequences * (shape.seq_len + 1)) + 8 * sequences


def choose_micro_sequences(
    cells: Sequence[Cell],
    device: str,
    micro_tokens: int | None,
    *,
    free_bytes: int | None = None,
    compiled: bool = False,
) -> int:
    """Return how many sequences a member a micro-step feeds.

    Args:
        cells: the members.
        device: as `available_device` names it.
        micro_tokens: of all members, at most; None for the device's default.
        free_bytes: of the device's memory; None when not known.
        compiled: whether the micro-step is.

    Returns:
        The largest divisor of every batch that keeps within both limits, as far as any does; at least 1.
    """
    shape, members = cells[0].shape, len(cells)
    limit = micro_tokens or _MICRO_TOKENS[device.partition(":")[0]]
    common = math.gcd(*(cell.batch_sequences for cell in cells))

    def fits(n: int) -> bool:
        few = n * members * shape.seq_len <= limit
        return few and (
            free_bytes is None or memory_estimate(shape, members, n, device, compiled=compiled) <= free_bytes
        )

    return max((n for n in range(1, common + 1) if common % n == 0 and fits(n)), default=1)
