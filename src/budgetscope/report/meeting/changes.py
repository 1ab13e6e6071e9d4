"""The section of what would change the answer: what is uncertain, what it moves, and what settles it."""

from budgetscope.core.answers.confirmation import SHARE
from budgetscope.core.budget.quantities import format_count, format_ends, format_hours, format_usd
from budgetscope.core.language import _
from budgetscope.core.laws.sensitivity import Sensitivity, measured
from budgetscope.core.wording import listed
from budgetscope.report.decision import size_is_bounded, size_is_given, value_command
from budgetscope.report.meeting.document import Block, Bullets, Commands, Heading, Paragraph, Section, Table
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.wording import share
from budgetscope.report.recipe_words import confirmation_command, two_digits
from budgetscope.report.words import between, noted, sentences

Row = tuple[str, str, str]


def changes(facts: Facts) -> Section:
    """Return what is uncertain with what it moves, the measured sensitivities, and what to do before the run."""
    blocks: list[Block] = []
    rows = tuple(filter(None, (each(facts) for each in (_size, _laws, _loss, _rate, _batch, _mfu, _price))))
    if rows:
        header = (_("what is uncertain"), _("range"), _("what it moves"))
        blocks.append(Table(_("Each line moves alone, the others stay."), header, rows, widths=(28, 24, 48)))
    blocks += [Heading(_("How sensitive the loss is to the recipe")), Bullets(_sensitivities())]
    blocks += [Heading(_("What to do before the run")), *_steps(facts)]
    return Section("changes", _("What would change the answer"), tuple(blocks))


def _loss(facts: Facts) -> Row | None:
    loss = facts.plan.final_loss
    if loss is None or loss.low is None or loss.high is None:
        return None
    return _("the loss at the end"), between((loss.low, loss.high), "{:.2f}".format), _("what the run is worth")


def _size(facts: Facts) -> Row | None:
    plan, size = facts.plan, facts.plan.optimum.n_params
    if size_is_given(plan) or size_is_bounded(plan):
        return None
    name = _("the best size by {law}").format(law=plan.law_id)
    if size.low is None or size.high is None:
        return name, _("not published"), _("the size and the tokens, at the same cost")
    wasted = plan.expected_waste
    if wasted is None:
        return name, between((size.low, size.high), format_count), _("the size and the tokens, at the same cost")
    moved = _("the size and the tokens, at the same cost; a wrong size wastes {share} of the compute on average")
    return name, between((size.low, size.high), format_count), moved.format(share=share(wasted))


def _laws(facts: Facts) -> Row | None:
    rows = [row for row in facts.comparison.rows if row.n_params is not None and not row.ablation]
    sizes = [row.n_params for row in rows if row.n_params is not None]
    wastes = [row.wasted_share for row in rows if row.wasted_share is not None]
    if len(sizes) < 2 or size_is_given(facts.plan) or size_is_bounded(facts.plan):
        return None
    moved = _("the size and the tokens, at the same cost")
    if wastes:
        moved = _(
            "the size and the tokens; to follow another law wastes up to {share} of the compute, if this one is right"
        ).format(share=share(max(wastes)))
    return _("the law that one follows"), between((min(sizes), max(sizes)), format_count), moved


def _rate(facts: Facts) -> Row | None:
    rate = facts.plan.recipe.learning_rate
    if rate.low is None or rate.high is None:
        return None
    return _("the learning rate"), between((rate.low, rate.high), two_digits), _("the loss, not the cost")


def _batch(facts: Facts) -> Row | None:
    batch = facts.plan.recipe.batch_tokens
    if batch.low is None or batch.high is None:
        return None
    moved = _("the loss and the number of steps, not the cost")
    return _("the batch, in tokens"), between((batch.low, batch.high), format_count), moved


def _mfu(facts: Facts) -> Row | None:
    moves, price = facts.plan.spread, facts.plan.machine.price
    if moves.mfu is None:
        return None
    paid = None
    if moves.device_hours is not None and price is not None:
        paid = moves.device_hours[0] * price.value, moves.device_hours[1] * price.value
    moved = [
        text.format(ends=between(ends, form))
        for ends, form, text in (
            (moves.n_params, format_count, _("the size: {ends}")),
            (moves.tokens, format_count, _("the tokens: {ends}")),
            (moves.hours, format_hours, _("the time: {ends}")),
            (moves.device_hours if moves.hours is None else None, format_count, _("the device-hours: {ends}")),
            (paid, format_usd, _("the cost: {ends}")),
        )
        if ends is not None
    ]
    told = noted(moved) or _("nothing that is planned here")
    return _("the MFU that the code reaches"), between(moves.mfu, lambda value: f"{value:.0%}"), told


def _price(facts: Facts) -> Row | None:
    moves, hours = facts.plan.spread, facts.plan.run.device_hours
    if moves.price is None:
        return None
    moved = _("the run that the money buys")
    if moves.cost_usd is not None:
        low, high = moves.price
        moved = _("the cost: {ends}").format(ends=between((low * hours, high * hours), format_usd))
    return _("the price of a device-hour"), between(moves.price, format_usd), moved


def _sensitivities() -> tuple[str, ...]:
    found = (
        (measured("learning_rate"), _("Half or twice the learning rate moves the loss by {low} to {high}.")),
        (measured("batch_size"), _("Half or twice the batch moves the loss by {low} to {high}.")),
    )
    told = tuple(
        sentences((text.format(low=f"{each.low:+.1%}", high=f"{each.high:+.1%}"), _where(each)))
        for each, text in found
        if each is not None
    )
    return (*told, _("For beta2, warmup and weight decay no cost of a factor of two has been published."))


def _where(each: Sensitivity) -> str:
    small, large = format_ends(each.smallest_n_params, each.largest_n_params, format_count)
    return _(
        "It was measured at {small} to {large} parameters with a noise of {noise} ({source}); at this size it is not "
        "known."
    ).format(
        small=small,
        large=large,
        noise=f"{each.noise:.1%}",
        source=each.source,
    )


def _steps(facts: Facts) -> list[Block]:
    plan, runs = facts.plan, facts.plan.recipe.confirmation
    blocks: list[Block] = []
    if runs is not None:
        rates = listed(map(two_digits, runs.learning_rates))
        told = _(
            "Confirm the learning rate: train {n} parameters on {d} tokens with {rates}, which takes {share} of the "
            "compute. If another rate than the middle one is best, multiply the plan's rate by their ratio."
        ).format(n=format_count(runs.n_params), d=format_count(runs.tokens), rates=rates, share=share(SHARE))
        blocks += [Paragraph(told), Commands((confirmation_command(plan),))]
    if plan.spread.mfu is not None:
        told = _(
            "Measure the rate of your own code on one node for an hour, and plan again with `--measured`: the range of "
            "the MFU is then gone."
        )
        blocks.append(Paragraph(told))
    told = _("Calibrate on your own data where the size matters: `budgetscope calibrate` trains small models.")
    worth = value_command(plan)
    if worth:
        told = _(
            "Calibrate on your own data where the size matters: `budgetscope calibrate` trains small models, and "
            "`{command}` tells before what that is worth."
        ).format(command=worth)
    blocks.append(Paragraph(told))
    return blocks
