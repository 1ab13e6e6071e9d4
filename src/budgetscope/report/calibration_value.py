"""The value of a calibration as rows, as a sentence and as JSON."""

import json
from dataclasses import asdict

from budgetscope.core.answers.calibration_value import Foretold, Knowledge, Valuation
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_flops, format_usd
from budgetscope.core.language import N_, _
from budgetscope.core.laws.intervals import Estimate
from budgetscope.report.rows import UNKNOWN
from budgetscope.report.words import beside, bracketed, noted, sentences

VALUE_HEADER = (
    N_("calibration"), N_("share"), N_("budgets"), N_("largest"), N_("N* known to"), N_("expected waste"),
)  # fmt: skip


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
        name or _("{flops} FLOPs").format(flops=format_flops(knowledge.flops)),
        f"{knowledge.share:.2%}" if knowledge.share >= 0.0001 else f"{100 * knowledge.share:.1g}%",
        str(knowledge.n_budgets),
        format_flops(knowledge.largest_budget),
        bracketed(knowledge.n_params_low, knowledge.n_params_high, format_count),
        waste,
    )


_RUNS = {
    "shared": N_(
        "A calibration like that of {fit}: its smallest budget, spacing, sizes and noise, on your data; one run a size "
        "at constant learning rate, read at every budget that it passes."
    ),
    "separate": N_(
        "A calibration like that of {fit}: its smallest budget, spacing, sizes and noise, on your data; one run for "
        "every size at every budget, since its learning rate is not known to be constant."
    ),
}


def counted_text(valuation: Valuation) -> str:
    """Return the assumptions of a valuation in a few sentences."""
    missing = valuation.now.wasted_share is None
    return sentences(
        (
            _(_RUNS[valuation.runs]).format(fit=valuation.fit_id),
            _(
                "The intervals count the scatter of the optima about the law, too, where it exceeds the noise: they "
                "can be wider than the plan's."
            ),
            _(
                "Expected waste is deadweight compute, the mean over all N that the interval allows. It does not count "
                "what today's law may miss because it was fitted on other data."
            ),
            _("There is none here: the fit has no law of the loss above the optimum.") if missing else "",
        )
    )


def foretold_text(found: Foretold) -> str:
    """Return how well N at the user's budget is known today, and would be after the run of a design."""
    today, told = found.today, {"budget": found.budget, "n": format_count(found.today.value), "law": found.law}
    now = _("N* at {budget}: today {n} by {law}, without an interval")
    if today.low is not None and today.high is not None:
        now = _("N* at {budget}: today {n} {range} by {law}, for the data of that law")
        told["n"] = beside(today.value, (today.low, today.high), format_count)
        told["range"] = bracketed(today.low, today.high, format_count)
    if found.factor is None:
        after = _("this design is too small to plan by, and leaves it so")
    else:
        after = _(
            "after this run, weighed with the published laws, within a factor of {factor} either way on yours, {range} "
            "if N stays (95%, if its optima scatter as those of {typical})"
        ).format(
            factor=f"{found.factor:.2g}",
            range=bracketed(today.value / found.factor, today.value * found.factor, format_count),
            typical=found.typical,
        )
    return noted((now.format(**told), after))


def value_json(plan: Plan, valuation: Valuation) -> str:
    """Return a valuation as JSON, with the cautions about its law."""
    record = asdict(valuation) | {"cautions": [asdict(caution) for caution in plan.cautions_of(valuation.fit_id)]}
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
