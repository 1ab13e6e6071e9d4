"""Format the recipe sheet: the recipe, the values of all laws, the cost of a factor of two, checkpoints."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from operator import attrgetter

from budgetscope.core.answers.checkpoints import Checkpoint
from budgetscope.core.answers.law_values import LawValue
from budgetscope.core.answers.plan import Plan
from budgetscope.core.answers.recipe_sheet import RecipeSheet
from budgetscope.core.answers.whatif import Candidate
from budgetscope.core.budget.quantities import format_count, format_flops, format_usd
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.sensitivity import STEP_LAW_TEST, measured
from budgetscope.report.csv import csv_text
from budgetscope.report.markdown import escaped, fenced, table
from budgetscope.report.recipe_words import choice_text, confirmation_command, confirmation_text
from budgetscope.report.rows import ROUNDED, PlanRow, plan_rows, shape_text

FOLLOWED_SIGN, OUTSIDE_SIGN = ">", "!"
NOT_KNOWN = "not known: no source in use gives it"

_KEYS = (
    "learning_rate", "batch_tokens", "batch_sequences", "critical_batch_tokens", "beta2", "warmup_tokens",
    "weight_decay_independent", "weight_decay_coupled",
)  # fmt: skip
_RUN_KEYS = ("shape_n_params", "run_tokens", "steps", "hours", "cost_usd")

SCORES_TITLE = "Why this law, and what others cost on the nearest public grid"

CHECKPOINTS_WHY = (
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
    return "the shape family does not reach this size" if plan.run.shape is None else shape_text(plan.run.shape)


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
        is_outside: whether the value lies outside the plan's range over the published laws.
    """

    law_value: LawValue
    title: str
    value: str
    also: str
    interval: str
    data: str
    is_outside: bool


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
        "learning_rate": "Learning rate, peak of AdamW",
        "batch_size": f"Batch, tokens a step and sequences of {plan.seq_len:,}",
        "critical_batch_size": "Critical batch: beyond it, steps no longer fall in proportion",
        "beta2": f"beta2 of AdamW at a batch of {format_count(plan.recipe.batch_tokens.value)} tokens",
        "warmup": "Warmup, tokens and steps",
        "weight_decay": "Weight decay a step: independent, and coupled for PyTorch's AdamW at the plan's lr",
    }
    return tuple(
        Topic(role, titles[role], _spread(role, plan, values), tuple(_row(each, plan) for each in values))
        for role, group in groupby(sheet.law_values, attrgetter("role"))
        for values in [tuple(group)]
    )


def _range(role: str, plan: Plan) -> Estimate | None:
    return {"learning_rate": plan.recipe.learning_rate, "batch_size": plan.recipe.batch_tokens}.get(role)


def _spread(role: str, plan: Plan, values: Sequence[LawValue]) -> str:
    estimate = _range(role, plan)
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    form = _form(role)
    text = f"[{form(estimate.low)}, {form(estimate.high)}]: {estimate.basis}"
    followed = next((each.value for each in values if each.followed), estimate.value)
    if role == "batch_size" and form(followed) != form(estimate.value):
        text += f"; the plan takes {form(estimate.value)}: {form(followed)}, {ROUNDED}"
    return text


def _form(role: str) -> Callable[[float], str]:
    if role in ("learning_rate", "weight_decay"):
        return lambda value: f"{value:.2g}"
    return format_count if role != "beta2" else lambda value: f"{value:.4g}"


def _row(law_value: LawValue, plan: Plan) -> LawValueRow:
    form = _form(law_value.role)
    batch = plan.recipe.batch_tokens.value
    match law_value.role:
        case "batch_size" | "critical_batch_size":
            also = f"{law_value.value / plan.seq_len:,.0f} seq"
        case "warmup":
            also = f"{law_value.value / batch:,.0f} steps"
        case "weight_decay":
            also = f"{law_value.value / plan.recipe.learning_rate.value:.2g} coupled"
        case _:
            also = ""
    has_draws = law_value.low is not None and law_value.high is not None
    return LawValueRow(
        law_value=law_value,
        title=law_value.title,
        value=form(law_value.value),
        also=also,
        interval=f"[{form(law_value.low or 0.0)}, {form(law_value.high or 0.0)}]" if has_draws else "",
        data=_data(law_value),
        is_outside=_is_outside(law_value, _range(law_value.role, plan)),
    )


def _is_outside(law_value: LawValue, plans: Estimate | None) -> bool:
    if plans is None or plans.low is None or plans.high is None:
        return False
    return not plans.low <= law_value.value <= plans.high


def _data(law_value: LawValue) -> str:
    if not law_value.has_range:
        return "no range given"
    if law_value.beyond is None:
        return "inside its data"
    return f"{float(f'{law_value.beyond:.2g}'):,g} x beyond data"


def scores(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return why the recipe follows its law, its confirmation, and what every law costs near the model.

    Each is a label and a text; empty where the request names the law.
    """
    choice, runs = plan.recipe.choice, plan.recipe.confirmation
    lines: list[tuple[str, str]] = []
    if choice is not None:
        lines.append(("law", f"{choice.law}: {choice_text(choice)}"))
    if runs is not None:
        lines.append(("confirm", "; ".join((*confirmation_text(runs), confirmation_command(plan)))))
    if choice is not None:
        lines += [
            (each.law, f"{each.compute_factor:.2f} times the compute, {each.excess:+.4f} nats")
            for each in choice.evidence
        ]
    return tuple(lines)


def factors_of_two(sheet: RecipeSheet) -> tuple[tuple[str, str], ...]:
    """Return the cost of a factor of two up or down, as label and sentence, for N and the hyperparameters."""
    return (
        ("N half", _size_cost(sheet.half, sheet.answer.plan)),
        ("N twice", _size_cost(sheet.twice, sheet.answer.plan)),
        ("lr", _hyperparameter_cost("learning_rate")),
        ("batch", _hyperparameter_cost("batch_size")),
        ("beta2, warmup, weight decay", NOT_KNOWN),
        ("lr and batch", STEP_LAW_TEST),
    )


def _size_cost(size: Candidate, plan: Plan) -> str:
    if size.loss_difference is None or size.wasted_share is None:
        return f"not known: {plan.law_id} does not give it"
    dollars = "" if size.wasted_usd is None else f" = {format_usd(size.wasted_usd)}"
    doubt = "; extrapolated" if size.extrapolated else ""
    unit = plan.loss_unit or "of loss"
    return f"{size.loss_difference:+.4f} {unit}, {size.wasted_share:.1%} deadweight{dollars} ({plan.law_id}{doubt})"


def _hyperparameter_cost(role: str) -> str:
    known = measured(role)
    if known is None:
        return NOT_KNOWN
    small, large = format_count(known.smallest_n_params), format_count(known.largest_n_params)
    return (
        f"{known.low:+.1%} to {known.high:+.1%} of the loss at {small} to {large} parameters, noise {known.noise:.1%} "
        f"({known.source}); not known at this size"
    )


CHECKPOINTS_HEADER = ("step", "tokens", "C", "of run", "what it is for")


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
        return "the model; decayed: no IsoFLOP point"
    times = f"N is {checkpoint.ratio:.3g} x N* there"
    if checkpoint.halvings is None:
        return f"decay starts: resume here; N is {checkpoint.ratio:.3g} x N*"
    worth = "IsoFLOP point" if checkpoint.is_near else "far off"
    return f"C/{2**checkpoint.halvings}: {worth}, {times}"


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


def recipe_csv(sheet: RecipeSheet) -> str:
    """Return every law's value for every hyperparameter as CSV, one a row, unrounded."""
    names = tuple(field.name for field in fields(LawValue))
    return csv_text(names, ([getattr(value, name) for name in names] for value in sheet.law_values))


def recipe_markdown(sheet: RecipeSheet, command: str) -> str:
    """Return a recipe as a Markdown page.

    Args:
        sheet: the recipe sheet.
        command: the shell command that shows the same.
    """
    plan = sheet.answer.plan
    rows: Sequence[PlanRow] = (*recipe_rows(plan), *run_rows(plan))
    lines = [
        f"# Recipe for {escaped(plan.budget)}",
        "",
        f"{escaped(plan.understood)}.",
        "",
        *table(("", "value", "interval", "basis"), [(r.label, r.text, r.interval, r.basis) for r in rows]),
        "",
        f"- shape: {escaped(shape_line(plan))}",
        f"- schedule: {escaped(plan.recipe.schedule)}",
        "",
        "## What the laws say",
        "",
    ]
    for topic in topics(sheet):
        cells = [(row.title, row.value, row.also, row.interval, row.data, row.law_value.note) for row in topic.rows]
        header = ("law", "value", "is", "95%", "its data", "note")
        lines += [f"### {escaped(topic.title)}", "", *([escaped(topic.spread), ""] if topic.spread else [])]
        lines += [*table(header, cells), ""]
    lines += ["## What a factor of two costs", ""]
    lines += [*table(("", "cost"), factors_of_two(sheet)), ""]
    found = scores(sheet.answer.plan)
    if found:
        lines += [f"## {SCORES_TITLE}", "", *table(("", ""), found), ""]
    lines += ["## Checkpoints to keep", "", escaped(CHECKPOINTS_WHY), ""]
    lines += [*table(CHECKPOINTS_HEADER, [checkpoint_cells(each) for each in sheet.checkpoints]), ""]
    return "\n".join([*lines, "## Reproduce", "", *fenced(command), ""])
