"""Stored fits as people read them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from budgetscope.core.answers.fit_difference import BudgetChange, ConstantChange
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.laws.fit import CONFIDENCE, Draws, ExponentInterval, Fit, Law, Range, percentiles
from budgetscope.core.laws.intervals import LEVEL, allocation_exponent
from budgetscope.report.rows import UNKNOWN, Form
from budgetscope.store.fit_library import Entry

ENTRY_HEADER = ("id", "says", "a", "counting", "fitted on", "layer")

_SAYS = {
    "allocation": "N, D",
    "surface": "L(N, D)",
    "loss_curve": "L*(C)",
    "excess": "excess",
    "learning_rate": "lr",
    "batch_size": "batch",
    "beta2": "beta2",
    "critical_batch_size": "critical batch",
    "warmup": "warmup",
    "weight_decay": "decay",
}


def says(fit: Fit) -> str:
    """Return what a fit has laws for."""
    roles = list(fit.laws)
    if "allocation" not in roles and "surface" in roles:
        roles.insert(0, "allocation")
    return ", ".join(_SAYS[role] for role in roles)


def exponent(fit: Fit) -> float | None:
    """Return a in N* = coefficient · C^a where a fit's law is a power law in C; None elsewhere."""
    found = allocation_exponent(fit)
    return None if found is None else found.value


def entry_cells(entry: Entry, active: str, recipe: str = "") -> tuple[str, ...]:
    """Return a fit's line in the list, under `ENTRY_HEADER`, with a sign for the default law and the default recipe."""
    fit = entry.fit
    if fit is None:
        raise ValueError(f"{entry.id} did not load")
    a = exponent(fit)
    layer = entry.layer + "".join(f" over {name}" for name in entry.shadows) + (", edited" if entry.edited else "")
    fitted = fit.allocation.fitted if fit.allocation else next(iter(fit.laws.values())).fitted
    return (
        f"{'*' if entry.id == active else '+' if entry.id == recipe else ' '} {entry.id}",
        says(fit),
        UNKNOWN if a is None else f"{a:.3f}",
        str(fit.counting),
        fitted_text(fitted) or UNKNOWN,
        layer,
    )


def fitted_text(fitted: Mapping[str, Range]) -> str:
    """Return the range of the first predictor that a law was fitted on; empty when none is known."""
    return next((span_text(name, span) for name, span in fitted.items()), "")


def span_text(name: str, span: Range) -> str:
    """Return a fitted range as people read it."""
    form = format_flops if name == "flops" else format_count
    symbol = {"flops": "C", "n_params": "N", "tokens": "D", "tokens_per_param": "D/N", "batch_tokens": "batch"}
    return f"{symbol.get(name, name)} {form(span.low)} to {form(span.high)}"


def fit_lines(fit: Fit) -> list[tuple[str, str]]:
    """Return a fit's facts, label and text."""
    lines = [
        ("source", fit.citation),
        ("url", fit.url),
        ("method", fit.method),
        ("counting", str(fit.counting)),
        ("tokenizer", f"{fit.tokenizer or 'unknown'}, vocabulary {fit.vocab_size or 'unknown'}"),
        ("context", f"{fit.seq_len} tokens" if fit.seq_len else "unknown"),
        ("loss unit", fit.loss_unit or "no loss"),
        ("schedule of its runs", fit.schedule or "unknown"),
    ]
    lines += [("flag", flag) for flag in fit.flags]
    if fit.points is not None:
        lines.append(("points", f"{len(fit.points.rows)} optima, one a budget"))
    return lines + [(name.replace("_", " "), text) for name, text in fit.provenance.items()]


LAW_HEADER = ("law", "form", "parameters", "fitted on", "uncertainty", "constants")


def law_cells(role: str, law: Law) -> tuple[str, ...]:
    """Return a law's line, under `LAW_HEADER`."""
    parameters = ", ".join(
        f"{f.name} {getattr(law.law, f.name):.6g}" for f in fields(law.law) if getattr(law.law, f.name) != f.default
    )
    fitted = ", ".join(span_text(name, span) for name, span in law.fitted.items())
    match law.uncertainty:
        case Draws(_, rows):
            uncertainty = f"{len(rows)} draws"
        case ExponentInterval() as interval:
            uncertainty = f"a in [{interval.low:g}, {interval.high:g}], {interval.percent}"
        case None:
            uncertainty = "not published"
    return (role, law.law.form, parameters, fitted or UNKNOWN, uncertainty, CONFIDENCE[law.confidence])


CONSTANT_HEADER = ("law", "parameter", "before", "after", "change")


def constant_cells(change: ConstantChange) -> tuple[str, ...]:
    """Return one changed constant, under `CONSTANT_HEADER`."""
    before, after = change.before, change.after
    numbers = isinstance(before, float) and isinstance(after, float)
    return (
        change.role,
        change.parameter,
        _constant(before),
        _constant(after),
        f"{after - before:+.3g}" if numbers else UNKNOWN,  # type: ignore[operator]
    )


def _constant(value: float | str | None) -> str:
    return UNKNOWN if value is None else value if isinstance(value, str) else f"{value:.6g}"


BUDGET_HEADER = ("C", "N", "D", "loss", "lr", "batch")


def budget_cells(change: BudgetChange) -> tuple[str, ...]:
    """Return both recommendations at one budget, under `BUDGET_HEADER`."""

    def pair(name: str, form: Form) -> str:
        before, after = (getattr(side, name) for side in (change.before, change.after))
        if before is None and after is None:
            return UNKNOWN
        return f"{UNKNOWN if before is None else form(before)} -> {UNKNOWN if after is None else form(after)}"

    return (
        format_flops(change.flops),
        pair("n_params", format_count),
        pair("tokens", format_count),
        pair("loss", lambda v: f"{v:.3f}"),
        pair("learning_rate", lambda v: f"{v:.2g}"),
        pair("batch_tokens", format_count),
    )


def interval_cells(fit: Fit) -> list[tuple[str, ...]]:
    """Return every parameter that has bootstrap draws, with its 95% interval."""
    cells: list[tuple[str, ...]] = []
    for role, law in fit.laws.items():
        if not isinstance(law.uncertainty, Draws):
            continue
        drawn = law.uncertainty.laws(law.law)
        for column in law.uncertainty.columns:
            name = column.removeprefix("ln_")
            low, high = percentiles([getattr(draw, name) for draw in drawn], LEVEL)
            cells.append((role, name, f"{getattr(law.law, name):.5g}", f"[{low:.4g}, {high:.4g}]"))
    return cells


def undone_text(fit_id: str, restored: Fit | None, *, was_default: bool) -> str:
    """Return what undoing the last write of a fit did, without a full stop."""
    if restored is not None:
        return f"{fit_id} is what it was before"
    told = f"{fit_id} had no earlier version and is set aside"
    return f"{told}; it was the default, and the bundled default is so again" if was_default else told


def entries_json(entries: Sequence[Entry], active: str, recipe: str = "") -> str:
    """Return the list of fits as JSON."""
    records = [
        {
            "id": entry.id,
            "active": entry.id == active,
            "default_recipe": entry.id == recipe,
            "title": entry.fit.title if entry.fit else None,
            "layer": entry.layer,
            "path": str(entry.path),
            "shadows": list(entry.shadows),
            "edited": entry.edited,
            "problem": entry.problem or None,
            "counting": str(entry.fit.counting) if entry.fit else None,
            "laws": {
                role: {"form": law.law.form, "parameters": asdict(law.law), "confidence": law.confidence}
                for role, law in (entry.fit.laws if entry.fit else {}).items()
            },
        }
        for entry in entries
    ]
    return json.dumps(records, indent=2) + "\n"
