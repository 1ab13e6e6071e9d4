"""What follows from the configuration of a run by arithmetic: N, C, D/N and the shares that the findings judge."""

from dataclasses import dataclass

from budgetscope.core.audit.run import ObservedRun
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Counts:
    """A run with what follows from it; None is what cannot be told.

    Attributes:
        run: what the configuration says.
        n_params_blocks: weights of all blocks.
        n_params_head: weights of the last layer.
        shape: for memory; None where sizes are missing, or the heads are not as wide as the model together.
    """

    run: ObservedRun
    n_params_blocks: int | None
    n_params_head: int | None
    shape: Shape | None

    @property
    def n_params(self) -> int | None:
        """N by the standard count: blocks and last layer, without the input embedding."""
        if self.n_params_blocks is None or self.n_params_head is None:
            return None
        return self.n_params_blocks + self.n_params_head

    @property
    def head_share(self) -> float | None:
        """The last layer's share of N, and so of 6 N FLOPs a token."""
        n_params = self.n_params
        return None if n_params is None or self.n_params_head is None else self.n_params_head / n_params

    @property
    def flops(self) -> float | None:
        """C = 6 N D by the standard count."""
        if self.n_params is None or self.run.tokens is None:
            return None
        return 6.0 * self.n_params * self.run.tokens

    @property
    def tokens_per_param(self) -> float | None:
        """D/N by the standard count."""
        return None if self.n_params is None or self.run.tokens is None else self.run.tokens / self.n_params

    @property
    def warmup_share(self) -> float | None:
        """Warmup as a share of D."""
        warmup, tokens = self.run.warmup_tokens, self.run.tokens
        return None if warmup is None or not tokens else warmup / tokens

    @property
    def epochs(self) -> float | None:
        """How often the unique tokens are read."""
        tokens, unique = self.run.tokens, self.run.unique_tokens
        return None if tokens is None or not unique else tokens / unique

    @property
    def independent_weight_decay(self) -> float | None:
        """Shrinkage of the weights a step at peak learning rate: lr x lambda."""
        rate, decay = self.run.learning_rate, self.run.weight_decay
        return None if rate is None or decay is None else rate * decay


def counts(run: ObservedRun) -> Counts:
    """Return what follows from a run.

    Attention has 2wq + 2wk weights a layer, with q and k the widths of all query and all key-value heads; where heads
    are not said q = k = w. The feed-forward layer has 3wf with a gate, 2wf without.
    """
    blocks = head = None
    if run.width is not None and run.vocab_size is not None:
        head = run.width * run.vocab_size
    if run.depth is not None and run.width is not None and run.d_ff is not None and run.gated is not None:
        q_width, kv_width = _attention_widths(run, run.width)
        layer = 2 * run.width * (q_width + kv_width) + (3 if run.gated else 2) * run.width * run.d_ff
        blocks = run.depth * layer
    return Counts(run, blocks, head, None if blocks is None or head is None else _shape(run))


def _attention_widths(run: ObservedRun, width: int) -> tuple[int, int]:
    """Return the widths of all query heads and of all key-value heads together."""
    if run.n_heads is None:
        return width, width
    q_width = run.n_heads * run.head_dim if run.head_dim is not None else width
    return q_width, q_width * (run.n_kv_heads or run.n_heads) // run.n_heads


def _shape(run: ObservedRun) -> Shape | None:
    """Return the shape of a run; None where a size is missing or the ledger has no such shape."""
    sizes = (run.depth, run.width, run.d_ff, run.n_heads, run.vocab_size, run.seq_len)
    if any(size is None for size in sizes) or run.gated is None:
        return None
    depth, width, d_ff, n_heads, vocab_size, seq_len = (size or 0 for size in sizes)
    if run.head_dim is not None and run.head_dim * n_heads != width:
        return None
    try:
        return Shape(
            depth=depth,
            width=width,
            d_ff=d_ff,
            n_heads=n_heads,
            n_kv_heads=run.n_kv_heads or n_heads,
            vocab_size=vocab_size,
            seq_len=seq_len,
            tied=bool(run.tied),
            gated=run.gated,
        )
    except UsageError:
        return None
