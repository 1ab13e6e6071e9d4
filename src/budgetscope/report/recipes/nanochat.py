"""The recipe for nanochat: the command line of scripts/base_train.py, whose model and optimizer are its own."""

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.counting.ledger import Convention
from budgetscope.core.hardware.memory import Recompute, Regime
from budgetscope.core.language import N_, _
from budgetscope.core.trainers import NANOCHAT, values
from budgetscope.report.recipes.target import (
    BF16,
    Target,
    Written,
    comment,
    head,
    interval_lost,
    precision_lost,
    torchrun,
)

_LOST = (
    N_(
        "learning rate, betas, epsilon, weight decay, clip: its Muon and AdamW have their own, scaled by "
        "width and batch"
    ),
    N_("the feed-forward layer: its width is 4 w, with a squared ReLU and no gate"),
    N_("grouped key-value heads, and tied embeddings"),
    N_("the vocabulary, which is its tokenizer's"),
    N_("checkpoints at given steps: it saves at equal intervals"),
    N_("recomputation, and any layout but its own data parallelism"),
)
_WIDTH_STEP = 64
"""Rows to which nanochat pads the vocabulary."""


def write(setup: TrainingSetup) -> Written:
    """Return the recipe."""
    lost = (*_shape_lost(setup), *interval_lost(setup), *precision_lost(setup, BF16))
    return Written(
        files=(("train.sh", _script(setup, (*lost, *_LOST))),),
        run=("bash /path/to/this/train.sh",),
        lost=lost,
        notes=(
            _("Start it in a checkout of nanochat, after its tokenizer is trained."),
            _("Its loss is in bits a byte of its own data: no law of another tokenizer is compared with it directly."),
            _("The memory of the layout is that of the plan's model, not of nanochat's."),
        ),
    )


def aspect_ratio(setup: TrainingSetup) -> int:
    """Return the aspect ratio whose product with the depth is rounded up to the plan's width, in steps of a head."""
    return max(1, setup.shape.width // setup.shape.depth)


def model_width(setup: TrainingSetup) -> int:
    """Return the width that nanochat makes of the depth, the aspect ratio and the width of a head."""
    head_dim = setup.shape.width // setup.shape.n_heads
    return -(-setup.shape.depth * aspect_ratio(setup) // head_dim) * head_dim


def n_params(depth: int, width: int, n_heads: int, vocab_size: int) -> int:
    """Return the parameters of nanochat's model.

    Blocks of 12 w² weights; an embedding and a head of V w; an embedding of values, V w, and a gate of 12 weights a
    head in every second layer, the last one among them; two scalars a layer; and 26 weights more. V is rounded up to a
    multiple of 64. Source: nanochat/gpt.py, commit 92d63d4.
    """
    table = -(-vocab_size // _WIDTH_STEP) * _WIDTH_STEP * width
    with_values = (depth + 1) // 2
    return depth * 12 * width**2 + (2 + with_values) * table + with_values * 12 * n_heads + 2 * depth + 26


def _shape_lost(setup: TrainingSetup) -> tuple[str, ...]:
    shape, width = setup.shape, model_width(setup)
    head_dim = shape.width // shape.n_heads
    total = n_params(shape.depth, width, width // head_dim, shape.vocab_size)
    plan = shape.count(Convention.TOTAL).n_params
    size = _("the plan's parameters: at this vocabulary its model has {n} in place of {planned}")
    lost = [size.format(n=f"{total:,}", planned=f"{plan:,}")]
    if width != shape.width:
        told = _("the width {planned}: with {depth} layers and heads of {head} it is {width}")
        planned = f"{shape.width:,}"
        lost.insert(0, told.format(planned=planned, depth=shape.depth, head=head_dim, width=f"{width:,}"))
    return tuple(lost)


def _script(setup: TrainingSetup, lost: tuple[str, ...]) -> str:
    interval = setup.checkpoint_interval
    flags = {
        **values(setup, NANOCHAT.names),
        "--aspect-ratio": aspect_ratio(setup),
        # Full attention in every layer, as in the plan's FLOPs; sliding windows unless told.
        "--window-pattern": "L",
        "--final-lr-frac": 0.0,
        "--eval-every": interval,
        "--core-metric-every": -1,
        "--sample-every": -1,
        "--model-tag": "plan",
    }
    lines = " \\\n    ".join(f"{flag}={value}" for flag, value in flags.items())
    command = torchrun(setup, "-m scripts.base_train")
    top = f"#!/usr/bin/env bash\n{comment(head(setup, NANOCHAT, lost))}set -euo pipefail\n\n"
    return f"{top}{command} -- \\\n    {lines}\n"


TARGET = Target(
    trainer=NANOCHAT,
    install="git clone URL-OF-NANOCHAT && cd nanochat && git checkout 92d63d4",
    writes="train.sh",
    lost=_LOST,
    allowed=lambda layout: layout.regime == Regime.DDP and layout.recompute == Recompute.NONE,
    write=write,
)
