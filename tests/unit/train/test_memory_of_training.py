"""The estimate of a GPU's memory against PyTorch: parameters on the meta device, whole steps on fake CPU tensors.

CPU torch has no fused RMSNorm, so that the models here have LayerNorm, which keeps 4 bytes more a token.
"""

from functools import partial
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.distributed._tools.mem_tracker import MemTracker  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.checkpoint import (  # noqa: E402
    CheckpointPolicy,
    checkpoint,
    create_selective_checkpoint_contexts,
)

from budgetscope.core.counting.ledger import Shape  # noqa: E402
from budgetscope.core.hardware.memory import Layout, Recompute, Regime, estimate, head_bytes, layer_bytes  # noqa: E402

REPEATS_HEADS = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 9)
"""Whether torch repeats the keys and values of grouped heads on the processor: its fused kernel takes none of them."""


def _or_skip(shape: Shape) -> None:
    if REPEATS_HEADS and shape.n_kv_heads != shape.n_heads:
        pytest.skip(f"torch {torch.__version__} repeats grouped heads on the processor, which takes more memory")


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        w, self.heads, self.kv_heads = shape.width, shape.n_heads, shape.n_kv_heads
        k = w // self.heads * self.kv_heads
        self.norms = nn.ModuleList(nn.LayerNorm(w, bias=False) for _ in range(2))
        self.q, self.k, self.v, self.out = (nn.Linear(w, n, bias=False) for n in (w, k, k, w))
        self.gate = nn.Linear(w, shape.d_ff, bias=False) if shape.gated else None
        self.up, self.down = nn.Linear(w, shape.d_ff, bias=False), nn.Linear(shape.d_ff, w, bias=False)

    def forward(self, x: Any) -> Any:
        batch, tokens, width = x.shape

        def heads(y: Any, n: int) -> Any:
            return y.view(batch, tokens, n, width // self.heads).transpose(1, 2)

        y = self.norms[0](x)
        q, k, v = heads(self.q(y), self.heads), heads(self.k(y), self.kv_heads), heads(self.v(y), self.kv_heads)
        grouped = self.kv_heads != self.heads
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, tokens, width))
        y = self.norms[1](x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y) if self.gate is not None else F.gelu(self.up(y)))


class Decoder(nn.Module):
    def __init__(self, shape: Shape, recompute: Recompute = Recompute.NONE) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocab_size, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        self.head = nn.Linear(shape.width, shape.vocab_size, bias=False)
        if shape.tied:
            self.head.weight = self.embedding.weight
        self.around: Any = lambda block, x: block(x)
        if recompute != Recompute.NONE:
            contexts: dict[str, Any] = {"context_fn": torchtitans_policy} if recompute == Recompute.SELECTIVE else {}
            self.around = partial(checkpoint, use_reentrant=False, **contexts)

    def forward(self, tokens: Any) -> Any:
        x = self.embedding(tokens)
        for block in self.blocks:
            x = self.around(block, x)
        return self.head(self.norm(x))


def torchtitans_policy() -> Any:
    products = [0, 0]

    def policy(context: Any, operation: Any, *_args: Any, **_options: Any) -> CheckpointPolicy:
        keep = operation is torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
        if operation is torch.ops.aten.mm.default:
            products[context.is_recompute] += 1
            keep = products[context.is_recompute] % 2 == 1
        return CheckpointPolicy.MUST_SAVE if keep else CheckpointPolicy.PREFER_RECOMPUTE

    return create_selective_checkpoint_contexts(policy)


def loss_of(logits: Any, targets: Any) -> Any:
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


SHAPES = [
    Shape(2, 64, 192, 4, 4, 256, 32),
    Shape(3, 96, 256, 6, 2, 512, 32, tied=True),
    Shape(2, 128, 512, 4, 4, 1000, 32, gated=False),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_state_is_that_of_a_module_and_its_adam(shape: Shape) -> None:
    with torch.device("meta"):
        model = Decoder(shape)
        optimizer = torch.optim.AdamW(model.parameters())
        loss_of(
            model(torch.zeros(2, shape.seq_len, dtype=torch.long)), torch.zeros(2, shape.seq_len, dtype=torch.long)
        ).backward()
    # Its count of steps is a number, which no meta tensor holds.
    optimizer.step()
    found = estimate(shape, Layout(Regime.DDP))
    assert found.weights == sum(p.nbytes for p in model.parameters())
    assert found.gradients == sum(p.grad.nbytes for p in model.parameters() if p.grad is not None)
    moments = [state[name] for state in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]
    assert found.optimizer == sum(moment.nbytes for moment in moments)


@pytest.mark.parametrize(
    "shape",
    [
        Shape(4, 256, 768, 4, 4, 1024, 512),
        Shape(4, 256, 768, 8, 2, 1024, 512),
        Shape(4, 512, 2048, 8, 8, 1024, 512, gated=False),
    ],
    ids=str,
)
def test_saved_tensors_in_bf16_are_the_activations(shape: Shape) -> None:
    _or_skip(shape)
    kept: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with FakeTensorMode():
        torch.set_default_dtype(torch.bfloat16)
        try:
            model = Decoder(shape)
        finally:
            torch.set_default_dtype(torch.float32)
        tokens = torch.zeros(1, shape.seq_len, dtype=torch.long)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model(tokens)
    for parameter in model.parameters():
        kept.pop(parameter.untyped_storage()._cdata, None)
    layout = Layout(Regime.FSDP2)
    per_token = shape.depth * layer_bytes(shape, layout)[1] + head_bytes(shape, layout) - 14 * shape.vocab_size
    measured = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    assert per_token * shape.seq_len == pytest.approx(measured, rel=0.005)


@pytest.mark.parametrize(
    ("shape", "recompute", "micro", "accumulation"),
    [
        (Shape(2, 256, 768, 4, 4, 4096, 512), Recompute.NONE, 4, 1),
        (Shape(2, 256, 768, 4, 2, 4096, 512), Recompute.NONE, 2, 2),
        (Shape(4, 512, 1536, 8, 8, 1024, 128), Recompute.NONE, 1, 1),
        (Shape(4, 256, 768, 4, 4, 4096, 512), Recompute.FULL, 4, 1),
        (Shape(4, 512, 2048, 8, 8, 1024, 512, gated=False), Recompute.FULL, 1, 1),
        (Shape(4, 256, 768, 4, 4, 2048, 512), Recompute.SELECTIVE, 2, 1),
        (Shape(2, 512, 2048, 8, 8, 2048, 512, gated=False), Recompute.NONE, 2, 2),
        (Shape(2, 512, 1536, 8, 2, 2048, 512), Recompute.FULL, 2, 2),
        (Shape(3, 256, 768, 8, 2, 2048, 512), Recompute.SELECTIVE, 4, 1),
        (Shape(2, 256, 768, 4, 4, 8192, 256, tied=True), Recompute.NONE, 4, 1),
    ],
    ids=str,
)
def test_whole_steps_under_autocast_peak_where_estimated(
    shape: Shape, recompute: Recompute, micro: int, accumulation: int
) -> None:
    _or_skip(shape)
    with FakeTensorMode():
        model = Decoder(shape, recompute)
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        tokens = torch.zeros(micro, shape.seq_len, dtype=torch.long)
        tracker = MemTracker()
        tracker.track_external(model, optimizer)
        with tracker:
            for _ in range(2):  # Adam's state is there from the second step on.
                for _ in range(accumulation):
                    tracker.reset_mod_stats()
                    with torch.autocast("cpu", dtype=torch.bfloat16):
                        logits = model(tokens)
                        loss = loss_of(logits, tokens)
                    loss.backward()
                optimizer.step()
                optimizer.zero_grad()
    peak = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]
    layout = Layout(Regime.DDP, micro_sequences=micro, accumulation=accumulation, recompute=recompute)
    assert estimate(shape, layout).peak == pytest.approx(peak, rel=0.02)
