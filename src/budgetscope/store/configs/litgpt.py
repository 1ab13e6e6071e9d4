"""LitGPT: the YAML of its pretraining command, or the same names as flags."""

from budgetscope.core.language import _
from budgetscope.core.trainers import LITGPT, Name, Quantity, Unit
from budgetscope.store.configs.common import default_amount, defaults, draft_of, precision
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.loaded import Family, Loaded

_VARIANTS = {
    Quantity.VOCAB_SIZE: (Name("model_config.vocab_size"),),
    # Of 0.4: the optimizer's values stood beside the others.
    Quantity.LEARNING_RATE: (Name("train.learning_rate"),),
    Quantity.WEIGHT_DECAY: (Name("train.weight_decay"),),
    Quantity.BETA1: (Name("train.beta1"),),
    Quantity.BETA2: (Name("train.beta2"),),
    Quantity.LENGTH: (Name("train.max_steps", Unit.STEPS),),
    Quantity.SEQ_LEN: (Name("model_config.block_size"), Name("model.block_size")),
}
# Its configurations of 0.3 and 0.4 had the model there.
_OLD = {
    quantity: (Name(name.key.replace("model_config.", "model.")),)
    for quantity, name in LITGPT.names.items()
    if name.key.startswith("model_config.")
}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is LitGPT's."""
    return "litgpt" in loaded.programs() or loaded.has_any(
        "model_config.n_layer", "model_config.n_embd", "train.global_batch_size", "train.max_tokens"
    )


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    draft = draft_of(loaded, LITGPT.name, "model_config.name", "model.name")
    draft.read(LITGPT.names, _VARIANTS, _OLD)
    draft.ignore(
        "model_config.block_size", "model_config.vocab_size", "model.block_size", "model.vocab_size", "model_name"
    )
    kind = draft.cell("model_config.mlp_class_name", "model.mlp_class_name")
    if kind is not None:
        draft.assume("gated", "llama" in str(kind.value).lower(), str(kind.value)[:40], kind.key)
    elif "depth" in draft.values:
        defaults(draft, LITGPT.version, gated=False)
    width = draft.values.get("width")
    if width and draft.values.get("gated") is False:
        draft.assume("d_ff", 4 * width, f"4 x {width}")
    draft.word("optimizer", "optimizer.class_path", "optimizer", lower=True)
    if draft.values.get("optimizer"):
        draft.values["optimizer"] = draft.values["optimizer"].rsplit(".", 1)[-1]
    # Its pretraining has no other schedule.
    defaults(draft, LITGPT.version, optimizer="adamw", schedule="cosine", tied=False)
    draft.real("min_learning_rate", "train.min_lr")
    defaults(draft, LITGPT.version, min_learning_rate=4e-5, clip=1.0)
    default_amount(draft, LITGPT.version, Quantity.BATCH, 512, Unit.SEQUENCES)
    default_amount(draft, LITGPT.version, Quantity.MICRO_BATCH, 4, Unit.SEQUENCES)
    default_amount(draft, LITGPT.version, Quantity.LENGTH, 3e12, Unit.TOKENS)
    share = draft.cell("train.lr_warmup_fraction")
    if share is not None and draft.cell("train.lr_warmup_steps") is None:
        draft.read({Quantity.WARMUP: Name("train.lr_warmup_fraction", Unit.SHARE)})
    default_amount(draft, LITGPT.version, Quantity.WARMUP, 2000, Unit.STEPS)
    precision(draft, "precision")
    draft.word("tokenizer", "tokenizer_dir")
    draft.word("dataset", "data.init_args.data_path", "data.class_path", "data")
    devices, nodes = draft.number("devices"), draft.number("num_nodes")
    cell = draft.cell("devices")
    if cell is not None and devices and devices >= 1 and (nodes or 1) >= 1:
        draft.assume(
            "n_devices", int(devices * (nodes or 1)), f"{devices:.0f} x {nodes or 1:.0f}", "devices, num_nodes"
        )
    if "depth" not in draft.values and draft.named("model_name"):
        draft.remarks.append(_("The shape of the model is in LitGPT's code and not in the file."))
    return draft


FAMILY = Family(LITGPT.name, "LitGPT (YAML)", matches, read)
