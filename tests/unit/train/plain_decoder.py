"""An independent plain model: the decoder and its training loop as one would write them for one model.

It shares no code with the trainer; the weights are handed over matrix by matrix.
"""

import math

import torch
from torch import Tensor, nn

from budgetscope.calibrate.plan.cells import Cell
from budgetscope.core.counting.ledger import Shape


class PlainBlock(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        w, f = shape.width, shape.d_ff
        self.n_heads = shape.n_heads
        self.attention_norm = nn.LayerNorm(w, bias=False)
        self.q_norm = nn.LayerNorm(w, bias=False)
        self.k_norm = nn.LayerNorm(w, bias=False)
        self.feed_forward_norm = nn.LayerNorm(w, bias=False)
        self.q, self.k, self.v, self.out = (nn.Linear(w, w, bias=False) for _ in range(4))
        self.gate, self.value = (nn.Linear(w, f, bias=False) for _ in range(2))
        self.down = nn.Linear(f, w, bias=False)

    def heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.attention_norm(x)
        q, k = rotate(self.heads(self.q_norm(self.q(h)))), rotate(self.heads(self.k_norm(self.k(h))))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        mixed = scores.masked_fill(future, -math.inf).softmax(-1) @ self.heads(self.v(h))
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        h = self.feed_forward_norm(x)
        gate = self.gate(h)
        return x + self.down(gate * gate.sigmoid() * self.value(h))


def rotate(x: Tensor) -> Tensor:
    """Rotate pair (i, i + half) at position p by p / 10000^(2i/d), as a complex product."""
    half = x.shape[-1] // 2
    angles = torch.arange(x.shape[-2])[:, None] / 10_000 ** (torch.arange(half) / half)
    turned = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat((turned.real, turned.imag), -1)


class PlainDecoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocab_size, shape.width)
        self.blocks = nn.ModuleList(PlainBlock(shape) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        self.head = nn.Linear(shape.width, shape.vocab_size, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x))
        return logits


def loss_of(model: nn.Module, windows: Tensor) -> tuple[Tensor, Tensor]:
    """Return cross entropy and z-loss term of windows (B, s + 1)."""
    logits = model(windows[:, :-1])
    log_z = logits.logsumexp(-1)
    return nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten()), log_z.square().mean()


def train_plain(model: nn.Module, cell: Cell, windows: Tensor) -> None:
    """Train with `torch.optim.AdamW`, its decay converted, a whole batch a step.

    Args:
        model: the plain model.
        cell: how.
        windows: its training windows in order, (n, s + 1).
    """
    peak = cell.learning_rate
    optimizer = torch.optim.AdamW(model.parameters(), peak, (0.9, cell.beta2), eps=1e-8, weight_decay=1e-4 / peak)
    warmup_steps = cell.warmup_tokens / cell.batch_tokens
    for step, batch in enumerate(windows.split(cell.batch_sequences), start=1):
        for group in optimizer.param_groups:
            group["lr"] = peak * (min(1.0, step / warmup_steps) if warmup_steps > 1 else 1.0)
        cross_entropy, z_loss = loss_of(model, batch)
        optimizer.zero_grad()
        (cross_entropy + 1e-4 * z_loss).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
