"""Hugging Face: config.json of a model, training arguments as JSON or YAML, and command lines of its scripts."""

from budgetscope.core.audit.run import Evidence
from budgetscope.core.language import _
from budgetscope.core.trainers import HUGGING_FACE, Name, Quantity, Unit
from budgetscope.store.configs.common import (
    default_amount,
    defaults,
    draft_of,
    epochs_told,
    least_rate,
    precision_switches,
    schedule,
    share_or_steps,
)
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Family, Loaded

_VARIANTS = {
    # GPT-2 and GPT-J; OPT; MPT; Bloom; Falcon.
    Quantity.DEPTH: (Name("n_layer"), Name("n_layers"), Name("num_layers")),
    Quantity.WIDTH: (Name("n_embd"), Name("d_model")),
    Quantity.D_FF: (Name("n_inner"), Name("ffn_dim"), Name("ffn_hidden_size")),
    Quantity.N_HEADS: (Name("n_head"), Name("n_heads"), Name("num_heads")),
    Quantity.N_KV_HEADS: (Name("num_kv_heads"),),
    Quantity.SEQ_LEN: (Name("block_size"), Name("max_seq_length"), Name("max_seq_len"), Name("seq_length")),
}
_MODEL = ("num_hidden_layers", "n_layer", "architectures", "model_type")
_TRAINING = ("per_device_train_batch_size", "lr_scheduler_type", "num_train_epochs", "adam_beta2", "warmup_ratio")
# By `model_type`: whether the feed-forward layer has a gate, whether embedding and head are tied unless told.
# Read in transformers 5.24.0, models/*/configuration_*.py and modeling_*.py.
_GATED = frozenset(
    (
        "llama", "mistral", "mixtral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "olmo", "olmo2",
        "olmo3", "smollm3", "phi3", "internlm2", "stablelm", "granite", "cohere", "cohere2", "helium", "exaone4",
    )
)  # fmt: skip
_PLAIN = frozenset(
    (
        "gpt2", "gpt_neo", "gpt_neox", "gptj", "opt", "bloom", "falcon", "phi", "mpt", "starcoder2",
        "gpt_bigcode", "codegen", "nemotron", "arcee", "apertus",
    )
)  # fmt: skip
_TIED = frozenset(
    (
        "gpt2", "gpt_neo", "opt", "bloom", "falcon", "gemma", "gemma2", "gemma3", "mpt", "gpt_bigcode",
        "cohere", "cohere2", "smollm3", "starcoder2",
    )
)  # fmt: skip
_FOUR_TIMES = frozenset(
    (
        "gpt2", "gpt_neo", "gptj", "bloom", "falcon", "gpt_bigcode", "codegen", "mpt",
    )
)  # fmt: skip


def is_model(loaded: Loaded) -> bool:
    """Return whether a configuration is the model's half: config.json."""
    return loaded.form == "json" and loaded.has_any(*_MODEL) and not is_training(loaded)


def is_training(loaded: Loaded) -> bool:
    """Return whether a configuration has training arguments."""
    return loaded.has_any(*_TRAINING) or (loaded.has("learning_rate") and loaded.has_any("max_grad_norm", "max_steps"))


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is one of Hugging Face."""
    if loaded.form == "command":
        return loaded.has("per_device_train_batch_size")
    return loaded.form in ("json", "yaml", "wandb") and (loaded.has_any("architectures", "model_type", *_TRAINING))


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration, or of both halves."""
    draft = draft_of(loaded, HUGGING_FACE.name, "run_name")
    draft.read(HUGGING_FACE.names, _VARIANTS, without=(Quantity.WARMUP,))
    draft.ignore("max_position_embeddings", "n_positions", "n_ctx", "output_dir", "seed", "hidden_act")
    model(draft)
    if is_training(loaded):
        _training(draft)
    return draft


def model(draft: Draft) -> None:
    """Take what the class of a model says of its gate and its tied weights."""
    kind, values = draft.named("model_type"), draft.values
    cell = draft.cell("model_type")
    if cell is not None and kind in _GATED | _PLAIN:
        draft.put("gated", kind in _GATED, evidence_of(cell))
    elif draft.named("hidden_act", "activation_function") in ("silu", "swish") and "depth" in values:
        draft.assume("gated", True, draft.named("hidden_act", "activation_function"), "hidden_act")
        draft.remarks.append(_("The feed-forward layer is taken as gated, since its activation is SiLU."))
    if cell is not None and kind in _GATED | _PLAIN and "depth" in values:
        defaults(draft, kind, tied=kind in _TIED)
    if kind in _FOUR_TIMES and "width" in values:
        draft.assume("d_ff", 4 * values["width"], f"4 x {values['width']}")
    _one_key_head(draft)


def _one_key_head(draft: Draft) -> None:
    """Take one key-value head where a model says multi-query; Falcon's new architecture has groups in spite of it."""
    if draft.switched("multi_query") and not draft.switched("new_decoder_architecture"):
        draft.values["n_kv_heads"] = 1
        draft.evidence["n_kv_heads"] = Evidence(draft.main_file, "multi_query", "true")


def _training(draft: Draft) -> None:
    version = HUGGING_FACE.version
    cell = draft.cell("warmup_steps")
    if cell is None or str(cell.value).strip() in ("0", "0.0"):
        share_or_steps(draft, Quantity.WARMUP, "warmup_ratio")
    share_or_steps(draft, Quantity.WARMUP, "warmup_steps")
    default_amount(draft, version, Quantity.WARMUP, 0, Unit.STEPS)
    default_amount(draft, version, Quantity.MICRO_BATCH, 8, Unit.SEQUENCES)
    draft.word("optimizer", "optim", lower=True)
    if draft.values.get("optimizer", "adamw").startswith("adamw"):
        draft.values["optimizer"] = "adamw"
    kind = schedule(draft, "lr_scheduler_type")
    if kind == "polynomial" and draft.number("lr_scheduler_kwargs.power") in (None, 1.0):
        # Of power 1 unless told, to 1e-7.
        draft.values["schedule"] = kind = "linear"
        draft.real("min_learning_rate", "lr_scheduler_kwargs.lr_end")
        defaults(draft, version, min_learning_rate=1e-7)
    # Read in transformers 5.24.0, training_args.py and optimization.py.
    defaults(
        draft, version, optimizer="adamw", learning_rate=5e-5, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0,
        clip=1.0, accumulation=1, schedule="linear",
    )  # fmt: skip
    draft.real("min_learning_rate", "lr_scheduler_kwargs.min_lr")
    least_rate(draft, "lr_scheduler_kwargs.min_lr_rate", "lr_scheduler_kwargs.min_lr_ratio")
    if kind in ("", "linear", "cosine", "wsd"):
        defaults(draft, version, min_learning_rate=0.0)
    precision_switches(draft, bf16="bf16", fp16="fp16")
    draft.word("tokenizer", "tokenizer_name")
    draft.word("dataset", "dataset_name")
    draft.real("n_devices", "world_size", "num_processes", whole=True)
    draft.ignore("lr_scheduler_kwargs.decay_type", "optim_args")
    epochs_told(draft, "num_train_epochs")


FAMILY = Family(HUGGING_FACE.name, "Hugging Face (config.json, training arguments)", matches, read)
