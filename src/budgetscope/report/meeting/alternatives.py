"""The section of alternatives with their price: other sizes, other laws, other machines, and the constraints."""

from budgetscope.core.answers.comparison import Row
from budgetscope.core.answers.machines import Alternative, Machines
from budgetscope.core.answers.whatif import Candidate
from budgetscope.core.budget.quantities import (
    format_count,
    format_ends,
    format_energy,
    format_flops,
    format_hours,
    format_usd,
)
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Kind
from budgetscope.core.laws.loss_model import FLAT_SHARE
from budgetscope.report.law_rows import outlier_note, recipe_cells
from budgetscope.report.machines import mark, problem_text
from budgetscope.report.meeting.document import Block, Bullets, Heading, Paragraph, Section, Table
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.wording import known, waste
from budgetscope.report.rows import UNKNOWN, format_ratio, plan_rows
from budgetscope.report.words import sentences

_MOST_MACHINES = 10
"""Machines in the table, at most."""
_LEAST_LOSS = 5e-5
"""Difference of loss that rounds to more than nothing."""


def alternatives(facts: Facts) -> Section:
    """Return the sizes, laws and machines that one could choose instead, each with its price."""
    blocks: list[Block] = [Heading(_("A smaller or a larger model")), *_sizes(facts)]
    if facts.plan.choice is not None:
        blocks += [Heading(_("What your constraints cost")), *_constraints(facts)]
    blocks += [Heading(_("What other laws say")), _laws(facts), Paragraph(_law_note(facts)), *_recipes(facts)]
    if facts.comparison.skipped:
        blocks.append(Bullets(facts.comparison.skipped))
    if facts.machines is not None:
        blocks += [Heading(_("Other machines")), *_machines(facts, facts.machines)]
    return Section("alternatives", _("Alternatives and their price"), tuple(blocks))


def _sizes(facts: Facts) -> list[Block]:
    plan, iso = facts.plan, facts.iso
    band, best = plan.optimum.flat_band, facts.answer.optimum.n_params
    if iso.no_curve_reason is not None or band is None:
        return [Paragraph(_("What another size costs is not known: {law} does not say it.").format(law=plan.law_id))]
    sizes = {
        _("half the size"): best / 2,
        _("smallest of the flat band"): band[0],
        _("the optimum"): best,
        _("largest of the flat band"): band[1],
        _("twice the size"): best * 2,
    }
    if plan.choice is not None:
        sizes[_("this plan's size, by your constraints")] = facts.answer.point.n_params
    found = sorted(((name, iso.at(n)) for name, n in sizes.items()), key=lambda each: each[1].n_params)
    header = (
        _("size"), _("parameters"), _("tokens"), _("tokens a parameter"), _("loss against the optimum"),
        _("deadweight compute"), _("cost to serve"),
    )  # fmt: skip
    marked = frozenset(index for index, (_name, each) in enumerate(found) if each.n_params == best)
    table = Table(
        "",
        header,
        tuple(_size(name, each, facts.plan.budget_usd) for name, each in found),
        frozenset(range(1, 7)),
        marked,
    )
    low, high = format_ends(*band, format_count)
    flat = _(
        "Between {low} and {high} the loss is within {share} of the best: take a smaller model to serve it cheaper or "
        "to fit memory, a larger one to need fewer tokens."
    ).format(low=low, high=high, share=f"{FLAT_SHARE:.1%}")
    meaning = _("All sizes spend the same compute.")
    doubt = _("A star marks sizes so far off that no run was measured there.")
    return [
        Paragraph(flat),
        table,
        Paragraph(sentences((meaning, doubt if any(each.extrapolated for _name, each in found) else ""))),
    ]


def _size(name: str, each: Candidate, usd: float | None) -> tuple[str, ...]:
    return (
        f"{name} *" if each.extrapolated else name,
        format_count(each.n_params),
        format_count(each.tokens),
        format_ratio(each.tokens_per_param),
        known(each.loss_difference, _loss),
        waste(each.wasted_share, usd),
        f"x {each.ratio:.2f}",
    )


def _constraints(facts: Facts) -> list[Block]:
    found = [row for row in plan_rows(facts.plan) if row.section == "constraints"]
    # The run of the same loss is no constraint, and its number no loss.
    rows = tuple((row.label, row.text, row.basis) for row in found if row.key != "equal_flops")
    blocks: list[Block] = [Table("", (_("constraint"), _("loss added"), _("what it costs")), rows, frozenset({1}))]
    choice = facts.plan.choice
    if choice is not None and choice.equal_flops and choice.equal_params and choice.equal_tokens:
        told = _("The optimal run of the same loss has {n} parameters on {d} tokens and takes {flops} FLOPs.")
        counts = {"n": format_count(choice.equal_params), "d": format_count(choice.equal_tokens)}
        blocks.append(Paragraph(told.format(flops=format_flops(choice.equal_flops), **counts)))
    return blocks


def _laws(facts: Facts) -> Table:
    """Return the sizes that the laws advise."""
    header = (
        _("law"), _("parameters"), _("tokens"), _("tokens a parameter"), _("loss added"), _("deadweight compute"),
    )  # fmt: skip
    usd = facts.plan.budget_usd
    shown = [row for row in facts.comparison.rows if not row.ablation and row.n_params is not None]
    rows = tuple(
        (
            row.title,
            known(row.n_params, format_count),
            known(row.tokens, format_count),
            known(row.tokens_per_param, format_ratio),
            known(row.loss_difference, _loss),
            waste(row.wasted_share, usd),
        )
        for row in shown
    )
    return Table(_("The size"), header, rows, frozenset(range(1, 6)), _marked(shown, facts.comparison.law_id))


def _law_note(facts: Facts) -> str:
    return _(
        "Numbers are by the {counting} count. Loss added and deadweight compute, which a smaller budget would have "
        "saved for the same loss, are by {law}: they hold if it is right."
    ).format(counting=facts.comparison.convention, law=facts.comparison.law_id)


def _recipes(facts: Facts) -> list[Block]:
    """Return the learning rates and batches that the laws advise, and what a mark means."""
    header = (_("law"), _("learning rate"), _("batch, tokens"))
    shown = [row for row in facts.comparison.rows if not row.ablation and (row.learning_rate or row.batch_tokens)]
    rows = tuple((row.title, *recipe_cells(row)) for row in shown)
    followed = facts.plan.recipe.sources["learning_rate"]
    table = Table(_("The recipe"), header, rows, frozenset({1, 2}), _marked(shown, followed))
    note = outlier_note(shown)
    return [table, *([Paragraph(note)] if note else [])]


def _marked(rows: list[Row], fit_id: str) -> frozenset[int]:
    return frozenset(index for index, row in enumerate(rows) if row.fit_id == fit_id)


def _loss(difference: float) -> str:
    return f"{difference:+.4f}" if abs(difference) >= _LEAST_LOSS else "0"


def _machines(facts: Facts, found: Machines) -> list[Block]:
    if not found.alternatives:
        return [Paragraph(problem_text(found))]
    shown = _chosen(found)
    priced = any(each.cost_usd is not None for each in shown)
    header = (
        "", _("device"), _("time"), _("cost"), _("US dollars an hour"), _("price read"), _("energy"), _("fits on"),
    )  # fmt: skip
    rows = tuple(_machine(found, each) for each in shown)
    marked = frozenset(i for i, each in enumerate(shown) if each.machine.device.id == found.device)
    table = Table("", header, rows, frozenset({2, 3, 4, 6, 7}), marked)
    told = _(
        "The same training on {count} devices of another kind: {shown} of {all} kinds that hold it, the cheapest first."
    ).format(count=f"{found.n_devices:g}", shown=len(shown), all=len(found.alternatives))
    if not priced:
        told = _(
            "The same training on {count} devices of another kind: {shown} of {all} kinds that hold it, the fastest "
            "first; no price of them is known."
        ).format(count=f"{found.n_devices:g}", shown=len(shown), all=len(found.alternatives))
    open_count = ""
    if facts.plan.machine.n_devices is None:
        open_count = _("Your budget leaves the number of devices open; {count} are a node and are taken here.").format(
            count=f"{found.n_devices:g}"
        )
    return [
        Paragraph(sentences((told, open_count))),
        table,
        Paragraph(_("All of them, with what they assume: `{command}`.").format(command=facts.machines_command)),
    ]


def _chosen(found: Machines) -> list[Alternative]:
    """Return the plan's own machine, the fastest and the cheapest, then those of least cost."""

    def cost(each: Alternative) -> tuple[bool, float, float]:
        return each.cost_usd is None, 0.0 if each.cost_usd is None else each.cost_usd.value, each.hours

    ordered = sorted(found.alternatives, key=cost)
    named = (found.device, found.fastest, found.cheapest)
    first = [each for each in ordered if each.machine.device.id in named]
    rest = [each for each in ordered if each not in first]
    return sorted([*first, *rest[: _MOST_MACHINES - len(first)]], key=cost)


def _machine(found: Machines, each: Alternative) -> tuple[str, ...]:
    price, device = each.machine.price, each.machine.device
    return (
        mark(found, each),
        device.name,
        format_hours(each.hours),
        UNKNOWN if each.cost_usd is None else format_usd(each.cost_usd.value),
        UNKNOWN if price is None else f"{price.value:.2f}",
        UNKNOWN if price is None else price.basis if price.kind is Kind.STATED else device.price_date or UNKNOWN,
        UNKNOWN if each.energy is None else format_energy(each.energy.kwh.value),
        f"{each.fewest_devices:,}",
    )
