"""OLMo: the YAML of its first trainer, and OLMo-core's configuration as JSON, YAML or Python."""

import ast
import re

from budgetscope.core.audit.run import Evidence
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.trainers import OLMO_CORE, Name, Quantity, Trainer, Unit
from budgetscope.store.configs import cells as read_cells
from budgetscope.store.configs import mosaic
from budgetscope.store.configs.cells import Cell, Scalar, cells_of
from budgetscope.store.configs.common import (
    default_amount,
    defaults,
    draft_of,
    least_rate,
    precision,
    schedule,
    schedule_word,
)
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Family, Loaded
from budgetscope.store.configs.python_source import Constants, arguments

OLMO = Trainer(
    "olmo",
    "OLMo",
    "ai2-olmo 0.6.0",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("model.n_layers"),
        Quantity.WIDTH: Name("model.d_model"),
        Quantity.N_HEADS: Name("model.n_heads"),
        Quantity.N_KV_HEADS: Name("model.n_kv_heads"),
        # The embedding's rows, of which there are more than tokens.
        Quantity.VOCAB_SIZE: Name("model.embedding_size"),
        Quantity.TIED: Name("model.weight_tying"),
        Quantity.SEQ_LEN: Name("model.max_sequence_length"),
        Quantity.BATCH: Name("global_train_batch_size", Unit.SEQUENCES),
        Quantity.MICRO_BATCH: Name("device_train_microbatch_size", Unit.SEQUENCES),
        Quantity.LEARNING_RATE: Name("optimizer.learning_rate"),
        Quantity.BETAS: Name("optimizer.betas"),
        Quantity.EPS: Name("optimizer.eps"),
        Quantity.WEIGHT_DECAY: Name("optimizer.weight_decay"),
        Quantity.CLIP: Name("max_grad_norm"),
    },
)
_OLD = ("global_train_batch_size", "device_train_microbatch_size", "scheduler.t_warmup", "max_duration")
_VARIANTS = {
    Quantity.N_HEADS: (Name("model.n_heads"), Name("model.block.attention.n_heads")),
    Quantity.N_KV_HEADS: (Name("model.n_kv_heads"), Name("model.block.attention.n_kv_heads")),
    Quantity.HEAD_DIM: (Name("model.head_dim"), Name("model.block.attention.head_dim")),
    Quantity.D_FF: (Name("model.feed_forward.hidden_size"),),
    Quantity.SEQ_LEN: (Name("train_module.max_sequence_length"),),
    Quantity.WARMUP: (
        Name("train_module.scheduler.warmup_steps", Unit.STEPS),
        Name("train_module.scheduler.warmup_fraction", Unit.SHARE),
    ),
    Quantity.DECAY: (Name("train_module.scheduler.decay", Unit.STEPS),),
}
# Where the scheduler says that it counts tokens.
_IN_TOKENS = {
    Quantity.WARMUP: (Name("train_module.scheduler.warmup", Unit.TOKENS),),
    Quantity.DECAY: (Name("train_module.scheduler.decay", Unit.TOKENS),),
}
# What is called in Python, and the level of the table that its arguments belong to.
_CALLS = {
    "FeedForwardConfig": "model.feed_forward.",
    "AdamWConfig": "train_module.optim.",
    "SkipStepAdamWConfig": "train_module.optim.",
    "WSD": "train_module.scheduler.",
    "CosWithWarmup": "train_module.scheduler.",
    "LinearWithWarmup": "train_module.scheduler.",
    "ConstantWithWarmup": "train_module.scheduler.",
    "InvSqrtWithWarmup": "train_module.scheduler.",
    "TransformerTrainModuleConfig": "train_module.",
    "NumpyFSLDatasetConfig": "dataset.",
    "NumpyDatasetConfig": "dataset.",
    "NumpyDataLoaderConfig": "data_loader.",
    "TransformerDataParallelConfig": "train_module.dp_config.",
}
_SCHEDULERS = ("WSD", "CosWithWarmup", "LinearWithWarmup", "ConstantWithWarmup", "InvSqrtWithWarmup")
_DURATION = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)\s*(T|ep)?\s*")


def matches_old(loaded: Loaded) -> bool:
    """Return whether a configuration is of OLMo's first trainer."""
    return loaded.has("model.d_model") and loaded.has_any(*_OLD) and not mosaic.matches(loaded)


def matches_core(loaded: Loaded) -> bool:
    """Return whether a configuration is OLMo-core's."""
    if loaded.form == "python":
        return loaded.imports("olmo_core")
    own = any(key.startswith(("train_module.", "data_loader.", "trainer.max_duration")) for key in loaded.cells)
    return loaded.has("model.d_model") and own


def read_old(loaded: Loaded) -> Draft:
    """Return the draft of a configuration of OLMo's first trainer."""
    draft = draft_of(loaded, OLMO.name, "run_name")
    draft.read(OLMO.names, {Quantity.VOCAB_SIZE: (Name("model.vocab_size"),)})
    draft.ignore("model.vocab_size", "model.mlp_ratio", "model.mlp_hidden_size", "device_eval_batch_size", "stop_at")
    if draft.cell("model.multi_query_attention") is not None and draft.switched("model.multi_query_attention"):
        draft.assume("n_kv_heads", 1, "true", "model.multi_query_attention")
    _old_feed_forward(draft)
    draft.word("optimizer", "optimizer.name", lower=True)
    word = schedule(draft, "scheduler.name")
    least_rate(draft, "scheduler.alpha_f")
    _old_length(draft)
    unit = Unit.TOKENS if draft.named("scheduler.units") == "tokens" else Unit.STEPS
    warmup = draft.cell("scheduler.t_warmup")
    if warmup is not None:
        value = read_cells.at_least_zero(warmup, _duration(warmup)[0])
        draft.amount(Quantity.WARMUP, value, unit, evidence_of(warmup))
        end = draft.cell("scheduler.t_max")
        if end is not None and word in ("cosine", "linear"):
            total = _duration(end)[0]
            text = f"{total:.12g} - {value:.12g}"
            if total > value:
                draft.amount(Quantity.DECAY, total - value, unit, Evidence(end.file, end.key, text))
    # Read in this version, olmo/config.py. The rate ends at a tenth of the peak unless told.
    defaults(draft, OLMO.version, tied=True, learning_rate=1e-4, weight_decay=0.01, beta1=0.9, beta2=0.95, eps=1e-5)
    defaults(draft, OLMO.version, optimizer="lionw", schedule="cosine")
    default_amount(draft, OLMO.version, Quantity.WARMUP, 100, Unit.STEPS)
    if draft.values["schedule"] in ("cosine", "linear"):
        defaults(draft, OLMO.version, min_learning_rate=0.1 * draft.values["learning_rate"])
    precision(draft, "precision")
    draft.word("tokenizer", "tokenizer.identifier")
    draft.word("dataset", "data.paths")
    return draft


def _old_feed_forward(draft: Draft) -> None:
    """Take the feed-forward width: both keys count gate and up together where there is a gate."""
    kind = draft.cell("model.activation_type")
    gated = kind is None or "glu" in str(kind.value).lower()
    draft.assume("gated", gated, str(kind.value)[:40] if kind is not None else "swiglu", "model.activation_type")
    cell, width = draft.cell("model.mlp_hidden_size"), draft.values.get("width")
    if cell is not None:
        both, text = read_cells.above_zero(cell, read_cells.number(cell)), read_cells.written(cell)
    else:
        cell = draft.cell("model.mlp_ratio")
        if cell is None or width is None:
            return
        ratio = read_cells.above_zero(cell, read_cells.number(cell))
        both, text = ratio * width, f"{ratio:.12g} x {width}"
    draft.put("d_ff", int(both / 2 if gated else both), Evidence(cell.file, cell.key, f"{text} / 2" if gated else text))
    if gated:
        told = _("{key} counts gate and up together; the feed-forward width is half of it.")
        draft.remarks.append(told.format(key=cell.key))


def _duration(cell: Cell) -> tuple[float, str]:
    """Return a number and its unit: `T` for tokens, `ep` for epochs, none for steps."""
    found = _DURATION.fullmatch(cell.value) if isinstance(cell.value, str) else None
    if found is None:
        raise UsageError(
            f"{cell.key!r} in {cell.file} is {read_cells.written(cell)!r}, which is no duration; write steps, tokens "
            "as 4e12T, or epochs as 1ep."
        )
    return read_cells.number(Cell(cell.file, cell.key, found[1])), found[2] or ""


def _old_length(draft: Draft) -> None:
    for key in ("stop_at", "max_duration"):
        cell = draft.cell(key)
        if cell is None:
            continue
        value, unit = _duration(cell)
        value = read_cells.above_zero(cell, value)
        if unit != "ep":
            draft.amount(Quantity.LENGTH, value, Unit.TOKENS if unit == "T" else Unit.STEPS, evidence_of(cell))
        elif Quantity.LENGTH not in draft.amounts:
            _in_epochs(draft, cell)


def _in_epochs(draft: Draft, cell: Cell) -> None:
    draft.remarks.append(
        _("The length is {key} = {value}, in epochs; the tokens of the data set are not said.").format(
            key=cell.key, value=read_cells.written(cell)
        )
    )


def read_core(loaded: Loaded) -> Draft:
    """Return the draft of a configuration of OLMo-core."""
    draft = draft_of(loaded, OLMO_CORE.name, "run_name")
    if loaded.tree is not None:
        draft.cells = cells_of(loaded.file, _of_python(loaded.tree))
    in_tokens = draft.named("train_module.scheduler.units") == "tokens"
    phases = (Quantity.LENGTH, *((Quantity.WARMUP,) if in_tokens else ()))
    draft.read(OLMO_CORE.names, *((_IN_TOKENS,) if in_tokens else ()), _VARIANTS, without=phases)
    if "d_ff" in draft.values:
        draft.assume("gated", True, "w1, w2, w3")
    draft.ignore("train_module.max_sequence_length", "dataset.max_target_sequence_length")
    if "depth" not in draft.values and loaded.tree is not None:
        draft.remarks.append(_("The shape of the model is in OLMo-core's code and not in the file."))
    _core_length(draft)
    kind = draft.cell("train_module.scheduler._class_", "train_module.scheduler.name")
    if kind is not None:
        word = schedule_word(str(kind.value).rsplit(".", 1)[-1])
        draft.put("schedule", word, evidence_of(kind))
    least_rate(draft, "train_module.scheduler.alpha_f")
    draft.real("min_learning_rate", "train_module.scheduler.decay_min_lr")
    optimizer = draft.cell("train_module.optim._class_")
    if optimizer is not None:
        name = str(optimizer.value).rsplit(".", 1)[-1].lower().removesuffix("config").removeprefix("skipstep")
        draft.put("optimizer", name, evidence_of(optimizer))
    _core_defaults(draft, "" if kind is None else draft.values["schedule"])
    precision(draft, "train_module.dp_config.param_dtype", "train_module.autocast_precision")
    draft.word("tokenizer", "dataset.tokenizer.identifier")
    draft.word("dataset", "dataset.mix", "dataset.paths")
    return draft


def _core_defaults(draft: Draft, schedule: str) -> None:
    """Take what OLMo-core's AdamW and its schedulers have unless told; read in this version, optim/."""
    version = OLMO_CORE.version
    if draft.values.get("optimizer") == "adamw":
        defaults(draft, version, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01)
    if schedule == "wsd":
        default_amount(draft, version, Quantity.DECAY, 0.1, Unit.SHARE)
        defaults(draft, version, min_learning_rate=0.0)
    elif schedule in ("cosine", "linear") and "learning_rate" in draft.values:
        defaults(draft, version, min_learning_rate=0.1 * draft.values["learning_rate"])


def _core_length(draft: Draft) -> None:
    cell, unit = draft.cell("trainer.max_duration.value"), draft.named("trainer.max_duration.unit") or "steps"
    if cell is None:
        return
    if unit == "epochs":
        _in_epochs(draft, cell)
        return
    value = read_cells.above_zero(cell, read_cells.number(cell))
    draft.amount(Quantity.LENGTH, value, Unit.TOKENS if unit == "tokens" else Unit.STEPS, evidence_of(cell))


def _of_python(tree: ast.Module) -> dict[str, Scalar | tuple[Scalar, ...]]:
    """Return the arguments of the calls that are known, by the keys of the table."""
    found: dict[str, Scalar | tuple[Scalar, ...]] = {}
    for key, value in arguments(tree, Constants(tree)).items():
        call, _dot, argument = key.rpartition(".")
        if call in _CALLS:
            found.setdefault(f"{_CALLS[call]}{argument}", value)
        elif call.startswith("TransformerConfig"):
            found.setdefault(f"model.{argument}", value)
        elif call in ("Duration.steps", "Duration.tokens", "Duration.epochs") and argument == "0":
            found.setdefault("trainer.max_duration.value", value)
            found.setdefault("trainer.max_duration.unit", call.rpartition(".")[2])
        name = "train_module.scheduler._class_" if call in _SCHEDULERS else ""
        if name or call.endswith("AdamWConfig"):
            found.setdefault(name or "train_module.optim._class_", call)
    for node in ast.walk(tree):
        # An enumeration's member, which is no constant.
        if isinstance(node, ast.keyword) and node.arg in ("param_dtype", "autocast_precision"):
            text = ast.unparse(node.value)
            if text.startswith("DType."):
                found[f"train_module.{'dp_config.' if node.arg == 'param_dtype' else ''}{node.arg}"] = text[6:]
    return found


CORE = Family(OLMO_CORE.name, "OLMo-core (JSON, YAML, Python)", matches_core, read_core)
OLD = Family(OLMO.name, "OLMo (YAML)", matches_old, read_old)
