"""Format the explanation of why the laws disagree: its steps as tables, lines and Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.explanation import Explanation, Step
from budgetscope.core.budget.quantities import format_count, format_flops, format_usd
from budgetscope.core.language import N_, _
from budgetscope.core.laws.intervals import Kind
from budgetscope.report.law_rows import comparison_rows
from budgetscope.report.markdown import ended, escaped, heading, table
from budgetscope.report.rows import UNKNOWN, estimate_text, format_ratio
from budgetscope.report.words import between, headed, listed, noted, sentences, valued

SAVINGS_BUDGETS = (1e17, 1e18, 1e19)
"""Measured budgets, FLOPs, at which savings are shown."""

STEP_HEADER = (
    N_("step"), N_("exponent a"), N_("D/N measured"), N_("D/N here"), N_("N here"), N_("tuned needs"),
)  # fmt: skip


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


def steps_table(steps: Sequence[Step]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the rows of steps, without the last column where no step has a value for it."""
    rows = [step_cells(step) for step in steps]
    if all(step.saving_here is None for step in steps):
        return STEP_HEADER[:-1], [row[:-1] for row in rows]
    return STEP_HEADER, rows


def savings_header() -> tuple[str, ...]:
    """Return the header of `savings_cells`."""
    return (_("step"), *(_("at {flops}").format(flops=format_flops(flops)) for flops in SAVINGS_BUDGETS))


def savings_cells(step: Step) -> tuple[str, ...]:
    """Return the row of one step's savings, under `savings_header`.

    A saving is the share of the step's compute that the tuned runs need for the same loss.
    """
    return (step.title, *(_needs(step, flops) for flops in SAVINGS_BUDGETS))


def explanation_markdown(explanation: Explanation) -> str:
    """Return an explanation as a Markdown section."""
    lines = [heading(2, _("Why Kaplan and Chinchilla disagree")), "", ended(escaped(explanation.understood)), ""]
    first = next(iter(explanation.datasets.values()))
    lines += [
        f"{number}. **{escaped(ended(step.title))}** {escaped(step.sentence)}" for number, step in enumerate(first, 1)
    ]
    lines.append("")
    for name, steps in explanation.datasets.items():
        lines += [heading(3, name), "", *_markdown(steps), ""]
        lines += [_("Share of a step's compute with which the tuned runs reach its loss:"), ""]
        lines += [*table(savings_header(), [savings_cells(step) for step in steps]), ""]
    told = (f"- {escaped(each)}" for each in tuning_text(explanation))
    lines += [heading(3, _("What tuning is worth here")), "", *told, ""]
    return "\n".join([*lines, explanation.note, ""])


def _markdown(steps: Sequence[Step]) -> list[str]:
    header, rows = steps_table(steps)
    return [*table(headed(header), rows)]


def tuning_text(explanation: Explanation) -> tuple[str, ...]:
    """Return what tuning the recipe is worth at the budget, in two or three sentences."""
    tuning = explanation.tuning
    if tuning.lost is None:
        return (_("What an untuned recipe costs here is not known: no published stage or grid is near."),)
    # A share below zero is noise: nothing was lost.
    span = _percents((max(0.0, tuning.lost[0]), max(0.0, tuning.lost[1])))
    if tuning.source == "stages":
        first = _(
            "One setting of the optimizer for all sizes costs {share} of the compute at this budget, against the tuned "
            "runs of Porian et al."
        )
        if round(tuning.lost[1], 2) <= 0:
            first = _(
                "One setting of the optimizer for all sizes lost nothing that could be measured at this budget, "
                "against the tuned runs of Porian et al."
            )
        reach = _("At other budgets it is another share: the stages were measured from 1e17 to 1e19 FLOPs.")
    else:
        first = _(
            "No stage was measured at this budget. On the nearest public grid ({place}) published recipes cost {share} "
            "of the compute against the best one."
        )
        reach = _("At your size that is an extrapolation; the next step is to measure it.")
    first = first.format(share=span, place=tuning.place)
    if tuning.cost_share is None or tuning.balance is None:
        return first, reach
    cost = f"{tuning.cost_share:.0%}"
    told = {
        "cost": cost if tuning.cost_usd is None else valued(cost, format_usd(tuning.cost_usd)),
        "gain": _percents(tuning.balance),
    }
    if round(tuning.balance[1], 2) <= 0:
        second = _("To try three learning rates costs {cost}, no less than what tuning was measured to save here.")
        return first, second.format(**told), reach
    low, high = tuning.balance_usd or (None, None)
    second = _("To try three learning rates costs {cost}: at most {gain} of the compute is left as gain.")
    if low is not None and high is not None:
        second = _("To try three learning rates costs {cost}: at most {gain} of the compute is left as gain, {usd}.")
        told["usd"] = between((low, high), _dollars)
    return first, second.format(**told), reach


def _percents(shares: tuple[float, float]) -> str:
    # No minus zero.
    low, high = (f"{round(share, 2) + 0.0:.0%}" for share in shares)
    return low if low == high else _("{low} to {high}").format(low=low, high=high)


def _dollars(usd: float) -> str:
    return f"-{format_usd(-usd)}" if usd < 0 else format_usd(usd)


# The table of steps


def step_line_header() -> tuple[str, ...]:
    """Return the header of the title and the cells of `StepLine`; a narrow table drops columns from the right."""
    needs = (_("tuned {flops}").format(flops=format_flops(flops)) for flops in SAVINGS_BUDGETS)
    return (_("step"), _("exponent a"), _("D/N here"), _("N here"), _("waste"), *needs, _("D/N measured"))


WASTE = 3
"""Place of the waste among the cells of a `StepLine`."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the explanation as text.

    Attributes:
        title: the change from the step before.
        cells: under `step_line_header`: the exponent with its interval; D/N, N and deadweight compute at the user's
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
                    (_("worth"), noted((_worth(step, before, SAVINGS_BUDGETS, tuned=tuned), _here(step)))),
                    (_("if followed"), _followed(waste, comparison.law_id)),
                    *(((_("return"), sentences(tuning_text(explanation))),) if tuned else ()),
                ),
            )
        )
    return tuple(lines)


def _facts(step: Step, explanation: Explanation) -> tuple[tuple[str, str], ...]:
    own = estimate_text(step.own_n_params, format_count)
    if step.own_n_params.kind is Kind.NOISE_ALONE:
        own = _("{value} by noise alone").format(value=own)
    return (
        (_("exponent"), _("N* grows as C^{exponent}").format(exponent=_exponent(step))),
        (
            "D/N",
            _("{measured} measured, {here} at your budget").format(
                measured=_span(step.measured_tokens_per_param), here=format_ratio(step.tokens_per_param)
            ),
        ),
        (
            _("N here"),
            _("{n_params} by the {convention} count; as this step itself counts {own}").format(
                n_params=format_count(step.n_params), convention=explanation.convention, own=own
            ),
        ),
    )


def _worth(step: Step, before: Step | None, budgets: tuple[float, ...], *, tuned: bool) -> str:
    """Return in one sentence which share of a step's compute, and of the step before, the tuned runs need."""
    told_of = before if tuned and before is not None else step
    measured = [flops for flops in budgets if told_of.saving_at(flops) is not None]
    if not measured:
        return _("The tuned runs were not measured at its losses")
    part = _("{share} of its compute at {flops} FLOPs")

    def shares(of: Step) -> str:
        known = [(flops, share) for flops in measured if (share := of.saving_at(flops)) is not None]
        return listed(part.format(share=_share(share), flops=format_flops(flops)) for flops, share in known)

    if tuned and before is not None:
        return _("Takes, for the loss of the step before, {shares}").format(shares=shares(before))
    told = _("Same loss by tuned runs: {shares}").format(shares=shares(step))
    if before is None or len(measured) > 1:
        return told
    return _("{told} (step before: {earlier})").format(told=told, earlier=_needs(before, *measured))


def _here(step: Step) -> str:
    if step.saving_here is None:
        return _("none was measured at your budget")
    return _("{share} at your budget").format(share=_share(step.saving_here))


def _followed(waste: str, law_id: str) -> str:
    if waste == UNKNOWN:
        return _("not known by {law}").format(law=law_id)
    return _("wastes {waste} of your budget, by {law}").format(waste=waste, law=law_id)


def _needs(step: Step, flops: float) -> str:
    return _share(step.saving_at(flops))


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.0%}"


def _exponent(step: Step) -> str:
    return estimate_text(step.exponent, "{:.3f}".format, "{:.2f}".format)


def _span(ratios: tuple[float, float]) -> str:
    return between(ratios, format_ratio)
