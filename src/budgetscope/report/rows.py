"""Rows of a plan and a comparison: raw numbers for programs, and the same numbers as text.

The app, the command line, the notebook and the exports all use these texts, so that they never differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from budgetscope.core.answers.cautions import Level
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
from budgetscope.core.language import N_, _, ngettext
from budgetscope.core.laws.intervals import Estimate
from budgetscope.core.laws.loss_model import FLAT_SHARE
from budgetscope.report.constraint_words import added_cost, added_loss
from budgetscope.report.recipe_words import choice_text, confirmation_text, two_digits
from budgetscope.report.words import Form, beside, both, bracketed, headed, listed, noted

LEVEL_TITLES = {
    Level.DECISION: N_("What could change the decision"),
    Level.KNOW: N_("What to know"),
    Level.SMALL_PRINT: N_("Small print"),
}
"""Titles of the levels of a plan's cautions, in order; whoever shows one translates it."""

ROUNDED = N_("rounded to a multiple that devices divide evenly")
"""How the plan's batch differs from the law's."""

ASK_COUNT = N_("open: give a number of devices with --gpus")
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


def optimal_labels(plans: Sequence[Plan]) -> dict[str, str]:
    """Return the labels of N and D where those of all plans are the law's optimum, not of the shape to build."""
    constrained = any(plan.choice is not None for plan in plans)
    return {} if constrained else {"n_params": _("optimal N"), "tokens": _("optimal D")}


SECTIONS = (
    ("model", N_("Model and data")),
    ("constraints", N_("What the constraints cost")),
    ("optimum", N_("Without constraints")),
    ("recipe", N_("Recipe")),
    ("run", N_("Run")),
)
"""Sections of a plan and their titles, in order; the budget is a sentence. Whoever shows a title translates it."""

_PLAN_HEADER = ("", N_("value"), N_("interval"), N_("basis"))


def plan_header() -> tuple[str, ...]:
    """Return the header of a plan's rows: label, text, interval, basis."""
    return headed(_PLAN_HEADER)


def _budget_rows(plan: Plan) -> list[PlanRow]:
    machine = plan.machine
    executed = plan.run.executed_flops
    return [
        _text("budget", "budget", _("budget"), plan.budget, plan.understood),
        _number("budget", "flops", "C", plan.flops, format_flops, _counted(_("FLOPs by the {convention} count"), plan)),
        _ranged(
            "budget", "executed_flops", _("executed"), executed, plan.spread.executed_flops, format_flops,
            _with_rest(_("FLOPs, attention counted"), plan, plan.spread.executed_flops),
        ),
        _text("budget", "law", _("law"), plan.law_id, plan.law_title),
        _text("budget", "device", _("device"), machine.device.name, machine.device.spec_source),
        _text("budget", "n_devices", _("devices"), None, _(ASK_COUNT))
        if machine.n_devices is None
        else _ranged(
            "budget", "n_devices", _("devices"), machine.n_devices, plan.spread.n_devices, _plain,
            _with_rest("", plan, plan.spread.n_devices),
        ),
        _text("budget", "mfu", "MFU", None, machine.device.spec_source) if machine.device.by_rate else
        _ranged("budget", "mfu", "MFU", machine.mfu, plan.spread.mfu, lambda v: f"{v:.3g}", _mfu_basis(plan)),
    ]  # fmt: skip


def _counted(text: str, plan: Plan) -> str:
    return text.format(convention=plan.convention)


def _mfu_basis(plan: Plan) -> str:
    expected = plan.machine.expected
    return noted((_("of the dense peak"), "" if expected is None else expected.basis))


def _with_rest(basis: str, plan: Plan, ends: Ends | None) -> str:
    """Return a basis with what the range of a quantity rests on; without a range, the basis."""
    return basis if ends is None else noted((basis, rests_on(plan)))


def rests_on(plan: Plan) -> str:
    """Return what the ranges of time and compute rest on, such as "MFU of 38% to 45%"."""
    budget_is_money = plan.spread.cost_usd is None and plan.spread.price is not None
    price = plan.machine.price
    return both((mfu_text(plan.spread), price.basis if budget_is_money and price is not None else ""))


def _model_rows(plan: Plan) -> list[PlanRow]:
    """Return the rows of the model to train: the optimum, or what the constraints allow."""
    rows = _estimate_rows(plan, plan, "model", "")
    if plan.choice is not None and plan.choice.epochs is not None:
        epochs = plan.choice.epochs
        rows.append(
            _number("model", "epochs", _("epochs"), epochs, lambda v: f"{v:.3g}", _("of the unique tokens"))
        )  # fmt: skip
    if plan.choice is None:
        rows += _band_row(plan, "model", "")
    shape = plan.run.shape
    if shape is None:
        rows.append(_text("model", "shape", _("shape"), None, _(NO_SHAPE)))
    else:
        counted = _counted(_("of the shape to build, {convention} count"), plan)
        rows.append(_text("model", "shape", _("shape"), f"{shape.depth} x {shape.width}", shape_text(shape)))
        rows.append(_number("model", "shape_n_params", _("its N"), plan.run.n_params, format_count, counted))
    return rows


NO_SHAPE = N_("the shape family does not reach this size")
NO_LOSS = N_("the fit has no law of the loss")
NO_EXCESS = N_("the fit has no law of the loss off the optimum")


def _estimate_rows(plan: Plan, of: Plan | Optimum, section: str, prefix: str) -> list[PlanRow]:
    """Return N, D, D/N and the loss of the plan's run or of its optimum, which is near the shape to build."""
    counted, tokens = _("the law's optimum: parameters by the {convention} count"), _("the law's optimum: tokens")
    if of is plan and plan.choice is not None:
        counted, tokens = _("parameters by the {convention} count"), _("tokens")
    rows = [
        _estimate(section, f"{prefix}n_params", "N", of.n_params, format_count, _counted(counted, plan)),
        _estimate(section, f"{prefix}tokens", "D", of.tokens, format_count, tokens),
        _estimate(section, f"{prefix}tokens_per_param", "D/N", of.tokens_per_param, format_ratio, ""),
    ]
    if of.loss is None:
        lacking = NO_LOSS if plan.optimum.loss is None else NO_EXCESS
        rows.append(_text(section, f"{prefix}loss", _("loss"), None, _(lacking)))
    else:
        rows.append(_estimate(section, f"{prefix}loss", _("loss"), of.loss, _loss_text, _loss_basis(plan)))
    if of.loss_after_decay is not None:
        rows.append(_decayed(section, prefix, of.loss_after_decay))
    return rows


def _band_row(plan: Plan, section: str, prefix: str) -> list[PlanRow]:
    if plan.optimum.flat_band is None:
        return []
    low, high = plan.optimum.flat_band
    basis = _("N that cost less than {share} of the loss").format(share=f"{FLAT_SHARE:.1%}")
    span = bracketed(low, high, format_count)
    return [PlanRow(section, f"{prefix}flat_band_n_params", _("flat band"), None, low, high, span, "", basis)]


def _decayed(section: str, prefix: str, loss: Estimate) -> PlanRow:
    return _estimate(section, f"{prefix}loss_after_decay", _("decayed"), loss, _loss_text, _("after the decay"))


def end_rows(plan: Plan) -> dict[str, PlanRow]:
    """Return the rows of a plan by key, with its final loss under `loss`: where only one loss is shown."""
    rows = {row.key: row for row in plan_rows(plan)}
    loss = replace(rows.get("loss_after_decay", rows["loss"]), key="loss", label=_("final loss"))
    if plan.loss_after_decay is not None:
        loss = replace(loss, basis=noted((plan.loss_unit or "", loss.basis)))
    return rows | {"loss": loss}


def loss_title(plan: Plan) -> str:
    """Return the title of an axis or row of losses that are before the decay where the plan's law is."""
    return _("pre-decay loss") if plan.is_before_decay else _("loss")


def loss_axis(plan: Plan) -> str:
    """Return `loss_title` with the unit."""
    unit = plan.loss_unit or _("unit unknown")
    return (_("pre-decay loss, {unit}") if plan.is_before_decay else _("loss, {unit}")).format(unit=unit)


def _loss_text(loss: float) -> str:
    return f"{loss:.3f}"


def _loss_basis(plan: Plan) -> str:
    return listed((plan.loss_unit or "", _("at constant lr") if plan.is_before_decay else ""))


def _constraint_rows(plan: Plan) -> list[PlanRow]:
    """Return what the constraints cost, line by line, and the optimal run of the same loss; empty without them."""
    choice = plan.choice
    if choice is None:
        return []
    rows = [
        PlanRow("constraints", f"price_{price.constraints[0]}", price.text, price.loss, None, None, *_priced(price))
        for price in choice.prices
    ]
    if choice.equal_flops is not None and choice.equal_params is not None and choice.equal_tokens is not None:
        basis = _("the optimal run of the same loss: {n_params} on {tokens} tokens").format(
            n_params=format_count(choice.equal_params), tokens=format_count(choice.equal_tokens)
        )
        rows.append(_number("constraints", "equal_flops", _("same loss"), choice.equal_flops, format_flops, basis))
    return rows


def _priced(price: Price) -> tuple[str, str, str]:
    """Return what a constraint costs: the loss it adds, nothing, and the compute and dollars it adds, in words."""
    return (UNKNOWN, "", _(NO_EXCESS)) if price.loss is None else (added_loss(price.loss), "", added_cost(price))


def _recipe_rows(plan: Plan) -> list[PlanRow]:
    recipe, sources = plan.recipe, plan.recipe.sources
    sequences = f"{recipe.batch_sequences:,} x {plan.seq_len:,}"
    lr, batch = sources["learning_rate"], sources["batch_size"]
    rows = [
        _estimate("recipe", "learning_rate", _("lr"), recipe.learning_rate, two_digits, "", lr),
        _estimate("recipe", "batch_tokens", _("batch"), recipe.batch_tokens, format_count, _("tokens"), batch),
        _text(
            "recipe", "batch_sequences", _("batch"), sequences, noted((_("sequences x tokens"), _(ROUNDED)))
        ),
        _number("recipe", "beta2", "beta2", recipe.beta2, lambda v: f"{v:.4g}", sources["beta2"]),
        _number(
            "recipe", "warmup_tokens", _("warmup"), recipe.warmup_tokens, format_count,
            noted((_("tokens"), sources["warmup"])),
        ),
        _number(
            "recipe", "weight_decay_coupled", _("weight decay"), recipe.weight_decay_coupled, two_digits,
            noted((_("coupled, as in PyTorch's AdamW"), sources["weight_decay"])),
        ),
        _number(
            "recipe", "weight_decay_independent", _("independent"), recipe.weight_decay_independent, two_digits,
            noted((_("the same, a step at peak lr"), _("the weight decay above times the learning rate"))),
        ),
    ]  # fmt: skip
    if recipe.critical_batch_tokens is not None:
        rows.append(
            _number(
                "recipe", "critical_batch_tokens", _("critical batch"), recipe.critical_batch_tokens, format_count,
                noted((_("tokens"), sources["critical_batch_size"])),
            )
        )  # fmt: skip
    rows.append(_text("recipe", "schedule", _("schedule"), "warmup-stable-decay", recipe.schedule))
    if recipe.choice is not None:
        rows.append(_text("recipe", "recipe_law", _("law"), recipe.choice.law, choice_text(recipe.choice)))
    if recipe.confirmation is not None:
        number, (text, basis) = len(recipe.confirmation.learning_rates), confirmation_text(recipe.confirmation)
        rows.append(PlanRow("recipe", "confirmation_runs", _("confirm"), number, None, None, text, "", basis))
    return rows


def _run_rows(plan: Plan) -> list[PlanRow]:
    run, moves = plan.run, plan.spread
    rows = [
        _number("run", "run_tokens", _("tokens"), run.tokens, format_count, _("of the shape to build")),
        _number("run", "steps", _("steps"), float(run.steps), lambda v: f"{v:,.0f}", ""),
        _text("run", "hours", _("time"), None, _(ASK_COUNT))
        if run.hours is None
        else _ranged(
            "run", "hours", _("time"), run.hours, moves.hours, format_hours, _with_rest("", plan, moves.hours)
        ),
        _ranged(
            "run", "device_hours", _("device-hours"), run.device_hours, moves.device_hours, _device_hours,
            _with_rest("", plan, moves.device_hours),
        ),
    ]  # fmt: skip
    if run.cost_usd is None:
        rows.append(_text("run", "cost_usd", _("cost"), None, _("no price is known: give one with --price")))
    else:
        rows.append(_estimate("run", "cost_usd", _("cost"), run.cost_usd, format_usd, ""))
    for key, label, ends in (("n_params", _("N moves"), moves.n_params), ("tokens", _("D moves"), moves.tokens)):
        if ends is not None:
            span, basis = bracketed(*ends, format_count), _("with the compute: {cause}").format(cause=rests_on(plan))
            rows.append(PlanRow("run", f"spread_{key}", label, None, *ends, span, "", basis))
    return [*rows, *_energy_rows(plan)]


def _energy_rows(plan: Plan) -> list[PlanRow]:
    energy = plan.run.energy
    if energy is None:
        unknown = _("no power of {device} is known: give one with --watts").format(device=plan.machine.device.name)
        return [_text("run", "energy_kwh", _("energy"), None, unknown)]
    told = _("{watts} W a device with its share of the node, PUE {pue}").format(
        watts=f"{energy.watts.value:,.0f}", pue=f"{energy.pue.value:g}"
    )
    ends = plan.spread.device_hours
    rows = [_estimate("run", "energy_kwh", _("energy"), energy.kwh, format_energy, _with_rest(told, plan, ends))]
    if energy.co2e_kg is not None:
        told = _with_rest(_("of the electricity alone"), plan, ends)
        rows.append(_estimate("run", "co2e_kg", "CO2e", energy.co2e_kg, format_mass, told))
    return rows


def shape_text(shape: Shape) -> str:
    """Return a shape in words: layers, width and the rest."""
    text = ngettext(
        "{depth} layers x {width} wide, d_ff {d_ff}, {heads} head, vocabulary {vocabulary}",
        "{depth} layers x {width} wide, d_ff {d_ff}, {heads} heads, vocabulary {vocabulary}",
        shape.n_heads,
    )
    return text.format(
        depth=shape.depth,
        width=shape.width,
        d_ff=shape.d_ff,
        heads=shape.n_heads,
        vocabulary=f"{shape.vocab_size:,}",
    )


def format_ratio(value: float) -> str:
    """Return tokens per parameter with three digits, without an exponent below a million."""
    if value < 999.5:
        return f"{value:.3g}"
    return f"{float(f'{value:.3g}'):,.0f}" if value < 999_500 else format_count(value)


def _plain(value: float) -> str:
    return f"{value:,g}"


def estimate_text(estimate: Estimate, form: Form, ends: Form | None = None) -> str:
    """Return a number with its interval where it has one: `0.497 [0.490, 0.504]`.

    Args:
        estimate: the number.
        form: format of the number.
        ends: format of the ends of the interval; `form` by default.
    """
    return f"{_value(estimate, form)} {_interval(estimate, ends or form)}".rstrip()


def _value(estimate: Estimate, form: Form) -> str:
    return beside(estimate.value, (estimate.low, estimate.high), form)


def _interval(estimate: Estimate, form: Form) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return bracketed(estimate.low, estimate.high, form)


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
    basis = noted((unit, source, estimate.basis))
    return PlanRow(
        section,
        key,
        label,
        estimate.value,
        estimate.low,
        estimate.high,
        _value(estimate, form),
        _interval(estimate, form),
        basis,
    )
