"""llm.c: the command line of train_gpt2cu, whose flags have one letter."""

import re

from budgetscope.core.language import _
from budgetscope.core.trainers import Name, Quantity, Trainer, Unit
from budgetscope.store.configs.common import default_amount, defaults, draft_of, least_rate, schedule
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Family, Loaded

TRAINER = Trainer(
    "llm.c",
    "llm.c",
    "llm.c commit 00247dc",
    "2026-11-30",
    {
        Quantity.SEQ_LEN: Name("-t"),
        Quantity.BATCH: Name("-d", Unit.TOKENS),
        Quantity.MICRO_BATCH: Name("-b", Unit.SEQUENCES),
        Quantity.LENGTH: Name("-x", Unit.STEPS),
        Quantity.LEARNING_RATE: Name("-l"),
        Quantity.WARMUP: Name("-u", Unit.STEPS),
        Quantity.WEIGHT_DECAY: Name("-c"),
    },
)
_GPT2 = {
    6: (384, 6), 12: (768, 12), 24: (1024, 16), 36: (1280, 20), 48: (1600, 25), 60: (1920, 30), 72: (2880, 30),
    84: (3456, 36),
}  # fmt: skip
"""Width and heads by depth, of the descriptor `d12`: gpt2_set_hyperparameters in train_gpt2.cu."""


def matches(loaded: Loaded) -> bool:
    """Return whether a command line is of llm.c."""
    return (
        loaded.command is not None
        and loaded.has_any("b", "d", "e", "i")
        and "train_gpt2" in loaded.programs()
        and ".py" not in loaded.programs()
    )


def read(loaded: Loaded) -> Draft:
    """Return the draft of a command line."""
    draft = draft_of(loaded, TRAINER.name, "-o")
    draft.read(TRAINER.names)
    model = draft.cell("-e")
    found = re.fullmatch(r"(?:gpt2:)?d([0-9]{1,3})", str(model.value)) if model is not None else None
    if model is not None and found and int(found[1]) in _GPT2:
        depth = int(found[1])
        width, heads = _GPT2[depth]
        for attribute, value in (("depth", depth), ("width", width), ("d_ff", 4 * width), ("n_heads", heads)):
            draft.put(attribute, value, evidence_of(model))
    # Read in train_gpt2.cu at this commit: main and gpt2_update.
    defaults(
        draft, TRAINER.version, vocab_size=50304, gated=False, tied=True, seq_len=1024, optimizer="adamw", beta1=0.9,
        beta2=0.95, eps=1e-8, weight_decay=0.0, clip=1.0, learning_rate=3e-4, precision="bf16",
    )  # fmt: skip
    default_amount(draft, TRAINER.version, Quantity.MICRO_BATCH, 4, Unit.SEQUENCES)
    default_amount(draft, TRAINER.version, Quantity.WARMUP, 0, Unit.STEPS)
    if draft.is_open(Quantity.LENGTH):
        draft.remarks.append(_("The length is one pass over the data, whose tokens are not said."))
    schedule(draft, "-k")
    defaults(draft, TRAINER.version, schedule="cosine")
    least_rate(draft, "-q")
    # The share of the peak at the end is 1 unless told: there is no decay then.
    defaults(draft, TRAINER.version, min_learning_rate=draft.values.get("learning_rate"))
    draft.word("dataset", "-i")
    return draft


FAMILY = Family(TRAINER.name, "llm.c (command line)", matches, read)
