"""Compare the estimated memory of training with what GPUs held: autocast, FSDP2 and DDP, recomputed or not.

Each case trains two steps of an `nn.Module` with fp32 masters, RMSNorm, flash attention and the fused AdamW, and prints
`torch.cuda.max_memory_allocated` of the fullest GPU beside the estimate. Target: within 10%.

One GPU:      python benchmarks/memory.py
Several:      torchrun --standalone --nproc-per-node 2 benchmarks/memory.py
No GPU:       torchrun --standalone --nproc-per-node 2 benchmarks/memory.py --device cpu

Without a GPU nothing says what was allocated at most. Small models are trained then, and their shards of weights,
gradients and moments are compared with the estimate, and their loss with that of a model on one process.
"""

import argparse
import gc
import os
import sys
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from budgetscope.core.counting.ledger import Shape
from budgetscope.core.hardware.memory import Layout, Recompute, Regime, estimate

# Shape, sequences of a micro-batch on a GPU, micro-batches a step.
CASES = (
    (Shape(12, 768, 2048, 12, 12, 50432, 1024), 8, 1),
    (Shape(12, 768, 2048, 12, 4, 50432, 2048), 4, 2),
    (Shape(24, 1024, 2816, 16, 16, 32000, 2048), 8, 1),
    (Shape(24, 2048, 5632, 16, 16, 50432, 2048), 4, 1),
    (Shape(28, 2048, 8192, 16, 8, 128256, 4096), 1, 2),
    (Shape(32, 3072, 8192, 24, 8, 50432, 2048), 2, 1),
    (Shape(16, 4096, 11008, 32, 32, 32000, 4096), 1, 1),
)
SMALL = ((Shape(2, 64, 192, 4, 4, 256, 32), 2, 1), (Shape(3, 96, 256, 6, 2, 512, 32), 1, 2))
_REGIMES = (Regime.FSDP2, Regime.DDP)
_SAME_LOSS = 0.02
"""Share by which losses in bf16 may differ."""


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


class Decoder(nn.Module):
    """Embedding, blocks, norm and head, with the loss of predicting the tokens themselves."""

    def __init__(self, shape: Shape, recompute: Recompute) -> None:
        """Create the model of a shape."""
        super().__init__()
        self.embedding, self.norm = nn.Embedding(shape.vocab_size, shape.width), nn.RMSNorm(shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.head = nn.Linear(shape.width, shape.vocab_size, bias=False)
        self.around: Any = lambda block, x: block(x)
        if recompute != Recompute.NONE:
            contexts: dict[str, Any] = {"context_fn": _keeping} if recompute == Recompute.SELECTIVE else {}
            self.around = partial(checkpoint, use_reentrant=False, **contexts)

    def forward(self, tokens: Any) -> Any:
        """Return the loss."""
        x = self.embedding(tokens)
        for block in self.blocks:
            x = self.around(block, x)
        return functional.cross_entropy(self.head(self.norm(x)).float().flatten(0, 1), tokens.flatten())


def _keeping() -> Any:
    """Return torchtitan's per-operation policy: attention and every second matrix product are kept."""
    products = [0, 0]
    names = ("_scaled_dot_product_flash_attention", "_scaled_dot_product_flash_attention_for_cpu")
    attention = [getattr(torch.ops.aten, name).default for name in names]

    def policy(context: Any, operation: Any, *_args: Any, **_options: Any) -> CheckpointPolicy:
        keep = operation in attention
        if operation is torch.ops.aten.mm.default:
            products[context.is_recompute] += 1
            keep = products[context.is_recompute] % 2 == 1
        return CheckpointPolicy.MUST_SAVE if keep else CheckpointPolicy.PREFER_RECOMPUTE

    return create_selective_checkpoint_contexts(policy)  # type: ignore[no-untyped-call]


def built(shape: Shape, layout: Layout, device: str) -> Any:
    """Return the model of a shape, shared between the processes as a layout says."""
    model: Any
    if layout.regime == Regime.FSDP2:
        # Nothing is held in full while the model is made.
        with torch.device("meta"):
            model = Decoder(shape, layout.recompute)
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
        # By default the processes would share the GPUs of the machine, also where the model is on its processors.
        mesh = init_device_mesh(device, (dist.get_world_size(),))
        for part in (model.embedding, *model.blocks, model.norm, model.head, model):
            fully_shard(part, mesh=mesh, mp_policy=policy)
        model.to_empty(device=device)
        for parameter in model.parameters():
            shard = parameter.to_local()
            nn.init.normal_(shard, std=0.02) if parameter.dim() > 1 else nn.init.ones_(shard)
        return model
    with torch.device(device):
        model = Decoder(shape, layout.recompute)
    return DistributedDataParallel(model) if layout.data > 1 else model


def train(model: Any, layout: Layout, tokens: Any) -> tuple[Any, float]:
    """Train two steps, and count the most bytes from the second on; return the optimizer and the last loss."""
    device = tokens.device.type
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    autocast = torch.autocast(device, dtype=torch.bfloat16) if layout.regime == Regime.DDP else nullcontext()
    found = 0.0
    for step in range(2):
        if step and device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        for micro in range(layout.accumulation):
            last = micro == layout.accumulation - 1
            waits = model.no_sync() if isinstance(model, DistributedDataParallel) and not last else nullcontext()
            with sdpa_kernel(SDPBackend.FLASH_ATTENTION), waits:
                with autocast:
                    loss = model(tokens)
                loss.backward()
            found = float(loss.detach())
            del loss
        optimizer.step()
        if not step or device == "cuda":
            optimizer.zero_grad()
    return optimizer, found


def measure(shape: Shape, layout: Layout) -> int:
    """Return the most bytes that were allocated in a step on the fullest GPU."""
    gc.collect()
    torch.cuda.empty_cache()
    tokens = torch.randint(shape.vocab_size, (layout.micro_sequences, shape.seq_len), device="cuda")
    train(built(shape, layout, "cuda"), layout, tokens)
    most = torch.tensor(torch.cuda.max_memory_allocated(), device="cuda")
    if dist.is_initialized():
        dist.all_reduce(most, dist.ReduceOp.MAX)
    return int(most)


def shards(shape: Shape, layout: Layout) -> tuple[tuple[int, int, int], float]:
    """Return bytes of weights, gradients and moments on the fullest process, and the loss over that of one process."""
    torch.manual_seed(0)
    tokens = torch.randint(shape.vocab_size, (layout.micro_sequences, shape.seq_len))
    model = built(shape, layout, "cpu")
    whole = Decoder(shape, Recompute.NONE)
    if layout.regime == Regime.FSDP2:
        whole.load_state_dict({name: part.full_tensor() for name, part in model.state_dict().items()})
    else:
        whole.load_state_dict(model.module.state_dict())
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        alone = float(whole(tokens))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=layout.regime == Regime.DDP):
        together = float(model(tokens))
    optimizer, _ = train(model, layout, tokens)
    held = [[_bytes(p) for p in model.parameters()], [_bytes(p.grad) for p in model.parameters()], []]
    held[2] = [_bytes(state[name]) for state in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]
    most = torch.tensor([sum(part) for part in held])
    dist.all_reduce(most, dist.ReduceOp.MAX)
    weights, gradients, moments = most.tolist()
    return (weights, gradients, moments), together / alone


def _bytes(tensor: Any) -> int:
    """Return the bytes of a tensor, or of its shard here."""
    return int((tensor.to_local() if hasattr(tensor, "to_local") else tensor).nbytes)


def _name(shape: Shape) -> str:
    return f"{shape.depth} x {shape.width}, V {shape.vocab_size}, {shape.seq_len} tokens"


def on_gpus(world: int, *, talks: bool) -> None:
    """Print the table of what GPUs held."""
    if talks:
        print(f"{world} x {torch.cuda.get_device_name()}, torch {torch.__version__}")
        columns = f"{'shape':<34} {'regime':>6} {'micro':>5} {'recompute':>9}"
        print(f"{columns} {'measured GB':>12} {'estimate':>9} {'ratio':>6}")
    for regime in _REGIMES if world > 1 else (Regime.DDP,):
        for shape, micro, accumulation in CASES:
            for recompute in (Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL):
                layout = Layout(
                    regime,
                    data=world,
                    recompute=recompute,
                    micro_sequences=micro,
                    accumulation=accumulation,
                    names_logits=False,
                )
                found, measured = estimate(shape, layout).peak, measure(shape, layout)
                if talks:
                    print(
                        f"{_name(shape):<34} {regime:>6} {micro:>2}x{accumulation:<2} {recompute:>9} "
                        f"{measured / 1e9:>12.2f} {found / 1e9:>9.2f} {found / measured:>6.3f}  {measured:,} bytes",
                        flush=True,
                    )


def on_processors(world: int, *, talks: bool) -> None:
    """Print the shards that processes hold, and stop if they or a loss are not what they should be."""
    if world == 1:
        raise SystemExit("memory: without a GPU, several processes are needed; run it with torchrun.")
    if talks:
        print(f"{world} processes, torch {torch.__version__}: bytes of weights, gradients and moments; loss")
    for regime in _REGIMES:
        for shape, micro, accumulation in SMALL:
            for recompute in Recompute if accumulation == 1 else (Recompute.NONE,):
                layout = Layout(
                    regime, data=world, recompute=recompute, micro_sequences=micro, accumulation=accumulation
                )
                found = estimate(shape, layout)
                expected = tuple(round(part) for part in (found.weights, found.gradients, found.optimizer))
                held, ratio = shards(shape, layout)
                if talks:
                    print(f"{_name(shape):<34} {regime:>6} {recompute:>9} {held} of {expected}; loss x {ratio:.4f}")
                if held != expected or abs(ratio - 1) > _SAME_LOSS:
                    raise SystemExit("memory: the shards or the loss are not what they should be.")


def main() -> None:
    """Print the table for the GPUs that there are, or check small models without one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    device = parser.parse_args().device
    world, rank = (int(os.environ.get(name, default)) for name, default in (("WORLD_SIZE", "1"), ("RANK", "0")))
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if world > 1:
        dist.init_process_group("nccl" if device == "cuda" else "gloo")
    (on_gpus if device == "cuda" else on_processors)(world, talks=rank == 0)
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()
        # A thread of gloo that frees a tensor while the interpreter ends aborts the process (PyTorch #179291).
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
