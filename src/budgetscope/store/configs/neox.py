"""GPT-NeoX: its "yml", which is JSON with trailing commas or YAML."""

from budgetscope.core.audit.run import Evidence
from budgetscope.core.language import _
from budgetscope.core.trainers import Name, Quantity, Trainer, Unit
from budgetscope.store.configs.cells import fraction, number, written
from budgetscope.store.configs.common import default_amount, defaults, draft_of, precision, precision_switches, schedule
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Family, Loaded

TRAINER = Trainer(
    "gpt-neox",
    "GPT-NeoX",
    "GPT-NeoX commit e897c23",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("num_layers"),
        Quantity.WIDTH: Name("hidden_size"),
        Quantity.D_FF: Name("intermediate_size"),
        Quantity.N_HEADS: Name("num_attention_heads"),
        Quantity.N_KV_HEADS: Name("num_kv_heads"),
        Quantity.VOCAB_SIZE: Name("padded_vocab_size"),
        Quantity.SEQ_LEN: Name("seq_length"),
        Quantity.BATCH: Name("train_batch_size", Unit.SEQUENCES),
        Quantity.MICRO_BATCH: Name("train_micro_batch_size_per_gpu", Unit.SEQUENCES),
        Quantity.ACCUMULATION: Name("gradient_accumulation_steps"),
        Quantity.LENGTH: Name("train_iters", Unit.STEPS),
        Quantity.LEARNING_RATE: Name("optimizer.params.lr"),
        Quantity.BETAS: Name("optimizer.params.betas"),
        Quantity.EPS: Name("optimizer.params.eps"),
        Quantity.WEIGHT_DECAY: Name("weight_decay"),
        Quantity.CLIP: Name("gradient_clipping"),
        Quantity.TENSOR: Name("model_parallel_size"),
        Quantity.PIPELINE: Name("pipe_parallel_size"),
    },
)
_VARIANTS = {
    Quantity.MICRO_BATCH: (Name("batch_size", Unit.SEQUENCES),),
    Quantity.ACCUMULATION: (Name("gas"),),
    Quantity.LEARNING_RATE: (Name("lr"),),
    Quantity.WEIGHT_DECAY: (Name("optimizer.params.weight_decay"),),
}
_MOST_TIMES = 6
_OWN = (
    "train_micro_batch_size_per_gpu", "pipe_parallel_size", "model_parallel_size", "no_weight_tying",
    "gpt_j_residual", "optimizer.params.lr",
)  # fmt: skip


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is GPT-NeoX's."""
    return (
        loaded.form in ("json", "yaml", "wandb") and loaded.has("num_layers", "hidden_size") and loaded.has_any(*_OWN)
    )


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    draft = draft_of(loaded, TRAINER.name, "wandb_group")
    # 0 stages are one without pipelining.
    stages = draft.cell("pipe_parallel_size")
    flat = stages is not None and str(stages.value) == "0"
    draft.read(TRAINER.names, _VARIANTS, without=(Quantity.PIPELINE,) if flat else ())
    _model(draft)
    _schedule(draft)
    draft.word("optimizer", "optimizer.type", lower=True)
    if draft.values.get("optimizer") in ("adam", "cpu_adam"):
        draft.values["optimizer"] = "adamw"
    precision(draft, "precision")
    precision_switches(draft, **{"bf16.enabled": "bf16", "bf16": "bf16", "fp16.enabled": "fp16", "fp16.fp16": "fp16"})
    if draft.named("fp16.type") == "bfloat16":
        draft.values["precision"] = "bf16"
    draft.word("tokenizer", "vocab_file", "tokenizer_type")
    draft.word("dataset", "data_path", "train_data_paths")
    draft.real("n_devices", "global_num_gpus", whole=True)
    draft.ignore("max_position_embeddings", "make_vocab_size_divisible_by", "data_impl", "norm", "scheduler.type")
    return draft


def _model(draft: Draft) -> None:
    values = draft.values
    untied = draft.cell("no_weight_tying")
    if untied is None:
        draft.assume("tied", True, "no_weight_tying: false")
    else:
        draft.flag("tied", "no_weight_tying", inverted=True)
    kind = draft.named("activation") or "gelu"
    gated = kind in ("swiglu", "geglu", "reglu", "glu")
    draft.assume("gated", gated, kind, "activation")
    width = values.get("width")
    if width and not gated:
        draft.assume("d_ff", 4 * width, f"4 x {width}")
    elif width and values.get("d_ff", 0) > _MOST_TIMES * width:
        _third(draft, values["d_ff"])


def _third(draft: Draft, size: int) -> None:
    """Take a third of the width: since 2024 `ParallelMLP` scales it by 2/3 for a gate and splits the rest in two.

    Before, `LLaMAParallelMLP` took it as it is. No model that is known has a gated width of more than six times its
    own, so that a larger one is of the new kind: 43,008 for the 14,336 of Llama 3 8B.
    """
    evidence = draft.evidence["d_ff"]
    draft.values["d_ff"] = size // 3
    draft.evidence["d_ff"] = Evidence(evidence.file, evidence.key, f"{size} / 3")
    draft.remarks.append(
        _("{key} is taken as three times the feed-forward width, as GPT-NeoX counts it with a gate since 2024.").format(
            key=evidence.key
        )
    )


def _schedule(draft: Draft) -> None:
    """Read the schedule; `warmup` is a share of `lr_decay_iters`, which counts from the first step."""
    word = schedule(draft, "lr_decay_style")
    cell, total = draft.cell("warmup"), draft.number("lr_decay_iters")
    end = draft.cell("lr_decay_iters")
    draft.real("min_learning_rate", "min_lr")
    # Read in neox_arguments/neox_args.py; the decay of the weights was 0.01 there and is 0.1 elsewhere.
    word = word or "linear"
    defaults(draft, TRAINER.version, schedule="linear", min_learning_rate=0.0)
    if cell is None:
        default_amount(draft, TRAINER.version, Quantity.WARMUP, 0.01, Unit.SHARE)
        return
    share = fraction(cell, number(cell))
    if total is None or end is None:
        draft.amount(Quantity.WARMUP, share, Unit.SHARE, evidence_of(cell))
        return
    text = f"{written(cell)} x {total:.12g}"
    draft.amount(Quantity.WARMUP, share * total, Unit.STEPS, Evidence(cell.file, cell.key, text))
    falls = total * (1 - share)
    if word in ("cosine", "linear") and falls > 0:
        text = f"{total:.12g} - {share * total:.12g}"
        draft.amount(Quantity.DECAY, falls, Unit.STEPS, Evidence(end.file, end.key, text))


FAMILY = Family(TRAINER.name, "GPT-NeoX (yml)", matches, read)
