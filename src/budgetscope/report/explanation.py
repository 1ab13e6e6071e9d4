"""Format the explanation of why the laws disagree: its steps as tables, lines and Markdown."""

from collections.abc import Iterable
from dataclasses import dataclass

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.explanation import Explanation, Step
from budgetscope.core.budget.quantities import format_count, format_flops, format_usd
from budgetscope.report.markdown import escaped, table
from budgetscope.report.rows import UNKNOWN, comparison_rows, estimate_text, format_ratio

SAVINGS_BUDGETS = (1e17, 1e18, 1e19)
"""Measured budgets, FLOPs, at which savings are shown."""

STEP_HEADER = ("step", "exponent a", "D/N measured", "D/N here", "N here", "tuned needs")


def step_cells(step: Step) -> tuple[str, ...]:
    """Return the row of one step at the user's budget, under `STEP_HEADER`."""
    return (
        step.title,
        _exponent(step),
        _span(step.measured_tokens_per_param),
        format_ratio(step.tokens_per_param),
        format_count(step.n_params),
        _share(step.saving_here),
    )


SAVINGS_HEADER = ("step", *(f"at {format_flops(flops)}" for flops in SAVINGS_BUDGETS))


def savings_cells(step: Step) -> tuple[str, ...]:
    """Return the row of one step's savings, under `SAVINGS_HEADER`.

    A saving is the share of the step's compute that the tuned runs need for the same loss.
    """
    return (step.title, *(_needs(step, flops) for flops in SAVINGS_BUDGETS))


def explanation_markdown(explanation: Explanation) -> str:
    """Return an explanation as a Markdown section."""
    lines = ["## Why Kaplan and Chinchilla disagree", "", f"{escaped(explanation.understood)}.", ""]
    first = next(iter(explanation.datasets.values()))
    lines += [f"{number}. **{escaped(step.title)}.** {escaped(step.sentence)}" for number, step in enumerate(first, 1)]
    lines.append("")
    for name, steps in explanation.datasets.items():
        lines += [f"### {name}", "", *table(STEP_HEADER, [step_cells(step) for step in steps]), ""]
        lines += ["Share of a step's compute with which the tuned runs reach its loss:", ""]
        lines += [*table(SAVINGS_HEADER, [savings_cells(step) for step in steps]), ""]
    lines += ["### What tuning is worth here", "", *(f"- {escaped(each)}" for each in tuning_text(explanation)), ""]
    return "\n".join([*lines, explanation.note, ""])


def tuning_text(explanation: Explanation) -> tuple[str, ...]:
    """Return what tuning the recipe is worth at the budget, in two or three sentences."""
    tuning = explanation.tuning
    if tuning.lost is None:
        return ("What an untuned recipe costs here is not known: no published stage or grid is near.",)
    span = _percents(tuning.lost)
    if tuning.source == "stages":
        first = (
            f"One setting of the optimizer for all sizes costs {span} of the compute at this budget, against the tuned "
            "runs of Porian et al."
        )
        reach = "At other budgets it is another share: the stages were measured from 1e17 to 1e19 FLOPs."
    else:
        first = (
            f"No stage was measured at this budget. On the nearest public grid ({tuning.place}) published recipes "
            f"cost {span} of the compute against the best one."
        )
        reach = "At your size that is an extrapolation; the next step is to measure it."
    if tuning.cost_share is None or tuning.balance is None:
        return first, reach
    cost = "" if tuning.cost_usd is None else f" ({format_usd(tuning.cost_usd)})"
    low, high = tuning.balance_usd or (None, None)
    dollars = "" if low is None or high is None else f", {_dollars(low)} to {_dollars(high)}"
    second = (
        f"To try three learning rates costs {tuning.cost_share:.0%}{cost}: at most "
        f"{_percents(tuning.balance)} of the compute is left as gain{dollars}."
    )
    return first, second, reach


def _percents(shares: tuple[float, float]) -> str:
    # No minus zero.
    low, high = (f"{round(share, 2) + 0.0:.0%}" for share in shares)
    return low if low == high else f"{low} to {high}"


def _dollars(usd: float) -> str:
    return f"-{format_usd(-usd)}" if usd < 0 else format_usd(usd)


# The table of steps

STEP_LINE_HEADER = (
    "step", "exponent a", "D/N here", "N here", "waste", *(f"needs {format_flops(c)}" for c in SAVINGS_BUDGETS),
    "D/N measured",
)  # fmt: skip
"""Header of the title and the cells of `StepLine`; a narrow table drops columns from the right."""
WASTE = STEP_LINE_HEADER.index("waste") - 1
"""Place of the waste among the cells of a `StepLine`."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the explanation as text.

    Attributes:
        title: the change from the step before.
        cells: under `STEP_LINE_HEADER`: the exponent with its interval; D/N, N and deadweight compute at the user's
            budget; the share of the step's compute that the tuned runs need, at three measured budgets; the measured
            D/N.
        worth: the compute that the step saves, in one short sentence.
        facts: label and text of the details.
    """

    title: str
    cells: tuple[str, ...]
    worth: str
    facts: tuple[tuple[str, str], ...]


def step_lines(explanation: Explanation, dataset: str, comparison: Comparison) -> tuple[StepLine, ...]:
    """Return the lines of the steps of one dataset.

    Args:
        explanation: holds the steps.
        dataset: name of the dataset.
        comparison: of the steps' laws, at the same budget.
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
                    *((("return", " ".join(tuning_text(explanation))),) if tuned else ()),
                ),
            )
        )
    return tuple(lines)


def _facts(step: Step, explanation: Explanation) -> tuple[tuple[str, str], ...]:
    own = estimate_text(step.own_n_params, format_count)
    counted = f"{format_count(step.n_params)} by the {explanation.convention} count"
    return (
        ("exponent", f"N* grows as C^{_exponent(step)}"),
        (
            "D/N",
            f"{_span(step.measured_tokens_per_param)} measured, {format_ratio(step.tokens_per_param)} at your budget",
        ),
        ("N here", f"{counted}; as this step itself counts {own}"),
    )


def _worth(step: Step, before: Step | None, budgets: tuple[float, ...], *, tuned: bool) -> str:
    """Return in one sentence which share of a step's compute, and of the step before, the tuned runs need."""
    measured = [flops for flops in budgets if step.saving_at(flops) is not None]
    if not measured:
        return "The tuned runs were not measured at its losses"
    at = _listed(f"{flops:.0e}".replace("e+", "e") for flops in measured)
    earlier = "" if before is None else _listed(_needs(before, flops) for flops in measured)
    if tuned:
        return f"Reaches the loss of the step before with {earlier} of its compute, at {at} FLOPs"
    shares = _listed(_needs(step, flops) for flops in measured)
    behind = f" (step before: {earlier})" if earlier else ""
    return f"Same loss by tuned runs: {shares} of its compute at {at} FLOPs{behind}"


def _here(step: Step) -> str:
    return f"{'none was measured' if step.saving_here is None else _share(step.saving_here)} at your budget"


def _followed(waste: str, law_id: str) -> str:
    return f"not known by {law_id}" if waste == UNKNOWN else f"wastes {waste} of your budget, by {law_id}"


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _needs(step: Step, flops: float) -> str:
    return _share(step.saving_at(flops))


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.0%}"


def _exponent(step: Step) -> str:
    return estimate_text(step.exponent, "{:.3f}".format, "{:.2f}".format)


def _span(ratios: tuple[float, float]) -> str:
    return f"{format_ratio(ratios[0])} to {format_ratio(ratios[1])}"
