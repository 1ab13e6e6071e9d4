"""The layout of a member's weights in one flat row, and their initial values."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError

# The initial normal is truncated at this many standard deviations.
_TRUNCATED_AT = 3.0

# Norm gains of a block: before attention, on queries, on keys, before the feed-forward.
GAINS_PER_BLOCK = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One weight tensor.

    Attributes:
        size: shape without the member axis; a linear layer is (inputs, outputs).
        offset: index of the first element in the flat row.
        std: standard deviation of the initial truncated normal; None for norm gains, which start at 1.
    """

    size: tuple[int, ...]
    offset: int
    std: float | None

    @property
    def n_elements(self) -> int:
        """Number of weights."""
        return math.prod(self.size)


class Layout:
    """The flat row of one member: embedding, head, matrices of the blocks, then all norm gains.

    The embedding comes first and every part is a multiple of the width, so that a flat buffer of all
    members, (M, P), is also a table of (M·P/w) rows in which token t of member m is row m·P/w + t.
    """

    def __init__(self, shape: Shape) -> None:
        """Compute the layout of a shape.

        Raises:
            UsageError: the trainer cannot build the shape.
        """
        if shape.tied or not shape.gated or shape.n_kv_heads != shape.n_heads or shape.width // shape.n_heads % 2:
            raise UsageError(
                f"the trainer cannot build {shape}: it needs an untied head, a gated feed-forward, one key-value "
                "head a query head, and an even width a head."
            )
        self.shape = shape
        self.size = 0
        width, d_ff = shape.width, shape.d_ff
        std = width**-0.5
        self.embedding = self._add((shape.vocab_size, width), std)
        self.head = self._add((width, shape.vocab_size), std)
        self.blocks = [self._block(width, d_ff, math.sqrt(2 * (layer + 1))) for layer in range(shape.depth)]
        self.gains = [self._add((GAINS_PER_BLOCK, width), None) for _ in range(shape.depth)]
        self.last_gain = self._add((width,), None)

    def _block(self, width: int, d_ff: int, depth_scale: float) -> tuple[Part, Part, Part, Part]:
        """Return the parts: queries, keys and values; attention output; gate and value; feed-forward output."""
        return (
            self._add((width, 3 * width), width**-0.5),
            self._add((width, width), width**-0.5 / depth_scale),
            self._add((width, 2 * d_ff), width**-0.5),
            self._add((d_ff, width), d_ff**-0.5 / depth_scale),
        )

    def _add(self, size: tuple[int, ...], std: float | None) -> Part:
        part = Part(size, self.size, std)
        self.size += part.n_elements
        return part

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in the order of the flat row."""
        matrices = [part for block in self.blocks for part in block]
        return (self.embedding, self.head, *matrices, *self.gains, self.last_gain)

    def view(self, flat: Tensor, part: Part) -> Tensor:
        """Return a part of all members, (M, *size), as a view of the flat buffer (M, P)."""
        return flat[:, part.offset : part.offset + part.n_elements].view(len(flat), *part.size)

    def initial_weights(self, seed: int) -> Tensor:
        """Return the initial row of a seed, fp32 of shape (P,) on the CPU.

        Normal with standard deviation 1/sqrt(inputs), truncated at three standard deviations; the two matrices that
        write to the residual stream of block l (from 0) are divided by sqrt(2(l + 1)); norm gains are 1. The embedding
        has standard deviation 1/sqrt(w). Source: open_lm, open_lm/model.py (`reset_parameters` of attention, block and
        transformer), which takes the scaling by depth from Zhang et al. 2019, arXiv 1908.11365.
        """
        name = f"weights {self.shape!r} {seed}"
        generator = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "little"))
        row = torch.ones(1, self.size)
        for part in self.parts:
            if part.std is not None:
                uniform = 2 * torch.rand(part.size, generator=generator) - 1
                # By the inverse of the distribution: torch's own truncated normal differs between versions.
                normal = math.sqrt(2) * torch.erfinv(uniform * math.erf(_TRUNCATED_AT / math.sqrt(2)))
                self.view(row, part)[0].copy_(part.std * normal)
        return row[0]
