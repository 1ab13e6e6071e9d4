"""Compare the estimated memory of training with what a GPU held: plain decoders under autocast, and recomputed ones.

Each case trains two steps of an `nn.Module` with fp32 masters, bf16 autocast, RMSNorm, flash attention and the fused
AdamW, and prints `torch.cuda.max_memory_allocated` beside the estimate. Target: within 10%.
Run: python benchmarks/memory.py
"""

import gc
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from budgetscope.core.counting.ledger import Shape

# Shape, sequences of a micro-batch, micro-batches a step.
CASES = (
    (Shape(12, 768, 2048, 12, 12, 50432, 1024), 8, 1),
    (Shape(12, 768, 2048, 12, 4, 50432, 2048), 4, 2),
    (Shape(24, 1024, 2816, 16, 16, 32000, 2048), 8, 1),
    (Shape(24, 2048, 5632, 16, 16, 50432, 2048), 4, 1),
    (Shape(28, 2048, 8192, 16, 8, 128256, 4096), 1, 2),
    (Shape(32, 3072, 8192, 24, 8, 50432, 2048), 2, 1),
    (Shape(16, 4096, 11008, 32, 32, 32000, 4096), 1, 1),
)


class Block(nn.Module):
    """Attention and a gated feed-forward layer, pre-norm."""

    def __init__(self, shape: Shape) -> None:
        """Create the block of a shape."""
        super().__init__()
        w, self.head = shape.width, shape.width // shape.n_heads
        k = self.head * shape.n_kv_heads
        self.n1, self.n2 = nn.RMSNorm(w), nn.RMSNorm(w)
        self.q, self.k, self.v, self.o = (nn.Linear(w, n, bias=False) for n in (w, k, k, w))
        self.gate, self.up = (nn.Linear(w, shape.d_ff, bias=False) for _ in range(2))
        self.down = nn.Linear(shape.d_ff, w, bias=False)

    def forward(self, x: Any) -> Any:
        """Return the stream after the block."""
        y = self.n1(x)
        q, k, v = (f(y).unflatten(-1, (-1, self.head)).transpose(1, 2) for f in (self.q, self.k, self.v))
        grouped = q.shape[1] != k.shape[1]
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
        x = x + self.o(y.transpose(1, 2).flatten(2))
        y = self.n2(x)
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


def measure(shape: Shape, micro: int, accumulation: int, *, full: bool) -> int:
    """Return the most bytes that were allocated in a step."""
    gc.collect()
    torch.cuda.empty_cache()
    with torch.device("cuda"):
        embedding, norm = nn.Embedding(shape.vocab_size, shape.width), nn.RMSNorm(shape.width)
        blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        head = nn.Linear(shape.width, shape.vocab_size, bias=False)
        tokens = torch.randint(shape.vocab_size, (micro, shape.seq_len))
    weights = [p for part in (embedding, blocks, norm, head) for p in part.parameters()]
    optimizer = torch.optim.AdamW(weights, fused=True)
    for step in range(2):
        if step:
            torch.cuda.reset_peak_memory_stats()
        for _ in range(accumulation):
            with torch.autocast("cuda", dtype=torch.bfloat16):
                x = embedding(tokens)
                for block in blocks:
                    x = checkpoint(block, x, use_reentrant=False) if full else block(x)
                logits = head(norm(x))
                loss = functional.cross_entropy(logits.float().flatten(0, 1), tokens.flatten())
            loss.backward()  # type: ignore[no-untyped-call]
            del x, loss, logits
        optimizer.step()
        optimizer.zero_grad()
    return torch.cuda.max_memory_allocated()


def main() -> None:
    """Print the table."""
    from budgetscope.core.hardware.memory import Layout, Recompute, Regime, estimate  # noqa: PLC0415

    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print(f"{'shape':<34} {'micro':>5} {'recompute':>9} {'measured GB':>12} {'estimate':>9} {'ratio':>6}")
    for shape, micro, accumulation in CASES:
        for recompute in (Recompute.NONE, Recompute.FULL):
            layout = Layout(Regime.DDP, recompute=recompute, micro_sequences=micro, accumulation=accumulation)
            found, measured = (
                estimate(shape, layout).peak,
                measure(shape, micro, accumulation, full=recompute == Recompute.FULL),
            )
            name = f"{shape.depth} x {shape.width}, V {shape.vocab_size}, {shape.seq_len} tokens"
            print(
                f"{name:<34} {micro:>2}x{accumulation:<2} {recompute:>9} {measured / 1e9:>12.2f} {found / 1e9:>9.2f} "
                f"{found / measured:>6.3f}"
            )


if __name__ == "__main__":
    main()
