"""open_lm: the JSON of a model, and the flags of open_lm.main."""

from budgetscope.core.audit.run import Evidence
from budgetscope.core.counting.ledger import default_d_ff
from budgetscope.core.trainers import OPEN_LM, Name, Quantity, Unit
from budgetscope.store.configs.cells import above_zero, number, written
from budgetscope.store.configs.common import draft_of, precision, schedule
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.loaded import Family, Loaded

_VARIANTS = {
    Quantity.MICRO_BATCH: (Name("--per-gpu-batch-size", Unit.SEQUENCES),),
    Quantity.VOCAB_SIZE: (Name("--vocab-size"),),
    Quantity.SEQ_LEN: (Name("--seq-len"),),
}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is open_lm's."""
    if loaded.form == "command":
        return "open_lm.main" in loaded.programs() or loaded.has("train_num_samples")
    return loaded.has("hidden_dim", "n_layers", "n_heads") or loaded.has("train_num_samples")


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration; the cells of a model's JSON may stand beside the flags."""
    draft = draft_of(loaded, OPEN_LM.name, "--name")
    draft.read(OPEN_LM.names, _VARIANTS)
    width = draft.values.get("width")
    if width:
        draft.assume("d_ff", default_d_ff(width), f"256 x ceil(8 x {width} / 3 / 256)")
        draft.assume("gated", True, "swiglu", "--ffn-type")
        draft.assume("tied", False, "false", "weight_tying")
    draft.ignore("--train-data", "--train-data-mix-weights", "--ffn-type", "--save-frequency", "--z-loss-coefficient")
    samples, epochs = draft.cell("--train-num-samples"), draft.number("--epochs")
    if samples is not None:
        # In tokens, in spite of its name.
        each = above_zero(samples, number(samples))
        value = each * (epochs if epochs and epochs > 0 else 1)
        text = f"{written(samples)} x {epochs:.12g}" if epochs else written(samples)
        draft.amount(Quantity.LENGTH, value, Unit.TOKENS, Evidence(samples.file, samples.key, text))
        cooldown = draft.cell("--epochs-cooldown")
        if cooldown is not None and number(cooldown) > 0:
            text = f"{written(samples)} x {written(cooldown)}"
            draft.amount(
                Quantity.DECAY, each * number(cooldown), Unit.TOKENS, Evidence(cooldown.file, cooldown.key, text)
            )
    schedule(draft, "--lr-scheduler")
    draft.assume("schedule", "cosine", "cosine", "--lr-scheduler")
    draft.real("min_learning_rate", "--lr-cooldown-end")
    draft.assume("optimizer", "adamw", "adamw")
    precision(draft, "--precision")
    draft.word("dataset", "--dataset-manifest")
    if draft.cell("--model") is not None:
        draft.ignore("--model")
    return draft


FAMILY = Family(OPEN_LM.name, "open_lm (JSON, command line)", matches, read)
