"""nanoGPT: its configuration in Python, which is constants, and its command line."""

import ast

from budgetscope.core.audit.run import Evidence
from budgetscope.core.language import _
from budgetscope.core.trainers import Name, Quantity, Trainer, Unit
from budgetscope.store.configs.cells import number
from budgetscope.store.configs.common import default_amount, defaults, draft_of, precision
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Family, Loaded

TRAINER = Trainer(
    "nanogpt",
    "nanoGPT",
    "nanoGPT",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("n_layer"),
        Quantity.WIDTH: Name("n_embd"),
        Quantity.N_HEADS: Name("n_head"),
        Quantity.VOCAB_SIZE: Name("vocab_size"),
        Quantity.SEQ_LEN: Name("block_size"),
        Quantity.MICRO_BATCH: Name("batch_size", Unit.SEQUENCES),
        Quantity.LENGTH: Name("max_iters", Unit.STEPS),
        Quantity.LEARNING_RATE: Name("learning_rate"),
        Quantity.WARMUP: Name("warmup_iters", Unit.STEPS),
        Quantity.BETA1: Name("beta1"),
        Quantity.BETA2: Name("beta2"),
        Quantity.WEIGHT_DECAY: Name("weight_decay"),
        Quantity.CLIP: Name("grad_clip"),
    },
)
_DECAY_ITERS = 600_000
"""Default of lr_decay_iters."""
_OWN = ("block_size", "max_iters", "n_layer", "n_embd", "lr_decay_iters", "warmup_iters", "grad_clip")


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is nanoGPT's; a Python file of it has constants alone, or reads them by exec."""
    if loaded.tree is not None and not loaded.has("config_keys"):
        other = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if any(isinstance(node, other) for node in loaded.tree.body):
            return False
    return sum(loaded.has(key) for key in _OWN) >= (2 if loaded.form != "command" else 1)


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    draft = draft_of(loaded, TRAINER.name, "wandb_run_name", "out_dir")
    draft.read(TRAINER.names)
    title = TRAINER.title
    _vocabulary(draft)
    # The constants of its train.py; the batch of all devices is batch_size x gradient_accumulation_steps since
    # `gradient_accumulation_steps = 5 * 8`.
    defaults(
        draft, title, depth=12, width=768, n_heads=12, seq_len=1024, learning_rate=6e-4, beta1=0.9,
        beta2=0.95, eps=1e-8, weight_decay=0.1, clip=1.0, gated=False, tied=True, optimizer="adamw",
    )  # fmt: skip
    default_amount(draft, title, Quantity.MICRO_BATCH, 12, Unit.SEQUENCES)
    default_amount(draft, title, Quantity.LENGTH, 600_000, Unit.STEPS)
    default_amount(draft, title, Quantity.WARMUP, 2000, Unit.STEPS)
    width = draft.values.get("width")
    if width:
        draft.assume("d_ff", 4 * width, f"4 x {width}")
    _batch(draft)
    _schedule(draft)
    precision(draft, "dtype")
    defaults(draft, title, precision="bf16")
    draft.word("dataset", "dataset")
    if loaded.command is not None and not loaded.named and any(f.endswith(".py") for f in loaded.command.files[1:]):
        draft.remarks.append(
            _("The command also names a configuration file, which was not read; what it sets is taken as the default.")
        )
    return draft


def _vocabulary(draft: Draft) -> None:
    """Take the vocabulary of GPT-2; data of characters have their own, in a pickle beside them."""
    data = draft.cell("dataset")
    if data is not None and str(data.value).lower().endswith("char"):
        draft.remarks.append(_("The vocabulary stands in meta.pkl beside the data, which is not opened."))
        return
    defaults(draft, TRAINER.title, vocab_size=50304)


def _batch(draft: Draft) -> None:
    """Take the batch: the accumulation of nanoGPT is that of all devices together."""
    cell = draft.cell("gradient_accumulation_steps")
    accumulation = 40 if cell is None else int(number(cell))
    micro = draft.amounts.get(Quantity.MICRO_BATCH)
    if accumulation < 1 or micro is None:
        return
    text = f"{micro.value:.0f} x {accumulation}"
    key = "batch_size, gradient_accumulation_steps"
    draft.assume("batch_sequences", micro.value * accumulation, text, key)


def _schedule(draft: Draft) -> None:
    falls = draft.switched("decay_lr")
    if falls is False:
        cell = draft.cell("decay_lr")
        if cell is not None:
            draft.put("schedule", "constant", evidence_of(cell))
        draft.ignore("lr_decay_iters", "min_lr")
        return
    defaults(draft, TRAINER.title, schedule="cosine")
    draft.real("min_learning_rate", "min_lr")
    defaults(draft, TRAINER.title, min_learning_rate=6e-5)
    total, warmup = draft.number("lr_decay_iters"), draft.amounts.get(Quantity.WARMUP)
    cell = draft.cell("lr_decay_iters")
    if warmup is None or not draft.is_open(Quantity.DECAY):
        return
    if cell is not None and total is not None and total > warmup.value:
        draft.amount(Quantity.DECAY, total - warmup.value, Unit.STEPS, evidence_of(cell))
    elif cell is None and warmup.value < _DECAY_ITERS:
        # It does not follow max_iters: a shorter run without it does not decay.
        why = _("{value}, the default of {trainer}").format(value=f"{_DECAY_ITERS}", trainer=TRAINER.title)
        draft.amount(Quantity.DECAY, _DECAY_ITERS - warmup.value, Unit.STEPS, Evidence(draft.main_file, "", why))


FAMILY = Family(TRAINER.name, "nanoGPT (Python configuration, command line)", matches, read)
