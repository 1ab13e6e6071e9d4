"""The recipe for Levanter: the YAML of levanter.main.train_lm."""

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.hardware.memory import Recompute, Regime
from budgetscope.core.language import N_, _
from budgetscope.core.trainers import LEVANTER, values
from budgetscope.report.recipes.target import (
    BF16,
    Target,
    Written,
    as_yaml,
    comment,
    data_parallel,
    head,
    nested,
    precision_lost,
)

_LOST = (N_("a layout with tensor or pipeline parallelism, and replicas without sharding: it shards the weights"),)


def write(setup: TrainingSetup) -> Written:
    """Return the recipe."""
    lost = precision_lost(setup, BF16)
    text = comment(head(setup, LEVANTER, (*lost, *_LOST))) + as_yaml(nested(_flat(setup)))
    return Written(
        files=(("train_lm.yaml", text),),
        run=("python -m levanter.main.train_lm --config_path train_lm.yaml",),
        lost=lost,
        notes=(
            _("Put your tokenizer's folder and your data into data; the vocabulary of the model is the tokenizer's."),
            _("Levanter spares norms and embeddings from decay unless told; this recipe lets every weight decay."),
            _("A warmup or decay of 1 is the whole run there, so that one of a single step is written as a share."),
        ),
    )


def phase(steps: int, of: int) -> float | int:
    """Return the length of a warmup or decay as Levanter takes it: up to 1 is a share of the run, rounded down."""
    return steps if steps > 1 else (steps + 0.5) / of if steps else 0.0


def _flat(setup: TrainingSetup) -> dict[str, object]:
    ends = [each.step for each in setup.checkpoints]
    return {
        **values(setup, LEVANTER.names),
        "optimizer.warmup": phase(setup.warmup_steps, setup.steps),
        "optimizer.decay": phase(setup.decay_steps, setup.steps),
        "optimizer.type": "adam",
        "optimizer.lr_schedule": "linear",
        "optimizer.min_lr_ratio": 0.0,
        "optimizer.weight_decay_modules": ".*",
        "model.type": "llama",
        "model.max_seq_len": setup.shape.seq_len,
        "model.rope.type": "default",
        "model.rope.theta": 10000.0,
        "model.gradient_checkpointing": setup.layout.recompute == Recompute.FULL,
        "data.tokenizer": "tokenizer",
        "data.components.plan.type": "cached",
        "data.components.plan.source.type": "url",
        "data.components.plan.source.train_urls": ["data/train-*.jsonl.gz"],
        "data.components.plan.source.validation_urls": ["data/validation-*.jsonl.gz"],
        # fp32 weights and optimizer, products in bf16.
        "trainer.mp": "p=f32,c=bfloat16",
        # Weights & Biases unless told, which asks for an account.
        "trainer.tracker.type": "json_logger",
        "trainer.steps_per_eval": setup.checkpoint_interval,
        "trainer.checkpointer.base_path": "run/checkpoints",
        # A step that is its own interval: one checkpoint each.
        "trainer.checkpointer.keep": [{"every": step, "until": step} for step in ends],
    }


TARGET = Target(
    trainer=LEVANTER,
    # It imports GitPython without asking for it.
    install="pip install 'marin-levanter==0.2.20.dev202606180959' gitpython",
    writes="train_lm.yaml",
    lost=_LOST,
    allowed=data_parallel(Regime.FSDP2),
    write=write,
)
