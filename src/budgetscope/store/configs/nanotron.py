"""nanotron: the YAML of a model of Llama's kind and its training."""

from budgetscope.core.audit.run import Evidence
from budgetscope.core.trainers import Name, Quantity, Trainer, Unit
from budgetscope.store.configs.cells import above_zero, number
from budgetscope.store.configs.common import defaults, draft_of, precision, schedule
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.loaded import Family, Loaded

_RATES = "optimizer.learning_rate_scheduler"
TRAINER = Trainer(
    "nanotron",
    "nanotron",
    "nanotron commit 6b2ff65",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("model.model_config.num_hidden_layers"),
        Quantity.WIDTH: Name("model.model_config.hidden_size"),
        Quantity.D_FF: Name("model.model_config.intermediate_size"),
        Quantity.N_HEADS: Name("model.model_config.num_attention_heads"),
        Quantity.N_KV_HEADS: Name("model.model_config.num_key_value_heads"),
        Quantity.TIED: Name("model.model_config.tie_word_embeddings"),
        Quantity.SEQ_LEN: Name("tokens.sequence_length"),
        Quantity.MICRO_BATCH: Name("tokens.micro_batch_size", Unit.SEQUENCES),
        Quantity.ACCUMULATION: Name("tokens.batch_accumulation_per_replica"),
        Quantity.LENGTH: Name("tokens.train_steps", Unit.STEPS),
        Quantity.LEARNING_RATE: Name(f"{_RATES}.learning_rate"),
        Quantity.WARMUP: Name(f"{_RATES}.lr_warmup_steps", Unit.STEPS),
        Quantity.BETA1: Name("optimizer.optimizer_factory.adam_beta1"),
        Quantity.BETA2: Name("optimizer.optimizer_factory.adam_beta2"),
        Quantity.EPS: Name("optimizer.optimizer_factory.adam_eps"),
        Quantity.WEIGHT_DECAY: Name("optimizer.weight_decay"),
        Quantity.CLIP: Name("optimizer.clip_grad"),
        Quantity.DATA: Name("parallelism.dp"),
        Quantity.TENSOR: Name("parallelism.tp"),
        Quantity.PIPELINE: Name("parallelism.pp"),
        Quantity.CONTEXT: Name("parallelism.context_parallel_size"),
    },
)
_VARIANTS = {
    # Before the factory.
    Quantity.BETA1: (Name("optimizer.adam_beta1"),),
    Quantity.BETA2: (Name("optimizer.adam_beta2"),),
    Quantity.EPS: (Name("optimizer.adam_eps"),),
}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is nanotron's."""
    return loaded.has_any("tokens.batch_accumulation_per_replica", f"{_RATES}.lr_warmup_steps")


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    draft = draft_of(loaded, TRAINER.name, "general.run")
    draft.read(TRAINER.names, _VARIANTS)
    if "depth" in draft.values:
        draft.assume("gated", True, "gate_up_proj, down_proj")
    _vocabulary(draft)
    _devices(draft)
    _schedule(draft)
    draft.word("optimizer", "optimizer.optimizer_factory.name", lower=True)
    draft.assume("optimizer", "adamw", "adamw")
    precision(draft, "model.dtype")
    draft.word("tokenizer", "tokenizer.tokenizer_name_or_path")
    draft.word("dataset", *_datasets(draft))
    draft.ignore("optimizer.accumulate_grad_in_fp32", f"{_RATES}.lr_warmup_style", "general.step")
    draft.ignore("model.model_config.hidden_act", "parallelism.expert_parallel_size")
    draft.ignore(*(key for key in draft.cells if key.startswith("data_stages.")))
    return draft


def _datasets(draft: Draft) -> tuple[str, ...]:
    """Return the keys of the data of the first stage."""
    ends = ("dataset_folder", "hf_dataset_or_datasets")
    return tuple(key for key in draft.cells if key.startswith("data_stages.0.") and key.endswith(ends))


def _vocabulary(draft: Draft) -> None:
    """Pad the vocabulary as the model is built."""
    cell = draft.cell("model.model_config.vocab_size")
    size = draft.number("model.model_config.vocab_size")
    by = int(draft.number("model.make_vocab_size_divisible_by") or 1) * draft.devices.get(Quantity.TENSOR, 1)
    if cell is not None and size and size > 0 and by > 0:
        built = -int(-size // by) * by
        text = f"{by} x ceil({size:.12g} / {by})" if built != size else f"{size:.12g}"
        draft.put("vocab_size", built, Evidence(cell.file, cell.key, text))


def _devices(draft: Draft) -> None:
    degrees = [draft.devices.get(each) for each in (Quantity.DATA, Quantity.TENSOR, Quantity.PIPELINE)]
    context = draft.devices.get(Quantity.CONTEXT, 1)
    if None not in degrees:
        data, tensor, pipeline = (each or 1 for each in degrees)
        text = f"{data} x {tensor} x {pipeline}" + (f" x {context}" if context > 1 else "")
        draft.assume("n_devices", data * tensor * pipeline * context, text, "parallelism.dp, tp, pp")


def _schedule(draft: Draft) -> None:
    """Read the schedule: it is constant between warmup and decay, which starts after the warmup unless told."""
    word = schedule(draft, f"{_RATES}.lr_decay_style") or "linear"
    start, steps = draft.cell(f"{_RATES}.lr_decay_starting_step"), draft.cell(f"{_RATES}.lr_decay_steps")
    warmup, length = draft.amounts.get(Quantity.WARMUP), draft.amounts.get(Quantity.LENGTH)
    first = None if start is None else above_zero(start, number(start))
    if steps is not None:
        value = above_zero(steps, number(steps))
        draft.amount(Quantity.DECAY, value, Unit.STEPS, Evidence(steps.file, steps.key, f"{value:.12g}"))
    elif start is not None and first is not None and length is not None and length.value > first:
        text = f"{length.value:.12g} - {first:.12g}"
        draft.amount(Quantity.DECAY, length.value - first, Unit.STEPS, Evidence(start.file, start.key, text))
    if start is not None and first is not None and (warmup is None or first > warmup.value):
        draft.values["schedule"] = "wsd"
    draft.assume("schedule", word, "linear")
    draft.real("min_learning_rate", f"{_RATES}.min_decay_lr")
    # The end is the peak unless told: there is no decay then.
    defaults(draft, TRAINER.version, min_learning_rate=draft.values.get("learning_rate"))


FAMILY = Family(TRAINER.name, "nanotron (YAML)", matches, read)
