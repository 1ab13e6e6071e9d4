"""Rows of a plan, a comparison and a ledger: raw numbers for programs, and the same numbers as text.

The app, the command line, the notebook and the exports all use these texts, so that they never differ.
"""

from collections.abc import Callable
from dataclasses import dataclass

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.comparison import Row as LawRow
from budgetscope.core.answers.plan import Plan
from budgetscope.core.budget.quantities import format_count, format_flops, format_hours, format_usd
from budgetscope.core.counting.ledger import Count, Shape
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.loss_model import FLAT_SHARE

Form = Callable[[float], str]

ROUNDED = "rounded to a multiple that devices divide evenly"
"""How the plan's batch differs from the law's."""

ASK_COUNT = "open: give a number of devices with --gpus"
"""In place of the number of devices and the time of device-hours and dollars alone."""

UNKNOWN = "-"
"""Text of an unknown value."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One quantity of a plan.

    Attributes:
        section: `budget`, `model`, `recipe` or `run`.
        key: stable name for programs, with its unit.
        value: a number in the unit of `key`, or text; None when unknown.
        low: lower end of its interval; None when there is none.
        high: upper end.
        text: the value, formatted.
        interval: the interval, formatted; empty when there is none.
        basis: the unit, the source, and what the interval is.
    """

    section: str
    key: str
    label: str
    value: float | str | None
    low: float | None
    high: float | None
    text: str
    interval: str
    basis: str


def plan_rows(plan: Plan) -> tuple[PlanRow, ...]:
    """Return every quantity of a plan: budget, model, recipe, run."""
    return (*_budget_rows(plan), *_model_rows(plan), *_recipe_rows(plan), *_run_rows(plan))


def _budget_rows(plan: Plan) -> list[PlanRow]:
    machine = plan.machine
    executed = plan.run.executed_flops
    return [
        _text("budget", "budget", "budget", plan.budget, plan.understood),
        _number("budget", "flops", "C", plan.flops, format_flops, f"FLOPs by the {plan.convention} count"),
        _number("budget", "executed_flops", "executed", executed, format_flops, "FLOPs, attention counted"),
        _text("budget", "law", "law", plan.law_id, plan.law_title),
        _text("budget", "device", "device", machine.device.name, machine.device.spec_source),
        _text("budget", "n_devices", "devices", None, ASK_COUNT)
        if machine.n_devices is None
        else _number("budget", "n_devices", "devices", machine.n_devices, _plain, ""),
        _number("budget", "mfu", "MFU", machine.mfu, lambda v: f"{v:.3g}", "of the dense peak"),
    ]  # fmt: skip


def _model_rows(plan: Plan) -> list[PlanRow]:
    counted = f"parameters by the {plan.convention} count"
    rows = [
        _estimate("model", "n_params", "N", plan.n_params, format_count, counted),
        _estimate("model", "tokens", "D", plan.tokens, format_count, "tokens"),
        _estimate("model", "tokens_per_param", "D/N", plan.tokens_per_param, format_ratio, ""),
    ]
    if plan.loss is None:
        rows.append(_text("model", "loss", "loss", None, "the fit has no law of the loss"))
    else:
        rows.append(_estimate("model", "loss", "loss", plan.loss, lambda v: f"{v:.3f}", plan.loss_unit or ""))
    if plan.flat_band is not None:
        low, high = plan.flat_band
        span = _span(low, high, format_count)
        basis = f"N that cost less than {FLAT_SHARE:.1%} of the loss"
        rows.append(PlanRow("model", "flat_band_n_params", "flat band", None, low, high, span, "", basis))
    shape = plan.run.shape
    if shape is None:
        rows.append(_text("model", "shape", "shape", None, "the shape family does not reach this size"))
    else:
        rows.append(_text("model", "shape", "shape", f"{shape.depth} x {shape.width}", shape_text(shape)))
        rows.append(_number("model", "shape_n_params", "its N", plan.run.n_params, format_count, counted))
    return rows


def _recipe_rows(plan: Plan) -> list[PlanRow]:
    recipe, sources = plan.recipe, plan.recipe.sources
    sequences = f"{recipe.batch_sequences:,} x {plan.seq_len:,}"
    warmup_basis = f"tokens; {sources['warmup']}"
    rows = [
        _estimate("recipe", "learning_rate", "lr", recipe.learning_rate, _two_digits, "", sources["learning_rate"]),
        _estimate(
            "recipe", "batch_tokens", "batch", recipe.batch_tokens, format_count, "tokens", sources["batch_size"]
        ),
        _text("recipe", "batch_sequences", "batch", sequences, f"sequences x tokens; {ROUNDED}"),
        _number("recipe", "beta2", "beta2", recipe.beta2, lambda v: f"{v:.4g}", sources["beta2"]),
        _number("recipe", "warmup_tokens", "warmup", recipe.warmup_tokens, format_count, warmup_basis),
        _number(
            "recipe", "weight_decay_independent", "weight decay", recipe.weight_decay_independent, _two_digits,
            f"a step at peak lr, independent; {sources['weight_decay']}",
        ),
        _number(
            "recipe", "weight_decay_coupled", "coupled", recipe.weight_decay_coupled, _two_digits,
            "the same decay as PyTorch's AdamW takes it",
        ),
    ]  # fmt: skip
    if recipe.critical_batch_tokens is not None:
        rows.append(
            _number(
                "recipe", "critical_batch_tokens", "critical batch", recipe.critical_batch_tokens, format_count,
                f"tokens; {sources['critical_batch_size']}",
            )
        )  # fmt: skip
    rows.append(_text("recipe", "schedule", "schedule", "warmup-stable-decay", recipe.schedule))
    return rows


def _run_rows(plan: Plan) -> list[PlanRow]:
    run = plan.run
    rows = [
        _number("run", "run_tokens", "tokens", run.tokens, format_count, "of the shape to build"),
        _number("run", "steps", "steps", float(run.steps), lambda v: f"{v:,.0f}", ""),
        _text("run", "hours", "time", None, ASK_COUNT)
        if run.hours is None
        else _number("run", "hours", "time", run.hours, format_hours, ""),
        _number("run", "device_hours", "device-hours", run.device_hours, _device_hours, ""),
    ]
    if run.cost_usd is None:
        rows.append(_text("run", "cost_usd", "cost", None, "no price is known: give one with --price"))
    else:
        rows.append(_estimate("run", "cost_usd", "cost", run.cost_usd, format_usd, ""))
    return rows


def shape_text(shape: Shape) -> str:
    """Return a shape in words: layers, width and the rest."""
    return (
        f"{shape.depth} layers x {shape.width} wide, d_ff {shape.d_ff}, {shape.n_heads} heads, "
        f"vocabulary {shape.vocab_size:,}"
    )


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One law's row of a comparison as text, with the numbers in `row`."""

    row: LawRow
    title: str
    n_params: str
    tokens: str
    tokens_per_param: str
    learning_rate: str
    batch: str
    loss_difference: str
    wasted: str
    chosen: bool


COMPARISON_HEADER = ("law", "N", "D", "D/N", "lr", "batch", "d-loss", "waste")
ABLATIONS_TITLE = "Steps of Porian et al.'s argument and examples, not recommendations"


def comparison_note(comparison: Comparison) -> str:
    """Return the convention of N, the meaning of the costs, and the law that gives them."""
    return (
        f"N by the {comparison.convention} count. d-loss and waste (deadweight compute: what a smaller budget "
        f"would have saved for the same loss) by {comparison.law_id}."
    )


def comparison_rows(comparison: Comparison) -> tuple[ComparisonRow, ...]:
    """Return the rows of a comparison as text."""
    return tuple(
        ComparisonRow(
            row=row,
            title=row.title,
            n_params=_or_unknown(row.n_params, format_count),
            tokens=_or_unknown(row.tokens, format_count),
            tokens_per_param=_or_unknown(row.tokens_per_param, format_ratio),
            learning_rate=_or_unknown(row.learning_rate, _two_digits),
            batch=_or_unknown(row.batch_tokens, format_count),
            loss_difference=_or_unknown(row.loss_difference, lambda v: f"{v:+.4f}"),
            wasted=_wasted(row),
            chosen=row.fit_id == comparison.law_id,
        )
        for row in comparison.rows
    )


def _wasted(row: LawRow) -> str:
    if row.wasted_share is None:
        return UNKNOWN
    share = f"{row.wasted_share:.1%}"
    return share if row.wasted_usd is None else f"{share} = {format_usd(row.wasted_usd)}"


def _or_unknown(value: float | None, form: Form) -> str:
    return UNKNOWN if value is None else form(value)


def format_ratio(value: float) -> str:
    """Return tokens per parameter with three digits, without an exponent below a million."""
    if value < 999.5:
        return f"{value:.3g}"
    return f"{float(f'{value:.3g}'):,.0f}" if value < 999_500 else format_count(value)


def _two_digits(value: float) -> str:
    return f"{value:.2g}"


def _plain(value: float) -> str:
    return f"{value:,g}"


def _span(low: float, high: float, form: Form) -> str:
    return f"[{form(low)}, {form(high)}]"


def estimate_text(estimate: Estimate, form: Form, ends: Form | None = None) -> str:
    """Return a number with its interval where it has one: `0.497 [0.490, 0.504]`.

    Args:
        estimate: the number.
        form: format of the number.
        ends: format of the ends of the interval; `form` by default.
    """
    return f"{form(estimate.value)} {_interval(estimate, ends or form)}".rstrip()


def _interval(estimate: Estimate, form: Form) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return _span(estimate.low, estimate.high, form)


def _text(section: str, key: str, label: str, value: str | None, basis: str) -> PlanRow:
    return PlanRow(section, key, label, value, None, None, UNKNOWN if value is None else value, "", basis)


def _device_hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else format_count(hours)


def _number(section: str, key: str, label: str, value: float, form: Form, basis: str) -> PlanRow:
    return PlanRow(section, key, label, value, None, None, form(value), "", basis)


def _estimate(
    section: str, key: str, label: str, estimate: Estimate, form: Form, unit: str, source: str = ""
) -> PlanRow:
    basis = "; ".join(part for part in (unit, source, estimate.basis) if part)
    return PlanRow(
        section,
        key,
        label,
        estimate.value,
        estimate.low,
        estimate.high,
        form(estimate.value),
        _interval(estimate, form),
        basis,
    )


LEDGER_HEADER = ("counting", "parameters", "FLOPs a token", "last layer")


def ledger_cells(count: Count) -> tuple[str, ...]:
    """Return the row of one convention, under `LEDGER_HEADER`."""
    return (str(count.convention), f"{count.n_params:,}", f"{count.flops_per_token:,.0f}", f"{count.head_share:.1%}")
