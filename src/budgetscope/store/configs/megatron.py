"""Megatron-LM: the flags of a shell script or command line, or the same names in YAML."""

from budgetscope.core.audit.run import Evidence
from budgetscope.core.language import _
from budgetscope.core.trainers import MEGATRON, Name, Quantity, Unit
from budgetscope.store.configs.common import (
    default_amount,
    defaults,
    draft_of,
    precision_switches,
    schedule,
)
from budgetscope.store.configs.draft import Draft, evidence_of
from budgetscope.store.configs.loaded import Family, Loaded

_VARIANTS = {
    # Of Megatron-DeepSpeed, where it ends the run before the samples do.
    Quantity.LENGTH: (Name("--train-tokens", Unit.TOKENS), Name("--train-samples", Unit.SEQUENCES)),
    Quantity.WARMUP: (Name("--lr-warmup-samples", Unit.SEQUENCES), Name("--lr-warmup-tokens", Unit.TOKENS)),
    Quantity.DECAY: (Name("--lr-wsd-decay-samples", Unit.SEQUENCES),),
}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is Megatron's."""
    return loaded.has("num_layers", "hidden_size") and loaded.has_any(
        "global_batch_size", "micro_batch_size", "train_iters", "train_samples"
    )


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    draft = draft_of(loaded, MEGATRON.name, "wandb_exp_name", "wandb_name")
    draft.read({}, {Quantity.LENGTH: _VARIANTS[Quantity.LENGTH][:1]})
    draft.read(MEGATRON.names, _VARIANTS, without=(Quantity.N_KV_HEADS,))
    _model(draft)
    _vocabulary(draft)
    _schedule(draft)
    draft.word("optimizer", "--optimizer", lower=True)
    if draft.values.get("optimizer") == "adam":
        draft.values["optimizer"] = "adamw"
    precision_switches(draft, fp8="fp8", fp8_format="fp8", bf16="bf16", fp16="fp16")
    cell = draft.cell("fp8_format", "fp8")
    if cell is not None and cell.value is not False:
        draft.values["precision"], draft.evidence["precision"] = "fp8", evidence_of(cell)
    defaults(draft, MEGATRON.version, optimizer="adamw", beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01, clip=1.0)
    draft.real("min_learning_rate", "--min-lr")
    defaults(draft, MEGATRON.version, min_learning_rate=0.0)
    draft.word("dataset", "--data-path", "--train-data-path")
    draft.real("n_devices", "world_size", whole=True)
    draft.ignore(
        "--max-position-embeddings", "--lr-wsd-decay-style", "--sequence-parallel", "--num-workers",
        "--num-layers-per-virtual-pipeline-stage", "--rampup-batch-size",
    )  # fmt: skip
    if draft.cell("--rampup-batch-size") is not None:
        draft.remarks.append(_("The batch grows at the start (--rampup-batch-size); all steps are counted as full."))
    return draft


def _is_on(draft: Draft, *keys: str) -> bool:
    cell = draft.cell(*keys)
    return cell is not None and cell.value is not False and str(cell.value).lower() != "false"


def _of_switch(draft: Draft, key: str, is_on: bool) -> Evidence:
    return Evidence(draft.main_file, key, _("set") if is_on else _("not set"))


def _model(draft: Draft) -> None:
    values = draft.values
    gated = _is_on(draft, "--swiglu") or _is_on(draft, "--gated-linear-unit")
    draft.put("gated", gated, _of_switch(draft, "--swiglu", gated))
    untied = _is_on(draft, "--untie-embeddings-and-output-weights")
    draft.put("tied", not untied, _of_switch(draft, "--untie-embeddings-and-output-weights", untied))
    if _is_on(draft, "--group-query-attention"):
        draft.real("n_kv_heads", "--num-query-groups", whole=True)
    draft.ignore("--num-query-groups")
    width = values.get("width")
    if width and gated:
        draft.assume("d_ff", int(4 * width * 2 / 3) // 64 * 64, f"64 x floor(4 x {width} x 2/3 / 64)")
    elif width:
        draft.assume("d_ff", 4 * width, f"4 x {width}")


def _vocabulary(draft: Draft) -> None:
    """Pad the vocabulary, as the model is built; without one it stands in the tokenizer alone."""
    draft.word("tokenizer", "--tokenizer-model", "--tokenizer-name-or-path", "--vocab-file")
    draft.ignore("--tokenizer-type", "--merge-file", "--padded-vocab-size")
    padded = draft.cell("--padded-vocab-size", "--pad-vocab-size-to")
    if padded is not None:
        draft.values.pop("vocab_size", None)
        draft.real("vocab_size", "--padded-vocab-size", "--pad-vocab-size-to", whole=True)
        return
    size, evidence = draft.values.get("vocab_size"), draft.evidence.get("vocab_size")
    multiple = int(draft.number("--make-vocab-size-divisible-by") or 128) * draft.devices.get(Quantity.TENSOR, 1)
    if size is None or evidence is None or multiple < 1:
        return
    built = -(-size // multiple) * multiple
    if built != size:
        draft.values["vocab_size"] = built
        draft.evidence["vocab_size"] = Evidence(evidence.file, evidence.key, f"{multiple} x ceil({size} / {multiple})")
        draft.remarks.append(
            _("The vocabulary of {size} is padded to {built}, a multiple of {multiple}.").format(
                size=size, built=built, multiple=multiple
            )
        )


def _schedule(draft: Draft) -> None:
    """Read the schedule; --lr-decay-iters counts from the first step, warmup included."""
    fraction = draft.cell("--lr-warmup-fraction")
    ends = [
        ("--lr-decay-iters", Unit.STEPS),
        ("--lr-decay-tokens", Unit.TOKENS),
        ("--lr-decay-samples", Unit.SEQUENCES),
    ]
    total = next(((draft.number(key), key, unit) for key, unit in ends if draft.cell(key) is not None), None)
    if fraction is not None:
        share = draft.number("--lr-warmup-fraction") or 0.0
        if total is not None and total[0] is not None:
            text = f"{share:.12g} x {total[0]:.12g}"
            draft.amount(Quantity.WARMUP, share * total[0], total[2], Evidence(fraction.file, fraction.key, text))
        draft.amount(Quantity.WARMUP, share, Unit.SHARE, evidence_of(fraction))
    default_amount(draft, MEGATRON.version, Quantity.WARMUP, 0, Unit.STEPS)
    word = schedule(draft, "--lr-decay-style") or "linear"
    defaults(draft, MEGATRON.version, schedule="linear")
    if word == "wsd":
        return
    draft.amounts.pop(Quantity.DECAY, None)
    warmup = draft.amounts.get(Quantity.WARMUP)
    if warmup is None or total is None or total[0] is None:
        return
    if word in ("cosine", "linear") and warmup.unit == total[2]:
        falls = total[0] - warmup.value
        cell = draft.cell(total[1])
        if falls > 0 and cell is not None:
            text = f"{total[0]:.12g} - {warmup.value:.12g}"
            draft.amount(Quantity.DECAY, falls, total[2], Evidence(cell.file, cell.key, text))


FAMILY = Family(MEGATRON.name, "Megatron-LM (shell script, YAML)", matches, read)
