"""The recipe for LitGPT: the YAML of `litgpt pretrain`."""

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.hardware.memory import Recompute, Regime
from budgetscope.core.language import N_, _
from budgetscope.core.trainers import LITGPT, values
from budgetscope.report.recipes.target import (
    BF16,
    Target,
    Written,
    as_yaml,
    comment,
    head,
    nested,
    precision_lost,
    spread,
)

_LOST = (
    N_(
        "the constant rate and its linear decay (WSD): its schedule is a cosine, so that only its end is an "
        "IsoFLOP point"
    ),
    N_("recomputation, and any layout but FSDP"),
)


def write(setup: TrainingSetup) -> Written:
    """Return the recipe."""
    nodes, per_node = spread(setup)
    lost = precision_lost(setup, BF16)
    if nodes > 1:
        lost = (
            *lost,
            _("sharding over all nodes: it shards over the {n} devices of one, which takes more memory").format(
                n=per_node
            ),
        )
    start = "litgpt pretrain --config pretrain.yaml"
    if nodes > 1:
        start = f"fabric run --num-nodes {nodes} --devices {per_node} $(which litgpt) pretrain --config pretrain.yaml"
    text = comment(head(setup, LITGPT, (*lost, *_LOST))) + as_yaml(_tree(setup, nodes, per_node))
    return Written(
        files=(("pretrain.yaml", text),),
        run=(start,),
        lost=lost,
        notes=(
            _(
                "Put your data into data and your tokenizer into tokenizer_dir; data is a folder of LitData's chunks "
                "here."
            ),
            _("The rate falls from the warmup on: to read this run as an IsoFLOP point, take its last loss alone."),
            _("model_name is required, and model_config replaces what it names."),
            _("LitGPT needs huggingface-hub below 1.4: give it an environment of its own."),
        ),
    )


def _tree(setup: TrainingSetup, nodes: int, per_node: int) -> dict[str, object]:
    shape = setup.shape
    return nested(
        {
            "model_name": "pythia-14m",
            "model_config.name": "plan",
            "model_config.block_size": shape.seq_len,
            "model_config.vocab_size": shape.vocab_size,
            "model_config.norm_class_name": "RMSNorm",
            "model_config.norm_eps": 1e-5,
            "model_config.mlp_class_name": "LLaMAMLP",
            "model_config.parallel_residual": False,
            "model_config.bias": False,
            "model_config.rotary_percentage": 1.0,
            "model_config.rope_base": 10000,
            "optimizer.class_path": "torch.optim.AdamW",
            "train.min_lr": 0.0,
            **values(setup, LITGPT.names),
            "data.class_path": "LitData",
            "data.init_args.data_path": "data",
            "precision": "bf16-mixed",
            "devices": per_node,
            "num_nodes": nodes,
            "out_dir": "run",
            "tokenizer_dir": "tokenizer",
            "logger_name": "csv",
            "eval.interval": setup.checkpoint_interval,
        }
    )


TARGET = Target(
    trainer=LITGPT,
    install="pip install 'litgpt==0.5.13'",
    writes="pretrain.yaml",
    lost=_LOST,
    # One device holds the model unsharded.
    allowed=lambda layout: (
        layout.regime == (Regime.DDP if layout.n_devices == 1 else Regime.FSDP2) and layout.recompute == Recompute.NONE
    ),
    write=write,
)
