"""Format the recipe sheet: the recipe, the values of all laws, the cost of a factor of two, checkpoints."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from operator import attrgetter

from budgetscope.core.answers.checkpoints import Checkpoint
from budgetscope.core.answers.law_values import LawValue
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.core.answers.whatif import Candidate
from budgetscope.core.budget.quantities import (
    format_count,
    format_ends,
    format_factor,
    format_flops,
    format_usd,
)
from budgetscope.core.language import N_, _
from budgetscope.core.laws.intervals import Kind
from budgetscope.core.laws.sensitivity import STEP_LAW_TEST, measured
from budgetscope.report.csv import csv_text
from budgetscope.report.law_rows import OUTLIER_SIGN
from budgetscope.report.markdown import ended, escaped, heading, reproduced, table
from budgetscope.report.recipe_words import choice_text, confirmation_command, confirmation_text
from budgetscope.report.rows import NO_SHAPE, ROUNDED, PlanRow, plan_header, plan_rows, shape_text
from budgetscope.report.words import beside, bracketed, headed, listed, noted, quoted

FOLLOWED_SIGN = ">"
NOT_KNOWN = N_("not known: no source in use gives it")

_KEYS = (
    "learning_rate", "batch_tokens", "batch_sequences", "critical_batch_tokens", "beta2", "warmup_tokens",
    "weight_decay_coupled", "weight_decay_independent",
)  # fmt: skip
_RUN_KEYS = ("shape_n_params", "run_tokens", "steps", "hours", "cost_usd")

SCORES_TITLE = N_("Why this law, and what others cost on the nearest public grid")

CHECKPOINTS_WHY = N_(
    "At constant learning rate a checkpoint is a finished run of its tokens: its validation loss is the IsoFLOP point "
    "of this N at that C."
)


def recipe_rows(plan: Plan) -> tuple[PlanRow, ...]:
    """Return the rows of a plan that are hyperparameters."""
    rows = {row.key: row for row in plan_rows(plan) if row.section == "recipe"}
    return tuple(rows[key] for key in _KEYS if key in rows)


def run_rows(plan: Plan) -> tuple[PlanRow, ...]:
    """Return the rows of a plan about its run: parameters, tokens, steps, time and cost."""
    rows = {row.key: row for row in plan_rows(plan)}
    return tuple(rows[key] for key in _RUN_KEYS if key in rows)


def shape_line(plan: Plan) -> str:
    """Return the shape of the planned run in words."""
    return _(NO_SHAPE) if plan.run.shape is None else shape_text(plan.run.shape)


@dataclass(frozen=True, slots=True)
class LawValueRow:
    """The value of one law for one hyperparameter, as text.

    Attributes:
        law_value: the numbers.
        title: of the law.
        value: in the unit of the hyperparameter.
        also: the same in another unit; empty for none.
        interval: 95% interval of the bootstrap draws; empty for none.
        data: how far the plan lies outside the data of the law.
    """

    law_value: LawValue
    title: str
    value: str
    also: str
    interval: str
    data: str


@dataclass(frozen=True, slots=True)
class Topic:
    """One hyperparameter: its role, its title with the unit, the spread of the laws, and a row for each law."""

    role: str
    title: str
    spread: str
    rows: tuple[LawValueRow, ...]


def topics(sheet: RecipeSheet) -> tuple[Topic, ...]:
    """Return the values of all laws, grouped by hyperparameter."""
    plan = sheet.answer.plan
    titles = {
        "learning_rate": _("Learning rate, peak of AdamW"),
        "batch_size": _("Batch, tokens a step and sequences of {length}").format(length=f"{plan.seq_len:,}"),
        "critical_batch_size": _("Critical batch: beyond it, steps no longer fall in proportion"),
        "beta2": _("beta2 of AdamW at a batch of {batch} tokens").format(
            batch=format_count(plan.recipe.batch_tokens.value)
        ),
        "warmup": _("Warmup, tokens and steps"),
        "weight_decay": _("Weight decay: of PyTorch's AdamW at the plan's lr; independent, a step"),
    }
    return tuple(
        Topic(role, titles[role], _spread(role, sheet, values), tuple(_row(each, plan) for each in values))
        for role, group in groupby(sheet.law_values, attrgetter("role"))
        for values in [tuple(group)]
    )


def _spread(role: str, sheet: RecipeSheet, values: Sequence[LawValue]) -> str:
    estimate = sheet.answer.plan.recipe.range_of(role)
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    form = _form(role)
    text = _("{range}: {basis}").format(range=bracketed(estimate.low, estimate.high, form), basis=estimate.basis)
    within = {fit.id for fit in sheet.answer.question.spread_fits}
    outside = [quoted(each.title) for each in values if each.fit_id not in within and not each.followed]
    if estimate.kind is Kind.PUBLISHED_LAWS and outside:
        text = noted((text, _("left out: {what}").format(what=listed(outside))))
    followed = next((each.value for each in values if each.followed), estimate.value)
    if role == "batch_size" and form(followed) != form(estimate.value):
        takes = _("the plan takes {value}: {followed}, {rounded}")
        took = takes.format(value=form(estimate.value), followed=form(followed), rounded=_(ROUNDED))
        return noted((text, took))
    return text


def _form(role: str) -> Callable[[float], str]:
    if role in ("learning_rate", "weight_decay"):
        return lambda value: f"{value:.2g}"
    return format_count if role != "beta2" else lambda value: f"{value:.4g}"


def sign(row: LawValueRow) -> str:
    """Return the sign of a law's row: of the one that the plan follows, of an outlier, or a space."""
    return FOLLOWED_SIGN if row.law_value.followed else OUTLIER_SIGN if row.law_value.is_outlier else " "


def _row(law_value: LawValue, plan: Plan) -> LawValueRow:
    form = _form(law_value.role)
    batch, scale = plan.recipe.batch_tokens.value, 1.0
    match law_value.role:
        case "batch_size" | "critical_batch_size":
            also = _("{n} seq").format(n=f"{law_value.value / plan.seq_len:,.0f}")
        case "warmup":
            also = _("{n} steps").format(n=f"{math.ceil(law_value.value / batch):,}")
        case "weight_decay":
            # What a trainer takes comes first.
            also = _("{value} a step").format(value=form(law_value.value))
            scale = 1 / plan.recipe.learning_rate.value
        case _:
            also = ""
    value = law_value.value * scale
    low, high = (None if end is None else end * scale for end in (law_value.low, law_value.high))
    return LawValueRow(
        law_value=law_value,
        title=law_value.title,
        value=beside(value, (low, high), form),
        also=also,
        interval="" if low is None or high is None else bracketed(low, high, form),
        data=_data(law_value),
    )


def _data(law_value: LawValue) -> str:
    if not law_value.has_range:
        return _("no range given")
    if law_value.beyond is None:
        return _("inside its data")
    return _("{factor} x beyond data").format(factor=format_factor(law_value.beyond, 2))


def scores(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return why the recipe follows its law, its confirmation, and what every law costs near the model.

    Each is a label and a text; empty where the request names the law.
    """
    choice, runs = plan.recipe.choice, plan.recipe.confirmation
    lines: list[tuple[str, str]] = []
    if choice is not None:
        lines.append((_("law"), _("{law}: {why}").format(law=choice.law, why=choice_text(choice))))
    if runs is not None:
        lines.append((_("confirm"), noted((*confirmation_text(runs), confirmation_command(plan)))))
    if choice is not None:
        cost = _("{factor} times the compute, {excess} nats")
        lines += [
            (each.law, cost.format(factor=f"{each.compute_factor:.2f}", excess=f"{each.excess:+.4f}"))
            for each in choice.evidence
        ]
    return tuple(lines)


def factors_of_two(sheet: RecipeSheet) -> tuple[tuple[str, str], ...]:
    """Return the cost of a factor of two up or down, as label and sentence, for N and the hyperparameters."""
    return (
        (_("N half"), _size_cost(sheet.half, sheet.answer.plan)),
        (_("N twice"), _size_cost(sheet.twice, sheet.answer.plan)),
        (_("lr"), _hyperparameter_cost("learning_rate")),
        (_("batch"), _hyperparameter_cost("batch_size")),
        (_("beta2, warmup, weight decay"), _(NOT_KNOWN)),
        (_("lr and batch"), _(STEP_LAW_TEST)),
    )


def _size_cost(size: Candidate, plan: Plan) -> str:
    if size.loss_difference is None or size.wasted_share is None:
        return _("not known: {law} does not give it").format(law=plan.law_id)
    share = f"{size.wasted_share:.1%}"
    wasted = share if size.wasted_usd is None else f"{share} = {format_usd(size.wasted_usd)}"
    return _("{loss} {unit}, {wasted} deadweight ({source})").format(
        loss=f"{size.loss_difference:+.4f}",
        unit=plan.loss_unit or _("of loss"),
        wasted=wasted,
        source=noted((plan.law_id, _("extrapolated") if size.extrapolated else "")),
    )


def _hyperparameter_cost(role: str) -> str:
    known = measured(role)
    if known is None:
        return _(NOT_KNOWN)
    small, large = format_ends(known.smallest_n_params, known.largest_n_params, format_count)
    return _(
        "{low} to {high} of the loss at {small} to {large} parameters, noise {noise} ({source}); not known at this size"
    ).format(
        low=f"{known.low:+.1%}",
        high=f"{known.high:+.1%}",
        small=small,
        large=large,
        noise=f"{known.noise:.1%}",
        source=known.source,
    )


CHECKPOINTS_HEADER = (N_("step"), N_("tokens"), "C", N_("of run"), N_("what it is for"))


def checkpoint_cells(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the row of one checkpoint, under `CHECKPOINTS_HEADER`."""
    return (
        f"{checkpoint.step:,}",
        format_count(checkpoint.tokens),
        format_flops(checkpoint.flops),
        f"{checkpoint.share:.3g}" if checkpoint.share < 0.01 else f"{checkpoint.share:.1%}",
        _use(checkpoint),
    )


def _use(checkpoint: Checkpoint) -> str:
    if checkpoint.decayed:
        return _("the model; decayed: no IsoFLOP point")
    ratio = f"{checkpoint.ratio:.3g}"
    if checkpoint.halvings is None:
        return _("decay starts: resume here; N is {ratio} x N*").format(ratio=ratio)
    told = _("C/{divisor}: IsoFLOP point, N is {ratio} x N* there")
    if not checkpoint.is_near:
        told = _("C/{divisor}: far off, N is {ratio} x N* there")
    return told.format(divisor=2**checkpoint.halvings, ratio=ratio)


def recipe_json(sheet: RecipeSheet, command: str) -> str:
    """Return a recipe sheet as JSON: the plan's recipe, every law's values, two other sizes, and the checkpoints."""
    plan = sheet.answer.plan
    record = {
        "command": command,
        "budget": plan.budget,
        "n_params": asdict(plan.n_params),
        "tokens": asdict(plan.tokens),
        "recipe": asdict(plan.recipe),
        "law_values": [asdict(value) for value in sheet.law_values],
        "half": asdict(sheet.half),
        "twice": asdict(sheet.twice),
        "checkpoints": [asdict(checkpoint) for checkpoint in sheet.checkpoints],
    }
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


CSV_HEADER = tuple(field.name for field in fields(LawValue))


def records(sheet: RecipeSheet) -> list[tuple[object, ...]]:
    """Return every law's value for every hyperparameter under `CSV_HEADER`, unrounded."""
    return [tuple(getattr(value, name) for name in CSV_HEADER) for value in sheet.law_values]


def recipe_csv(sheet: RecipeSheet) -> str:
    """Return every law's value for every hyperparameter as CSV, one a row, unrounded."""
    return csv_text(CSV_HEADER, records(sheet))


def recipe_markdown(sheet: RecipeSheet, command: str) -> str:
    """Return a recipe as a Markdown page.

    Args:
        sheet: the recipe sheet.
        command: the shell command that shows the same.
    """
    plan = sheet.answer.plan
    rows: Sequence[PlanRow] = (*recipe_rows(plan), *run_rows(plan))
    lines = [
        heading(1, _("Recipe for {budget}").format(budget=escaped(plan.budget))),
        "",
        ended(escaped(plan.understood)),
        "",
        *table(plan_header(), [(r.label, r.text, r.interval, r.basis) for r in rows]),
        "",
        "- " + _("shape: {shape}").format(shape=escaped(shape_line(plan))),
        "- " + _("schedule: {schedule}").format(schedule=escaped(plan.recipe.schedule)),
        "",
        heading(2, _("What the laws say")),
        "",
    ]
    for topic in topics(sheet):
        cells = [(row.title, row.value, row.also, row.interval, row.data, row.law_value.note) for row in topic.rows]
        lines += [heading(3, escaped(topic.title)), "", *([escaped(topic.spread), ""] if topic.spread else [])]
        lines += [*table(headed(LAWS_HEADER), cells), ""]
    lines += [heading(2, _("What a factor of two costs")), ""]
    lines += [*table(("", _("cost")), factors_of_two(sheet)), ""]
    found = scores(sheet.answer.plan)
    if found:
        lines += [heading(2, _(SCORES_TITLE)), "", *table(("", ""), found), ""]
    lines += [heading(2, _("Checkpoints to keep")), "", escaped(_(CHECKPOINTS_WHY)), ""]
    lines += [*table(headed(CHECKPOINTS_HEADER), [checkpoint_cells(each) for each in sheet.checkpoints]), ""]
    return "\n".join([*lines, *reproduced(command)])


LAWS_HEADER = (N_("law"), N_("value"), N_("is"), "95%", N_("its data"), N_("note"))
