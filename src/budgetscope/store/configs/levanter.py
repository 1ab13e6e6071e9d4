"""Levanter: the YAML of its language-model trainer."""

import math

from budgetscope.core.audit.run import Evidence
from budgetscope.core.trainers import LEVANTER, Name, Quantity, Unit
from budgetscope.store.configs.cells import at_least_zero, number, written
from budgetscope.store.configs.common import default_amount, defaults, draft_of, least_rate, precision_word, schedule
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Family, Loaded

_VARIANTS = {
    # Of 2022: the optimizer's values stood below the trainer.
    Quantity.LEARNING_RATE: (Name("trainer.learning_rate"),),
    Quantity.WEIGHT_DECAY: (Name("trainer.weight_decay"),),
    Quantity.MICRO_BATCH: (Name("trainer.per_device_train_batch_size", Unit.SEQUENCES),),
    Quantity.SEQ_LEN: (Name("model.max_seq_len"), Name("model.seq_len")),
    Quantity.WARMUP: (Name("optimizer.warmup_ratio", Unit.SHARE),),
}
# By `model.type`.
_GATED = frozenset(("llama", "mistral", "mixtral", "qwen", "qwen3", "gemma", "gemma2", "olmo2", "olmo3"))
_PLAIN = frozenset(("gpt2", "backpack", "mpt"))
_PHASES = {Quantity.WARMUP: "optimizer.warmup", Quantity.DECAY: "optimizer.decay"}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is Levanter's."""
    return loaded.has_any("trainer.train_batch_size", "trainer.num_train_steps") or loaded.has(
        "model.hidden_dim", "model.num_layers"
    )


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    draft = draft_of(loaded, LEVANTER.name, "trainer.tracker.name", "trainer.id")
    draft.read(LEVANTER.names, _VARIANTS, without=tuple(_PHASES))
    # Defaults were read in this version: trainer.py, optim/config.py.
    version = LEVANTER.version
    if any(key.startswith("trainer.") for key in draft.cells):
        if Quantity.MICRO_BATCH not in draft.amounts:
            default_amount(draft, version, Quantity.BATCH, 512, Unit.SEQUENCES)
        default_amount(draft, version, Quantity.LENGTH, 400_000, Unit.STEPS)
    draft.word("optimizer", "optimizer.type", lower=True)
    if draft.values.get("optimizer") == "adam":
        draft.values["optimizer"] = "adamw"
    draft.ignore("model.max_seq_len", "model.seq_len", "optimizer.weight_decay_modules", "trainer.steps_per_eval")
    kind = draft.cell("model.type")
    if kind is not None and draft.named("model.type") in _GATED | _PLAIN:
        draft.put("gated", draft.named("model.type") in _GATED, evidence_of(kind))
    width = draft.values.get("width")
    if width and draft.values.get("gated") is False:
        draft.assume("d_ff", 4 * width, f"4 x {width}")
    for quantity, key in _PHASES.items():
        _phase(draft, quantity, key)
    default_amount(draft, version, Quantity.WARMUP, 0.01, Unit.SHARE)
    defaults(
        draft,
        version,
        learning_rate=6e-4,
        weight_decay=0.1,
        beta1=0.9,
        beta2=0.95,
        eps=1e-8,
        clip=1.0,
        optimizer="adamw",
    )
    word = schedule(draft, "optimizer.lr_schedule")
    decay = draft.amounts.get(Quantity.DECAY)
    if decay is not None and word in ("linear", "cosine") and decay.value > 0:
        # What is neither warmup nor decay is constant.
        draft.values["schedule"] = "wsd"
    defaults(draft, version, schedule="cosine")
    draft.real("min_learning_rate", "optimizer.min_lr")
    least_rate(draft, "optimizer.min_lr_ratio")
    defaults(draft, version, min_learning_rate=0.1 * draft.values.get("learning_rate", 0.0))
    _precision(draft)
    draft.word("tokenizer", "data.tokenizer")
    draft.word("dataset", "data.id", "data.name")
    return draft


def _phase(draft: Draft, quantity: Quantity, key: str) -> None:
    """Read warmup or decay: a share of the run up to 1, rounded down to steps; above 1 steps."""
    cell = draft.cell(key)
    if cell is None:
        return
    value = at_least_zero(cell, number(cell))
    length = draft.amounts.get(Quantity.LENGTH)
    if value > 1:
        draft.amount(quantity, value, Unit.STEPS, evidence_of(cell))
    elif length is not None and length.unit == Unit.STEPS:
        steps = math.floor(value * length.value)
        text = f"{written(cell)} x {length.value:.12g} = {steps}"
        draft.amount(quantity, steps, Unit.STEPS, Evidence(cell.file, cell.key, text))
    else:
        draft.amount(quantity, value, Unit.SHARE, evidence_of(cell))


def _precision(draft: Draft) -> None:
    """Read the precision of the products, the `c=` of `p=f32,c=bfloat16`."""
    cell = draft.cell("trainer.mp")
    if cell is None:
        return
    text = ",".join(map(str, cell.value)) if isinstance(cell.value, tuple) else str(cell.value)
    parts = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    word = precision_word(parts.get("c") or parts.get("compute") or text)
    if word is not None:
        draft.put("precision", word, evidence_of(cell))


FAMILY = Family(LEVANTER.name, "Levanter (YAML)", matches, read)
