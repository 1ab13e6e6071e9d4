"""The ledger: parameters and FLOPs of one model shape under every counting convention.

A number of parameters or of FLOPs means nothing without its counting convention. Published laws use six of them.
This module counts any decoder-only transformer under all six, so that each law is evaluated in its own convention.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from budgetscope.core.budget.quantities import quote, shown
from budgetscope.core.errors import UsageError

MAX_COUNT = 10_000_000
"""Largest vocabulary and training context, in tokens, of a request or a stored fit."""


class Convention(StrEnum):
    """The counting conventions. Blocks are attention and feed-forward weights; norms and biases are never counted.

    ========= ===================================== ==========================================
    name      parameters                            FLOPs per token
    ========= ===================================== ==========================================
    standard  blocks + output head                  6 N (Porian et al. 2024, section 2)
    kaplan    blocks                                6 N (Kaplan et al. 2020, section 2.1)
    attention blocks + head + s·w·L, effective      6 N (Porian et al. 2024, appendix)
    total     blocks + head + input embedding       6 N (Hoffmann et al. 2022)
    deepseek  blocks                                72 L w² + 12 L w s (Bi et al. 2024, section 3.2)
    exact     as total                              every operation (Hoffmann et al. 2022, appendix F)
    ========= ===================================== ==========================================
    """

    STANDARD = "standard"
    KAPLAN = "kaplan"
    ATTENTION = "attention"
    TOTAL = "total"
    DEEPSEEK = "deepseek"
    EXACT = "exact"

    @property
    def counts_six_n(self) -> bool:
        """Whether FLOPs per token are 6 N by definition."""
        return self not in (Convention.DEEPSEEK, Convention.EXACT)


def parse_convention(text: str) -> Convention:
    """Return the convention of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return Convention(text.strip().lower())
    except ValueError:
        names = ", ".join(Convention)
        raise UsageError(f"{quote(text)} is not a counting convention; choose one of {names}.") from None


def default_d_ff(width: int) -> int:
    """Return the feed-forward width of a gated block: 256·ceil(floor(8w/3)/256).

    Source: open_lm's model code, as used by Porian et al. 2024.
    """
    return 256 * math.ceil((8 * width // 3) / 256)


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder-only transformer.

    Attributes:
        depth: number of blocks, L.
        width: residual width, w.
        d_ff: feed-forward width, f.
        n_heads: query heads.
        n_kv_heads: key and value heads; fewer than `n_heads` is grouped-query attention.
        vocab_size: rows of the output head, V.
        seq_len: training context in tokens, s.
        tied: the input embedding shares the head's weights.
        gated: three feed-forward matrices (SwiGLU) rather than two.
    """

    depth: int
    width: int
    d_ff: int
    n_heads: int
    n_kv_heads: int
    vocab_size: int
    seq_len: int
    tied: bool = False
    gated: bool = True

    def __post_init__(self) -> None:
        """Refuse a shape that cannot be built."""
        for name in ("depth", "width", "d_ff", "n_heads", "n_kv_heads", "vocab_size", "seq_len"):
            value = getattr(self, name)
            if not 1 <= value <= 10**9:
                raise UsageError(f"{name} = {shown(value)} is not a size; give a whole number from 1 to 1e9.")
        if self.width % self.n_heads:
            raise UsageError(
                f"{self.n_heads} heads do not divide the width {self.width}; choose a divisor of the width."
            )
        if self.n_heads % self.n_kv_heads:
            raise UsageError(
                f"{self.n_kv_heads} key-value heads do not divide the {self.n_heads} heads; choose a divisor."
            )

    @property
    def attention_params(self) -> int:
        """Weights of all attention projections: L·(2w² + 2w²·kv/heads)."""
        return self.depth * (2 * self.width**2 + 2 * self.width**2 * self.n_kv_heads // self.n_heads)

    @property
    def feed_forward_params(self) -> int:
        """Weights of all feed-forward layers: L·3wf when gated, else L·2wf."""
        return self.depth * (3 if self.gated else 2) * self.width * self.d_ff

    @property
    def n_params_blocks(self) -> int:
        """Weights of all blocks: the non-embedding parameters of Kaplan et al."""
        return self.attention_params + self.feed_forward_params

    @property
    def n_params_head(self) -> int:
        """Weights of the output head: V·w."""
        return self.vocab_size * self.width

    @property
    def n_params_embedding(self) -> int:
        """Weights of the input embedding; 0 when it shares those of the head."""
        return 0 if self.tied else self.vocab_size * self.width

    @property
    def executed_flops_per_token(self) -> float:
        """FLOPs that the machine executes a token: 6·(blocks + head) + 12·L·w·s.

        Published MFU is based on this count. It leaves out the embedding look-up and takes attention scores and values
        over the whole context. Source: Chowdhery et al. 2022 (PaLM), appendix B.
        """
        return 6.0 * (self.n_params_blocks + self.n_params_head) + self._context_flops

    @property
    def _context_flops(self) -> float:
        return 12.0 * self.depth * self.width * self.seq_len

    def count(self, convention: Convention) -> "Count":
        """Count this shape under one convention."""
        blocks, head = self.n_params_blocks, self.n_params_head
        total = blocks + head + self.n_params_embedding
        match convention:
            case Convention.STANDARD:
                return _six_n(convention, blocks + head, head)
            case Convention.KAPLAN:
                return _six_n(convention, blocks, 0)
            case Convention.ATTENTION:
                return _six_n(convention, blocks + head + self.seq_len * self.width * self.depth, head)
            case Convention.TOTAL:
                return _six_n(convention, total, head)
            case Convention.DEEPSEEK:
                flops = 72.0 * self.depth * self.width**2 + self._context_flops
                return Count(convention, blocks, flops, 0.0)
            case Convention.EXACT:
                flops = self._every_operation()
                return Count(convention, total, flops, 6.0 * head / flops)

    def _every_operation(self) -> float:
        """Return FLOPs a token, forward and twice that backward, by the list of Hoffmann et al. 2022, appendix F."""
        w, s = self.width, self.seq_len
        embedding = 2 * self.vocab_size * w
        projections = 2 * self.attention_params
        scores_and_values = 2 * 2 * s * w * self.depth
        softmax = 3 * self.n_heads * s * self.depth
        feed_forward = 2 * self.feed_forward_params
        logits = 2 * self.n_params_head
        return 3.0 * (embedding + projections + scores_and_values + softmax + feed_forward + logits)


@dataclass(frozen=True, slots=True)
class Count:
    """Parameters and FLOPs of a shape under one convention.

    Attributes:
        flops_per_token: training FLOPs a token, forward and backward.
        head_share: the output head's share of `flops_per_token`, from 0 to 1.
    """

    convention: Convention
    n_params: int
    flops_per_token: float
    head_share: float


def _six_n(convention: Convention, n_params: int, n_params_head: int) -> Count:
    return Count(convention, n_params, 6.0 * n_params, n_params_head / n_params)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The counts of one shape.

    Attributes:
        counts: one for each convention, in the order of `Convention`.
    """

    shape: Shape
    counts: tuple[Count, ...]


def ledger(shape: Shape) -> Ledger:
    """Count one shape under every convention."""
    return Ledger(shape, tuple(shape.count(convention) for convention in Convention))
