"""Format stored fits: rows of the list, laws with their intervals, pages and JSON."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from budgetscope.core.answers.goodness_of_fit import GoodnessOfFit
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.laws.drifting_line import DriftingLine
from budgetscope.core.laws.fit import CONFIDENCE, Draws, ExponentInterval, Fit, Law, Range, percentiles
from budgetscope.core.laws.intervals import LEVEL, allocation_exponent, parameter_draws
from budgetscope.core.printable import printable
from budgetscope.report.markdown import escaped
from budgetscope.report.rows import UNKNOWN, estimate_text
from budgetscope.store.fit_library import Entry
from budgetscope.store.fit_schema import dump

_LAW_NAMES = {
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
_SYMBOLS = {"flops": "C", "n_params": "N", "tokens": "D", "tokens_per_param": "D/N", "batch_tokens": "batch"}
_LAYERS = ("override", "user", "bundled")


# Parts of a fit as text


def laws_text(fit: Fit) -> str:
    """Return the quantities for which a fit has laws: `N, D, L*(C)`."""
    roles = list(fit.laws)
    if "allocation" not in roles and "surface" in roles:
        roles.insert(0, "allocation")
    return ", ".join(_LAW_NAMES[role] for role in roles)


def exponent_text(fit: Fit, *, interval: bool = True, end_digits: int = 3) -> str:
    """Return the exponent a in N* = k C^a; `-` where the law is not a power law in C.

    Args:
        fit: the fit.
        interval: whether to add the 95% interval where it is known.
        end_digits: decimals of the ends of the interval.
    """
    found = allocation_exponent(fit)
    if found is None:
        return UNKNOWN
    value = "{:.3f}".format
    return estimate_text(found, value, f"{{:.{end_digits}f}}".format) if interval else value(found.value)


def exponent_rows(fit: Fit) -> list[tuple[str, str]]:
    """Return a calibration's own, published and combined exponent, as label and text; none for other fits."""
    parts = ("own", "published", "combined")
    facts = [(f"exponent, {part}", fit.provenance.get(f"exponent_{part}", "")) for part in parts]
    return [(label, text) for label, text in facts if text]


def fitted_text(fitted: Mapping[str, Range]) -> str:
    """Return the fitted range of a law's first predictor; empty when none is known."""
    return next((span_text(name, span) for name, span in fitted.items()), "")


def span_text(name: str, span: Range) -> str:
    """Return the fitted range of one predictor: `C 1.25e16 to 2.56e19`."""
    form = format_flops if name == "flops" else format_count
    return f"{_SYMBOLS.get(name, name)} {form(span.low)} to {form(span.high)}"


def _main_range(fit: Fit) -> str:
    """Return the fitted range of the allocation law; of the first law where there is none."""
    law = fit.allocation or next(iter(fit.laws.values()))
    return fitted_text(law.fitted) or UNKNOWN


def _parameters(law: Law) -> Iterator[tuple[str, float]]:
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


def _interval(law: Law, parameter: str) -> str:
    """Return the 95% interval of a parameter; empty where it has none."""
    if parameter in law.undetermined:
        return "not determined"
    if parameter not in _drawn_names(law):
        return ""
    if isinstance(law.uncertainty, DriftingLine):
        value, half = getattr(law.law, parameter), law.uncertainty.exponent_half_width(LEVEL)
        low, high = value - half, value + half
    elif isinstance(law.uncertainty, Draws):
        low, high = percentiles(parameter_draws(law.uncertainty, parameter, math.nan), LEVEL)
    return f"[{low:.4g}, {high:.4g}]"


def _uncertainty_texts(law: Law) -> tuple[str, str]:
    """Return the source of a law's intervals: for a table cell, and for a line of a page."""
    match law.uncertainty:
        case Draws(_, rows) as draws:
            return f"{len(rows)} {'forecasts' if draws.forecast else 'draws'}", draws.basis
        case DriftingLine() as line:
            # A weighed law has its own error in the bend alone, as far as its budgets span.
            error = f"{line.bend if line.weighed else line.drift:.3g} of ln N an e-fold of compute"
            return f"noise, and {error}", f"95%: the noise of the runs, and an error of the law of {error} beyond them"
        case ExponentInterval() as interval:
            text = f"a in [{interval.low:g}, {interval.high:g}], {interval.percent}"
            return text, f"{text}, published"
        case None:
            return "not published", "the source publishes none"


def misfit_text(found: GoodnessOfFit) -> str:
    """Return the residuals of a fit's points in one phrase; empty without points."""
    if found.rms is None:
        return ""
    return f"{len(found.residuals)} optima, rms {found.rms:.3f} in ln N, a factor of {math.exp(found.rms):.3g}"


def range_text(found: GoodnessOfFit) -> str:
    """Return the range of budgets that a law was fitted on."""
    if found.fitted is None:
        return "its source gives no range of budgets"
    return budgets_text(found.fitted)


def budgets_text(span: Range) -> str:
    """Return a range of budgets: `1.25e16 to 2.56e19 FLOPs`."""
    return f"{format_flops(span.low)} to {format_flops(span.high)} FLOPs"


def undone_text(fit_id: str, restored: Fit | None, *, was_default: bool) -> str:
    """Return the effect of undoing the last write of a fit, without a full stop."""
    if restored is not None:
        return f"{fit_id} is what it was before"
    text = f"{fit_id} had no earlier version and is set aside"
    return f"{text}; it was the default, and the bundled default is so again" if was_default else text


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
    fit, layer = entry.fit, entry.layer + "".join(f" over {name}" for name in entry.shadows)
    if fit is None:
        broken = f"broken: {entry.problem}"
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


LIST_HEADER = ("id", "laws", "a", "counting", "fitted on", "layer")


BY_MODEL = "that which covers the model"
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
    layer = row.layer + (", edited" if entry.edited else "")
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
    words = (fit.title, laws_text(fit), str(fit.counting)) if fit else (entry.problem, "broken")
    marks = ("edited" * entry.edited, "step" * (fit is not None and fit.ablation), "over" * bool(entry.shadows))
    known = " ".join((entry.id, entry.layer, *words, *marks)).casefold()
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


def age_text(then: datetime, now: datetime) -> str:
    """Return the time from `then` to `now` in its largest unit: `3 months ago`."""
    days = (now - then).days
    if days < 1:
        return "today"
    unit, length = next(each for each in (("year", 365), ("month", 30), ("day", 1)) if days >= each[1])
    count = days // length
    return f"{count} {unit}{'s' * (count != 1)} ago"


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

LAW_HEADER = ("law", "form", "parameters", "fitted on", "uncertainty", "constants")


def law_cells(role: str, law: Law) -> tuple[str, ...]:
    """Return the row of a law, under `LAW_HEADER`."""
    parameters = ", ".join(f"{name} {value:.6g}" for name, value in _parameters(law))
    fitted = ", ".join(span_text(name, span) for name, span in law.fitted.items())
    uncertainty, _ = _uncertainty_texts(law)
    return (role, law.law.form, parameters, fitted or UNKNOWN, uncertainty, CONFIDENCE[law.confidence])


INTERVAL_HEADER = ("law", "parameter", "value", "95% interval")


def interval_cells(fit: Fit) -> list[tuple[str, ...]]:
    """Return every parameter that has a 95% interval with it, under `INTERVAL_HEADER`."""
    return [
        (role, name, f"{getattr(law.law, name):.5g}", _interval(law, name))
        for role, law in fit.laws.items()
        for name in _drawn_names(law)
    ]


# The page of one fit


@dataclass(frozen=True, slots=True)
class Section:
    """A titled section of a fit's page: label and text of each line; a line without a label is a sentence."""

    title: str
    lines: tuple[tuple[str, str], ...]


def fit_sections(entry: Entry, now: datetime) -> tuple[Section, ...]:
    """Return the page of a fit file in sections: flags, laws, source, file."""
    fit = entry.fit
    if fit is None:
        return (Section("Broken", (("", entry.problem),)), Section("File", tuple(_file_lines(entry, now))))
    flags = [("", flag) for flag in fit.flags]
    if entry.edited:
        flags.append(("", "the file was edited since it was written: its content does not match its hash"))
    if fit.ablation:
        flags.append(("", "a step of an argument or an example, not a recommendation"))
    about = [line for line in fit_lines(fit) if line[0] != "flag"]
    sections = [
        Section("Before you believe this", tuple(flags)),
        *law_sections(fit),
        Section("Source and provenance", tuple(about)),
        Section("File", tuple(_file_lines(entry, now))),
    ]
    return tuple(section for section in sections if section.lines)


def fit_lines(fit: Fit) -> list[tuple[str, str]]:
    """Return source, method, conventions, flags and provenance of a fit, each as label and text."""
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


def law_sections(fit: Fit) -> tuple[Section, ...]:
    """Return a section for every law: parameters with intervals, fitted range, confidence."""
    return tuple(
        Section(f"{role.replace('_', ' ').capitalize()}: {law.law.form}", tuple(_law_lines(law)))
        for role, law in fit.laws.items()
    )


def _law_lines(law: Law) -> list[tuple[str, str]]:
    lines = [(name, f"{value:.6g} {_interval(law, name)}".rstrip()) for name, value in _parameters(law)]
    lines += [("fitted on", span_text(name, span)) for name, span in law.fitted.items()]
    _, intervals = _uncertainty_texts(law)
    lines += [("constants", CONFIDENCE[law.confidence]), ("intervals", intervals)]
    return lines + ([("note", law.note)] if law.note else [])


def _file_lines(entry: Entry, now: datetime) -> list[tuple[str, str]]:
    lines = [("path", printable(str(entry.path))), ("layer", entry.layer)]
    lines += [("shadows", f"the fit of the same id in the {name} layer") for name in entry.shadows]
    when = written(entry)
    return lines if when is None else [*lines, ("written", f"{when:%Y-%m-%d %H:%M} UTC, {age_text(when, now)}")]


def fit_markdown(entry: Entry, now: datetime) -> str:
    """Return the page of a fit as Markdown."""
    title = entry.fit.title if entry.fit else "broken"
    lines = [f"# {escaped(title)} (`{entry.id}`)", ""]
    for section in fit_sections(entry, now):
        lines += [f"## {escaped(section.title)}", ""]
        lines += [f"- {f'{escaped(label)}: ' if label else ''}{escaped(text)}" for label, text in section.lines]
        lines.append("")
    return "\n".join(lines)


def fit_json(fit: Fit) -> str:
    """Return a fit as the JSON of its file."""
    return dump(fit)
