"""LLM Foundry of MosaicML: the YAML of an MPT model and its training, with durations as `4800ba`."""

import re

from budgetscope.core.audit.run import Evidence
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.trainers import Name, Quantity, Trainer, Unit
from budgetscope.store.configs import cells as read_cells
from budgetscope.store.configs.cells import Cell
from budgetscope.store.configs.common import defaults, draft_of, least_rate, precision, schedule
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Family, Loaded

TRAINER = Trainer(
    "llm-foundry",
    "LLM Foundry",
    "llm-foundry 0.22.0",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("model.n_layers"),
        Quantity.WIDTH: Name("model.d_model"),
        Quantity.D_FF: Name("model.ffn_config.ffn_hidden_size"),
        Quantity.N_HEADS: Name("model.n_heads"),
        Quantity.N_KV_HEADS: Name("model.attn_config.kv_n_heads"),
        Quantity.VOCAB_SIZE: Name("model.vocab_size"),
        Quantity.TIED: Name("model.tie_word_embeddings"),
        Quantity.SEQ_LEN: Name("max_seq_len"),
        Quantity.BATCH: Name("global_train_batch_size", Unit.SEQUENCES),
        Quantity.LEARNING_RATE: Name("optimizer.lr"),
        Quantity.BETAS: Name("optimizer.betas"),
        Quantity.EPS: Name("optimizer.eps"),
        Quantity.WEIGHT_DECAY: Name("optimizer.weight_decay"),
        Quantity.CLIP: Name("algorithms.gradient_clipping.clipping_threshold"),
    },
)
_VARIANTS = {
    Quantity.SEQ_LEN: (Name("variables.max_seq_len"), Name("model.max_seq_len")),
    Quantity.BATCH: (Name("variables.global_train_batch_size", Unit.SEQUENCES),),
}
_MICRO = {Quantity.MICRO_BATCH: Name("device_train_microbatch_size", Unit.SEQUENCES)}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)(ba|tok|sp|ep|dur)")
_UNITS = {"ba": Unit.STEPS, "tok": Unit.TOKENS, "sp": Unit.SEQUENCES, "dur": Unit.SHARE}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is LLM Foundry's."""
    return loaded.has("model.d_model", "model.name") and loaded.has_any(
        "model.expansion_ratio", "model.attn_config.attn_impl", "train_loader.name", "model.attn_config.attn_type"
    )


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    draft = draft_of(loaded, TRAINER.name, "run_name")
    draft.read(TRAINER.names, _VARIANTS)
    if draft.cell("device_train_microbatch_size") is not None:
        draft.read(_MICRO)
    draft.ignore(*(f"{place}.dataset.max_seq_len" for place in ("train_loader", "eval_loader")))
    draft.ignore("tokenizer.kwargs.model_max_length", "device_eval_batch_size", "model.max_seq_len")
    draft.ignore("algorithms.gradient_clipping.clipping_type", "optimizer.name")
    _model(draft)
    draft.word("optimizer", "optimizer.name", lower=True)
    _weight_decay(draft)
    for quantity, key in ((Quantity.LENGTH, "max_duration"), (Quantity.WARMUP, "scheduler.t_warmup")):
        _duration(draft, quantity, key)
    schedule(draft, "scheduler.name")
    least_rate(draft, "scheduler.alpha_f")
    precision(draft, "precision")
    draft.word("tokenizer", "tokenizer.name")
    draft.word("dataset", "train_loader.dataset.remote", "train_loader.dataset.local", "data_remote", "data_local")
    return draft


def _model(draft: Draft) -> None:
    """Take what `MPTConfig` has unless told: read in this version, models/mpt/configuration_mpt.py."""
    kind = draft.named("model.ffn_config.ffn_type")
    draft.assume("gated", "glu" in kind, kind or "mptmlp", "model.ffn_config.ffn_type")
    width, ratio = draft.values.get("width"), draft.number("model.expansion_ratio") or 4.0
    if width and ratio > 0:
        draft.assume("d_ff", int(ratio * width), f"{ratio:.12g} x {width}", "model.expansion_ratio")
    if draft.named("model.attn_config.attn_type") == "multiquery_attention":
        draft.assume("n_kv_heads", 1, "multiquery_attention", "model.attn_config.attn_type")
    defaults(draft, TRAINER.version, tied=True)


def _weight_decay(draft: Draft) -> None:
    """Take the coupled weight decay: `DecoupledAdamW` shrinks by lambda a step at the peak, and not by lr x lambda."""
    decay, rate = draft.values.get("weight_decay"), draft.values.get("learning_rate")
    if draft.values.get("optimizer") != "decoupled_adamw":
        return
    draft.values["optimizer"] = "adamw"
    if decay is None or not rate:
        return
    before = draft.evidence["weight_decay"]
    if decay:
        draft.values["weight_decay"] = decay / rate
        draft.evidence["weight_decay"] = Evidence(before.file, before.key, f"{decay:.12g} / {rate:.12g}")
    told = _(
        "{optimizer} takes {key} times no learning rate; here it is shown as PyTorch's AdamW takes it, which is that "
        "divided by the peak."
    )
    draft.remarks.append(told.format(key=before.key, optimizer="DecoupledAdamW"))


def _duration(draft: Draft, quantity: Quantity, key: str) -> None:
    """Read a duration: `ba` for steps, `tok` for tokens, `sp` for sequences, `dur` for a share, `ep` for epochs.

    Raises:
        UsageError: it is none.
    """
    cell = draft.cell(key)
    if cell is None:
        return
    found = _DURATION.fullmatch(str(cell.value).strip())
    if found is None:
        raise UsageError(
            f"{cell.key!r} in {cell.file} is {read_cells.written(cell)!r}, which is no duration; write steps as "
            "4800ba, tokens as 1e9tok, or epochs as 1ep."
        )
    value = read_cells.at_least_zero(cell, read_cells.number(Cell(cell.file, cell.key, found[1])))
    if found[2] in _UNITS:
        draft.amount(quantity, value, _UNITS[found[2]], evidence_of(cell))
    elif quantity == Quantity.LENGTH:
        draft.remarks.append(
            _("The length is {key} = {value}, in epochs; the tokens of the data set are not said.").format(
                key=key, value=read_cells.written(cell)
            )
        )


FAMILY = Family(TRAINER.name, "LLM Foundry (YAML)", matches, read)
