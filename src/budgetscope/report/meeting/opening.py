"""The first sections of a report: the decision in three points, and the return on investment."""

from budgetscope.core.answers.cautions import NO_LAYOUT
from budgetscope.core.answers.confirmation import SHARE
from budgetscope.core.budget.quantities import format_count, format_energy, format_flops, format_usd
from budgetscope.core.language import _
from budgetscope.report.decision import decision, doubt
from budgetscope.report.explanation import tuning_text
from budgetscope.report.meeting.document import Alert, Block, Bullets, Heading, Paragraph, Points, Section, Table
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.wording import Numbers, at_factor, known, numbers, rate_factor, share
from budgetscope.report.rows import UNKNOWN, format_ratio
from budgetscope.report.tables import all_rows
from budgetscope.report.words import sentences

_KAPLAN = "kaplan2020/fixed-batch"


def three_points(facts: Facts) -> Section:
    """Return the decision: what to train, what it costs, what is least certain."""
    blocks: list[Block] = []
    misfit = next((caution.text for caution in facts.plan.cautions if caution.code == NO_LAYOUT), "")
    if misfit:
        blocks.append(Alert(_("This plan does not run as it stands: {reason}").format(reason=misfit)))
    three = points(facts)
    shown = {text for _title, text in three.points}
    blocks += [
        three,
        Table(
            _("The plan in numbers. Below, the assumptions tell what each of them rests on."),
            (_("quantity"), _("value"), _("interval or range")),
            _first_rows(facts),
            widths=(33, 41, 26),
        ),
        Heading(_("The decision in full")),
        Bullets(tuple(told for told in decision(facts.plan) if told not in shown)),
    ]
    return Section("decision", _("The decision in three points"), tuple(blocks))


def points(facts: Facts) -> Points:
    """Return what to train, what it costs and what is least certain, a sentence or two each."""
    said = numbers(facts)
    return Points(
        (
            (_("What to train"), _train(facts, said)),
            (_("What it costs"), _cost(facts, said)),
            (_("What is least certain"), _least_certain(facts)),
        )
    )


def _first_rows(facts: Facts) -> tuple[tuple[str, str, str], ...]:
    """Return the rows of the table on the first page: label, value, interval."""
    plan, known_rows = facts.plan, {row.key: row for row in all_rows(facts.plan, facts.layouts)}
    labels = {
        "n_params": _("parameters by the {counting} count, N").format(counting=plan.convention),
        "tokens": _("training tokens, D"),
        "shape": _("model to build"),
        "loss_after_decay": _("loss at the end"),
        "loss": _("loss at constant learning rate") if plan.loss_after_decay is not None else _("loss at the end"),
        "learning_rate": _("peak learning rate"),
        "batch_tokens": _("batch, tokens"),
        "beta2": _("beta2 of AdamW"),
        "warmup_tokens": _("warmup, tokens"),
        "steps": _("optimizer steps"),
        "hours": _("time"),
        "device_hours": _("device-hours"),
        "cost_usd": _("cost"),
        "energy_kwh": _("energy"),
        "memory_bytes": _("memory of a device"),
    }
    rows = []
    for key, label in labels.items():
        row = known_rows.get(key)
        if row is not None and row.text != UNKNOWN:
            text = f"{format_count(plan.run.n_params)}: {row.basis}" if key == "shape" else row.text
            rows.append((label, text, row.interval))
    return tuple(rows)


def _train(facts: Facts, said: Numbers) -> str:
    plan = facts.plan
    first = _("Train {n} parameters on {d} tokens, {ratio} tokens a parameter.").format(
        n=said.n_params, d=said.tokens, ratio=format_ratio(plan.run.tokens / plan.run.n_params)
    )
    loss = _("The loss ends near {loss}.").format(loss=said.loss) if said.loss else ""
    band = plan.optimum.flat_band
    freedom = ""
    if band is not None and plan.choice is None:
        freedom = _("Any size from {low} to {high} does nearly as well.").format(
            low=format_count(band[0]), high=format_count(band[1])
        )
    elif plan.choice is not None:
        freedom = _("The size is what your constraints allow; without them it would be {n}.").format(
            n=format_count(plan.optimum.n_params.value)
        )
    return sentences((first, loss, freedom))


def _cost(facts: Facts, said: Numbers) -> str:
    plan = facts.plan
    if said.usd_low:
        cost = _("About {usd}, from {low} to {high} over published rates and prices.").format(
            usd=said.usd, low=said.usd_low, high=said.usd_high
        )
    elif said.usd:
        cost = _("It costs {usd}.").format(usd=said.usd)
    else:
        cost = _("No price is known for this device; state one with --price.")
    if said.time:
        time = _("It takes {time} on {devices}, {hours} device-hours.").format(
            time=said.time, devices=said.devices, hours=said.device_hours
        )
    else:
        time = _("It takes {hours} device-hours of {devices}; the number of devices is open.").format(
            hours=said.device_hours, devices=said.devices
        )
    energy = plan.run.energy
    drawn = "" if energy is None else _("It draws about {energy}.").format(energy=format_energy(energy.kwh.value))
    return sentences((cost, time, drawn))


def _least_certain(facts: Facts) -> str:
    """Return what is least sure: the size, or the learning rate where the size is decided."""
    told = doubt(facts.plan)
    if told:
        return told
    factor = rate_factor(facts)
    if factor is None:
        return _("Nothing stands out: the ranges of this plan would not change what to train.")
    first = _("The learning rate: published laws differ by a factor of {factor}.").format(factor=f"{factor:.2g}")
    return sentences((first, _confirmation(facts)))


def _confirmation(facts: Facts) -> str:
    """Return what the runs cost that confirm the learning rate; empty without them."""
    runs = facts.plan.recipe.confirmation
    if runs is None:
        return ""
    if runs.usd is None:
        return _("Three short runs with {share} of the compute tell which is right.").format(share=share(SHARE))
    return _("Three short runs with {share} of the compute, {usd}, tell which is right.").format(
        share=share(SHARE), usd=format_usd(runs.usd)
    )


def returns(facts: Facts) -> Section:
    """Return what tuning, the right size and a calibration save, and what other budgets would buy."""
    tuning = () if facts.explanation is None else tuning_text(facts.explanation)
    saved = tuple(filter(None, (_size_saves(facts), _knowledge_saves(facts))))
    blocks: list[Block] = []
    if tuning:
        blocks += [Heading(_("What tuning the recipe is worth")), Bullets(tuning)]
    if saved:
        blocks += [Heading(_("What the right size is worth")), Bullets(saved)]
    if facts.budgets:
        blocks += [Heading(_("What another budget would buy")), _budgets(facts)]
        blocks.append(Paragraph(sentences((_more_or_less(facts), _budget_note(facts)))))
    return Section("return", _("Return on investment"), tuple(blocks))


def _size_saves(facts: Facts) -> str:
    """Return what the size of Kaplan's law would waste; empty where that is not known."""
    row = next((row for row in facts.comparison.rows if row.fit_id == _KAPLAN), None)
    if row is None or row.n_params is None or row.wasted_share is None or facts.plan.law_id == _KAPLAN:
        return ""
    usd = facts.plan.budget_usd
    if usd is None:
        return _("The size by {law}, {n} parameters, would waste {share} of the compute.").format(
            law=row.title, n=format_count(row.n_params), share=share(row.wasted_share)
        )
    return _("The size by {law}, {n} parameters, would waste {share} of the compute, {usd}.").format(
        law=row.title,
        n=format_count(row.n_params),
        share=share(row.wasted_share),
        usd=format_usd(row.wasted_share * usd),
    )


def _knowledge_saves(facts: Facts) -> str:
    """Return what it would save at most to know the best size; empty where that is not known."""
    wasted = facts.plan.expected_waste
    if wasted is None or facts.plan.choice is not None:
        return ""
    return _(
        "The best size is not known exactly, which costs {share} of the compute on average: a calibration can save at "
        "most that."
    ).format(share=share(wasted))


def _more_or_less(facts: Facts) -> str:
    """Return the loss of half and twice the budget against the plan's; empty where it is not known."""
    half, here, twice = (at_factor(facts, factor) for factor in (0.5, 1.0, 2.0))
    if half is None or here is None or twice is None:
        return ""
    if half.loss is None or here.loss is None or twice.loss is None:
        return ""
    return _("Half the budget ends {worse} higher in the loss, and twice the budget {better} lower.").format(
        worse=f"{half.loss.value - here.loss.value:.3f}", better=f"{here.loss.value - twice.loss.value:.3f}"
    )


def _budgets(facts: Facts) -> Table:
    here = at_factor(facts, 1.0)
    base = None if here is None or here.loss is None else here.loss.value
    rows = []
    for each in facts.budgets:
        loss = None if each.loss is None else each.loss.value
        change = None if loss is None or base is None else loss - base
        rows.append(
            (
                f"x {each.factor:g}",
                known(each.usd, format_usd),
                format_flops(each.flops),
                format_count(each.n_params),
                format_count(each.tokens),
                known(loss, lambda value: f"{value:.3f}"),
                known(change, lambda value: f"{value:+.3f}" if value else "0"),
            )
        )
    header = (_("budget"), _("cost"), _("FLOPs"), _("parameters"), _("tokens"), _("loss"), _("change"))
    marked = frozenset(index for index, each in enumerate(facts.budgets) if each.factor == 1)
    return Table("", header, tuple(rows), frozenset(range(1, 7)), marked)


def _budget_note(facts: Facts) -> str:
    told = _(
        "Each row is the compute-optimal run of its budget by {law}, at this plan's price and MFU, with the loss at "
        "its end."
    ).format(law=facts.plan.law_id)
    return sentences((told, _("Your constraints are left aside here.") if facts.plan.choice is not None else ""))
