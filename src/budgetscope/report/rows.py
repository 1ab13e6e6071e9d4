"""Rows of a plan and a comparison: raw numbers for programs, and the same numbers as text.

The app, the command line, the notebook and the exports all use these texts, so that they never differ.
"""

from collections.abc import Callable
from dataclasses import dataclass

from budgetscope.core.answers.cautions import Level
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.comparison import Row as LawRow
from budgetscope.core.answers.constraints import Price
from budgetscope.core.answers.mfu_range import Ends, mfu_text
from budgetscope.core.answers.plan import Optimum, Plan
from budgetscope.core.budget.quantities import (
    format_count,
    format_energy,
    format_flops,
    format_hours,
    format_mass,
    format_usd,
)
from budgetscope.core.counting.ledger import Shape
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.loss_model import FLAT_SHARE
from budgetscope.report.recipe_words import choice_text, confirmation_text, two_digits

Form = Callable[[float], str]

LEVEL_TITLES = {
    Level.DECISION: "What could change the decision",
    Level.KNOW: "What to know",
    Level.SMALL_PRINT: "Small print",
}
"""Titles of the levels of a plan's cautions, in order."""

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
        section: `budget`, or one of `SECTIONS`.
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
    """Return every quantity of a plan: budget, model, recipe, run; with constraints their price and the optimum."""
    optimum = []
    if plan.choice is not None:
        optimum = [*_estimate_rows(plan, plan.optimum, "optimum", "optimal_"), *_band_row(plan, "optimum", "optimal_")]
    rows = (*_budget_rows(plan), *_model_rows(plan), *_constraint_rows(plan), *optimum)
    return (*rows, *_recipe_rows(plan), *_run_rows(plan))


SECTIONS = (
    ("model", "Model and data"),
    ("constraints", "What the constraints cost"),
    ("optimum", "Without constraints"),
    ("recipe", "Recipe"),
    ("run", "Run"),
)
"""Sections of a plan and their titles, in order; the budget is a sentence."""


def _budget_rows(plan: Plan) -> list[PlanRow]:
    machine = plan.machine
    executed = plan.run.executed_flops
    return [
        _text("budget", "budget", "budget", plan.budget, plan.understood),
        _number("budget", "flops", "C", plan.flops, format_flops, f"FLOPs by the {plan.convention} count"),
        _ranged(
            "budget", "executed_flops", "executed", executed, plan.spread.executed_flops, format_flops,
            _with_rest("FLOPs, attention counted", plan, plan.spread.executed_flops),
        ),
        _text("budget", "law", "law", plan.law_id, plan.law_title),
        _text("budget", "device", "device", machine.device.name, machine.device.spec_source),
        _text("budget", "n_devices", "devices", None, ASK_COUNT)
        if machine.n_devices is None
        else _ranged(
            "budget", "n_devices", "devices", machine.n_devices, plan.spread.n_devices, _plain,
            _with_rest("", plan, plan.spread.n_devices),
        ),
        _ranged("budget", "mfu", "MFU", machine.mfu, plan.spread.mfu, lambda v: f"{v:.3g}", _mfu_basis(plan)),
    ]  # fmt: skip


def _mfu_basis(plan: Plan) -> str:
    expected = plan.machine.expected
    return f"of the dense peak{f'; {expected.basis}' if expected is not None else ''}"


def _with_rest(basis: str, plan: Plan, ends: Ends | None) -> str:
    """Return a basis with what the range of a quantity rests on; without a range, the basis."""
    return basis if ends is None else "; ".join(filter(None, (basis, rests_on(plan))))


def rests_on(plan: Plan) -> str:
    """Return what the ranges of time and compute rest on, such as "MFU of 38% to 45%"."""
    budget_is_money = plan.spread.cost_usd is None and plan.spread.price is not None
    price = plan.machine.price
    prices = price.basis if budget_is_money and price is not None else ""
    return " and ".join(filter(None, (mfu_text(plan.spread), prices)))


def _model_rows(plan: Plan) -> list[PlanRow]:
    """Return the rows of the model to train: the optimum, or what the constraints allow."""
    counted = f"parameters by the {plan.convention} count"
    rows = _estimate_rows(plan, plan, "model", "")
    if plan.choice is not None and plan.choice.epochs is not None:
        rows.append(
            _number("model", "epochs", "epochs", plan.choice.epochs, lambda v: f"{v:.3g}", "of the unique tokens")
        )
    if plan.choice is None:
        rows += _band_row(plan, "model", "")
    shape = plan.run.shape
    if shape is None:
        rows.append(_text("model", "shape", "shape", None, "the shape family does not reach this size"))
    else:
        rows.append(_text("model", "shape", "shape", f"{shape.depth} x {shape.width}", shape_text(shape)))
        rows.append(_number("model", "shape_n_params", "its N", plan.run.n_params, format_count, counted))
    return rows


NO_LOSS = "the fit has no law of the loss"
NO_EXCESS = "the fit has no law of the loss off the optimum"


def _estimate_rows(plan: Plan, of: Plan | Optimum, section: str, prefix: str) -> list[PlanRow]:
    """Return N, D, D/N and the loss of the plan's run or of its optimum."""
    counted = f"parameters by the {plan.convention} count"
    rows = [
        _estimate(section, f"{prefix}n_params", "N", of.n_params, format_count, counted),
        _estimate(section, f"{prefix}tokens", "D", of.tokens, format_count, "tokens"),
        _estimate(section, f"{prefix}tokens_per_param", "D/N", of.tokens_per_param, format_ratio, ""),
    ]
    if of.loss is None:
        lacking = NO_LOSS if plan.optimum.loss is None else NO_EXCESS
        rows.append(_text(section, f"{prefix}loss", "loss", None, lacking))
    else:
        rows.append(_estimate(section, f"{prefix}loss", "loss", of.loss, _loss_text, _loss_basis(plan)))
    if of.loss_after_decay is not None:
        rows.append(_decayed(section, prefix, of.loss_after_decay))
    return rows


def _band_row(plan: Plan, section: str, prefix: str) -> list[PlanRow]:
    if plan.optimum.flat_band is None:
        return []
    low, high = plan.optimum.flat_band
    basis = f"N that cost less than {FLAT_SHARE:.1%} of the loss"
    span = _span(low, high, format_count)
    return [PlanRow(section, f"{prefix}flat_band_n_params", "flat band", None, low, high, span, "", basis)]


def _decayed(section: str, prefix: str, loss: Estimate) -> PlanRow:
    return _estimate(section, f"{prefix}loss_after_decay", "decayed", loss, _loss_text, "after the decay")


def _loss_text(loss: float) -> str:
    return f"{loss:.3f}"


def _loss_basis(plan: Plan) -> str:
    constant = ", at constant lr" if plan.optimum.loss_after_decay is not None else ""
    return f"{plan.loss_unit or ''}{constant}"


def _constraint_rows(plan: Plan) -> list[PlanRow]:
    """Return what the constraints cost, line by line, and the optimal run of the same loss; empty without them."""
    choice = plan.choice
    if choice is None:
        return []
    rows = [
        PlanRow("constraints", f"price_{price.constraints[0]}", price.text, price.loss, None, None, *price_text(price))
        for price in choice.prices
    ]
    if choice.equal_flops is not None and choice.equal_params is not None and choice.equal_tokens is not None:
        run = f"{format_count(choice.equal_params)} on {format_count(choice.equal_tokens)} tokens"
        basis = f"the optimal run of the same loss: {run}"
        rows.append(_number("constraints", "equal_flops", "same loss", choice.equal_flops, format_flops, basis))
    return rows


def price_text(price: Price) -> tuple[str, str, str]:
    """Return what a constraint costs: the loss it adds, nothing, and the compute and dollars it adds, in words."""
    if price.loss is None:
        return UNKNOWN, "", NO_EXCESS
    loss = f"{price.loss:+.3f}" if abs(price.loss) >= _LEAST_SHOWN else "0"
    if price.lifetime_flops is not None:
        if not price.training_flops:
            return loss, "", "changes nothing: no smaller model of the same loss is cheaper over its life"
        dollars = "" if price.lifetime_usd is None else f" ({format_usd(abs(price.lifetime_usd))})"
        saved = f"saves {format_flops(abs(price.lifetime_flops))} FLOPs{dollars} over its life, served at this MFU"
        return loss, "", f"{format_flops(price.training_flops)} FLOPs more to train; {saved}"
    parts = []
    if price.wasted_flops:
        dollars = "" if price.wasted_usd is None else f" ({_signed(price.wasted_usd, format_usd)})"
        parts.append(f"{_signed(price.wasted_flops, format_flops)} FLOPs{dollars} of deadweight")
    if price.training_flops < -_UNSPENT * price.budget_flops:
        parts.append(f"{_signed(price.training_flops, format_flops)} FLOPs of the budget")
    return loss, "", ", ".join(parts) or "costs nothing"


_LEAST_SHOWN = 5e-4
"""Loss that rounds to more than nothing."""
_UNSPENT = 0.05
"""Share of the budget that a run may leave unsaid: models differ in the FLOPs of attention."""


def _signed(value: float, form: Form) -> str:
    return f"{'-' if value < 0 else '+'}{form(abs(value))}"


def _recipe_rows(plan: Plan) -> list[PlanRow]:
    recipe, sources = plan.recipe, plan.recipe.sources
    sequences = f"{recipe.batch_sequences:,} x {plan.seq_len:,}"
    warmup_basis = f"tokens; {sources['warmup']}"
    rows = [
        _estimate("recipe", "learning_rate", "lr", recipe.learning_rate, two_digits, "", sources["learning_rate"]),
        _estimate(
            "recipe", "batch_tokens", "batch", recipe.batch_tokens, format_count, "tokens", sources["batch_size"]
        ),
        _text("recipe", "batch_sequences", "batch", sequences, f"sequences x tokens; {ROUNDED}"),
        _number("recipe", "beta2", "beta2", recipe.beta2, lambda v: f"{v:.4g}", sources["beta2"]),
        _number("recipe", "warmup_tokens", "warmup", recipe.warmup_tokens, format_count, warmup_basis),
        _number(
            "recipe", "weight_decay_independent", "weight decay", recipe.weight_decay_independent, two_digits,
            f"a step at peak lr, independent; {sources['weight_decay']}",
        ),
        _number(
            "recipe", "weight_decay_coupled", "coupled", recipe.weight_decay_coupled, two_digits,
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
    if recipe.choice is not None:
        rows.append(_text("recipe", "recipe_law", "law", recipe.choice.law, choice_text(recipe.choice)))
    if recipe.confirmation is not None:
        rows.append(_text("recipe", "confirmation", "confirm", *confirmation_text(recipe.confirmation)))
    return rows


def _run_rows(plan: Plan) -> list[PlanRow]:
    run, moves = plan.run, plan.spread
    rows = [
        _number("run", "run_tokens", "tokens", run.tokens, format_count, "of the shape to build"),
        _number("run", "steps", "steps", float(run.steps), lambda v: f"{v:,.0f}", ""),
        _text("run", "hours", "time", None, ASK_COUNT)
        if run.hours is None
        else _ranged(
            "run", "hours", "time", run.hours, moves.hours, format_hours, _with_rest("", plan, moves.hours)
        ),
        _ranged(
            "run", "device_hours", "device-hours", run.device_hours, moves.device_hours, _device_hours,
            _with_rest("", plan, moves.device_hours),
        ),
    ]  # fmt: skip
    if run.cost_usd is None:
        rows.append(_text("run", "cost_usd", "cost", None, "no price is known: give one with --price"))
    else:
        rows.append(_estimate("run", "cost_usd", "cost", run.cost_usd, format_usd, ""))
    for key, label, ends in (("n_params", "N moves", moves.n_params), ("tokens", "D moves", moves.tokens)):
        if ends is not None:
            span, basis = _span(*ends, format_count), f"with the compute: {rests_on(plan)}"
            rows.append(PlanRow("run", f"spread_{key}", label, None, *ends, span, "", basis))
    return [*rows, *_energy_rows(plan)]


def _energy_rows(plan: Plan) -> list[PlanRow]:
    energy = plan.run.energy
    if energy is None:
        unknown = f"no power of {plan.machine.device.name} is known: give one with --watts"
        return [_text("run", "energy_kwh", "energy", None, unknown)]
    told = f"kWh: {energy.watts.value:,.0f} W a device with its share of the node, PUE {energy.pue.value:g}"
    ends = plan.spread.device_hours
    rows = [_estimate("run", "energy_kwh", "energy", energy.kwh, format_energy, _with_rest(told, plan, ends))]
    if energy.co2e_kg is not None:
        told = _with_rest("kg, of the electricity alone", plan, ends)
        rows.append(_estimate("run", "co2e_kg", "CO2e", energy.co2e_kg, format_mass, told))
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
            learning_rate=_or_unknown(row.learning_rate, two_digits),
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


def _ranged(section: str, key: str, label: str, value: float, ends: Ends | None, form: Form, basis: str) -> PlanRow:
    """Return the row of a number that has a range, or none."""
    return _estimate(section, key, label, Estimate(value, *(ends or (None, None))), form, basis)


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
