"""MFU: the published range by device and size, and the MFU of rates that somebody or this program measured."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.budget.quantities import english_count, format_count, number_in, quote
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.bounds import MFU_BOUNDS
from budgetscope.core.hardware.devices import TRAINING_PRECISIONS, Device
from budgetscope.core.language import N_, _
from budgetscope.core.laws.intervals import Estimate, Kind

_ELSEWHERE = (0.30, 0.40, 0.50)
"""The MFU where no published run of a size and device is known: the middle of what most of `_PUBLISHED` reached."""

_BOUNDARIES = (0.5e9, 3e9, 13e9, 100e9)
_MODELS = (
    N_("models under 0.5 B on {device}s"),
    N_("models 0.5 to 3 B on {device}s"),
    N_("models 3 to 13 B on {device}s"),
    N_("models 13 to 100 B on {device}s"),
    N_("models above 100 B on {device}s"),
)
# Ranges in bf16, dense peak, attention counted in full; our reading of llm-foundry's benchmarks (MPT on A100s and
# H100s), Megatron-LM's README, Llama 3 (arXiv 2407.21783, table 4) and torchtitan. Eager code is about 10 points below.
_PUBLISHED = {
    "H100": (("h100-sxm", "h800", "h200"), ((25, 35), (35, 45), (38, 48), (38, 45), (38, 43))),
    "A100": (("a100-80gb", "a100-40gb", "a800"), ((40, 50), (50, 60), (50, 62), (45, 55))),
}
_SOURCES = "llm-foundry, Megatron-LM, Llama 3, torchtitan"
_BLENDED = 2.0
"""Factor of N about a boundary within which the ranges of both sides are mixed, so that no plan jumps there."""


def elsewhere() -> Estimate:
    """Return the MFU of dense models on other accelerators; its kind is `Kind.ELSEWHERE`."""
    low, value, high = _ELSEWHERE
    return Estimate(value, low, high, _("dense models on other accelerators"), Kind.ELSEWHERE)


def expected_mfu(device: Device, n_params: float) -> Estimate:
    """Return the MFU to expect: the middle of what published runs of about this size reached, with their range.

    Args:
        device: by its id; an H100 stands for its class.
        n_params: parameters by the standard count.

    Returns:
        The MFU from 0 to 1; its basis says which runs. That of `elsewhere` where there are none.
    """
    for kind, (ids, ranges) in _PUBLISHED.items():
        if device.id not in ids:
            continue
        place = sum(n_params >= boundary for boundary in _BOUNDARIES[: len(ranges)])
        if place == len(ranges):
            break
        low, high = map(float, ranges[place])
        models = _(_MODELS[place]).format(device=kind)
        for below, boundary in enumerate(_BOUNDARIES[: len(ranges) - 1]):
            share = 0.5 + math.log(n_params / boundary) / math.log(_BLENDED)
            if 0 < share < 1:
                both = zip(ranges[below], ranges[below + 1], strict=True)
                low, high = (less + share * (more - less) for less, more in both)
                models = _("models of about {size} on {device}s").format(size=format_count(boundary), device=kind)
        return Estimate((low + high) / 200, low / 100, high / 100, models)
    return elsewhere()


@dataclass(frozen=True, slots=True)
class ModelRate:
    """A rate of training that this program measured on one device, by a calibration or a probe.

    Attributes:
        device_id: of the device.
        n_params: of the smallest and the largest model, by the standard count.
        flops_per_s: model FLOP/s, attention counted, in 16 bits.
        source: what measured it, as a clause.
    """

    device_id: str
    n_params: tuple[float, float]
    flops_per_s: float
    source: str


NEAR = 3.0
"""Factor beyond the models of a `ModelRate` up to which it is taken: smaller models keep a device less busy."""


def measured_here(rates: Sequence[ModelRate], device: Device, precision: str, n_params: float) -> Estimate | None:
    """Return the MFU by the measured rate of models nearest in size; None if none is near.

    Args:
        rates: of any devices.
        device: of the plan.
        precision: likewise; rates are taken for 16 bits alone.
        n_params: likewise, by the standard count.
    """
    if precision not in TRAINING_PRECISIONS:
        return None

    def beyond(rate: ModelRate) -> float:
        return max(rate.n_params[0] / n_params, n_params / rate.n_params[1], 1.0)

    near = [rate for rate in rates if rate.device_id == device.id and beyond(rate) <= NEAR]
    if not near:
        return None
    best = min(near, key=beyond)
    mfu = best.flops_per_s / device.peak_flops_per_s[precision]
    low, high = MFU_BOUNDS
    return Estimate(mfu, basis=best.source) if low <= mfu <= high else None


def assumed_text(device: Device, expected: Estimate) -> str:
    """Return the assumption of an expected MFU, with its range and its source."""
    mfu = percent(expected.value)
    if expected.low is None or expected.high is None:
        told = _("MFU: {mfu} of the dense peak, {basis} (--mfu, or --measured)")
        return told.format(mfu=mfu, basis=expected.basis)
    low, high = f"{expected.low:.0%}", f"{expected.high:.0%}"
    if expected.kind is Kind.ELSEWHERE:
        told = _(
            "MFU: {mfu} of the dense peak, the middle of {low} to {high}, as dense models on other accelerators "
            "reached (--mfu, or --measured): no published runs of this size on {device} are known here"
        )
        return told.format(mfu=mfu, low=low, high=high, device=device.name)
    told = _(
        "MFU: {mfu} of the dense peak, the middle of {low} to {high}: compiled code with {models} ({sources}), eager "
        "code about 10 points less (--mfu, or --measured)"
    )
    return told.format(mfu=mfu, low=low, high=high, models=expected.basis, sources=_SOURCES)


def percent(mfu: float) -> str:
    """Return an MFU as a percentage with three digits at most: "41.5%", "40%"."""
    return f"{100 * mfu:.3g}%"


@dataclass(frozen=True, slots=True)
class MeasuredRate:
    """A measured training rate.

    Attributes:
        text: as given.
        tokens_per_s: of one device.
        n_params: of the model that was measured; None for the plan's own.
    """

    text: str
    tokens_per_s: float
    n_params: float | None


_RATE = re.compile(
    r"(?P<rate>[^a-z]+?[kKmM]?)\s*(?:(?:tok|toks|tokens?)\s*(?:/|per\s)\s*(?:s|sec|seconds?)|tps)?"
    r"(?:\s*(?:/|per\s)\s*(?:gpu|device|chip))?(?:\s+(?:at|of|for|with)\s+(?:N\s*=\s*)?(?P<size>\S.*))?",
    re.IGNORECASE,
)


def parse_measured(text: str) -> MeasuredRate | None:
    """Parse a rate such as "9600tok/s" or "9.6k tokens/s per GPU at 7B"; None if the text is none."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        return None
    rate = number_in(found["rate"])
    size = None if found["size"] is None else number_in(found["size"])
    given = (rate, *(() if found["size"] is None else (size,)))
    if any(value is None or not 0 < value < math.inf for value in given) or rate is None:
        return None
    return MeasuredRate(text.strip(), rate, size)


def measured_mfu(
    measured: MeasuredRate,
    n_params: float,
    flops_per_token: float,
    device: Device,
    precision: str,
    seq_len: int,
    convention: str,
) -> tuple[float, str]:
    """Return the MFU of a measured rate, and its arithmetic as an assumption.

    Args:
        measured: tokens a second of one device.
        n_params: of the model that was measured.
        flops_per_token: that the machine executes for it, attention over the whole context counted.
        device: that it ran on.
        precision: the peak to compare with.
        seq_len: its context.
        convention: of `n_params`.

    Raises:
        UsageError: the rate is more than the peak, or next to nothing.
    """
    peak = device.peak_flops_per_s[precision]
    mfu = measured.tokens_per_s * flops_per_token / peak
    if not MFU_BOUNDS[0] <= mfu <= MFU_BOUNDS[1]:
        raise UsageError(
            f"--measured {quote(measured.text)} would be an MFU of {mfu:.3g} on {device.name}, at "
            f"{english_count(n_params)} parameters; give the tokens a second of one device, and the size of the model "
            "that was measured, as in 9600tok/s at 7B."
        )
    arithmetic = _(
        "MFU: {mfu} = {rate} tokens/s of a device x {flops} GFLOPs a token ({size} parameters by the {convention} "
        "count, context of {seq_len}, attention counted) / {peak} TFLOP/s ({precision}, dense; against the peak with "
        "sparsity it reads half)"
    )
    return mfu, arithmetic.format(
        mfu=f"{mfu:.3g}",
        rate=f"{measured.tokens_per_s:,.6g}",
        flops=f"{flops_per_token / 1e9:,.4g}",
        size=format_count(n_params),
        convention=convention,
        seq_len=f"{seq_len:,}",
        peak=f"{peak / 1e12:g}",
        precision=precision,
    )
