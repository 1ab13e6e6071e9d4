"""The steps from Kaplan's experiment to the tuned one, in words for a walk through them."""

from collections.abc import Iterable
from dataclasses import dataclass

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.explanation import Explanation, Step
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.report.rows import SAVINGS_BUDGETS, UNKNOWN, comparison_rows, format_ratio

STEP_HEADER = (
    "step", "exponent a", "D/N here", "N here", "waste", *(f"needs {format_flops(c)}" for c in SAVINGS_BUDGETS),
    "D/N measured",
)  # fmt: skip
"""The title and the cells of `StepLine`; in a narrow table, the last give way first."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step as people read it.

    Attributes:
        title: what changed.
        cells: by `STEP_HEADER`: the exponent with its interval, D/N and N at the user's budget, what following the
            step there would waste, at three measured budgets the share of its compute that the tuned runs need, and
            the measured D/N.
        worth: what the step was worth in compute, in one short sentence.
        facts: labels and sentences: everything that is known of the step.
    """

    title: str
    cells: tuple[str, ...]
    worth: str
    facts: tuple[tuple[str, str], ...]


def step_lines(explanation: Explanation, dataset: str, comparison: Comparison) -> tuple[StepLine, ...]:
    """Return the steps of one dataset.

    Args:
        explanation: the steps.
        dataset: its name.
        comparison: what the laws of the steps say of the same budget, and what following them would cost.
    """
    wasted = {row.row.fit_id: row for row in comparison_rows(comparison)}
    lines = []
    steps = explanation.datasets[dataset]
    for step, before in zip(steps, (None, *steps), strict=False):
        row = wasted.get(step.fit_id)
        waste = UNKNOWN if row is None else row.wasted
        share = UNKNOWN if row is None or row.row.wasted_share is None else f"{row.row.wasted_share:.1%}"
        cells = (
            _exponent(step),
            format_ratio(step.tokens_per_param),
            format_count(step.n_params),
            share,
            *(_needs(step, flops) for flops in SAVINGS_BUDGETS),
            _span(step.measured_tokens_per_param),
        )
        tuned = step is steps[-1]
        lines.append(
            StepLine(
                step.title,
                cells,
                _worth(step, before, SAVINGS_BUDGETS[1:2], tuned=tuned),
                (
                    *_facts(step, explanation),
                    ("worth", f"{_worth(step, before, SAVINGS_BUDGETS, tuned=tuned)}; {_here(step)}"),
                    ("if followed", _followed(waste, comparison.law_id)),
                ),
            )
        )
    return tuple(lines)


def _facts(step: Step, explanation: Explanation) -> tuple[tuple[str, str], ...]:
    own = step.own_n_params
    interval = "" if own.low is None or own.high is None else f" [{format_count(own.low)}, {format_count(own.high)}]"
    counted = f"{format_count(step.n_params)} by the {explanation.convention} count"
    return (
        ("exponent", f"N* grows as C^{_exponent(step)}"),
        (
            "D/N",
            f"{_span(step.measured_tokens_per_param)} measured, {format_ratio(step.tokens_per_param)} at your budget",
        ),
        ("N here", f"{counted}; as this step itself counts {format_count(own.value)}{interval}"),
    )


def _worth(step: Step, before: Step | None, budgets: tuple[float, ...], *, tuned: bool) -> str:
    """Return the share of a step's compute that the tuned runs need, and of the compute of the step before."""
    measured = [flops for flops in budgets if step.saving_at(flops) is not None]
    if not measured:
        return "The tuned runs were not measured at its losses"
    at = _listed(f"{flops:.0e}".replace("e+", "e") for flops in measured)
    earlier = "" if before is None else _listed(_needs(before, flops) for flops in measured)
    if tuned:
        return f"Reaches the loss of the step before with {earlier} of its compute, at {at} FLOPs"
    said = _listed(_needs(step, flops) for flops in measured)
    behind = f" (step before: {earlier})" if earlier else ""
    return f"Same loss by tuned runs: {said} of its compute at {at} FLOPs{behind}"


def _here(step: Step) -> str:
    return (
        "none was measured at your budget" if step.saving_here is None else f"{_share(step.saving_here)} at your budget"
    )


def _followed(waste: str, law_id: str) -> str:
    return f"{law_id} cannot tell" if waste == UNKNOWN else f"wastes {waste} of your budget, by {law_id}"


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _needs(step: Step, flops: float) -> str:
    share = step.saving_at(flops)
    return UNKNOWN if share is None else _share(share)


def _share(share: float) -> str:
    return f"{share:.0%}"


def _exponent(step: Step) -> str:
    exponent = step.exponent
    if exponent.low is None or exponent.high is None:
        return f"{exponent.value:.3f}"
    return f"{exponent.value:.3f} [{exponent.low:.2f}, {exponent.high:.2f}]"


def _span(ratios: tuple[float, float]) -> str:
    return f"{format_ratio(ratios[0])} to {format_ratio(ratios[1])}"
