"""MFU: the published range by device and size, and the MFU of a rate that somebody measured."""

import math
import re
from dataclasses import dataclass

from budgetscope.core.budget.quantities import format_count, number_in, quote
from budgetscope.core.errors import UsageError
from budgetscope.core.hardware.bounds import MFU_BOUNDS
from budgetscope.core.hardware.devices import Device

DEFAULT_MFU = 0.40
"""Dense models on current accelerators reach 30% to 50%: Grattafiori et al. 2024 (Llama 3), table 4, 38-43%."""

ASSUMED = f"MFU: {DEFAULT_MFU:.0%} of the dense peak (--mfu, or --measured)"
"""The assumption of a plan whose MFU is neither stated nor measured."""

_SIZES = ((0.5e9, "under 0.5 B"), (3e9, "0.5 to 3 B"), (13e9, "3 to 13 B"), (100e9, "13 to 100 B"))
_LARGEST = "above 100 B"
# Ranges in bf16, our reading of llm-foundry's benchmarks (MPT on A100s and H100s), Megatron-LM's README, Llama 3
# (arXiv 2407.21783, table 4) and torchtitan; eager code is about 10 points below.
_PUBLISHED = {
    "H100": (("h100-sxm", "h800", "h200"), ((25, 35), (35, 45), (38, 48), (38, 45), (38, 43))),
    "A100": (("a100-80gb", "a100-40gb", "a800"), ((40, 50), (50, 60), (50, 62), (45, 55))),
}


def published_range(device: Device, n_params: float) -> tuple[float, float, str] | None:
    """Return the lowest and highest MFU of published runs of about this size, and what they ran; None if none did.

    Args:
        device: by its id; an H100 stands for its class.
        n_params: parameters.
    """
    place = next((i for i, (end, _) in enumerate(_SIZES) if n_params < end), len(_SIZES))
    size = _SIZES[place][1] if place < len(_SIZES) else _LARGEST
    for kind, (ids, ranges) in _PUBLISHED.items():
        if device.id in ids and place < len(ranges):
            low, high = ranges[place]
            return low / 100, high / 100, f"models {size} on {kind}s"
    return None


def assumed_text(device: Device, n_params: float) -> str:
    """Return the assumption of the default MFU with what published runs of the size reached."""
    found = published_range(device, n_params)
    if found is None:
        return f"{ASSUMED}; no published runs of this size on {device.name} are known here"
    low, high, what = found
    return (
        f"{ASSUMED}; compiled code reached {low:.0%} to {high:.0%} with {what} (llm-foundry, Megatron-LM, Llama 3, "
        "torchtitan), eager code about 10 points less"
    )


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
    model = f"{format_count(n_params)} parameters"
    if not MFU_BOUNDS[0] <= mfu <= MFU_BOUNDS[1]:
        raise UsageError(
            f"--measured {quote(measured.text)} would be an MFU of {mfu:.3g} on {device.name}, at {model}; give the "
            "tokens a second of one device, and the size of the model that was measured, as in 9600tok/s at 7B."
        )
    told = f"{model} by the {convention} count, context of {seq_len:,}, attention counted"
    arithmetic = (
        f"MFU: {mfu:.3g} = {measured.tokens_per_s:,.6g} tokens/s of a device x {flops_per_token / 1e9:,.4g} GFLOPs a "
        f"token ({told}) / {peak / 1e12:g} TFLOP/s ({precision}, dense; against the peak with sparsity it reads half)"
    )
    return mfu, arithmetic
