"""The headline of a screen: one sentence, and one to three figures that can be read from across a table."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from budgetscope.core.answers.mfu_range import Ends
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_ends, format_flops, format_hours, format_usd
from budgetscope.core.language import _
from budgetscope.core.laws.intervals import Estimate
from budgetscope.report.decision import doubts, lead, trained_longer
from budgetscope.report.rows import UNKNOWN, optimal_labels, plan_rows
from budgetscope.report.words import Form, beside, between, quoted, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from budgetscope.core.answers.answer import Answer
    from budgetscope.core.answers.comparison import Row
    from budgetscope.core.answers.explanation import Explanation, Step
    from budgetscope.core.answers.whatif import Candidate, IsoFlop
    from budgetscope.report.scenarios import Column

_LEAST_SHARE = 0.005
"""Share below which two costs are the same."""
_COMPARED = ("n_params", "tokens", "hours", "device_hours", "cost_usd", "flops")
"""Keys of the rows of which the comparison names the one that differs most."""


@dataclass(frozen=True, slots=True)
class LargeFigure:
    """A figure of a headline.

    Attributes:
        value: with its unit, such as `18.7 B`.
        label: what it is; empty where its unit says it.
        range: its interval or range; empty without one.
    """

    value: str
    label: str
    range: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """What a screen says first.

    Attributes:
        sentence: the one to read.
        doubts: what is least certain of it, in sentences from the most important one; where there is little room,
            the last ones are left out.
        figures: at most three.
    """

    sentence: str
    doubts: tuple[str, ...] = ()
    figures: tuple[LargeFigure, ...] = ()

    @property
    def doubt(self) -> str:
        """What is least certain, in all its sentences; may be empty."""
        return sentences(self.doubts)


def plan_headline(plan: Plan) -> Headline:
    """Return what to train, what it costs, and what is least certain."""
    run, moves = plan.run, plan.spread
    figures = [
        _ranged(run.n_params, _("parameters to build"), None if plan.choice else _ends(plan.optimum.n_params)),
        _ranged(run.tokens, _("tokens"), None if plan.choice else _ends(plan.optimum.tokens)),
    ]
    if run.cost_usd is not None:
        figures.append(_ranged(run.cost_usd.value, "", moves.cost_usd, format_usd))
    elif run.hours is not None:
        figures.append(_ranged(run.hours, "", moves.hours, format_hours))
    return Headline(lead(plan), doubts(plan), tuple(figures))


def _ranged(value: float, label: str, ends: Ends | None, form: Form = format_count) -> LargeFigure:
    """Return a figure over its range, both in one unit."""
    return LargeFigure(beside(value, ends, form), label, "" if ends is None else between(ends, form))


def _ends(estimate: Estimate) -> Ends | None:
    return None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)


def budget_readings(answer: "Answer") -> tuple[str, ...]:
    """Return how the budget was read, in three lengths from the longest: a window shows the first that it holds."""
    plan, question = answer.plan, answer.question
    told = {
        "flops": _("{flops} FLOPs by the {convention} count").format(
            flops=format_flops(plan.flops), convention=plan.convention
        ),
        "executed": format_flops(plan.machine.executed_flops or 0.0),
        "mfu": f"{100 * plan.machine.mfu:.3g}%",
    }
    shorter = [told["flops"]] * 2
    if plan.machine.executed_flops is not None and not plan.machine.device.by_rate:
        shorter = [_("{flops} = {executed} executed at an MFU of {mfu}").format(**told)] * 2
        if plan.spread.mfu is not None:
            low, high = (f"{end:.0%}" for end in plan.spread.mfu)
            ranged = _("{flops} = {executed} executed at an MFU of {mfu}, which may be {low} to {high}")
            shorter[0] = ranged.format(low=low, high=high, **told)
    elif plan.machine.executed_flops is not None:
        shorter = [_("{flops} = {executed} executed").format(**told)] * 2
    choices = "; ".join(question.budget.choices)
    pattern = _("{choices}: {budget}") if choices else "{budget}"
    return plan.understood, *(pattern.format(choices=choices, budget=each) for each in shorter)


def whatif_headline(iso: "IsoFlop", here: "Candidate", served: float, best: Plan | None = None) -> Headline:
    """Return what a size costs beside the optimum; with served tokens, what it costs over the model's life.

    Args:
        iso: all sizes at the budget.
        here: the size.
        served: tokens.
        best: the plan for so many served tokens; None where there is none.
    """
    from budgetscope.report.whatif import brief  # noqa: PLC0415 - the first screen needs none of it

    figures: list[LargeFigure] = []
    if here.loss is not None and here.loss_difference is not None and here.wasted_share is not None:
        unit = iso.answer.plan.loss_unit or _("of loss")
        if iso.answer.plan.is_before_decay:
            unit = _("{unit} before the decay").format(unit=unit)
        loss = f"{here.loss:.3f}" if here.is_optimum else f"{here.loss_difference:+.4f}"
        wasted = f"{here.wasted_share:.1%}"
        paid = "" if here.wasted_usd is None else format_usd(here.wasted_usd)
        figures = [LargeFigure(loss, unit), LargeFigure(wasted, _("of the compute is deadweight"), paid)]
    doubts = tuple(filter(None, (_best_over_life(best), _over_life(iso, here, served))))
    return Headline(brief(iso, here), doubts, tuple(figures))


def _best_over_life(plan: Plan | None) -> str:
    """Return the size that is cheapest over the model's life at the loss of the optimum; empty without one."""
    choice = None if plan is None else plan.choice
    prices = () if choice is None else choice.prices
    (price,) = [price for price in prices if price.lifetime_flops is not None] or (None,)
    if plan is None or choice is None or price is None or price.lifetime_flops is None:
        return ""
    constrained = len(prices) > 1
    if not price.training_flops or abs(price.lifetime_flops) < _LEAST_SHARE * plan.run.executed_flops:
        if constrained:
            return _("Within the plan's constraints hardly any size costs less over its life than the plan's.")
        return _("Hardly any size costs less over its life than the optimum.")
    dollars = price.lifetime_usd
    text = _(
        "The best size over its life, at the optimum's loss, is {n} on {d} tokens: {saved} less, though its training "
        "takes {more} more compute than the budget."
    )
    if constrained:
        text = _(
            "Within the plan's constraints the best size over its life, at the plan's loss, is {n} on {d} tokens: "
            "{saved} less, though its training takes {more} more compute than the plan's."
        )
    return text.format(
        more=f"{trained_longer(choice, price):.0%}",
        n=format_count(plan.run.n_params),
        d=format_count(plan.run.tokens),
        saved=f"{format_flops(abs(price.lifetime_flops))} FLOPs" if dollars is None else format_usd(abs(dollars)),
    )


def _over_life(iso: "IsoFlop", here: "Candidate", served: float) -> str:
    """Return the cost of a size over the model's life beside the size that is best to train; empty without serving."""
    if not served:
        return ""
    dollars = here.lifetime_usd
    cost = f"{format_flops(here.lifetime_flops)} FLOPs" if dollars is None else format_usd(dollars)
    if here.is_optimum:
        text = _("Over its life, with {served} served tokens, the optimum costs {cost} of compute.")
        return text.format(served=format_count(served), cost=cost)
    best = iso.at(iso.answer.optimum.n_params, served)
    change = here.lifetime_flops / best.lifetime_flops - 1
    if abs(change) < _LEAST_SHARE:
        return _("Over its life, with {served} served tokens, it costs what the optimum costs.").format(
            served=format_count(served)
        )
    said = (
        _("Over its life, with {served} served tokens, it costs {share} less than the optimum: {cost} of compute.")
        if change < 0
        else _("Over its life, with {served} served tokens, it costs {share} more than the optimum: {cost} of compute.")
    )
    return said.format(served=format_count(served), share=f"{abs(change):.0%}", cost=cost)


def recipe_headline(plan: Plan) -> Headline:
    """Return learning rate and batch, and how much the published laws differ in them."""
    recipe = plan.recipe
    rate, batch = recipe.learning_rate, recipe.batch_tokens
    said = _("Train with a peak learning rate of {rate} and a batch of {batch} tokens, by {law}.").format(
        rate=f"{rate.value:.2g}", batch=format_count(batch.value), law=recipe.sources["learning_rate"]
    )
    figures = (
        _ranged(rate.value, _("learning rate"), _ends(rate), "{:.2g}".format),
        _ranged(batch.value, _("tokens a batch"), _ends(batch)),
    )
    doubts = []
    if rate.low and rate.high and batch.low and batch.high:
        doubts.append(
            _("Laws differ by a factor of {rate} in the learning rate and {batch} in the batch.").format(
                rate=f"{rate.high / rate.low:.2g}", batch=f"{batch.high / batch.low:.2g}"
            )
        )
    own = None if recipe.choice is None else recipe.choice.of(recipe.choice.law)
    if own is not None and recipe.choice is not None:
        doubts.append(
            _("On the nearest public grid this one needs {factor} times the best one's compute.").format(
                factor=f"{own.compute_factor:.2f}"
            )
        )
    return Headline(said, tuple(doubts), figures)


def comparison_headline(columns: "Sequence[Column]", reference: int, place: int) -> Headline:
    """Return what differs most between a scenario and the reference.

    Args:
        columns: the scenarios.
        reference: place of the one with which the others are compared.
        place: of the scenario; for the reference itself, the first other one with a plan is taken.
    """
    others = [i for i, column in enumerate(columns) if i != reference and column.plan is not None]
    base = columns[reference]
    if base.plan is None or not others:
        plan = base.plan
        return Headline("" if plan is None else lead(plan))
    other = columns[place if place in others else others[0]]
    if other.plan is None:
        return Headline("")
    before, after = ({row.key: row for row in plan_rows(plan)} for plan in (base.plan, other.plan))
    apart = {
        key: abs(math.log(float(new.value) / float(old.value)))
        for key, new in after.items()
        if key in _COMPARED and (old := before.get(key)) is not None
        if isinstance(old.value, float | int) and isinstance(new.value, float | int) and old.value > 0 < new.value
    }
    names = {"other": quoted(other.name), "base": quoted(base.name)}
    most = max(apart, key=lambda key: apart[key], default="")
    if not most or apart[most] < _LEAST_SHARE:
        return Headline(_("{other} and {base} hardly differ.").format(**names))
    label = optimal_labels((base.plan, other.plan)).get(most, after[most].label)
    said = _("{other} differs most from {base} in {what}: {after} instead of {before}.").format(
        what=label, after=after[most].text, before=before[most].text, **names
    )
    figures = [LargeFigure(after[most].text, label, f"{base.name}: {before[most].text}")]
    losses = [plan.final_loss for plan in (base.plan, other.plan)]
    if base.plan.law_id == other.plan.law_id and losses[0] is not None and losses[1] is not None:
        change = losses[1].value - losses[0].value
        figures.append(LargeFigure(f"{change:+.3f}", base.plan.loss_unit or _("of loss")))
    return Headline(said, figures=tuple(figures))


def step_headline(explanation: "Explanation", step: "Step", waste: str) -> Headline:
    """Return what a step of the argument says, and what following it would cost at the user's budget.

    Args:
        explanation: holds the step.
        step: of it.
        waste: share of the budget that following the step wastes, formatted.
    """
    figures = [
        LargeFigure(format_count(step.n_params), _("parameters"), explanation.budget),
        LargeFigure(waste, _("of the budget wasted if followed")),
    ]
    return Headline(_(step.sentence), figures=tuple(figures[: 1 if waste == UNKNOWN else 2]))


def calibration_headline(plan: Plan | None, foretold: str = "") -> Headline:
    """Return what a calibration would change: how well N is known today, and would be after a priced run."""
    if foretold:
        return Headline(_("{phrase}.").format(phrase=foretold))
    if plan is None:
        return Headline(_("A calibration trains small models on your data, and fits the laws to them."))
    n = plan.optimum.n_params
    if n.low is None or n.high is None:
        return Headline(_("How sure N is cannot be said today; a calibration on your own data measures it."))
    low, high = format_ends(n.low, n.high, format_count)
    told = _("Today N is known from {low} to {high}; a calibration on your own data narrows it.")
    return Headline(told.format(low=low, high=high))


def followed_headline(plan: Plan) -> Headline:
    """Return what the law in use says at the user's budget."""
    n, d = (format_count(estimate.value) for estimate in (plan.optimum.n_params, plan.optimum.tokens))
    said = _("Your plan follows {law}, whose optimum is {n} parameters on {d} tokens.").format(
        law=plan.law_id, n=n, d=d
    )
    return Headline(said, figures=(LargeFigure(n, _("parameters")), LargeFigure(d, _("tokens"))))


def change_headline(before: Plan, after: Plan) -> Headline:
    """Return what following another law changes at the user's budget."""
    return _changed(before, after.law_id, after.optimum.n_params.value, after.optimum.tokens.value)


def law_headline(plan: Plan, row: "Row") -> Headline:
    """Return what a law says at the user's budget where the plan follows another.

    Args:
        plan: the user's.
        row: the law's, of the comparison with the plan; a law without N keeps the plan's headline.
    """
    if row.n_params is None or row.tokens is None or row.fit_id == plan.law_id:
        return followed_headline(plan)
    return _changed(plan, row.fit_id, row.n_params, row.tokens)


def _changed(before: Plan, law: str, n_params: float, tokens: float) -> Headline:
    n = [format_count(value) for value in (before.optimum.n_params.value, n_params)]
    d = [format_count(value) for value in (before.optimum.tokens.value, tokens)]
    told = _(
        "The optimum of {law} is {n_after} parameters on {d_after} tokens; that of your law is {n_before} on "
        "{d_before}."
    )
    said = told.format(law=law, n_after=n[1], d_after=d[1], n_before=n[0], d_before=d[0])
    figures = (
        LargeFigure(n[1], _("parameters"), _("instead of {before}").format(before=n[0])),
        LargeFigure(d[1], _("tokens"), _("instead of {before}").format(before=d[0])),
    )
    return Headline(said, figures=figures)
