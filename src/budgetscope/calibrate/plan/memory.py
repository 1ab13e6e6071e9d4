"""Memory estimate of a stack, and the number of sequences per micro-step that fits."""

import math
from collections.abc import Sequence

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.core.counting.ledger import Shape

# Tokens of all members per micro-step: they fill a large GPU, and stay in a CPU's cache.
_MICRO_TOKENS = {"cuda": 2**18, "mps": 2**15, "cpu": 2**13}

# Largest logits tensor, in elements; above it the head runs over groups of members.
LOGITS_AT_ONCE = 2**29


def memory_estimate(
    shape: Shape, members: int, micro_sequences: int, device: str = "cuda", *, compiled: bool = False
) -> int:
    """Return an estimate of the bytes that a stack needs on its device, without its tokens.

    A weight takes 16 bytes of fp32 (itself, its gradient and two moments) and 4 more: on CUDA a bf16 copy and a bf16
    fresh gradient, elsewhere an fp32 fresh gradient. Each block keeps per token what its backward pass reads, counted
    from `train/model.block`; compiled, it recomputes about a third of that. Logits and their gradient exist at the same
    time, with four fp32 intermediates unless compiled. On an H200, 32 members of width 256, depth 8 and vocabulary 4096
    took 18.3 GB compiled; the estimate is 18.7 GB.

    Args:
        shape: of the model.
        members: number of members.
        micro_sequences: sequences per member and micro-step.
        device: its name; only `cuda...` differs.
        compiled: whether the micro-step is compiled.
    """
    element = 2 if device.startswith("cuda") else 4
    n_weights = members * (shape.n_params_blocks + shape.n_params_head + shape.n_params_embedding)
    n_tokens = members * micro_sequences * shape.seq_len
    # In fp32: two residual streams, and queries and keys before and after their norms. In the products' type: the
    # outputs of two norms, queries, keys and values, two rotations and the mixed values.
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
    """Return the bytes that the training tokens of a stack take on its device, with the start of each sequence.

    The device holds what the longest member reads, once per seed, or the whole corpus if that is smaller.

    Args:
        cells: members of the stack.
        n_train: training tokens in the corpus.
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
    """Return the number of sequences per member and micro-step.

    Args:
        cells: members of the stack.
        device: a name as `available_device` gives it.
        micro_tokens: largest number of tokens of all members; None for the device's default.
        free_bytes: free device memory; None if unknown.
        compiled: whether the micro-step is compiled.

    Returns:
        The largest common divisor of the batches within both limits; 1 if there is none.
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
