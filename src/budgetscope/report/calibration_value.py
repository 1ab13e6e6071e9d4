"""The value of a calibration as rows, as a sentence and as JSON."""

import json
from dataclasses import asdict

from budgetscope.core.answers.calibration_value import Foretold, Knowledge, Valuation
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
    return (
        name or f"{format_flops(knowledge.flops)} FLOPs",
        f"{knowledge.share:.2%}" if knowledge.share >= 0.0001 else f"{100 * knowledge.share:.1g}%",
        str(knowledge.n_budgets),
        format_flops(knowledge.largest_budget),
        _span(knowledge.n_params_low, knowledge.n_params_high),
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


def foretold_text(found: Foretold) -> str:
    """Return how well N at the user's budget is known today, and would be after the run of a design."""
    today, n = found.today, format_count(found.today.value)
    now = f"N at {found.budget}: today {n} by {found.law}, without an interval"
    if today.low is not None and today.high is not None:
        now = f"N at {found.budget}: today {n} {_span(today.low, today.high)} by {found.law}, for the data of that law"
    if found.factor is None:
        return f"{now}; this design is too small to plan by, and leaves it so"
    after = _span(today.value / found.factor, today.value * found.factor)
    return (
        f"{now}; after this run, weighed with the published laws, within a factor of {found.factor:.2g} either way on "
        f"yours, {after} if N stays (95%, if its optima scatter as those of {found.typical})"
    )


def _span(low: float, high: float) -> str:
    return f"[{format_count(low)}, {format_count(high)}]"


def value_json(plan: Plan, valuation: Valuation) -> str:
    """Return a valuation as JSON, with the cautions about its law."""
    record = asdict(valuation) | {"cautions": [asdict(caution) for caution in plan.cautions_of(valuation.fit_id)]}
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
