"""Makes a run of a draft: batches, lengths and parts of a run in the units of `ObservedRun`."""

import re

from budgetscope.core.audit.run import Evidence, ObservedRun
from budgetscope.core.language import _
from budgetscope.core.trainers import Quantity, Unit
from budgetscope.store.configs.draft import Amount, Draft
from budgetscope.store.configs.given import Given

_EXPERTS = re.compile(r"(^|[._])(n|num|moe_num)_(local_|routed_)?experts?$")
_FALLS_TO_THE_END = ("cosine", "linear")


def finished(draft: Draft, given: Given) -> ObservedRun:
    """Return the run of a draft; what a user gave fills what it does not say."""
    for attribute in ("seq_len", "vocab_size", "n_devices"):
        value = getattr(given, attribute)
        if value is not None:
            draft.put(attribute, value, Evidence("command", attribute, str(value)))
    if given.tokens is not None and Quantity.LENGTH not in draft.amounts:
        draft.amount(Quantity.LENGTH, given.tokens, Unit.TOKENS, Evidence("command", "tokens", f"{given.tokens:.12g}"))
    _shape(draft)
    _experts(draft)
    batch = _batch(draft)
    _length(draft, batch)
    _parts(draft, batch)
    return ObservedRun(
        name=draft.name,
        trainer=draft.trainer,
        **draft.values,
        evidence=dict(draft.evidence),
        remarks=tuple(dict.fromkeys(draft.remarks)),
        unread=draft.unread(),
    )


def _shape(draft: Draft) -> None:
    """Complete the shape by what every trainer here takes unless told: as many key-value heads as heads, w/heads."""
    values = draft.values
    heads, width = values.get("n_heads"), values.get("width")
    if heads:
        draft.assume("n_kv_heads", heads, f"n_heads = {heads}")
    if heads and width and width % heads == 0:
        draft.assume("head_dim", width // heads, f"{width} / {heads} = {width // heads}")


def _experts(draft: Draft) -> None:
    """Remark that the model is a mixture of experts, which is counted here as one of them."""
    for key, cell in draft.cells.items():
        text = str(cell.value)
        if not _EXPERTS.search(key):
            continue
        draft.ignore(key)
        if text.isdecimal() and text not in ("0", "1"):
            told = _("The model is a mixture of experts ({key} = {value}); it is counted as if it had one.")
            draft.remarks.append(told.format(key=cell.key, value=text[:20]))
            return


def _batch(draft: Draft) -> tuple[float, str] | None:
    """Resolve batch and micro-batch; return the tokens of a step and their arithmetic, where they are known."""
    values, seq = draft.values, draft.values.get("seq_len")
    micro = draft.amounts.get(Quantity.MICRO_BATCH)
    if micro is not None and micro.unit == Unit.SEQUENCES:
        draft.put("micro_sequences", int(micro.value), micro.evidence)
    elif micro is not None and seq and micro.value >= seq:
        draft.put("micro_sequences", int(micro.value // seq), _derived(micro, f"{micro.value:.12g} / {seq}"))
    batch = draft.amounts.get(Quantity.BATCH)
    if batch is None:
        _product(draft)
    elif batch.unit == Unit.SEQUENCES:
        draft.put("batch_sequences", batch.value, batch.evidence)
    elif seq:
        draft.put("batch_sequences", batch.value / seq, _derived(batch, f"{batch.value:.12g} / {seq}"))
    _accumulation(draft)
    if batch is not None and batch.unit == Unit.TOKENS:
        return batch.value, f"{batch.value:.12g}"
    sequences = values.get("batch_sequences")
    return (sequences * seq, f"{sequences:.12g} x {seq}") if sequences and seq else None


def _data_parallel(draft: Draft) -> int | None:
    """Return the data-parallel degree, where it is said or follows from the number of devices."""
    devices = draft.values.get("n_devices")
    if Quantity.DATA in draft.devices:
        return draft.devices[Quantity.DATA]
    if devices is None:
        return None
    others = [draft.devices.get(each, 1) for each in (Quantity.TENSOR, Quantity.PIPELINE, Quantity.CONTEXT)]
    model_parallel = others[0] * others[1] * others[2]
    return int(devices // model_parallel) if devices % model_parallel == 0 else None


def _product(draft: Draft) -> None:
    """Take the batch as micro-batch times accumulation times data-parallel devices."""
    micro, data = draft.values.get("micro_sequences"), _data_parallel(draft)
    if micro is None or "batch_sequences" in draft.values:
        return
    if data is None:
        draft.remarks.append(
            _("The batch is not known: the files give that of one device, and not the number of devices.")
        )
        return
    accumulation = draft.values.get("accumulation", 1)
    key = "micro-batch x accumulation x data-parallel devices"
    value = micro * accumulation * data
    draft.put(
        "batch_sequences", float(value), Evidence(draft.main_file, key, f"{micro} x {accumulation} x {data} = {value}")
    )


def _accumulation(draft: Draft) -> None:
    """Take the accumulation from batch, micro-batch and devices where it is not said."""
    values, data = draft.values, _data_parallel(draft)
    batch, micro = values.get("batch_sequences"), values.get("micro_sequences")
    if "accumulation" in values or not (batch and micro and data) or batch % (micro * data):
        return
    draft.assume("accumulation", int(batch // (micro * data)), f"{batch:.12g} / {micro} / {data}")


def _length(draft: Draft, batch: tuple[float, str] | None) -> None:
    """Resolve steps and tokens of the run."""
    values, length = draft.values, draft.amounts.get(Quantity.LENGTH)
    seq, sequences = values.get("seq_len"), values.get("batch_sequences")
    if length is None:
        return
    if length.unit == Unit.STEPS:
        draft.put("steps", int(length.value), length.evidence)
        if batch:
            draft.put("tokens", length.value * batch[0], _derived(length, f"{length.value:.12g} x {batch[1]}"))
    elif length.unit == Unit.TOKENS:
        draft.put("tokens", length.value, length.evidence)
        if batch:
            steps = _derived(length, f"{length.value:.12g} / ({batch[1]})")
            draft.put("steps", max(1, round(length.value / batch[0])), steps)
    elif length.unit == Unit.SEQUENCES:
        if seq:
            draft.put("tokens", length.value * seq, _derived(length, f"{length.value:.12g} x {seq}"))
        if sequences:
            steps = _derived(length, f"{length.value:.12g} / {sequences:.12g}")
            draft.put("steps", max(1, round(length.value / sequences)), steps)


def _parts(draft: Draft, batch: tuple[float, str] | None) -> None:
    """Resolve warmup and decay."""
    for quantity, attribute in ((Quantity.WARMUP, "warmup_tokens"), (Quantity.DECAY, "decay_tokens")):
        amount = draft.amounts.get(quantity)
        found = None if amount is None else _in_tokens(draft, amount, batch)
        if amount is not None and found is not None:
            draft.put(attribute, found[0], _derived(amount, found[1]))
    tokens, warmup = draft.values.get("tokens"), draft.values.get("warmup_tokens")
    falls = draft.values.get("schedule") in _FALLS_TO_THE_END and Quantity.DECAY not in draft.amounts
    if falls and tokens is not None and warmup is not None and tokens > warmup:
        draft.assume("decay_tokens", tokens - warmup, f"{tokens:.12g} - {warmup:.12g}", "tokens - warmup")


def _in_tokens(draft: Draft, amount: Amount, batch: tuple[float, str] | None) -> tuple[float, str] | None:
    """Return a part of a run in tokens, and the arithmetic."""
    values, value = draft.values, amount.value
    match amount.unit:
        case Unit.TOKENS:
            return value, amount.evidence.text
        case Unit.STEPS if batch:
            return value * batch[0], f"{value:.12g} x {batch[1]}"
        case Unit.SEQUENCES if values.get("seq_len"):
            return value * values["seq_len"], f"{value:.12g} x {values['seq_len']}"
        case Unit.SHARE if values.get("steps") and batch:
            steps = round(value * values["steps"])
            return steps * batch[0], f"{value:.12g} of {values['steps']} = {steps}; {steps} x {batch[1]}"
        case Unit.SHARE if values.get("tokens"):
            return value * values["tokens"], f"{value:.12g} x {values['tokens']:.12g}"
        case _:
            return None


def _derived(amount: Amount, arithmetic: str) -> Evidence:
    """Return the evidence of what follows from an amount, which may itself follow from others."""
    before = amount.evidence
    if not before.key:  # a default
        arithmetic = f"{before.text}; {arithmetic}"
    elif " " in before.text:
        arithmetic = f"{before.text} = {amount.value:.12g}; {arithmetic}"
    return Evidence(before.file, before.key, arithmetic)
