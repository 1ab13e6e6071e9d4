"""Memory of one GPU in training: weights, gradients, optimizer, activations, logits and copies, by regime and layout.

Sizes below: width w, query width q = w, key and value width k, feed-forward width f, heads a, vocabulary V, in 16-bit
training with flash attention, fused norms and a fused AdamW. Where no source is named, the terms were counted in
PyTorch's own saved tensors (see the tests, which hold them to it).
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from budgetscope.core.counting.ledger import Shape
from budgetscope.core.errors import UsageError


class Regime(StrEnum):
    """How the state of a model is held and shared between GPUs; n parameters of a GPU's share, d data-parallel GPUs.

    =========== ================================= ===============================================================
    name        bytes: weights, gradients, Adam   also
    =========== ================================= ===============================================================
    ddp         4 n + 4 n + 8 n                   autocast: 2 a weight that autograd keeps; buckets: 4 n if d > 1,
                                                  and 4 n of old ones in the second step
    fsdp2       (4 n + 4 n + 8 n) / d             in the backward pass 10 a parameter of the largest gathered block
    zero1       2 n + 2 n + 12 n / d              two buckets
    zero2       2 n + 2 n / d + 12 n / d          two buckets
    zero3       (2 n + 2 n + 12 n) / d            a bucket, and the live parameters
    megatron    2 n + 4 n + 12 n / d              nothing: gradients are reduced in place
    =========== ================================= ===============================================================

    Sources: PyTorch, `DistributedDataParallel` (`gradient_as_bucket_view`) and `fully_shard` with fp32 masters;
    Rajbhandari et al. 2020 (ZeRO, arXiv 1910.02054), figure 1, with DeepSpeed's default buckets; Megatron-LM,
    docs of the distributed optimizer (6 + 12/d bytes in bf16 with fp32 gradients).
    """

    DDP = "ddp"
    FSDP2 = "fsdp2"
    ZERO1 = "zero1"
    ZERO2 = "zero2"
    ZERO3 = "zero3"
    MEGATRON = "megatron"


class Recompute(StrEnum):
    """What is computed again in the backward pass.

    `selective` is torchtitan's per-operation policy: attention and every second matrix product are kept. Megatron's
    selective recomputation is that of attention, which flash attention does by itself: there it saves nothing.
    """

    NONE = "none"
    SELECTIVE = "selective"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model and its batch lie on GPUs.

    Attributes:
        data: data-parallel GPUs, d.
        tensor: GPUs that share each matrix, t.
        pipeline: stages of layers, p.
        context: GPUs that share each sequence, c.
        interleave: chunks of layers a stage holds, v (Megatron's virtual pipeline).
        sequence_parallel: whether norms are shared between the tensor-parallel GPUs too.
        micro_sequences: sequences of one micro-batch on a data-parallel GPU.
        accumulation: micro-batches a step.
        dropout: whether hidden dropout keeps its masks.
        names_logits: whether the loop has a name for the 16-bit logits, as nanoGPT's has, so that they stay until the
            backward pass is over; torchtitan's deletes it before. Megatron's loss holds them in either case.
    """

    regime: Regime
    data: int = 1
    tensor: int = 1
    pipeline: int = 1
    context: int = 1
    interleave: int = 1
    sequence_parallel: bool = False
    recompute: Recompute = Recompute.NONE
    micro_sequences: int = 1
    accumulation: int = 1
    dropout: bool = False
    names_logits: bool = True

    @property
    def n_devices(self) -> int:
        """GPUs in use."""
        return self.data * self.tensor * self.pipeline * self.context

    @property
    def batch_sequences(self) -> int:
        """Sequences a step."""
        return self.data * self.micro_sequences * self.accumulation


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the fullest GPU of a layout.

    Attributes:
        weights: held throughout, masters excluded where they belong to the optimizer.
        activations: kept for the backward pass, of all micro-batches in flight.
        logits: of the head and the loss.
        copies: gathered blocks, casts of weights, and buckets of gradients.
        peak: the most that is held at once. Where gradients are made during the backward pass it is less than the sum.
    """

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    copies: float
    peak: float


def estimate(shape: Shape, layout: Layout) -> Memory:
    """Return the memory of the fullest GPU: that of the first pipeline stage, or that of the last.

    Raises:
        UsageError: the layout cannot hold the shape; see `require_possible`.
    """
    require_possible(shape, layout)
    stages = (0,) if layout.pipeline == 1 else (0, layout.pipeline - 1)
    return max((_stage(shape, layout, stage) for stage in stages), key=lambda memory: memory.peak)


def require_possible(shape: Shape, layout: Layout) -> None:
    """Refuse a layout that cannot hold a shape.

    Raises:
        UsageError: a degree is below one, splits what it cannot, or belongs to Megatron alone.
    """
    for name in ("data", "tensor", "pipeline", "context", "interleave", "micro_sequences", "accumulation"):
        if getattr(layout, name) < 1:
            raise UsageError(f"{name} = {getattr(layout, name)} is no layout; give a whole number from 1 up.")
    if layout.regime != Regime.MEGATRON and layout.n_devices != layout.data:
        raise UsageError(f"{layout.regime} has data parallelism alone here; choose megatron for the other kinds.")
    if layout.interleave > 1 and layout.pipeline == 1:
        raise UsageError("interleaved chunks need a pipeline; give pipeline = 2 or more.")
    for degree, what, size in (
        (layout.tensor, "key-value heads", shape.n_kv_heads),
        (layout.tensor, "feed-forward columns", shape.d_ff),
        (layout.pipeline * layout.interleave, "layers", shape.depth),
        (2 * layout.context if layout.context > 1 else 1, "tokens of a sequence", shape.seq_len),
    ):
        if size % degree:
            raise UsageError(f"{degree} parts do not divide the {size} {what}; choose a divisor.")


_BUCKET = 5e8
"""Elements of DeepSpeed's buckets: `reduce_bucket_size`, `allgather_bucket_size` (defaults of its configuration)."""
_LIVE = 1e9
"""DeepSpeed's `stage3_max_live_parameters`, default."""


def _stage(shape: Shape, layout: Layout, stage: int) -> Memory:
    """Return the memory of one stage; its peak is at the end of the forward pass, or before, within or after backward.

    Autocast's own cache holds the casts of all weights until the forward pass ends, recomputed or not. FSDP2 has
    nothing gathered while the loss is made; see `_state` for what it holds from the head's gradients on. DDP has old
    buckets until then; see `_old_buckets`.
    """
    last = stage == layout.pipeline - 1
    share = _share(shape, layout, stage)
    weights, gradients, optimizer, copies = _state(layout, share)
    recomputes = layout.recompute != Recompute.NONE
    autocast = layout.regime == Regime.DDP
    cached = 2.0 * share.matrices if autocast else 0.0
    casts = 2.0 * share.head if autocast and recomputes else cached
    tokens = layout.micro_sequences * shape.seq_len / layout.context
    layer, kept = layer_bytes(shape, layout)
    chunk = shape.depth / (layout.pipeline * layout.interleave)
    activations = tokens * kept * chunk * _in_flight(layout, stage)
    logits = tokens * head_bytes(shape, layout) if last else 0.0
    held = gradients if _holds_gradients(layout) else 0.0
    state = weights + optimizer + copies
    sharded = layout.regime == Regime.FSDP2
    old = _old_buckets(layout, gradients)
    before = state + old + casts + held + activations + logits - (copies if sharded else 0.0)
    forward = before - casts + cached - tokens * 4 * shape.vocab_size if autocast else 0.0
    again = tokens * layer if recomputes else 0.0
    within = state + casts + held + activations + again if recomputes or sharded else 0.0
    after = state + gradients + tokens * layer
    peak = max(forward, before, within, after)
    return Memory(weights, gradients, optimizer, activations, logits, copies + old + casts, peak)


def _old_buckets(layout: Layout, gradients: float) -> float:
    """Return the bytes of DDP's first buckets, which the second step can hold beside those it makes anew.

    DDP orders its buckets again as the second step starts (PyTorch, `reducer.cpp`, `rebuild_buckets`). It drops the old
    ones, but the NCCL process group may refer to them until the next collective, that of the head's gradients
    (`ProcessGroupNCCL.cpp`, `shelvesToUnstash_`).
    """
    return gradients if layout.regime == Regime.DDP and layout.data > 1 else 0.0


def _holds_gradients(layout: Layout) -> bool:
    """Return whether gradients are there when the backward pass starts: accumulated ones, or a fixed buffer."""
    return layout.accumulation > 1 or layout.regime not in (Regime.DDP, Regime.FSDP2)


@dataclass(frozen=True, slots=True)
class _Share:
    """Parameters of a GPU before data parallelism: all, the largest gathered block, matrices, and the head."""

    all: float
    largest: float
    matrices: float
    head: float


def _share(shape: Shape, layout: Layout, stage: int) -> _Share:
    """Return the share of a stage's GPU.

    Norms are counted here, as the ledger's conventions do not. Megatron pads the vocabulary to a multiple of 128 t.
    """
    t, p = layout.tensor, layout.pipeline
    vocab = shape.vocab_size
    if layout.regime == Regime.MEGATRON:
        vocab = 128 * t * math.ceil(vocab / (128 * t))
    first, last = stage == 0, stage == p - 1
    embedding = vocab * shape.width / t
    ends = embedding * (1 if shape.tied and first and last else first + last)
    blocks = shape.n_params_blocks / t / p
    block = shape.n_params_blocks / t / shape.depth + 2 * shape.width
    norms = shape.width * (2 * shape.depth / p + last)
    head = embedding * last
    return _Share(blocks + ends + norms, max(block, embedding), blocks + head, head)


def _state(layout: Layout, share: _Share) -> tuple[float, float, float, float]:
    """Return the bytes of weights, gradients, optimizer, and copies but for casts; see `Regime`."""
    n, d = share.all, layout.data
    match layout.regime:
        case Regime.DDP:
            return 4 * n, 4 * n, 8 * n, 4 * n if d > 1 else 0.0
        case Regime.FSDP2:
            return 4 * n / d, 4 * n / d, 8 * n / d, 10 * share.largest
        case Regime.ZERO1:
            return 2 * n, 2 * n, 12 * n / d, 4 * min(_BUCKET, n)
        case Regime.ZERO2:
            return 2 * n, 2 * n / d, 12 * n / d, 4 * min(_BUCKET, n)
        case Regime.ZERO3:
            return 2 * n / d, 2 * n / d, 12 * n / d, 2 * min(_BUCKET, n) + 2 * min(_LIVE, n)
        case Regime.MEGATRON:
            return 2 * n, 4 * n, 12 * n / (d * layout.context), 0.0


def layer_bytes(shape: Shape, layout: Layout) -> tuple[float, float]:
    """Return the bytes a token and layer that the backward pass needs: in full, and after recomputation.

    In full and in bf16: 2(2w+4) of the norms' inputs, 4w of their outputs, 2q+4k of q, k, v, 2q+4a of attention's
    output and log-sum-exp, 8f of gate, up, SiLU and product (4f without a gate). Autocast has a 4-byte stream, and a
    cast of 2w for each of the five matrices (four without a gate) in place of the norms' outputs. Tensor parallelism
    divides the terms of q, k, a and f; those of the norms only with sequence parallelism (Korthikanti et al. 2022,
    arXiv 2205.05198, section 4). Dropout keeps two masks of w bytes. Full recomputation keeps the layer's input;
    selective keeps also attention, q, v, the first feed-forward product and its output.
    """
    w, f, a = shape.width, shape.d_ff, shape.n_heads
    q, k = w, w * shape.n_kv_heads // a
    autocast = layout.regime == Regime.DDP
    stream = 4 if autocast else 2
    outputs = 2 * w * (4 + shape.gated) if autocast else 4 * w
    outer = 2 * (stream * w + 4) + outputs + (2 * w if layout.dropout else 0)
    inner = 2 * q + 4 * k + 2 * q + 4 * a + (8 if shape.gated else 4) * f
    shared = layout.tensor if layout.sequence_parallel else 1
    full = outer / shared + inner / layout.tensor
    if layout.recompute == Recompute.FULL:
        return full, stream * w / shared
    if layout.recompute == Recompute.SELECTIVE and layout.regime != Regime.MEGATRON:
        return full, stream * w + 2 * q + 4 * a + 2 * q + 2 * k + 2 * f + (2 * w if shape.gated else 0)
    return full, full


def head_bytes(shape: Shape, layout: Layout) -> float:
    """Return the bytes a token of the last norm, the logits and the loss.

    PyTorch's cross entropy in fp32 holds 12 V as it goes back: the log-probabilities, their gradient and that of the
    fp32 logits. The 16-bit logits are 2 V more where they have a name.
    Megatron's vocabulary-parallel one holds 6 V / t: bf16 logits and an fp32 softmax that becomes the gradient.
    """
    stream = 4 if layout.regime == Regime.DDP else 2
    last_norm = (stream * shape.width + 4 + 2 * shape.width) / (layout.tensor if layout.sequence_parallel else 1)
    if layout.regime == Regime.MEGATRON:
        return last_norm + 6 * shape.vocab_size / layout.tensor
    return last_norm + (14 if layout.names_logits else 12) * shape.vocab_size


def _in_flight(layout: Layout, stage: int) -> int:
    """Return for how many chunks of layers a stage keeps activations at once.

    In 1F1B that is p - stage micro-batches; interleaved, 2(p - stage - 1) + (v - 1) p + 1 chunks (Megatron-LM,
    `schedules.py`; Narayanan et al. 2021, arXiv 2104.04473, section 2.2). A step has no more than its micro-batches.
    """
    p, v = layout.pipeline, layout.interleave
    if p == 1:
        return 1
    chunks = p - stage if v == 1 else 2 * (p - stage - 1) + (v - 1) * p + 1
    return min(chunks, v * layout.accumulation)
