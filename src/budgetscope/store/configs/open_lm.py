"""open_lm: the JSON of a model, and the flags of open_lm.main."""

from budgetscope.core.audit.run import Evidence
from budgetscope.core.counting.ledger import default_d_ff
from budgetscope.core.language import _
from budgetscope.core.trainers import OPEN_LM, Name, Quantity, Unit
from budgetscope.store.configs.cells import above_zero, number, written
from budgetscope.store.configs.common import default_amount, defaults, draft_of, precision, schedule
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.loaded import Family, Loaded

_READ = "open_lm commit 521ce12"
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
        # In tokens, in spite of its name. An epoch is as many of them as that, and there are 32 unless told.
        each = above_zero(samples, number(samples))
        times = 32.0 if epochs is None or epochs <= 0 else epochs
        value, text = each * times, f"{written(samples)} x {times:.12g}"
        if epochs is None:
            told = _("{value}, the default of {trainer}").format(value="--epochs = 32", trainer=_READ)
            text = f"{text} ({told})"
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
    if loaded.form == "command" or loaded.has("train_num_samples"):
        # Read in open_lm/params.py at commit 521ce12. The model's JSON alone has none of them.
        defaults(
            draft, _READ, learning_rate=5e-4, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.2,
            min_learning_rate=0.0, optimizer="adamw",
        )  # fmt: skip
        default_amount(draft, _READ, Quantity.WARMUP, 10_000, Unit.STEPS)
        default_amount(draft, _READ, Quantity.BATCH, 64, Unit.SEQUENCES)
    precision(draft, "--precision")
    draft.word("dataset", "--dataset-manifest")
    if draft.cell("--model") is not None:
        draft.ignore("--model")
    return draft


FAMILY = Family(OPEN_LM.name, "open_lm (JSON, command line)", matches, read)
