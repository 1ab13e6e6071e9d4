"""The first sections of a report: the decision in three points, and the return on investment."""

from budgetscope.core.answers.cautions import NO_LAYOUT
from budgetscope.core.answers.confirmation import SHARE
from budgetscope.core.answers.constraints import Choice
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_ends, format_energy, format_flops, format_usd
from budgetscope.core.language import _
from budgetscope.report.decision import does_not_fit, doubt, reasons, size_is_bounded, size_is_given, size_is_sure
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
        Heading(_("The decision wanted")),
        Paragraph(wanted(facts)),
        Table(
            _("The plan in numbers. Below, the assumptions tell what each of them rests on."),
            (_("quantity"), _("value"), _("interval or range")),
            _first_rows(facts),
            widths=(33, 41, 26),
        ),
        Heading(_("More about the decision")),
        Bullets(tuple(told for told in reasons(facts.plan) if told not in shown)),
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


def wanted(facts: Facts) -> str:
    """Return what is asked of who decides: the money, the time, the first step; or what to change."""
    plan, said = facts.plan, numbers(facts)
    if does_not_fit(plan):
        return _("Choose other devices or a smaller model; as it stands, this plan is not to be approved.")
    if said.usd_high and said.time:
        asked = _("Approve {usd} and {time} on {devices}, with a limit of {high}, or name another budget (section 2).")
    elif said.usd and said.time:
        asked = _("Approve {usd} and {time} on {devices}, or name another budget (section 2).")
    elif said.usd_high:
        asked = _("Approve {usd} for {hours} device-hours of {devices}, with a limit of {high}, and say on how many.")
    elif said.usd:
        asked = _("Approve {usd} for {hours} device-hours of {devices}, and say on how many.")
    elif said.time and plan.machine.device.by_rate:
        asked = _("Approve {time} on {devices}, or name another budget (section 2).")
    elif said.time:
        asked = _("Approve {time} on {devices}, once their price is known.")
    else:
        asked = _("Approve {hours} device-hours of {devices}, and say on how many, once their price is known.")
    told = asked.format(usd=said.usd, high=said.usd_high, time=said.time, devices=said.devices, hours=said.device_hours)
    return sentences((told, _first_step(facts)))


def _first_step(facts: Facts) -> str:
    """Return what to approve at once: the runs that confirm the learning rate; empty without them."""
    runs = facts.plan.recipe.confirmation
    if runs is None or rate_factor(facts) is None:
        return ""
    if runs.usd is None:
        return _("The first step is three short runs that settle the learning rate, {share} of the compute.").format(
            share=share(SHARE)
        )
    return _("The first step is three short runs that settle the learning rate, for {usd}.").format(
        usd=format_usd(runs.usd)
    )


def _first_rows(facts: Facts) -> tuple[tuple[str, str, str], ...]:
    """Return the rows of the table on the first page: label, value, interval."""
    plan, known_rows = facts.plan, {row.key: row for row in all_rows(facts.plan, facts.layouts)}
    constrained = {
        "n_params": _("parameters by the {counting} count, N").format(counting=plan.convention),
        "tokens": _("training tokens, D"),
    }
    labels = {
        "n_params": _("the law's optimum: parameters by the {counting} count, N").format(counting=plan.convention),
        "tokens": _("the law's optimum: training tokens, D"),
        **({} if plan.choice is None else constrained),
        "shape": _("model to build"),
        "loss_after_decay": _("loss at the end"),
        **({} if plan.loss_after_decay is not None else {"loss": _("loss at the end")}),
        "learning_rate": _("peak learning rate"),
        "batch_tokens": _("batch, tokens"),
        "hours": _("time"),
        "device_hours": _("device-hours"),
        "cost_usd": _("cost"),
        "energy_kwh": _("energy"),
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
        low, high = format_ends(*band, format_count)
        freedom = _("Any size from {low} to {high} does nearly as well.").format(low=low, high=high)
    elif plan.choice is not None:
        freedom = _constrained(plan, plan.choice)
    return sentences((first, loss, freedom))


def _constrained(plan: Plan, choice: Choice) -> str:
    """Return what decides the size under constraints, and the best size without them."""
    best = format_count(plan.optimum.n_params.value)
    if size_is_given(plan):
        return _("You set the size; the best size for this compute is {n}.").format(n=best)
    if size_is_bounded(plan):
        return _("The size is the largest that you allow; the best size for this compute is {n}.").format(n=best)
    more = sum(price.training_flops for price in choice.prices if price.lifetime_flops is not None)
    if more > 0:
        return _(
            "It is smaller than the best size for the budget, {n}, and trains longer, since that is cheaper to serve: "
            "the training takes {share} more than the budget."
        ).format(n=best, share=share(more / (choice.point.flops - more)))
    return _("Your constraints shape the run; the best size for the whole budget is {n}.").format(n=best)


def _cost(facts: Facts, said: Numbers) -> str:
    plan = facts.plan
    if said.usd_low:
        cost = _cost_range(plan).format(usd=said.usd, low=said.usd_low, high=said.usd_high)
    elif said.usd:
        cost = _("It costs {usd}.").format(usd=said.usd)
    else:
        cost = _("No price is known for this device; state one with --price.")
    if said.time and plan.machine.device.by_rate:
        time = _("It takes {time} on {devices}.").format(time=said.time, devices=said.devices)
    elif said.time:
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


def _cost_range(plan: Plan) -> str:
    """Return how to say the cost with its range, by what moves it."""
    moves = plan.spread
    timed = moves.hours is not None or moves.device_hours is not None
    if timed and moves.price is not None:
        return _("About {usd}, from {low} to {high} over published rates and prices.")
    if timed:
        return _("About {usd}, from {low} to {high} over published rates.")
    return _("About {usd}, from {low} to {high} over published prices.")


def _least_certain(facts: Facts) -> str:
    """Return what is least sure: the size; where that is decided, the learning rate and the loss."""
    told = doubt(facts.plan)
    if told and not size_is_sure(facts.plan):
        return told
    loss = facts.plan.final_loss
    span = ""
    if loss is not None and loss.low is not None and loss.high is not None:
        span = _("The loss may end anywhere from {low} to {high}.").format(
            low=f"{loss.low:.2f}", high=f"{loss.high:.2f}"
        )
    factor = rate_factor(facts)
    if factor is None:
        return span or _("Nothing stands out: the ranges of this plan would not change what to train.")
    first = _("The learning rate: published laws differ by a factor of {factor}.").format(factor=f"{factor:.2g}")
    return sentences((first, _confirmation(facts), span))


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
    if all(each.loss is None for each in facts.budgets):
        told = _(
            "Each row is the compute-optimal run of its budget by {law}, at this plan's price and MFU; this law does "
            "not say the loss."
        ).format(law=facts.plan.law_id)
    else:
        told = _(
            "Each row is the compute-optimal run of its budget by {law}, at this plan's price and MFU, with the loss "
            "at its end."
        ).format(law=facts.plan.law_id)
    return sentences((told, _("Your constraints are left aside here.") if facts.plan.choice is not None else ""))
