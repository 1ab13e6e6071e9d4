"""The ladder of model shapes that a calibration trains, and the hyperparameters that its grids are centred on."""

import math
from functools import lru_cache

from budgetscope.calibrate.plan import porian_rule
from budgetscope.calibrate.plan.cells import Cell, n_params
from budgetscope.core.counting.ledger import Shape

# Steps of 32 from width 128 keep neighbours within a factor 1.7 in N. Below 128 smaller steps do the same, whether the
# head dominates (a large vocabulary) or not (bytes).
WIDTHS = (4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 80, 96, 112, *range(128, 513, 32))
MIN_STEP = 1.22
"""Least factor in N between neighbouring sizes: closer sizes add little information, and each costs a start."""
_ROUND_FF = 32
# Below this width, rounding to 32 would give neighbours different proportions, which shows in the loss.
_SMALL = 64
_ROUND_FF_SMALL = 8
_HEAD_DIM = 32

# At a twentieth of the smallest size of Porian's rule, a prototype found the best learning rate at 0.7 of the rule's.
_LEARNING_RATE_SHARE = 0.7
# The rule has no upper bound towards small models; AdamW diverges above this.
_MAX_LR = 0.03


@lru_cache(maxsize=64)
def ladder(vocab_size: int, seq_len: int) -> tuple[Shape, ...]:
    """Return every shape that may be trained, by increasing size.

    Untied head, gated feed-forward, about 32 of width per layer and per head: the proportions of the smallest models of
    Porian et al. 2024.

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
    """Return the even divisor of a width nearest to 32; a multiple of 8 where there is one."""
    even = [d for d in range(2, width + 1, 2) if width % d == 0]
    fast = [d for d in even if d % 8 == 0]
    return min(fast or even, key=lambda d: abs(math.log(d / _HEAD_DIM)))


def rule_learning_rate(n: float) -> float:
    """Return the learning rate that the grid of a model of N parameters is centred on."""
    rule = porian_rule.LEARNING_RATE
    scale = math.pow(n / rule.n_params_unit, rule.n_params_exponent)
    return min(_LEARNING_RATE_SHARE * rule.coefficient * scale, _MAX_LR)


def rule_batch(n: float, seq_len: int) -> int:
    """Return the batch, in sequences and a power of two, that the grid of a model of N parameters is centred on."""
    rule = porian_rule.BATCH
    sequences = rule.scale * rule.coefficient * math.pow(n / rule.n_params_unit, rule.n_params_exponent) / seq_len
    doublings = max(0, round(math.log2(sequences)))
    return 1 << doublings


def whole_batch(sequences: float) -> int:
    """Return the nearest of 2^k and 3·2^k sequences; these divide into equal micro-batches."""
    doubling = math.floor(math.log2(max(sequences, 1.0)))
    near = {1 << doubling, 2 << doubling} | ({3 << (doubling - 1)} if doubling else set())
    return min(near, key=lambda batch: abs(math.log(batch / max(sequences, 1.0))))


def build_cell(
    shape: Shape, learning_rate: float, batch_sequences: int, beta2: float, seed: int, readings: tuple[float, ...]
) -> Cell:
    """Return a cell with its readings rounded to whole batches.

    Args:
        shape: the model.
        learning_rate: peak; kept to four digits.
        batch_sequences: sequences per optimizer step.
        beta2: of AdamW.
        seed: of the weights and the data order.
        readings: tokens at which the loss is read, ascending; rounded to whole batches.
    """
    batch = batch_sequences * shape.seq_len
    tokens = tuple(dict.fromkeys(max(1, round(reading / batch)) * batch for reading in readings))
    return Cell(
        shape=shape,
        # Ids hash this number, and the last digits of pow differ between machines.
        learning_rate=float(f"{learning_rate:.4g}"),
        batch_sequences=batch_sequences,
        beta2=beta2,
        seed=seed,
        tokens=tokens[-1],
        warmup_tokens=round(porian_rule.WARMUP_PARAMS * n_params(shape)),
        readings=tokens,
    )
