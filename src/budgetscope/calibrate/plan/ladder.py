"""The model shapes that a calibration chooses from, and the hyperparameters to start from."""

import math

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.core.counting.ledger import Convention, Shape

# Steps of 32 from 128 on keep neighbours within a factor 1.7 of each other; below, smaller steps do the same
# whether the head dominates (a large vocabulary) or not (bytes).
WIDTHS = (4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 80, 96, 112, *range(128, 513, 32))
MIN_STEP = 1.22
"""Between neighbouring sizes: closer ones tell little more and cost a start each."""
_ROUND_FF = 32
# Below this width a step of 32 would make neighbours differ in their proportions, which shows in the loss.
_SMALL = 64
_ROUND_FF_SMALL = 8
_HEAD_DIM = 32

WARMUP_PARAMS = 1.0
"""Tokens of warmup a parameter (Porian et al. 2024, section 3.3)."""
WEIGHT_DECAY = 1e-4
"""Independent weight decay of every run (Porian et al. 2024, appendix A)."""

# The rounded rule of Porian et al. 2024, `get_hparams` of their released code: lr 0.0047 and 160 sequences of
# 2048 tokens at 108e6 parameters.
_RULE_N = 108e6
_RULE_LR = 0.0047
_RULE_BATCH_TOKENS = 160 * 2048
# A prototype at a twentieth of the rule's smallest size found the best learning rate at 0.7 of it.
_RULE_LR_SHARE = 0.7
# The rule grows without bound towards small models; AdamW does not take more than this.
_MAX_LR = 0.03


def ladder(vocab_size: int, seq_len: int) -> tuple[Shape, ...]:
    """Return every shape that may be trained, by growing size.

    Untied, gated, about 32 of width a layer and 32 of width a head, as the smallest models of Porian et al.

    Args:
        vocab_size: of the tokenizer.
        seq_len: training context in tokens.
    """
    shapes: list[Shape] = []
    for shape in (_shape(width, vocab_size, seq_len) for width in WIDTHS):
        if not shapes or n_params(shape) >= MIN_STEP * n_params(shapes[-1]):
            shapes.append(shape)
    return tuple(shapes)


def _shape(width: int, vocab_size: int, seq_len: int) -> Shape:
    n_heads = width // _head_dim(width)
    rounding = _ROUND_FF if width >= _SMALL else _ROUND_FF_SMALL
    return Shape(
        depth=max(1, width // _HEAD_DIM),
        width=width,
        d_ff=rounding * max(1, round(8 * width / 3 / rounding)),
        n_heads=n_heads,
        n_kv_heads=n_heads,
        vocab_size=vocab_size,
        seq_len=seq_len,
    )


def _head_dim(width: int) -> int:
    """Return the even divisor of a width nearest to a head's usual width; a multiple of 8 where there is one."""
    even = [d for d in range(2, width + 1, 2) if width % d == 0]
    fast = [d for d in even if d % 8 == 0]
    return min(fast or even, key=lambda d: abs(math.log(d / _HEAD_DIM)))


def n_params(shape: Shape) -> int:
    """Return N by the standard count, in which every calibration fits its laws."""
    return shape.count(Convention.STANDARD).n_params


def rule_learning_rate(n: float) -> float:
    """Return the learning rate that grids are centred on, for N parameters."""
    return min(_RULE_LR_SHARE * _RULE_LR * math.pow(n / _RULE_N, -1 / 3), _MAX_LR)


def rule_batch(n: float, seq_len: int) -> int:
    """Return the batch in sequences that grids are centred on, a power of two."""
    sequences = _RULE_BATCH_TOKENS * math.pow(n / _RULE_N, 2 / 3) / seq_len
    doublings = max(0, round(math.log2(sequences)))
    return 1 << doublings


def whole_batch(sequences: float) -> int:
    """Return the nearest batch among 2^k and 3·2^k sequences, which divide into equal micro-batches."""
    doubling = math.floor(math.log2(max(sequences, 1.0)))
    near = {1 << doubling, 2 << doubling} | ({3 << (doubling - 1)} if doubling else set())
    return min(near, key=lambda batch: abs(math.log(batch / max(sequences, 1.0))))


def build_cell(
    shape: Shape, learning_rate: float, batch_sequences: int, beta2: float, seed: int, readings: tuple[float, ...]
) -> Cell:
    """Return a cell whose readings are whole batches.

    Args:
        shape: the model.
        learning_rate: of AdamW.
        batch_sequences: a step.
        beta2: of AdamW.
        seed: of weights and data order.
        readings: tokens at which the loss is wanted, ascending; rounded to whole batches.
    """
    batch = batch_sequences * shape.seq_len
    tokens = tuple(dict.fromkeys(max(1, round(reading / batch)) * batch for reading in readings))
    return Cell(
        shape=shape,
        # Ids hash the number: digits that differ from one machine's pow to another's must not enter.
        learning_rate=float(f"{learning_rate:.4g}"),
        batch_sequences=batch_sequences,
        beta2=beta2,
        seed=seed,
        tokens=tokens[-1],
        warmup_tokens=round(WARMUP_PARAMS * n_params(shape)),
        readings=tokens,
    )
