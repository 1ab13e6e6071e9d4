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
    "llm.c",
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
_WIDTHS = {6: 384, 12: 768, 24: 1024, 36: 1280, 48: 1600, 60: 1920, 72: 2880, 84: 3456}
"""Width by depth, of the descriptor `d12`; heads have 64 dimensions."""


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
    if model is not None and found and int(found[1]) in _WIDTHS:
        depth = int(found[1])
        width = _WIDTHS[depth]
        for attribute, value in (("depth", depth), ("width", width), ("d_ff", 4 * width), ("n_heads", width // 64)):
            draft.put(attribute, value, evidence_of(model))
    defaults(
        draft, TRAINER.title, vocab_size=50304, gated=False, tied=True, seq_len=1024, optimizer="adamw", beta1=0.9,
        beta2=0.95, eps=1e-8, weight_decay=0.0, clip=1.0, learning_rate=3e-4, precision="bf16",
    )  # fmt: skip
    default_amount(draft, TRAINER.title, Quantity.MICRO_BATCH, 4, Unit.SEQUENCES)
    default_amount(draft, TRAINER.title, Quantity.WARMUP, 0, Unit.STEPS)
    if draft.is_open(Quantity.LENGTH):
        draft.remarks.append(_("The length is one pass over the data, whose tokens are not said."))
    schedule(draft, "-k")
    defaults(draft, TRAINER.title, schedule="cosine")
    least_rate(draft, "-q")
    draft.word("dataset", "-i")
    return draft


FAMILY = Family(TRAINER.name, "llm.c (command line)", matches, read)
