"""The last sections of a report: sentences to say, a template for the minutes, and the commands."""

from budgetscope.core.answers.confirmation import SHARE
from budgetscope.core.answers.recipe import COOLDOWN_SHARE
from budgetscope.core.budget.quantities import format_count, format_ends, format_usd
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Kind
from budgetscope.core.laws.loss_model import FLAT_SHARE
from budgetscope.report.decision import does_not_fit
from budgetscope.report.meeting.document import Block, Commands, Form, Paragraph, Quotes, Section
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.wording import at_factor, beyond_runs, dated, numbers, rate_factor, share
from budgetscope.report.recipe_words import two_digits
from budgetscope.report.recipes.targets import recipe_command
from budgetscope.report.rows import shape_text
from budgetscope.report.words import sentences


def to_say(facts: Facts) -> Section:
    """Return sentences to say in the meeting, written with the plan's numbers."""
    told = filter(
        None, (_ask(facts), _size(facts), _unsure(facts), _rate(facts), _kaplan(facts), _half(facts), _price(facts))
    )
    return Section("say", _("Sentences to say in the meeting"), (Quotes(tuple(told)),))


def _ask(facts: Facts) -> str:
    said = numbers(facts)
    if does_not_fit(facts.plan):
        return _("The model does not fit these devices yet; we must take more of them, or a smaller model.")
    if said.usd and said.time:
        told = _("We ask for {usd} and {time} on {devices}: for that we get {n} parameters trained on {d} tokens.")
        return told.format(usd=said.usd, time=said.time, devices=said.devices, n=said.n_params, d=said.tokens)
    if said.usd:
        told = _("We ask for {usd}: for that we get {n} parameters trained on {d} tokens.")
        return told.format(usd=said.usd, n=said.n_params, d=said.tokens)
    if said.time and facts.plan.machine.device.by_rate:
        told = _("We ask for {time} on {devices}: for that we get {n} parameters trained on {d} tokens.")
        return told.format(time=said.time, devices=said.devices, n=said.n_params, d=said.tokens)
    told = _("We ask for {hours} device-hours of {device}: for that we get {n} parameters trained on {d} tokens.")
    device = facts.plan.machine.device.name
    return told.format(hours=said.device_hours, device=device, n=said.n_params, d=said.tokens)


def _size(facts: Facts) -> str:
    band = facts.plan.optimum.flat_band
    if band is None or facts.plan.choice is not None:
        return ""
    low, high = format_ends(*band, format_count)
    return _(
        "The size is not delicate: from {low} to {high} parameters we lose less than {share} of the loss, so memory "
        "and serving may decide."
    ).format(low=low, high=high, share=f"{FLAT_SHARE:.1%}")


def _unsure(facts: Facts) -> str:
    plan, size = facts.plan, facts.plan.optimum.n_params
    if size.low is None or size.high is None or plan.expected_waste is None or plan.choice is not None:
        return ""
    told = _(
        "The law was measured on runs with noise: the best size may lie anywhere from {low} to {high}, and to be wrong "
        "costs us {share} of the compute on average."
    )
    if beyond_runs(facts) > 1:
        told = _(
            "The law was measured on smaller runs: the best size may lie anywhere from {low} to {high}, and to be "
            "wrong costs us {share} of the compute on average."
        )
    low, high = format_ends(size.low, size.high, format_count)
    return told.format(low=low, high=high, share=share(plan.expected_waste))


def _rate(facts: Facts) -> str:
    factor, runs = rate_factor(facts), facts.plan.recipe.confirmation
    if factor is None or runs is None:
        return ""
    return _(
        "Published laws differ {factor} times in the learning rate, so we first spend {share} of the compute on three "
        "short runs."
    ).format(factor=f"{factor:.2g}", share=share(SHARE))


def _kaplan(facts: Facts) -> str:
    row = next((row for row in facts.comparison.rows if row.fit_id == "kaplan2020/fixed-batch"), None)
    if row is None or row.n_params is None or facts.plan.law_id == row.fit_id:
        return ""
    return _(
        "The law of 2020 would have said {n} parameters; the difference is in what was counted, in the warmup and in "
        "the tuning, and not in the models."
    ).format(n=format_count(row.n_params))


def _half(facts: Facts) -> str:
    half, here = at_factor(facts, 0.5), at_factor(facts, 1.0)
    if facts.plan.choice is not None or half is None or here is None or half.loss is None or here.loss is None:
        return ""
    return _("With half the budget the loss ends {worse} higher, with {n} parameters.").format(
        worse=f"{half.loss.value - here.loss.value:.3f}", n=format_count(half.n_params)
    )


def _price(facts: Facts) -> str:
    said, price, date = numbers(facts), facts.plan.machine.price, facts.plan.machine.device.price_date
    if not said.usd_low or date is None or price is None or price.kind is Kind.STATED:
        return ""
    told = _("Prices were read in {date} and may have moved; by them the run costs from {low} to {high}.")
    if facts.plan.spread.hours is not None or facts.plan.spread.device_hours is not None:
        told = _(
            "Prices were read in {date} and may have moved; by them and by the speed of our code the run costs from "
            "{low} to {high}."
        )
    return told.format(date=dated(date), low=said.usd_low, high=said.usd_high)


def minutes(facts: Facts) -> Section:
    """Return a form for the minutes of the meeting, with what the plan says filled in."""
    plan, said = facts.plan, numbers(facts)
    recipe = plan.recipe
    model = _("{n} parameters on {d} tokens").format(n=said.n_params, d=said.tokens)
    shape = "" if plan.run.shape is None else shape_text(plan.run.shape)
    settings = _("learning rate {rate}, batch {batch} tokens, beta2 {beta2}, warmup {warmup} tokens").format(
        rate=two_digits(recipe.learning_rate.value),
        batch=format_count(recipe.batch_tokens.value),
        beta2=f"{recipe.beta2:.4g}",
        warmup=format_count(recipe.warmup_tokens),
    )
    cost = said.usd
    if said.usd_low:
        cost = _("{usd}, from {low} to {high}").format(usd=said.usd, low=said.usd_low, high=said.usd_high)
    most = said.usd_high or said.usd
    limit = _("at most {usd} without asking again").format(usd=most) if most else ""
    choices = _("☐ train as planned   ☐ train with changes   ☐ not now")
    if does_not_fit(plan):
        # Nothing is approved that does not run.
        limit, choices = "", _("☐ other devices   ☐ a smaller model   ☐ not now")
    time = _("{time} on {devices}").format(time=said.time, devices=said.devices) if said.time else said.devices
    rows = (
        (_("Decision"), choices),
        (_("Budget"), plan.budget),
        (_("Model"), model),
        (_("Shape"), shape),
        (_("Recipe"), settings),
        (_("Machine and time"), time),
        (_("Cost"), cost),
        (_("Limit"), limit),
        (_("Before the run"), _before(facts)),
        (_("Risks accepted"), ""),
        (_("Changes to the plan"), ""),
        (_("Ask again if"), _ask_again(facts)),
        (_("Responsible"), ""),
        (_("Start, and first check"), ""),
        (_("Present, and date"), ""),
    )
    return Section("minutes", _("Template for the minutes"), (Form(rows),), page=True)


def _before(facts: Facts) -> str:
    runs, todo = facts.plan.recipe.confirmation, []
    if runs is not None and runs.usd is None:
        todo.append(_("☐ three runs that confirm the learning rate"))
    elif runs is not None and runs.usd is not None:
        todo.append(_("☐ three runs that confirm the learning rate ({usd})").format(usd=format_usd(runs.usd)))
    if facts.plan.spread.mfu is not None:
        todo.append(_("☐ the rate of our code measured"))
    return "   ".join(todo)


def _ask_again(facts: Facts) -> str:
    """Return the loss above its interval, at which the run is not what was planned; empty without an interval."""
    plan = facts.plan
    if plan.loss is None or plan.loss.high is None:
        return ""
    if plan.loss_after_decay is None:
        return _("the loss at the end is above {loss}").format(loss=f"{plan.loss.high:.2f}")
    return _("the loss is above {loss} when the learning rate begins to decay, at {d} tokens").format(
        loss=f"{plan.loss.high:.2f}", d=format_count(plan.run.tokens * (1 - COOLDOWN_SHARE))
    )


def reproduce(facts: Facts, command: str) -> Section:
    """Return the commands that give this report and its plan again."""
    blocks: list[Block] = [
        Paragraph(
            sentences(
                (
                    _("This command writes this report again, byte for byte."),
                    _("It takes the same version, the same fits, prices and settings, and the same fonts."),
                )
            )
        ),
        Commands((command,)),
        Paragraph(_("The plan alone, and where the model fits the files of the run for a trainer:")),
        Commands((facts.command, *_recipe_command(facts))),
    ]
    return Section("reproduce", _("How to make this report again"), tuple(blocks))


def _recipe_command(facts: Facts) -> tuple[str, ...]:
    """Return the command that writes a trainer's files; none where the model has no shape."""
    if facts.layouts is None or facts.layouts.problem:
        return ()
    return (recipe_command(facts.export_command, "torchtitan"),)
