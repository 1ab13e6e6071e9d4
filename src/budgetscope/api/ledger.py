"""The ledger of one model: its parameters and FLOPs a token under every counting convention."""

from budgetscope.core.budget.quantities import parse_count, shown
from budgetscope.core.counting.ledger import Ledger, Shape, default_d_ff, ledger, parse_convention
from budgetscope.core.counting.shapes import PORIAN_SEQ_LEN, PORIAN_VOCAB_SIZE, shape_family
from budgetscope.core.errors import UsageError


def count(
    *,
    depth: int | None = None,
    width: int | None = None,
    size: float | str | None = None,
    vocab: int = PORIAN_VOCAB_SIZE,
    seq_len: int = PORIAN_SEQ_LEN,
    d_ff: int | None = None,
    heads: int | None = None,
    kv_heads: int | None = None,
    tied: bool = False,
    gated: bool = True,
    family: str = "dense",
    counting: str = "standard",
) -> Ledger:
    """Count the parameters and FLOPs a token of one model.

    Args:
        depth: blocks.
        width: residual width.
        size: number of parameters of a shape of the family, instead of depth and width; such as 108e6 or `108M`.
        vocab: vocabulary size.
        seq_len: training context in tokens.
        d_ff: feed-forward width; 256·ceil(floor(8w/3)/256) when None.
        heads: query heads; 4 when None.
        kv_heads: key-value heads; as many as `heads` when None.
        tied: whether the head shares the embedding's weights.
        gated: whether a block has three feed-forward matrices, not two.
        family: of the shapes for `size`: `dense` or `porian`.
        counting: of `size`.

    Raises:
        UsageError: an argument is missing, contradictory or out of bounds.
    """
    if (size is None) == (depth is None and width is None):
        raise UsageError("give either --size, like --size 108M, or both --depth and --width.")
    if size is not None:
        stated = {"--d-ff": d_ff, "--heads": heads, "--kv-heads": kv_heads, "--no-gated": None if gated else True}
        idle = [flag for flag, value in stated.items() if value is not None]
        if idle:
            raise UsageError(f"{idle[0]} has no effect on a shape taken by --size; give --depth and --width with it.")
        shapes = shape_family(family, vocab_size=vocab, seq_len=seq_len, tied=tied)
        n_params = parse_count(size) if isinstance(size, str) else size
        found = shapes.to_build(n_params, parse_convention(counting))
        if found is None:
            stated_size = size if isinstance(size, str) else shown(size)
            raise UsageError(f"--size {stated_size} is outside the shape family {family}; give --depth and --width.")
        return ledger(found)
    if depth is None or width is None:
        raise UsageError("a shape needs both --depth and --width.")
    n_heads = 4 if heads is None else heads
    return ledger(
        Shape(
            depth=depth,
            width=width,
            d_ff=default_d_ff(width) if d_ff is None else d_ff,
            n_heads=n_heads,
            n_kv_heads=n_heads if kv_heads is None else kv_heads,
            vocab_size=vocab,
            seq_len=seq_len,
            tied=tied,
            gated=gated,
        )
    )
