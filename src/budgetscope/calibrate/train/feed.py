"""The stack's tokens on its device: each micro-step's training windows and the held-out ones."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from budgetscope.calibrate.cells import Cell
from budgetscope.calibrate.train.tokens import Tokens, training_starts, validation_starts


class Feed:
    """Windows by index, gathered on the device.

    Attributes:
        n_eval_sequences: held-out sequences of an evaluation.
        n_eval_chunks: forward passes of an evaluation.
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
        """Put on the device what these cells read.

        Args:
            cells: of the stack.
            tokens: to learn from.
            device: of the stack.
            micro_sequences: sequences a member and micro-step.
            eval_sequences: held-out sequences of an evaluation.
            eval_chunk: how many of them one forward pass takes.
        """
        shape = cells[0].shape
        tokens.check(shape)
        seeds = sorted({cell.seed for cell in cells})
        n_sequences = max(cell.tokens for cell in cells) // shape.seq_len
        orders = [training_starts(len(tokens.train), n_sequences, shape, seed) for seed in seeds]
        self._starts = torch.from_numpy(np.stack(orders)).to(device)
        self._order_of_member = torch.tensor([seeds.index(cell.seed) for cell in cells], device=device)
        self._tokens = _on_device(tokens.train, device)
        self._window = torch.arange(shape.seq_len + 1, device=device)
        self._micro = torch.arange(micro_sequences, device=device)
        self._chunk = torch.arange(eval_chunk, device=device)
        starts = validation_starts(len(tokens.validation), eval_sequences, shape.seq_len)
        self.n_eval_sequences = len(starts)
        self.n_eval_chunks = -(-len(starts) // eval_chunk)
        padded = torch.zeros(self.n_eval_chunks * eval_chunk, dtype=torch.int64)
        padded[: len(starts)] = torch.from_numpy(starts)
        held_out = _on_device(tokens.validation, device)
        self._held_out = held_out[padded.to(device)[:, None] + self._window]
        self._counted = (torch.arange(len(padded)) < len(starts)).float().to(device)

    def training(self, index: Tensor) -> Tensor:
        """Return the windows of micro-step `index`, int64 (M, micro_sequences, s + 1)."""
        wanted = (index * len(self._micro) + self._micro).clamp(max=self._starts.shape[1] - 1)
        starts = self._starts[:, wanted][self._order_of_member]
        return _as_index(self._tokens[starts[..., None] + self._window])

    def held_out(self, chunk: Tensor) -> tuple[Tensor, Tensor]:
        """Return held-out windows, int64 (eval_chunk, s + 1), and which count, fp32 (eval_chunk,)."""
        wanted = chunk * len(self._chunk) + self._chunk
        return _as_index(self._held_out[wanted]), self._counted[wanted]


def _on_device(tokens: NDArray[np.generic], device: torch.device) -> Tensor:
    # torch can gather signed types on every device and in every version.
    signed = np.array(tokens).view(np.int16 if tokens.dtype == np.uint16 else np.int32)
    return torch.from_numpy(signed).to(device)


def _as_index(tokens: Tensor) -> Tensor:
    wide = tokens.long()
    return wide & 0xFFFF if tokens.dtype == torch.int16 else wide
