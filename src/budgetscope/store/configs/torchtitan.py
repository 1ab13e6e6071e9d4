"""torchtitan: TOML up to 0.2.2, and a module of the registry of 0.3.0, whose calls are read and not made."""

import ast

from budgetscope.core.audit.run import Evidence
from budgetscope.core.errors import UsageError
from budgetscope.core.language import _
from budgetscope.core.trainers import TORCHTITAN, Name, Quantity, Unit
from budgetscope.store.configs.cells import Scalar, above_zero, cells_of, number
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
from budgetscope.store.configs.python_source import Constants, arguments, called

TOML_VERSION = "torchtitan 0.2.2"
"""The last version that reads TOML."""
# What is called in Python, and the level of the table that its arguments belong to.
_CALLS = {
    "TrainingConfig": "training.",
    "default_adamw": "optimizer.",
    "LRSchedulersContainer.Config": "lr_scheduler.",
    "ParallelismConfig": "parallelism.",
    "CheckpointManager.Config": "checkpoint.",
    "make_ffn_config": "",
    "make_gqa_config": "",
    "Llama3Model.Config": "",
}
_VARIANTS = {
    Quantity.DEPTH: (Name("layers"), Name("model.n_layers"), Name("n_layers")),
    Quantity.MICRO_BATCH: (Name("training.batch_size", Unit.SEQUENCES),),
    Quantity.WARMUP: (Name("training.warmup_steps", Unit.STEPS),),
    Quantity.BETA1: (Name("optimizer.beta1"),),
    Quantity.BETA2: (Name("optimizer.beta2"),),
    Quantity.TENSOR: (Name("training.tensor_parallel_degree"),),
    Quantity.PIPELINE: (Name("experimental.pipeline_parallel_degree"),),
    Quantity.CONTEXT: (Name("experimental.context_parallel_degree"),),
}
# Depth, width, d_ff, heads, key-value heads, vocabulary, tied: read in torchtitan 0.3.0, models/llama3/__init__.py; the
# larger three are those of 0.1.0 too.
_FLAVORS = {
    ("llama3", "1b"): (16, 2048, 8192, 32, 8, 128256, True),
    ("llama3", "3b"): (28, 3072, 8192, 24, 8, 128256, True),
    ("llama3", "8b"): (32, 4096, 14336, 32, 8, 128256, False),
    ("llama3", "70b"): (80, 8192, 28672, 64, 8, 128256, False),
    ("llama3", "405b"): (126, 16384, 53248, 128, 8, 128256, False),
}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is torchtitan's."""
    if loaded.form == "python":
        return loaded.imports("torchtitan")
    return loaded.has_any("model.flavor", "training.local_batch_size", "job.config_file") or loaded.has(
        "training.seq_len", "training.steps"
    )


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    is_python = loaded.tree is not None
    if loaded.tree is not None:
        _require_one(loaded.tree, loaded.file)
    cells = cells_of(loaded.file, _of_python(loaded.tree)) if loaded.tree is not None else loaded.cells
    draft = draft_of(loaded, TORCHTITAN.name)
    draft.cells = cells
    version = TORCHTITAN.version if is_python else TOML_VERSION
    if not is_python:
        draft.remarks.append(_("The file is taken as one of {version} or before.").format(version=TOML_VERSION))
    draft.read(TORCHTITAN.names, _VARIANTS)
    _flavor(draft)
    if "d_ff" in draft.values:
        draft.assume("gated", True, "w1, w2, w3")
    _devices(draft)
    _training(draft, version)
    return draft


def _require_one(tree: ast.Module, file: str) -> None:
    """Refuse a module of several configurations, whose values would be mixed."""
    names = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(each, ast.Call) and called(each.func) == "Trainer.Config" for each in ast.walk(node))
    ]
    if len(names) > 1:
        raise UsageError(
            f"{file} has {len(names)} configurations, {', '.join(names[:6])}; give a copy that has the function of one."
        )


def _of_python(tree: ast.Module) -> dict[str, Scalar | tuple[Scalar, ...]]:
    """Return the arguments of the calls that are known, by the keys of the table."""
    found: dict[str, Scalar | tuple[Scalar, ...]] = {}
    for key, value in arguments(tree, Constants(tree)).items():
        call, _, argument = key.rpartition(".")
        if call in _CALLS:
            found.setdefault(f"{_CALLS[call]}{argument}", value)
        elif call.endswith("TextDataLoader.Config") and argument == "dataset":
            found.setdefault("training.dataset", value)
        elif call in ("ModelSpec", "Trainer.Config"):
            found.setdefault({"name": "model.name"}.get(argument, argument), value)
        elif key == "model_registry.0":
            found.setdefault("model.flavor", value)
    for node in ast.walk(tree):
        # `from torchtitan.models.llama3 import model_registry` tells whose flavor it is.
        if isinstance(node, ast.ImportFrom) and any(alias.name == "model_registry" for alias in node.names):
            found.setdefault("model.name", (node.module or "").rsplit(".", 1)[-1])
    return found


def _flavor(draft: Draft) -> None:
    cell = draft.cell("model.flavor")
    known = _FLAVORS.get((draft.named("model.name"), draft.named("model.flavor")))
    if cell is None:
        return
    if known is None:
        draft.remarks.append(_("The shape of the model is in torchtitan's code and not in the file."))
        return
    names = ("depth", "width", "d_ff", "n_heads", "n_kv_heads", "vocab_size", "tied")
    for attribute, value in zip(names, known, strict=True):
        draft.put(attribute, value, evidence_of(cell))


def _devices(draft: Draft) -> None:
    replicate, shard = (
        draft.number(f"parallelism.data_parallel_{kind}_degree", f"training.data_parallel_{kind}_degree")
        for kind in ("replicate", "shard")
    )
    if shard is not None and shard > 0:
        draft.devices.setdefault(Quantity.DATA, max(1, int((replicate or 1) * shard)))


def _training(draft: Draft, version: str) -> None:
    draft.word("optimizer", "optimizer.name", lower=True)
    draft.word("tokenizer", "model.tokenizer_path", "model.hf_assets_path", "hf_assets_path")
    draft.word("dataset", "training.dataset")
    # Read in torchtitan 0.3.0: config/configs.py, components/optimizer/optimizer.py and lr_scheduler.py.
    defaults(
        draft, version, optimizer="adamw", learning_rate=8e-4, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.1,
        clip=1.0, seq_len=2048,
    )  # fmt: skip
    default_amount(draft, version, Quantity.MICRO_BATCH, 8, Unit.SEQUENCES)
    default_amount(draft, version, Quantity.LENGTH, 10_000, Unit.STEPS)
    default_amount(draft, version, Quantity.WARMUP, 200, Unit.STEPS)
    least_rate(draft, "lr_scheduler.min_lr_factor", "lr_scheduler.lr_min")
    draft.real("min_learning_rate", "optimizer.min_lr")
    defaults(draft, version, min_learning_rate=0.0)
    _planned_length(draft)
    cell = draft.cell("lr_scheduler.decay_type")
    if Quantity.DECAY in draft.amounts:
        draft.ignore("lr_scheduler.decay_type")
        draft.put("schedule", "wsd", draft.amounts[Quantity.DECAY].evidence)
    elif cell is not None:
        schedule(draft, "lr_scheduler.decay_type")
    defaults(draft, version, schedule=schedule_word("linear"))
    precision(draft, "training.mixed_precision_param")
    defaults(draft, version, precision="bf16")


def _planned_length(draft: Draft) -> None:
    """Take the length that the schedule is made for, where it is not that of the run."""
    total, warmup = draft.cell("lr_scheduler.total_steps"), draft.amounts.get(Quantity.WARMUP)
    if total is None or warmup is None or Quantity.DECAY in draft.amounts:
        return
    steps = above_zero(total, number(total))
    if steps > warmup.value:
        text = f"{steps:.12g} - {warmup.value:.12g}"
        draft.amount(Quantity.DECAY, steps - warmup.value, Unit.STEPS, Evidence(total.file, total.key, text))
        kind = draft.named("lr_scheduler.decay_type") or "linear"
        draft.assume("schedule", schedule_word(kind), kind, "lr_scheduler.decay_type")


FAMILY = Family(TORCHTITAN.name, "torchtitan (TOML, or its registry in Python)", matches, read)
