"""The value of a calibration as rows, as a sentence and as JSON."""

import json
from dataclasses import asdict

from budgetscope.core.answers.calibration_value import Knowledge, Valuation
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_flops, format_usd
from budgetscope.core.laws.intervals import Estimate
from budgetscope.report.rows import UNKNOWN

VALUE_HEADER = ("calibration", "share", "budgets", "largest", "N* known to", "expected waste")


def knowledge_cells(knowledge: Knowledge, name: str, cost_usd: Estimate | None) -> tuple[str, ...]:
    """Return one row of a valuation, under `VALUE_HEADER`.

    Args:
        knowledge: what is known after one calibration.
        name: label of the row; the calibration's FLOPs when empty.
        cost_usd: of the whole budget, to show the waste in dollars; None when unknown.
    """
    wasted = knowledge.wasted_share
    waste = UNKNOWN if wasted is None else f"{wasted:.2%}"
    if wasted is not None and cost_usd is not None:
        waste += f" = {format_usd(wasted * cost_usd.value)}"
    low, high = format_count(knowledge.n_params_low), format_count(knowledge.n_params_high)
    return (
        name or f"{format_flops(knowledge.flops)} FLOPs",
        f"{knowledge.share:.2%}" if knowledge.share >= 0.0001 else f"{100 * knowledge.share:.1g}%",
        str(knowledge.n_budgets),
        format_flops(knowledge.largest_budget),
        f"[{low}, {high}]",
        waste,
    )


_RUNS = {
    "shared": "one run a size at constant learning rate, read at every budget that it passes",
    "separate": "one run for every size at every budget, since its learning rate is not known to be constant",
}


def counted_text(valuation: Valuation) -> str:
    """Return the assumptions of a valuation in a few sentences."""
    missing = valuation.now.wasted_share is None
    return (
        f"A calibration like that of {valuation.fit_id}: its smallest budget, spacing, sizes and noise, on your data; "
        f"{_RUNS[valuation.runs]}. The intervals count the scatter of the optima about the law, too, where it exceeds "
        "the noise: they can be wider than the plan's. Expected waste is deadweight compute, the mean over all N that "
        "the interval allows. It does not count what today's law may miss because it was fitted on other data."
        + (" There is none here: the fit has no law of the loss above the optimum." if missing else "")
    )


def value_json(plan: Plan, valuation: Valuation) -> str:
    """Return a valuation as JSON, with the cautions about its law."""
    record = asdict(valuation) | {"cautions": [asdict(caution) for caution in plan.cautions_of(valuation.fit_id)]}
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
