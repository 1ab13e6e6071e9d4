"""Format What-if: one size beside the optimum, as rows, as a sentence, as Markdown."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.comparison import Row as LawRow
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.whatif import SERVING_ASSUMPTION, Candidate, IsoFlop, WhatIf
from budgetscope.core.budget.quantities import (
    format_count,
    format_ends,
    format_factor,
    format_flops,
    format_usd,
    parse_served_tokens,
)
from budgetscope.core.language import N_, _
from budgetscope.core.laws.forms import ExcessLaw
from budgetscope.report.csv import csv_text
from budgetscope.report.law_rows import waste_text
from budgetscope.report.markdown import ended, escaped, heading, reproduced, table
from budgetscope.report.rows import UNKNOWN, format_ratio, loss_title
from budgetscope.report.words import Form, headed, sentences

SIZE_HEADER = ("", N_("here"), N_("optimum"), N_("change"))


@dataclass(frozen=True, slots=True)
class SizeComparison:
    """One quantity of a size, that of the optimum, and the change; the change is empty where it has no meaning."""

    label: str
    here: str
    optimum: str
    change: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells under `SIZE_HEADER`."""
        return (self.label, self.here, self.optimum, self.change)


def size_rows(iso: IsoFlop, here: Candidate, best: Candidate) -> tuple[SizeComparison, ...]:
    """Return the quantities and costs of a size beside the optimum's, all at one budget."""
    found = [
        SizeComparison("N", format_count(here.n_params), format_count(best.n_params), _times(here.ratio)),
        SizeComparison("D", format_count(here.tokens), format_count(best.tokens), _times(here.tokens / best.tokens)),
        SizeComparison(
            "D/N",
            format_ratio(here.tokens_per_param),
            format_ratio(best.tokens_per_param),
            _times(here.tokens_per_param / best.tokens_per_param),
        ),
        SizeComparison(loss_title(iso.answer.plan), _loss(here.loss), _loss(best.loss), _difference(here)),
        SizeComparison(_("deadweight"), _share(here.wasted_share), _share(best.wasted_share), ""),
        SizeComparison(
            "  " + _("FLOPs"), _or(here.wasted_flops, format_flops), _or(best.wasted_flops, format_flops), ""
        ),
        SizeComparison("  " + _("dollars"), _or(here.wasted_usd, format_usd), _or(best.wasted_usd, format_usd), ""),
    ]
    for label, name in ((_("training"), "training"), (_("serving"), "serving"), (_("lifetime"), "lifetime")):
        found.append(_cost(label, name, here, best))
    return tuple(found)


def _cost(label: str, name: str, here: Candidate, best: Candidate) -> SizeComparison:
    """Return the row of one cost: in dollars, or in FLOPs where no price is known."""
    paid, least = getattr(here, f"{name}_usd"), getattr(best, f"{name}_usd")
    form: Form = format_usd
    if paid is None or least is None:
        paid, least, form = getattr(here, f"{name}_flops"), getattr(best, f"{name}_flops"), format_flops
    if paid == least == 0:
        return SizeComparison(label, _("none"), _("none"), "")
    change = paid - least
    return SizeComparison(label, form(paid), form(least), f"{'-' if change < 0 else '+'}{form(abs(change))}")


def sentence(iso: IsoFlop, here: Candidate) -> str:
    """Return what compares a size with the optimum and gives its cost, and at the optimum what the plan builds."""
    return sentences((brief(iso, here), _built(iso.answer.plan, here)))


def brief(iso: IsoFlop, here: Candidate) -> str:
    """Return `sentence` without the shape to build."""
    aside = "" if iso.answer.plan.choice is None else _("The plan's constraints are left aside here.")
    return sentences((*_compared(iso, here), aside))


def size_title(here: Candidate) -> str:
    """Return the title of a size beside the optimum."""
    return _("This size: the law's optimum") if here.is_optimum else _("This size")


def _built(plan: Plan, here: Candidate) -> str:
    """Return the size of the shape to build beside the optimum; empty where both read alike."""
    built, optimum = format_count(plan.run.n_params), format_count(here.n_params)
    if not here.is_optimum or plan.choice is not None or built == optimum:
        return ""
    return _("The shape to build, in whole layers, has {n_params}.").format(n_params=built)


def _compared(iso: IsoFlop, here: Candidate) -> tuple[str, ...]:
    """Return a size, its loss and its waste, and a doubt, in sentences."""
    size = _("{n_params} parameters on {tokens} tokens, 1/{factor} of the optimal size")
    factor = format_factor(1 / here.ratio)
    if here.is_optimum:
        size = _("{n_params} parameters on {tokens} tokens: the optimum")
    elif here.ratio > 1:
        size, factor = (
            _("{n_params} parameters on {tokens} tokens, {factor} times the optimal size"),
            format_factor(here.ratio),
        )
    words = size.format(n_params=format_count(here.n_params), tokens=format_count(here.tokens), factor=factor)
    if here.loss is None or here.loss_difference is None or here.wasted_share is None:
        return (ended(words),)
    told = {"size": words, "unit": iso.answer.plan.loss_unit or _("loss")}
    doubt = _("Extrapolated: no run so far off was measured.") if here.extrapolated else ""
    if here.is_optimum:
        said = _("{size}, a loss of {loss} {unit}.")
        if iso.answer.plan.is_before_decay:
            # The plan tells the loss after the decay, which is another number.
            said = _("{size}, loss {loss} before the decay.")
        return said.format(loss=f"{here.loss:.3f}", **told), doubt
    share = _share(here.wasted_share)
    if here.wasted_usd is None:
        off = _("{size}: {loss} {unit}; {share} of the compute is deadweight.")
    else:
        off = _("{size}: {loss} {unit}; {share} of the compute = {usd} is deadweight.")
    usd = format_usd(here.wasted_usd or 0.0)
    return off.format(loss=f"{here.loss_difference:+.4f}", share=share, usd=usd, **told), doubt


def reach_legend(iso: IsoFlop) -> str:
    """Return what the dashes of the curve mean, in one sentence of at most 44 columns; empty without a curve."""
    if iso.no_curve_reason is not None:
        return ""
    if iso.measured_range is None:
        return _("Dashed: no run was near this budget.")
    if isinstance(iso.answer.question.fit.excess, ExcessLaw):
        return _("Dashed: no run was so far off the optimum.")
    low, high = format_ends(*iso.measured_range, format_count)
    return _("Fitted from {low} to {high}, dashed beyond.").format(low=low, high=high)


def reach_text(iso: IsoFlop) -> str:
    """Return from where on the loss off the optimum is extrapolated, in one sentence; empty without a law of it."""
    if iso.no_curve_reason is not None:
        return ""
    if iso.measured_range is None:
        return _("No run was measured near this budget: every loss off the optimum is extrapolated.")
    if isinstance(iso.answer.question.fit.excess, ExcessLaw):
        # Nothing was fitted at the plan's sizes: the shape is carried there from the budgets of the law.
        factor = iso.measured_range[1] / iso.answer.optimum.n_params
        told = _(
            "The runs of the law, at its own budgets, were up to {factor} times off the optimum: beyond that the loss "
            "is extrapolated."
        )
        return told.format(factor=format_factor(factor, 2))
    low, high = format_ends(*iso.measured_range, format_count)
    return _("The loss is fitted to runs from {low} to {high}, and extrapolated beyond.").format(low=low, high=high)


PICKS_HEADER = (N_("law"), "N", N_("of optimum"), "D", "D/N", N_("d-loss"), N_("deadweight"))


def picks(comparison: Comparison) -> tuple[LawRow, ...]:
    """Return the recommendations of the other laws, sorted by N."""
    rows = [row for row in comparison.rows if row.n_params is not None and not row.ablation]
    return tuple(sorted((r for r in rows if r.fit_id != comparison.law_id), key=lambda r: r.n_params or 0.0))


def pick_cells(title: str, pick: Candidate) -> tuple[str, ...]:
    """Return the row of another law's recommendation, under `PICKS_HEADER`."""
    return (
        title,
        format_count(pick.n_params),
        _times(pick.ratio),
        format_count(pick.tokens),
        format_ratio(pick.tokens_per_param),
        _or(pick.loss_difference, lambda v: f"{v:+.4f}"),
        waste_text(pick.wasted_share, pick.wasted_usd),
    )


def whatif_markdown(
    iso: IsoFlop, here: Candidate, best: Candidate, others: Sequence[tuple[str, Candidate]], served: float, command: str
) -> str:
    """Return a size at the budget as a Markdown page.

    Args:
        iso: all sizes at the budget.
        here: the size to show.
        best: the optimum.
        others: title and recommended size of every other law.
        served: tokens that the model will serve.
        command: the shell command that shows the same.
    """
    plan = iso.answer.plan
    notes = [reach_text(iso) or iso.no_curve_reason or "", _("Serving: {what}").format(what=_(SERVING_ASSUMPTION))]
    by = _("{budget}; by `{law}`, no served tokens.")
    if served:
        by = _("{budget}; by `{law}`, {tokens} served tokens.")
    lines = [
        heading(1, _("What if, for {budget}").format(budget=escaped(plan.budget))),
        "",
        escaped(sentence(iso, here)),
        "",
        by.format(budget=escaped(plan.understood), law=plan.law_id, tokens=format_count(served)),
        "",
        *table(headed(SIZE_HEADER), [row.cells for row in size_rows(iso, here, best)]),
        "",
        heading(2, _("The other laws' picks at this budget")),
        "",
        *table(headed(PICKS_HEADER), [pick_cells(title, pick) for title, pick in others]),
        "",
        *(f"- {escaped(note)}" for note in notes if note),
        "",
        *reproduced(command),
    ]
    return "\n".join(lines)


CURVE_HEADER = PICKS_HEADER[1:]


def curve_cells(size: Candidate) -> tuple[str, ...]:
    """Return the row of a size on the IsoFLOP curve, under `CURVE_HEADER`."""
    return pick_cells("", size)[1:]


def whatif_command(command: str, here: Candidate, served: float) -> str:
    """Return the shell command of a size.

    Args:
        command: of the budget alone.
        here: the size.
        served: tokens that the model will serve.
    """
    words = [command]
    if not here.is_optimum:
        words += ["--size", f"{here.n_params:.6g}"]
    if served:
        short = format_count(served).replace(" ", "")
        words += ["--served", short if parse_served_tokens(short) == served else f"{served!r}"]
    return " ".join(words)


def _named(found: WhatIf) -> list[tuple[str, str, Candidate]]:
    """Return every size with what it is and the law that recommends it."""
    return [
        ("here", "", found.here),
        ("optimum", found.iso.answer.plan.law_id, found.best),
        *(("law", pick.fit_id, pick.candidate) for pick in found.picks),
        *(("curve", "", size) for size in found.curve),
    ]


def whatif_json(found: WhatIf, command: str) -> str:
    """Return a size, the optimum, the other laws' sizes and the curve as JSON, numbers unrounded."""
    plan = found.iso.answer.plan
    record = {
        "command": command,
        "budget": plan.budget,
        "law_id": plan.law_id,
        "convention": plan.convention,
        "loss_unit": plan.loss_unit,
        "sentence": sentence(found.iso, found.here),
        "measured_range": found.iso.measured_range,
        "no_curve_reason": found.iso.no_curve_reason,
        "served_tokens": found.served_tokens,
        "sizes": [{"what": what, "fit_id": fit_id, **asdict(size)} for what, fit_id, size in _named(found)],
    }
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


_VALUES = tuple(field.name for field in fields(Candidate))
CSV_HEADER = ("what", "fit_id", *_VALUES)


def records(found: WhatIf) -> list[tuple[object, ...]]:
    """Return the same sizes under `CSV_HEADER`, unrounded."""
    return [(what, fit_id, *(getattr(size, name) for name in _VALUES)) for what, fit_id, size in _named(found)]


def whatif_csv(found: WhatIf) -> str:
    """Return the same sizes as CSV, one a row, unrounded."""
    return csv_text(CSV_HEADER, records(found))


def _times(ratio: float) -> str:
    return f"x{format_factor(ratio)}"


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.1%}"


def _loss(loss: float | None) -> str:
    return UNKNOWN if loss is None else f"{loss:.4f}"


def _difference(here: Candidate) -> str:
    return UNKNOWN if here.loss_difference is None else f"{here.loss_difference:+.4f}"


def _or(value: float | None, form: Form) -> str:
    return UNKNOWN if value is None else form(value)
