"""The tokens of a stack on its device: windows for each micro-step, and held-out windows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.memory import token_bytes
from budgetscope.calibrate.train.device import is_out_of_memory
from budgetscope.core.errors import FailureError

_WINDOWS_AT_ONCE = 2**14


class Feed:
    """Gathers windows of tokens on the device, by index.

    Attributes:
        n_eval_sequences: held-out sequences per evaluation.
        n_eval_chunks: forward passes per evaluation.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        tokens: Tokens,
        device: torch.device,
        micro_sequences: int,
        eval_sequences: int,
        eval_chunk: int,
    ) -> None:
        """Copy to the device the tokens that these cells read.

        Args:
            cells: members of the stack.
            tokens: of the corpus.
            device: of the stack.
            micro_sequences: sequences per member and micro-step.
            eval_sequences: most held-out sequences per evaluation.
            eval_chunk: held-out sequences per forward pass.
        """
        shape = cells[0].shape
        tokens.check(shape)
        seeds = sorted({cell.seed for cell in cells})
        n_sequences = max(cell.tokens for cell in cells) // shape.seq_len
        orders = [tokens.training_starts(n_sequences, shape, seed) for seed in seeds]
        self._order_of_member = torch.tensor([seeds.index(cell.seed) for cell in cells], device=device)
        try:
            read, starts = _read_of(tokens.train, np.stack(orders), shape.seq_len)
            self._starts, self._tokens = torch.from_numpy(starts).to(device), _on_device(read, device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            size = token_bytes(cells, len(tokens.train)) / 1e9
            raise FailureError(
                f"the tokens that the longest model of N={cells[0].n_params:.3g} reads, {size:.2g} GB, do not fit in "
                f"the memory of {device}; free it, or design a shorter run."
            ) from error
        self._window = torch.arange(shape.seq_len + 1, device=device)
        self._micro = torch.arange(micro_sequences, device=device)
        self._chunk = torch.arange(eval_chunk, device=device)
        held_out, weights = tokens.held_out(eval_sequences, shape.seq_len)
        self.n_eval_sequences = len(held_out)
        self.n_eval_chunks = -(-len(held_out) // eval_chunk)
        padded = np.zeros(self.n_eval_chunks * eval_chunk, dtype=np.int64)
        padded[: len(held_out)] = held_out
        self._held_out = _on_device(tokens.validation[padded[:, None] + np.arange(shape.seq_len + 1)], device)
        counted = np.zeros(len(padded), dtype=np.float32)
        counted[: len(held_out)] = weights
        self._counted = torch.from_numpy(counted).to(device)

    def training(self, index: Tensor) -> Tensor:
        """Return the windows of micro-step `index`, int64 (M, micro_sequences, s + 1)."""
        wanted = (index * len(self._micro) + self._micro).clamp(max=self._starts.shape[1] - 1)
        starts = self._starts[:, wanted][self._order_of_member]
        return _as_index(self._tokens[starts[..., None] + self._window])

    def held_out(self, chunk: Tensor) -> tuple[Tensor, Tensor]:
        """Return held-out windows, int64 (eval_chunk, s + 1), and their weights, fp32 (eval_chunk,)."""
        wanted = chunk * len(self._chunk) + self._chunk
        return _as_index(self._held_out[wanted]), self._counted[wanted]


def _read_of(tokens: NDArray[Any], starts: NDArray[np.int64], seq_len: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the tokens that the windows at `starts` read, and the start of each window in them.

    If the corpus is larger than the windows together, the tokens are the windows, one after another.
    """
    window = seq_len + 1
    if starts.size * window >= len(tokens):
        return tokens, starts
    read = np.empty((starts.size, window), dtype=tokens.dtype)
    for first in range(0, starts.size, _WINDOWS_AT_ONCE):
        some = slice(first, first + _WINDOWS_AT_ONCE)
        read[some] = tokens[starts.ravel()[some, None] + np.arange(window)]
    return read.ravel(), window * np.arange(starts.size, dtype=np.int64).reshape(starts.shape)


def _on_device(tokens: NDArray[Any], device: torch.device) -> Tensor:
    # All devices and versions of torch can gather signed types.
    signed = (tokens if tokens.flags.writeable else np.array(tokens)).view(
        np.int16 if tokens.dtype == np.uint16 else np.int32
    )
    return torch.from_numpy(signed).to(device)


def _as_index(tokens: Tensor) -> Tensor:
    wide = tokens.long()
    return wide & 0xFFFF if tokens.dtype == torch.int16 else wide
