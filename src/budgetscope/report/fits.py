"""Format stored fits: rows of the list, laws with their intervals, pages and JSON."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from budgetscope.core.answers.goodness_of_fit import GoodnessOfFit
from budgetscope.core.budget.quantities import format_count, format_ends, format_flops
from budgetscope.core.language import N_, _, ngettext
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import CONFIDENCE, Draws, ExponentInterval, Fit, Law, Range, percentiles
from budgetscope.core.laws.intervals import LEVEL, allocation_exponent, parameter_draws
from budgetscope.core.stored_words import stored_text
from budgetscope.report.rows import UNKNOWN, estimate_text
from budgetscope.report.words import listed, noted
from budgetscope.store.fit_library import Entry
from budgetscope.store.fit_schema import dump

_LAW_NAMES = {
    "allocation": "N, D",
    "surface": "L(N, D)",
    "loss_curve": "L*(C)",
    "excess": N_("excess"),
    "learning_rate": N_("lr"),
    "batch_size": N_("batch"),
    "beta2": "beta2",
    "critical_batch_size": N_("critical batch"),
    "warmup": N_("warmup"),
    "weight_decay": N_("decay"),
}
ROLE_TITLES = {
    "allocation": N_("Allocation"),
    "surface": N_("Surface"),
    "loss_curve": N_("Loss curve"),
    "excess": N_("Excess"),
    "learning_rate": N_("Learning rate"),
    "batch_size": N_("Batch size"),
    "beta2": "Beta2",
    "critical_batch_size": N_("Critical batch size"),
    "warmup": N_("Warmup"),
    "weight_decay": N_("Weight decay"),
}
_SYMBOLS = {"flops": "C", "n_params": "N", "tokens": "D", "tokens_per_param": "D/N", "batch_tokens": N_("batch")}
_LAYERS = (N_("override"), N_("user"), N_("bundled"))


# Parts of a fit as text


def laws_text(fit: Fit) -> str:
    """Return the quantities for which a fit has laws: `N, D, L*(C)`."""
    return listed(map(_, _law_names(fit)))


def _law_names(fit: Fit) -> list[str]:
    roles = list(fit.laws)
    if "allocation" not in roles and "surface" in roles:
        roles.insert(0, "allocation")
    return [_LAW_NAMES[role] for role in roles]


def exponent_text(fit: Fit, *, interval: bool = True) -> str:
    """Return the exponent a in N* = k C^a; `-` where the law is not a power law in C.

    Args:
        fit: the fit.
        interval: whether to add the 95% interval where it is known.
    """
    found = allocation_exponent(fit)
    if found is None:
        return UNKNOWN
    value = "{:.3f}".format
    return estimate_text(found, value) if interval else value(found.value)


def exponent_rows(fit: Fit) -> list[tuple[str, str]]:
    """Return a calibration's own, published and combined exponent, as label and text; none for other fits."""
    labels = {"own": _("exponent, own"), "published": _("exponent, published"), "combined": _("exponent, combined")}
    facts = [(label, fit.provenance.get(f"exponent_{part}", "")) for part, label in labels.items()]
    return [(label, text) for label, text in facts if text]


def fitted_text(fitted: Mapping[str, Range]) -> str:
    """Return the fitted range of a law's first predictor; empty when none is known."""
    return next((span_text(name, span) for name, span in fitted.items()), "")


def span_text(name: str, span: Range) -> str:
    """Return the fitted range of one predictor: `C 1.25e16 to 2.56e19`."""
    form = format_flops if name == "flops" else format_count
    low, high = format_ends(span.low, span.high, form)
    return _("{symbol} {low} to {high}").format(symbol=_(_SYMBOLS.get(name, name)), low=low, high=high)


def _main_range(fit: Fit) -> str:
    """Return the fitted range of the allocation law; of the first law where there is none."""
    law = fit.allocation or next(iter(fit.laws.values()))
    return fitted_text(law.fitted) or UNKNOWN


def parameters(law: Law) -> Iterator[tuple[str, float]]:
    """Yield the name and value of every parameter that does not have its default."""
    for each in fields(law.law):
        value = getattr(law.law, each.name)
        if value != each.default:
            yield each.name, value


def _drawn_names(law: Law) -> list[str]:
    """Return the parameters that have an interval of their own."""
    match law.uncertainty:
        case Draws(columns):
            return [column.removeprefix("ln_") for column in columns]
        case DriftingLine():
            return ["exponent"]
        case _:
            return []


def interval(law: Law, parameter: str) -> str:
    """Return the 95% interval of a parameter; empty where it has none."""
    if parameter in law.undetermined:
        return _("not determined")
    if parameter not in _drawn_names(law):
        return ""
    if isinstance(law.uncertainty, DriftingLine):
        value, half = getattr(law.law, parameter), law.uncertainty.exponent_half_width(LEVEL)
        low, high = value - half, value + half
    elif isinstance(law.uncertainty, Draws):
        low, high = percentiles(parameter_draws(law.uncertainty, parameter, math.nan), LEVEL)
    return f"[{low:.4g}, {high:.4g}]"


def uncertainty_texts(law: Law) -> tuple[str, str]:
    """Return the source of a law's intervals: for a table cell, and for a line of a page."""
    match law.uncertainty:
        case Draws(_, rows) as draws:
            told = _("{n} forecasts") if draws.forecast else _("{n} draws")
            return told.format(n=len(rows)), draws.basis
        case DriftingLine() as line:
            # A weighed law has its own error in the bend alone, as far as its budgets span.
            error = f"{line.bend if line.weighed else line.drift:.3g}"
            cell = _("noise, and {error} of ln N an e-fold of compute")
            told = _(
                "95%: the noise of the runs, and an error of the law of {error} of ln N an e-fold of compute beyond "
                "them"
            )
            return cell.format(error=error), told.format(error=error)
        case ExponentInterval() as interval:
            text = _("a in [{low}, {high}], {percent}").format(
                low=f"{interval.low:g}", high=f"{interval.high:g}", percent=interval.percent
            )
            return text, _("{interval}, published").format(interval=text)
        case None:
            return _("not published"), _("the source publishes none")


def misfit_text(found: GoodnessOfFit) -> str:
    """Return the residuals of a fit's points in one phrase; empty without points."""
    if found.rms is None:
        return ""
    return _("{n} optima, rms {rms} in ln N, a factor of {factor}").format(
        n=len(found.residuals), rms=f"{found.rms:.3f}", factor=f"{math.exp(found.rms):.3g}"
    )


def range_text(found: GoodnessOfFit) -> str:
    """Return the range of budgets that a law was fitted on."""
    if found.fitted is None:
        return _("its source gives no range of budgets")
    return budgets_text(found.fitted)


def budgets_text(span: Range) -> str:
    """Return a range of budgets: `1.25e16 to 2.56e19 FLOPs`."""
    return _("{low} to {high} FLOPs").format(low=format_flops(span.low), high=format_flops(span.high))


def undone_text(fit_id: str, restored: Fit | None, *, was_default: bool) -> str:
    """Return the effect of undoing the last write of a fit, without a full stop."""
    if restored is not None:
        return _("{fit} is what it was before").format(fit=fit_id)
    told = _("{fit} had no earlier version and is set aside").format(fit=fit_id)
    return noted((told, _("it was the default, and the bundled default is so again") if was_default else ""))


# The list of fits


@dataclass(frozen=True, slots=True)
class FitRow:
    """One fit file in the list, as text.

    Attributes:
        id: from the path of the file.
        exponent: a in N* = k C^a.
        exponent_interval: the same with its 95% interval.
        fitted: fitted range of the first predictor of the allocation law, else of the first law.
        counting: counting convention.
        layer: its layer of the library, and the layers whose fit it shadows.
        title: of the fit; the problem of a broken file.
        laws: the quantities for which it has laws.
        written: date of the calibration, else of the file; empty for bundled fits.
    """

    id: str
    exponent: str
    exponent_interval: str
    fitted: str
    counting: str
    layer: str
    title: str
    laws: str
    written: str


def fit_row(entry: Entry) -> FitRow:
    """Return the row of a fit file."""
    fit, layer = entry.fit, _(entry.layer)
    for name in entry.shadows:
        layer = _("{layer} over {below}").format(layer=layer, below=_(name))
    if fit is None:
        broken = _("broken: {problem}").format(problem=entry.problem)
        return FitRow(entry.id, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, layer, broken, UNKNOWN, "")
    when = written(entry)
    return FitRow(
        id=entry.id,
        exponent=exponent_text(fit, interval=False),
        exponent_interval=exponent_text(fit),
        fitted=_main_range(fit),
        counting=str(fit.counting),
        layer=layer,
        title=fit.title,
        laws=laws_text(fit),
        written="" if when is None else f"{when:%Y-%m-%d}",
    )


LIST_HEADER = ("id", N_("laws"), "a", N_("counting"), N_("fitted on"), N_("layer"))


BY_MODEL = N_("that which covers the model")
"""The default recipe where the settings name none."""


def list_cells(entry: Entry, active: str, recipe: str = "") -> tuple[str, ...]:
    """Return the cells of a fit file under `LIST_HEADER`, with a sign for the default law and recipe.

    Args:
        entry: the file.
        active: id of the default law.
        recipe: id of the default recipe.
    """
    row = fit_row(entry)
    sign = "*" if entry.id == active else "+" if entry.id == recipe else " "
    layer = listed((row.layer, _("edited") if entry.edited else ""))
    return (f"{sign} {row.id}", row.laws, row.exponent, row.counting, row.fitted, layer)


def ordered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return entries sorted by layer, ablations last within a layer, broken files last of all."""

    def rank(entry: Entry) -> tuple[bool, int, bool, str]:
        fit = entry.fit
        return fit is None, _LAYERS.index(entry.layer), fit is not None and fit.ablation, entry.id

    return tuple(sorted(entries, key=rank))


def matches(entry: Entry, text: str) -> bool:
    """Return whether every word of a filter occurs in a fit's id, title, layer, laws or marks."""
    fit = entry.fit
    words = (fit.title, laws_text(fit), *_law_names(fit), str(fit.counting)) if fit else (entry.problem, "broken")
    marks = ("edited" * entry.edited, "step" * (fit is not None and fit.ablation), "over" * bool(entry.shadows))
    known = " ".join((entry.id, entry.layer, _(entry.layer), *words, *marks)).casefold()
    return all(word in known for word in text.casefold().split())


def written(entry: Entry) -> datetime | None:
    """Return when a fit was made: the date of its provenance, else of its file; None without either."""
    created = entry.fit.provenance.get("created") if entry.fit else None
    if created is not None:
        try:
            found = datetime.fromisoformat(created)
        except ValueError:
            pass  # Provenance is free text.
        else:
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None if entry.written is None else datetime.fromtimestamp(entry.written, UTC)


_YEAR_DAYS, _MONTH_DAYS = 365, 30


def age_text(then: datetime, now: datetime) -> str:
    """Return the time from `then` to `now` in its largest unit: `3 months ago`."""
    days = (now - then).days
    if days < 1:
        return _("today")
    if days >= _YEAR_DAYS:
        return ngettext("{n} year ago", "{n} years ago", days // _YEAR_DAYS).format(n=days // _YEAR_DAYS)
    if days >= _MONTH_DAYS:
        return ngettext("{n} month ago", "{n} months ago", days // _MONTH_DAYS).format(n=days // _MONTH_DAYS)
    return ngettext("{n} day ago", "{n} days ago", days).format(n=days)


def list_json(entries: Sequence[Entry], active: str, recipe: str = "") -> str:
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


# Tables of one fit

LAW_HEADER = (N_("law"), N_("form"), N_("parameters"), N_("fitted on"), N_("uncertainty"), N_("constants"))


def law_cells(role: str, law: Law) -> tuple[str, ...]:
    """Return the row of a law, under `LAW_HEADER`."""
    given = ", ".join(f"{name} {value:.6g}" for name, value in parameters(law))
    fitted = listed(span_text(name, span) for name, span in law.fitted.items())
    uncertainty = uncertainty_texts(law)[0]
    return (role, law.law.form, given, fitted or UNKNOWN, uncertainty, _(CONFIDENCE[law.confidence]))


def law_notes(fit: Fit) -> list[tuple[str, str]]:
    """Return the roles of the laws that have a note, with it."""
    return [(role, stored_text(law.note)) for role, law in fit.laws.items() if law.note]


def flag_texts(fit: Fit) -> list[str]:
    """Return the flags of a fit."""
    return [*map(stored_text, fit.flags)]


INTERVAL_HEADER = (N_("law"), N_("parameter"), N_("value"), N_("95% interval"))


def interval_cells(fit: Fit) -> list[tuple[str, ...]]:
    """Return every parameter that has a 95% interval with it, under `INTERVAL_HEADER`."""
    return [
        (role, name, f"{getattr(law.law, name):.5g}", interval(law, name))
        for role, law in fit.laws.items()
        for name in _drawn_names(law)
    ]


def fit_json(fit: Fit) -> str:
    """Return a fit as the JSON of its file."""
    return dump(fit)
