"""The recipe for open_lm, the trainer of Porian et al. 2024: the model's JSON, and the flags of open_lm.main."""

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.counting.ledger import default_d_ff
from budgetscope.core.hardware.memory import Recompute, Regime
from budgetscope.core.language import N_, _
from budgetscope.core.trainers import OPEN_LM, Quantity, values
from budgetscope.report.recipes.target import (
    ANY_16_BIT,
    Target,
    Written,
    as_json,
    comment,
    data_parallel,
    head,
    interval_lost,
    only,
    precision,
    precision_lost,
    torchrun,
)

_LOST = (
    N_("the feed-forward width: it is 256 times 8w/768, rounded up"),
    N_("grouped key-value heads"),
    N_("checkpoints at given steps, and a length in steps: both are in epochs, here as many as checkpoints"),
    N_("decay of every weight: it spares norms"),
)
_MODEL = (
    Quantity.DEPTH, Quantity.WIDTH, Quantity.N_HEADS, Quantity.VOCAB_SIZE, Quantity.SEQ_LEN, Quantity.TIED,
)  # fmt: skip


def write(setup: TrainingSetup) -> Written:
    """Return the recipe."""
    lost = (
        *_shape_lost(setup),
        *_length_lost(setup),
        *interval_lost(setup),
        *precision_lost(setup, ANY_16_BIT),
    )
    model = {**only(setup, OPEN_LM.names, _MODEL), "post_embed_norm": False}
    return Written(
        files=(("model.json", as_json(model)), ("train.sh", _script(setup, (*lost, *_LOST)))),
        run=("DATA='/data/shard-{00000..09999}.tar' bash train.sh",),
        lost=lost,
        notes=(
            _("DATA names shards of tokenised sequences, as open_lm.datapreprocess makes them."),
            _("Queries and keys are normalised, and the z-loss is 1e-4, as in the runs of Porian et al. 2024."),
            _("--train-num-samples is in tokens, in spite of its name."),
        ),
    )


def epochs(setup: TrainingSetup) -> tuple[int, int]:
    """Return the epochs of the run and those of its decay; a checkpoint is kept after each."""
    interval = setup.checkpoint_interval
    return max(round(setup.steps / interval), 1), round(setup.decay_steps / interval)


def _shape_lost(setup: TrainingSetup) -> tuple[str, ...]:
    shape = setup.shape
    lost = []
    if default_d_ff(shape.width) != shape.d_ff:
        told = _("the feed-forward width {planned}: it is {width}")
        lost.append(told.format(planned=f"{shape.d_ff:,}", width=f"{default_d_ff(shape.width):,}"))
    if shape.n_kv_heads != shape.n_heads:
        told = _("{planned} key-value heads: it has {n}")
        lost.append(told.format(planned=shape.n_kv_heads, n=shape.n_heads))
    return tuple(lost)


def _length_lost(setup: TrainingSetup) -> tuple[str, ...]:
    steps = epochs(setup)[0] * setup.checkpoint_interval
    told = _("{planned} steps: whole epochs have {steps}").format(planned=f"{setup.steps:,}", steps=f"{steps:,}")
    return () if steps == setup.steps else (told,)


def _script(setup: TrainingSetup, lost: tuple[str, ...]) -> str:
    layout = setup.layout
    run, decay = epochs(setup)
    flags = {
        **{key: value for key, value in values(setup, OPEN_LM.names).items() if key.startswith("--")},
        "--epochs": run,
        "--epochs-cooldown": decay,
        "--lr-scheduler": "const-cooldown",
        "--lr-cooldown-end": 0.0,
        "--model-norm": "gain_only_layer_norm",
        "--precision": "amp_bfloat16" if precision(setup, ANY_16_BIT) == "bf16" else "amp",
        "--z-loss-coefficient": 1e-4,
        "--save-frequency": 1,
        "--data-key": "json.gz",
        "--name": "plan",
        "--logs": "run",
    }
    switches = ["--qk-norm"]
    if layout.regime == Regime.FSDP2:
        switches += ["--fsdp", "--fsdp-amp", "--fsdp-limit-all-gathers"]
    if layout.recompute == Recompute.FULL:
        switches += ["--grad-checkpointing"]
    words = [*(f"{flag} {value}" for flag, value in flags.items()), *switches]
    lines = " \\\n    ".join((torchrun(setup, "-m open_lm.main"), '--train-data "$DATA"', '--model "$MODEL"', *words))
    return (
        f'#!/usr/bin/env bash\n{comment(head(setup, OPEN_LM, lost))}set -euo pipefail\n\n: "${{DATA:?the shards of the '
        f'data}}"\nMODEL="$(cd "$(dirname "$0")" && pwd)/model.json"\n\n{lines}\n'
    )


TARGET = Target(
    trainer=OPEN_LM,
    install="git clone URL-OF-OPEN-LM && cd open_lm && git checkout 9bb92ef && pip install -e .",
    writes="model.json, train.sh",
    lost=_LOST,
    allowed=data_parallel(Regime.DDP, Regime.FSDP2),
    write=write,
)
