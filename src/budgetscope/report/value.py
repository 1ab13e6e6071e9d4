"""What more calibration would be worth, as people read it."""

from budgetscope.core.intervals import Estimate
from budgetscope.core.quantities import format_count, format_flops, format_usd
from budgetscope.fitting.value import Knowledge
from budgetscope.report.rows import UNKNOWN

VALUE_HEADER = ("calibration", "share", "budgets", "largest", "N* known to", "expected waste")


def knowledge_cells(knowledge: Knowledge, name: str, cost_usd: Estimate | None) -> tuple[str, ...]:
    """Return one line of a valuation, under `VALUE_HEADER`.

    Args:
        knowledge: what a calibration would tell.
        name: what to call it; empty for one of the shares.
        cost_usd: of the whole budget, to put the waste in dollars.
    """
    wasted = knowledge.wasted_share
    waste = UNKNOWN if wasted is None else f"{wasted:.2%}"
    if wasted is not None and cost_usd is not None:
        waste += f" = {format_usd(wasted * cost_usd.value)}"
    low, high = format_count(knowledge.n_params_low), format_count(knowledge.n_params_high)
    return (
        name or f"{format_flops(knowledge.flops)} FLOPs",
        f"{knowledge.share:.2g}" if knowledge.share < 0.0001 else f"{knowledge.share:.2%}",
        str(knowledge.n_budgets),
        format_flops(knowledge.largest_budget),
        f"[{low}, {high}]",
        waste,
    )
