"""Measure training throughput: one model at a time, eager, compiled and captured, beside stacks of 8 to 64.

"Plain" is the usual loop for one model: an `nn.Module` under bf16 autocast with the fused AdamW, the same batch of 8
sequences, and all data on the device. A stack of 1 is the same work in the trainer's code. The last columns are ratios
to the compiled row of each kind. MFU is model FLOP/s, attention counted, over the rate of a large matrix product
measured in the same run.

Targets at width 256 and up: 25% MFU, and 10 times the compiled one-at-a-time loop.
Run: python benchmarks/stack.py [--device cpu] [--quick]
"""

import argparse
import functools
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from budgetscope.calibrate.corpus.sampling import Tokens
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.plan.memory import choose_micro_sequences
from budgetscope.calibrate.run.train_settings import Mode
from budgetscope.calibrate.train.device import available_device, is_out_of_memory
from budgetscope.calibrate.train.engine import Engine
from budgetscope.calibrate.train.probe import matrix_rate, seconds_a_call
from budgetscope.calibrate.train.stack import free_bytes
from budgetscope.core.counting.ledger import Convention, Shape

BATCH = 8
TARGET_MFU = 0.25
TARGET_RATIO = 10.0
LONG = 1.5  # seconds of each measurement


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    tokens_per_s: float
    startup_seconds: float


class Block(nn.Module):
    """One block of the plain model."""

    def __init__(self, shape: Shape) -> None:
        """Make the layers."""
        super().__init__()
        w, f = shape.width, shape.d_ff
        self.heads = shape.n_heads
        self.norms = nn.ModuleList(nn.LayerNorm(w, bias=False) for _ in range(4))
        self.qkv, self.out = nn.Linear(w, 3 * w, bias=False), nn.Linear(w, w, bias=False)
        self.up, self.down = nn.Linear(w, 2 * f, bias=False), nn.Linear(f, w, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the residual stream after the block."""
        q, k, v = self.qkv(self.norms[0](x)).chunk(3, -1)
        split = (*x.shape[:2], self.heads, -1)
        turned: list[Tensor] = []
        for part, norm in ((q, self.norms[1]), (k, self.norms[2])):
            a, b = norm(part).view(split).chunk(2, -1)
            turned.append(torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(v.dtype).transpose(1, 2))
        mixed = functional.scaled_dot_product_attention(
            turned[0], turned[1], v.view(split).transpose(1, 2), is_causal=True
        )
        x = x + self.out(mixed.transpose(1, 2).reshape(x.shape))
        gate, value = self.up(self.norms[3](x)).chunk(2, -1)
        return x + self.down(functional.silu(gate) * value)


class Plain(nn.Module):
    """The trainer's decoder, written for one model."""

    def __init__(self, shape: Shape) -> None:
        """Make the layers and the rotation angles."""
        super().__init__()
        half = shape.width // shape.n_heads // 2
        angles = torch.outer(torch.arange(shape.seq_len), 10_000.0 ** -(torch.arange(half) / half))[:, None]
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.embedding = nn.Embedding(shape.vocab_size, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        self.head = nn.Linear(shape.width, shape.vocab_size, bias=False)

    def forward(self, windows: Tensor) -> Tensor:
        """Return the mean loss with z-loss of windows (B, s + 1)."""
        x = self.embedding(windows[:, :-1])
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        logits = self.head(self.norm(x)).float().flatten(0, 1)
        loss = functional.cross_entropy(logits, windows[:, 1:].flatten())
        return loss + 1e-4 * logits.logsumexp(-1).square().mean()


def random_tokens(shape: Shape) -> Tokens:
    """Return random tokens; speed does not depend on the text."""
    noise = np.random.default_rng(0).integers(0, shape.vocab_size, 2**18).astype(np.uint16)
    return Tokens(noise, noise[: 16 * shape.seq_len], shape.vocab_size)


def plain_step(shape: Shape, device: str, *, compiled: bool) -> Callable[[], None]:
    """Return one training step of the plain model."""
    model = Plain(shape).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, (0.9, 0.95), weight_decay=0.1, fused=device != "mps")
    forward = torch.compile(model, dynamic=False) if compiled else model
    windows = torch.randint(0, shape.vocab_size, (BATCH, shape.seq_len + 1), device=device)
    kind = device.partition(":")[0]

    def step() -> None:
        with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
            loss = forward(windows)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def measured_plain(shape: Shape, device: str, seconds: float, *, compiled: bool) -> Row:
    """Measure the plain model."""
    torch.compiler.reset()
    begun = time.perf_counter()
    step = plain_step(shape, device, compiled=compiled)
    step()
    _wait(device)
    startup = time.perf_counter() - begun
    rate = BATCH * shape.seq_len / seconds_a_call(step, device, seconds)
    return Row(f"plain, {'compiled' if compiled else 'eager'}", rate, startup)


def measured_stack(shape: Shape, device: str, seconds: float, members: int, mode: Mode) -> Row:
    """Measure a stack of the trainer."""
    tokens = random_tokens(shape)
    size = 10_000 * BATCH * shape.seq_len
    cells = [Cell(shape, 1e-3, BATCH, 0.95, seed % 3, size + seed, 0, (size,)) for seed in range(members)]
    begun = time.perf_counter()
    micro = choose_micro_sequences(cells, device, None, free_bytes=free_bytes(device), compiled=mode.compiles)
    engine = Engine(cells, tokens, device, micro_sequences=micro, eval_sequences=8, mode=mode)
    engine.train(1)
    _wait(device)
    startup = time.perf_counter() - begun
    rate = members * micro * shape.seq_len / seconds_a_call(lambda: engine.train(1), device, seconds)
    return Row(f"stack of {members}, {mode}", rate, startup)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def shape_of(width: int, vocab_size: int, seq_len: int, head_width: int) -> Shape:
    """Return a shape in the proportions of the calibration's ladder, which does not have every width."""
    d_ff = 32 * round(8 * width / 3 / 32)
    n_heads = width // head_width
    return Shape(width // 32, width, d_ff, n_heads, n_heads, vocab_size, seq_len)


def attempted(measure: Callable[[], Row]) -> Row | None:
    """Return the measured row; None when it does not fit in memory."""
    try:
        return measure()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def table(shape: Shape, device: str, matrix: float, stacks: list[tuple[int, Mode]], seconds: float) -> None:
    """Measure and print the rows of one width."""
    n_params = shape.count(Convention.STANDARD).n_params
    print(f"\nwidth {shape.width}, {shape.depth} blocks, {shape.n_heads} heads, N = {n_params:,}")
    print(f"{'':26} {'tokens/s':>12} {'TFLOP/s':>9} {'MFU':>7} {'start s':>8} {'x plain':>8} {'x one':>8}")
    kinds = (False, True) if device != "cpu" else (False,)
    work = [functools.partial(measured_plain, shape, device, seconds, compiled=compiled) for compiled in kinds]
    work += [functools.partial(measured_stack, shape, device, seconds, m, mode) for m, mode in stacks]
    last = "compiled" if device != "cpu" else "eager"
    bases = {f"plain, {last}": 0.0, f"stack of 1, {'compile' if device != 'cpu' else 'eager'}": 0.0}
    for measure in work:
        row = attempted(measure)
        if row is None:
            print("out of memory")
            continue
        flops = row.tokens_per_s * shape.executed_flops_per_token
        if row.name in bases:
            bases[row.name] = row.tokens_per_s
        ratios = " ".join(f"{row.tokens_per_s / base:8.2f}" if base else " " * 8 for base in bases.values())
        print(
            f"{row.name:26} {row.tokens_per_s:12,.0f} {flops / 1e12:9.3f} {flops / matrix:7.1%} "
            f"{row.startup_seconds:8.1f} {ratios}",
            flush=True,
        )


def main() -> None:
    """Print a table a width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "mps", "cpu"))
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a quick check")
    parser.add_argument("--widths", type=int, nargs="+", default=[])
    parser.add_argument("--stacks", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--head-width", type=int, default=32)
    options = parser.parse_args()
    device = available_device(options.device)
    on_gpu = device.startswith("cuda")
    widths = options.widths or ([32, 64] if options.quick else [128, 256, 512])
    vocabulary, seq_len = (512, 64) if options.quick else (4096, 512)
    best = Mode.COMPILE_GRAPH if on_gpu else Mode.EAGER
    ones = [Mode.EAGER, Mode.COMPILE, Mode.COMPILE_GRAPH] if on_gpu else [Mode.EAGER]
    stacks = [*((1, mode) for mode in ones), *((members, best) for members in options.stacks)]
    matrix = matrix_rate(device, 8192 if on_gpu else 1024)
    print(f"torch {torch.__version__}, {device}; matrix product {matrix / 1e12:.3f} TFLOP/s")
    for width in widths:
        shape = shape_of(width, vocabulary, seq_len, options.head_width)
        table(shape, device, matrix, stacks, 0.5 if options.quick else LONG)
    if on_gpu:
        print(f"\ntargets from width 256 up: MFU {TARGET_MFU:.0%}, ratio {TARGET_RATIO:g}")


if __name__ == "__main__":
    main()
