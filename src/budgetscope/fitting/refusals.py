"""The sentences in which fits refuse runs, drop budgets and flag doubts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from budgetscope.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.fitting.run_table import Budget, FloatArray, RunTable

MIN_SIZES = 3
MIN_BUDGETS = 3
# A uniform guess over a 50k to 200k vocabulary loses 11 to 12.2 nats; a trained model less.
MAX_NATS = 12.5
# No natural-language model is below 0.5 nats a token (Hoffmann's E is 1.7, Porian's best loss 2.6).
MIN_NATS = 0.5
# Optimal loss of Porian et al. 2024 on RefinedWeb, tuned, in nats per token (arXiv 2406.19146): A, exponent, E.
_PORIAN_LOSS = (128.9, 0.106, 2.006)
# Bits are 1.44 times as many as nats; sound runs at the best size come within a few percent of the curve, or below it.
_LIKE_BITS = 1.15
# More than bits can be, poor runs granted.
_BEYOND_BITS = 1.6
# Runs of one configuration differ by 0.1% to 1% of the loss at all but the smallest scale (Porian et al. 2024).
_LOUD = 0.05
SCATTER_FLAG = 1.5
"""Optima that scatter about a law this many times as far as the noise explains are flagged."""
_IN_SHORT = {
    "few-sizes": f"with fewer than {MIN_SIZES} sizes",
    "low-edge": "lowest at the smallest size",
    "high-edge": "lowest at the largest size",
    "no-minimum": "without a minimum",
    "noisy": "too noisy",
}


_REMEDIES = {
    "few-sizes": "train more sizes there",
    "low-edge": "train smaller models there",
    "high-edge": "train larger models there",
    "no-minimum": "train sizes on both sides of the best one",
    "noisy": "repeat seeds",
}


class Flag(NamedTuple):
    """A doubt about a fit, stored with it and shown wherever it is used."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Dropped:
    """A budget that the fit left out.

    Attributes:
        flops: the budget.
        code: "few-sizes", "low-edge" (lowest loss at the smallest size), "high-edge", "no-minimum" or
            "noisy" (under half of the draws had an interior minimum).
        reason: one sentence.
    """

    flops: float
    code: str
    reason: str


def check_loss_unit(table: RunTable) -> None:
    """Refuse losses that cannot be nats per token.

    Raises:
        UsageError: the losses look like perplexities or like bits per byte.
    """
    low, high = float(table.loss.min()), float(table.loss.max())
    if high > MAX_NATS:
        raise UsageError(
            f"losses reach {high:.4g}, more than guessing costs in nats per token ({MAX_NATS:g}): say --loss-unit "
            "perplexity if these are perplexities, and drop the runs that diverged if not."
        )
    check_lowest_loss(low)


def check_lowest_loss(low: float) -> None:
    """Refuse losses of which the lowest, `low`, is too low for nats per token.

    Raises:
        UsageError: it is.
    """
    if low < MIN_NATS:
        raise UsageError(
            f"losses go down to {low:.4g}, less than any language model reaches in nats per token: "
            "say --loss-unit bits-per-byte and --bytes-per-token if these are bits per byte."
        )


def loss_unit_flags(table: RunTable) -> tuple[Flag, ...]:
    """Flag losses that could be bits per byte (all under 1.5), or bits or perplexities (all above what C reaches)."""
    high = float(table.loss.max())
    if high < 1.5:
        sentence = f"Every loss is at most {high:.2f}, low for nats per token: check that these are not bits per byte."
        return (Flag("loss-unit", sentence),)
    coefficient, exponent, irreducible = _PORIAN_LOSS
    excess = float((table.loss / (coefficient * table.flops**-exponent + irreducible)).min())
    if excess > _LIKE_BITS:
        units = ["bits (--loss-unit bits)"]
        if excess > _BEYOND_BITS:
            units.insert(0, "perplexities (--loss-unit perplexity)")
        sentence = (
            f"Every loss is at least {excess:.2f} times what Porian et al. 2024 reached with the same compute, high "
            f"for nats per token: check that these are not {' or '.join(units)}."
        )
        return (Flag("loss-unit", sentence),)
    return ()


def edge_reason(budget: Budget) -> Dropped:
    """Return why a budget is dropped whose lowest point is at an end, or nowhere."""
    lowest = int(budget.loss.argmin())
    if lowest == 0:
        return Dropped(
            budget.flops,
            "low-edge",
            f"At C={budget.flops:.3g} the lowest loss is at the smallest size ({budget.n_params[0]:.3g}): "
            "train smaller models there.",
        )
    if lowest == budget.n_params.size - 1:
        return Dropped(
            budget.flops,
            "high-edge",
            f"At C={budget.flops:.3g} the lowest loss is at the largest size ({budget.n_params[-1]:.3g}): "
            "train larger models there.",
        )
    return Dropped(budget.flops, "no-minimum", f"At C={budget.flops:.3g} the curve through the sizes has no minimum.")


def refuse_few_budgets(dropped: Sequence[Dropped], kept: int) -> None:
    """Refuse a fit with too few budgets left, and say what the dropped ones have in common.

    Raises:
        UsageError: fewer than `MIN_BUDGETS` budgets are left.
    """
    if kept >= MIN_BUDGETS:
        return
    codes = {drop.code for drop in dropped}
    if not dropped:
        raise UsageError(
            f"the runs cover {kept} budget{'s' * (kept != 1)} and a power law needs {MIN_BUDGETS}: "
            "train the same sizes to more values of C."
        )
    if kept == 0 and codes <= {"low-edge"}:
        raise UsageError(
            "the optimum is one-sided: at every budget the lowest loss is at the smallest size, "
            "so train smaller models."
        )
    if kept == 0 and codes <= {"high-edge"}:
        raise UsageError(
            "the optimum is one-sided: at every budget the lowest loss is at the largest size, so train larger models."
        )
    if kept == 0 and not codes & {"few-sizes"}:
        raise UsageError(
            "no budget has an interior minimum of loss over model size: train sizes on both sides of the best one."
        )
    counts = Counter(drop.code for drop in dropped)
    reasons = ", ".join(f"{count} {_IN_SHORT[code]}" for code, count in counts.items())
    raise UsageError(
        f"only {kept} of {kept + len(dropped)} budgets can be used and a power law needs {MIN_BUDGETS} "
        f"({reasons}): train more sizes on both sides of the best one."
    )


def dropped_flags(dropped: Sequence[Dropped]) -> tuple[Flag, ...]:
    """Flag the budgets that a fit left out, those of one reason together."""
    flags = []
    for code in dict.fromkeys(drop.code for drop in dropped):
        alike = [drop for drop in dropped if drop.code == code]
        sentence = alike[0].reason
        if len(alike) > 1:
            budgets = ", ".join(f"{drop.flops:.3g}" for drop in alike)
            sentence = f"{len(alike)} budgets are left out, {_IN_SHORT[code]} (C={budgets}): {_REMEDIES[code]}."
        flags.append(Flag("budget-dropped", sentence))
    return tuple(flags)


def table_flags(flops: FloatArray) -> tuple[Flag, ...]:
    """Flag budgets that are too few, or too close together.

    Args:
        flops: distinct budgets.
    """
    flags = []
    if flops.size == MIN_BUDGETS:
        flags.append(Flag("few-budgets", f"Only {flops.size} budgets carry the fit: its straightness is untested."))
    elif flops.size < MIN_BUDGETS:
        covered = f"{flops.size} budget{'s' * (flops.size != 1)}"
        sentence = f"The runs cover {covered} only: how the best N grows with C rests on the form of the law."
        flags.append(Flag("few-budgets", sentence))
    span = float(flops.max() / flops.min())
    if span < 10:
        flags.append(Flag("narrow-range", f"The budgets span a factor of {span:.1f} only: exponents are weak."))
    return tuple(flags)


def loud_flags(log_std: float, about: str) -> tuple[Flag, ...]:
    """Flag losses that scatter more than runs in one unit do.

    Args:
        log_std: standard deviation of log loss.
        about: what they scatter about, as "smooth curves".
    """
    if log_std <= _LOUD:
        return ()
    sentence = (
        f"The losses scatter by {log_std:.0%} about {about}, more than training runs do: check that all are in one "
        "unit, and that no run diverged."
    )
    return (Flag("loud-scatter", sentence),)
