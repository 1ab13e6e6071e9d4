"""LitGPT: the YAML of its pretraining command, or the same names as flags; the Python scripts of its forerunner."""

from budgetscope.core.audit.run import Evidence
from budgetscope.core.language import _
from budgetscope.core.trainers import LITGPT, Name, Quantity, Unit
from budgetscope.store.configs.common import default_amount, defaults, draft_of, precision
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.loaded import Family, Loaded

_VARIANTS = {
    # Of 0.4: the optimizer's values stood beside the others. As flags they stand below the optimizer.
    Quantity.LEARNING_RATE: (Name("train.learning_rate"), Name("optimizer.lr")),
    Quantity.WEIGHT_DECAY: (Name("train.weight_decay"), Name("optimizer.weight_decay")),
    Quantity.BETA1: (Name("train.beta1"),),
    Quantity.BETA2: (Name("train.beta2"),),
    Quantity.BETAS: (Name("optimizer.betas"),),
    Quantity.SEQ_LEN: (Name("model_config.block_size"), Name("model.block_size")),
}
# Its configurations of 0.3 and 0.4 had the model there.
_OLD = {
    quantity: (Name(name.key.replace("model_config.", "model.")),)
    for quantity, name in LITGPT.names.items()
    if name.key.startswith("model_config.")
}
_ADAMW = "torch.optim.AdamW"
# The names of pretrain/tinyllama.py and its like, whose iterations are micro-batches and whose steps are steps.
_SCRIPT = {
    Quantity.MICRO_BATCH: Name("micro_batch_size", Unit.SEQUENCES),
    Quantity.ACCUMULATION: Name("gradient_accumulation_steps"),
    Quantity.LENGTH: Name("max_step", Unit.STEPS),
    Quantity.WARMUP: Name("warmup_steps", Unit.STEPS),
    Quantity.LEARNING_RATE: Name("learning_rate"),
    Quantity.WEIGHT_DECAY: Name("weight_decay"),
    Quantity.BETA1: Name("beta1"),
    Quantity.BETA2: Name("beta2"),
    Quantity.CLIP: Name("grad_clip"),
}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is LitGPT's."""
    if loaded.form == "python":
        return loaded.imports("lit_gpt") or loaded.imports("litgpt")
    return "litgpt" in loaded.programs() or loaded.has_any(
        "model_config.n_layer", "model_config.n_embd", "train.global_batch_size", "train.max_tokens"
    )


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    if loaded.form == "python":
        return _script(loaded)
    draft = draft_of(loaded, LITGPT.name, "model_config.name", "model.name")
    draft.read(LITGPT.names, _VARIANTS, _OLD)
    draft.ignore("model_config.block_size", "model.block_size", "model_name")
    _model(draft)
    _optimizer(draft)
    _training(draft)
    draft.word("tokenizer", "tokenizer_dir")
    draft.word("dataset", "data.init_args.data_path", "data.class_path", "data")
    devices, nodes = draft.number("devices"), draft.number("num_nodes")
    cell = draft.cell("devices")
    if cell is not None and devices and devices >= 1 and (nodes or 1) >= 1:
        draft.assume(
            "n_devices", int(devices * (nodes or 1)), f"{devices:.0f} x {nodes or 1:.0f}", "devices, num_nodes"
        )
    return draft


def _model(draft: Draft) -> None:
    """Take what LitGPT's `Config` has unless told; read in litgpt 0.5.13, config.py."""
    kind = draft.cell("model_config.mlp_class_name", "model.mlp_class_name")
    if kind is not None:
        draft.assume("gated", str(kind.value).lower() != "gptneoxmlp", str(kind.value)[:40], kind.key)
    elif "depth" in draft.values:
        defaults(draft, LITGPT.version, gated=False)
    width = draft.values.get("width")
    if width and draft.values.get("gated") is False:
        draft.assume("d_ff", 4 * width, f"4 x {width}")
    cell = draft.cell("model_config.vocab_size", "model.vocab_size")
    size = draft.number("model_config.vocab_size", "model.vocab_size")
    multiple = int(draft.number("model_config.padding_multiple", "model.padding_multiple") or 512)
    if cell is not None and size and size > 0 and multiple > 0:
        built = -int(-size // multiple) * multiple
        text = f"{multiple} x ceil({size:.12g} / {multiple})"
        draft.put("vocab_size", built, Evidence(cell.file, cell.key, text))
    if "depth" not in draft.values:
        draft.remarks.append(_("The shape of the model is in LitGPT's code and not in the file."))


def _optimizer(draft: Draft) -> None:
    draft.word("optimizer", "optimizer.class_path", "optimizer", lower=True)
    if draft.values.get("optimizer"):
        draft.values["optimizer"] = draft.values["optimizer"].rsplit(".", 1)[-1]
    is_old = any(key.startswith(("train.learning_rate", "train.beta", "train.weight_decay")) for key in draft.cells)
    defaults(draft, LITGPT.version, optimizer="adamw")
    if draft.values.get("optimizer") == "adamw" and not is_old:
        # `pretrain` makes it with what is said alone: read in litgpt 0.5.13, pretrain.py and utils.py.
        defaults(draft, _ADAMW, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01)


def _training(draft: Draft) -> None:
    """Take what `pretrain` has unless told; read in litgpt 0.5.13, pretrain.py. It has no other schedule."""
    defaults(draft, LITGPT.version, schedule="cosine", tied=False)
    draft.real("min_learning_rate", "train.min_lr")
    defaults(draft, LITGPT.version, min_learning_rate=4e-5, clip=1.0)
    default_amount(draft, LITGPT.version, Quantity.BATCH, 512, Unit.SEQUENCES)
    default_amount(draft, LITGPT.version, Quantity.MICRO_BATCH, 4, Unit.SEQUENCES)
    default_amount(draft, LITGPT.version, Quantity.LENGTH, 3e12, Unit.TOKENS)
    if draft.cell("train.max_steps") is not None:
        draft.remarks.append(_("{key} is read by no pretraining of LitGPT.").format(key="train.max_steps"))
    if draft.cell("train.lr_warmup_fraction") is None:
        default_amount(draft, LITGPT.version, Quantity.WARMUP, 2000, Unit.STEPS)
    else:
        told = _("{key} is a share of one pass over the data, whose tokens are not said.")
        draft.remarks.append(told.format(key="train.lr_warmup_fraction"))
    precision(draft, "precision")
    defaults(draft, LITGPT.version, precision="bf16")


def _script(loaded: Loaded) -> Draft:
    """Return the draft of a script that imports lit_gpt.

    `max_iters` and `warmup_iters` there are micro-batches, and `global_batch_size` is that of one node: the script of
    TinyLlama says 512 and ran on two nodes with 1,024 sequences.
    """
    draft = draft_of(loaded, LITGPT.name, "name")
    draft.read(_SCRIPT)
    draft.ignore("batch_size", "global_batch_size", "num_of_devices", "max_iters", "warmup_iters", "lr_decay_iters")
    draft.real("min_learning_rate", "min_lr")
    draft.assume("optimizer", "adamw", "adamw")
    if draft.cell("decay_lr") is not None and draft.switched("decay_lr"):
        draft.assume("schedule", "cosine", "true", "decay_lr")
    draft.remarks.append(_("The shape of the model is in LitGPT's code and not in the file."))
    return draft


FAMILY = Family(LITGPT.name, "LitGPT (YAML, command line)", matches, read)
