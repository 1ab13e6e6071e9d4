"""The recipe for Megatron-LM: a shell script with the flags of pretrain_gpt.py."""

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.hardware.memory import Recompute, Regime
from budgetscope.core.language import N_, _
from budgetscope.core.trainers import MEGATRON, Quantity, amount
from budgetscope.report.recipes.target import (
    ANY_16_BIT,
    Target,
    Written,
    comment,
    head,
    interval_lost,
    precision,
    precision_lost,
    spread,
)

_LOST = (
    N_("checkpoints at given steps: it saves at equal intervals"),
    N_("decay of every weight: it spares norms and biases"),
)
_MODEL = (
    Quantity.DEPTH, Quantity.WIDTH, Quantity.D_FF, Quantity.N_HEADS, Quantity.HEAD_DIM, Quantity.VOCAB_SIZE,
    Quantity.SEQ_LEN,
)  # fmt: skip
_OPTIMIZER = (
    Quantity.BATCH, Quantity.MICRO_BATCH, Quantity.LENGTH, Quantity.LEARNING_RATE, Quantity.WARMUP, Quantity.DECAY,
    Quantity.BETA1, Quantity.BETA2, Quantity.EPS, Quantity.WEIGHT_DECAY, Quantity.CLIP,
)  # fmt: skip
_PARALLEL = (Quantity.TENSOR, Quantity.PIPELINE, Quantity.CONTEXT)
_MOST_PADDING = 128
"""`--make-vocab-size-divisible-by`, default: times the tensor-parallel degree, the vocabulary is padded to it."""


def write(setup: TrainingSetup) -> Written:
    """Return the recipe."""
    lost = (*interval_lost(setup), *_padding_lost(setup), *precision_lost(setup, ANY_16_BIT))
    return Written(
        files=(("train.sh", _script(setup, (*lost, *_LOST))),),
        run=("MEGATRON=Megatron-LM TOKENIZER=... DATA=... bash train.sh",),
        lost=lost,
        notes=(
            _("DATA is the prefix of the files that tools/preprocess_data.py makes; TOKENIZER a Hugging Face folder."),
            _("The tokenizer's vocabulary must be the plan's: Megatron takes its size in place of --vocab-size."),
            _("The gradient is summed in fp32, and the fp32 masters are in the distributed optimizer."),
        ),
    )


def padding(setup: TrainingSetup) -> int:
    """Return the divisor of the vocabulary, at most Megatron's, that pads least; times the tensor-parallel degree."""
    divisor = _MOST_PADDING
    while divisor > 1 and setup.shape.vocab_size % (divisor * setup.layout.tensor):
        divisor //= 2
    return divisor


def _padding_lost(setup: TrainingSetup) -> tuple[str, ...]:
    multiple = padding(setup) * setup.layout.tensor
    padded = -(-setup.shape.vocab_size // multiple) * multiple
    if padded == setup.shape.vocab_size:
        return ()
    told = _("the vocabulary of {size}: {n} devices share {rows} rows")
    return (told.format(size=f"{setup.shape.vocab_size:,}", n=setup.layout.tensor, rows=f"{padded:,}"),)


def _flags(setup: TrainingSetup, quantities: tuple[Quantity, ...]) -> list[str]:
    names = [MEGATRON.names[quantity] for quantity in quantities]
    return [f"{name.key} {amount(setup, q, name.unit)}" for q, name in zip(quantities, names, strict=True)]


def _model(setup: TrainingSetup) -> list[str]:
    shape = setup.shape
    grouped = shape.n_kv_heads != shape.n_heads
    return [
        *_flags(setup, _MODEL),
        *(["--group-query-attention", *_flags(setup, (Quantity.N_KV_HEADS,))] if grouped else []),
        f"--max-position-embeddings {shape.seq_len}",
        f"--make-vocab-size-divisible-by {padding(setup)}",
        "--position-embedding-type rope",
        "--rotary-base 10000",
        "--normalization RMSNorm",
        "--norm-epsilon 1e-5",
        "--swiglu",
        "--disable-bias-linear",
        *([] if shape.tied else ["--untie-embeddings-and-output-weights"]),
        "--hidden-dropout 0",
        "--attention-dropout 0",
    ]


def _optimizer(setup: TrainingSetup) -> list[str]:
    return [
        *_flags(setup, _OPTIMIZER),
        "--min-lr 0",
        "--lr-decay-style WSD",
        # Exponential unless told.
        "--lr-wsd-decay-style linear",
        # With the warmup.
        f"--lr-decay-iters {setup.steps}",
        f"--{precision(setup, ANY_16_BIT)}",
    ]


def _parallel(setup: TrainingSetup) -> list[str]:
    layout = setup.layout
    return [
        *_flags(setup, _PARALLEL),
        *(["--sequence-parallel"] if layout.sequence_parallel else []),
        "--use-distributed-optimizer",
        "--overlap-grad-reduce",
        "--overlap-param-gather",
        *(
            ["--recompute-granularity full", "--recompute-method uniform", "--recompute-num-layers 1"]
            if layout.recompute == Recompute.FULL
            else []
        ),
    ]


def _script(setup: TrainingSetup, lost: tuple[str, ...]) -> str:
    nodes, per_node = spread(setup)
    interval = setup.checkpoint_interval
    kept = [
        '--save "$SAVE"',
        '--load "$SAVE"',
        *_flags(setup, (Quantity.CHECKPOINT_INTERVAL,)),
        f"--eval-interval {interval}",
        "--eval-iters 32",
        "--log-interval 10",
    ]
    data = [
        '--data-path "$DATA"',
        "--split 99,1,0",
        "--tokenizer-type HuggingFaceTokenizer",
        '--tokenizer-model "$TOKENIZER"',
    ]
    groups = {
        "MODEL": _model(setup),
        "OPTIMIZER": _optimizer(setup),
        "PARALLEL": _parallel(setup),
        "CHECKPOINTS": kept,
        "DATASET": data,
    }
    arrays = "\n".join(
        f"{name}=(\n" + "".join(f"    {flag}\n" for flag in flags) + ")" for name, flags in groups.items()
    )
    rest = " ".join(f'"${{{name}[@]}}"' for name in groups)
    return f"""#!/usr/bin/env bash
{comment(head(setup, MEGATRON, lost))}set -euo pipefail

: "${{MEGATRON:?its checkout}}" "${{TOKENIZER:?the folder of the tokenizer}}" "${{DATA:?the prefix of the data}}"
SAVE="${{SAVE:-checkpoints}}"
export CUDA_DEVICE_MAX_CONNECTIONS=1

{arrays}

torchrun --nnodes {nodes} --nproc-per-node {per_node} \\
    --rdzv-backend c10d --rdzv-endpoint "${{HOST:-localhost}}:29500" \\
    "$MEGATRON/pretrain_gpt.py" {rest}
"""


TARGET = Target(
    trainer=MEGATRON,
    install="git clone --branch core_v0.19.2 URL-OF-MEGATRON-LM Megatron-LM && pip install './Megatron-LM[mlm]'",
    writes="train.sh",
    lost=_LOST,
    allowed=lambda layout: layout.regime == Regime.MEGATRON,
    write=write,
)
