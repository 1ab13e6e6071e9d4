"""The stored fits as rows of a long list and as pages, for somebody who looks through them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from budgetscope.core.answers.fit_difference import BudgetChange, Difference
from budgetscope.core.answers.goodness_of_fit import Examination
from budgetscope.core.budget.quantities import format_count, format_flops
from budgetscope.core.laws.fit import CONFIDENCE, Draws, ExponentInterval, Fit, Law, percentiles
from budgetscope.core.laws.intervals import LEVEL, allocation_exponent, drawn
from budgetscope.report.fits import (
    constant_cells,
    fit_lines,
    fitted_text,
    says,
    span_text,
)
from budgetscope.report.markdown import escaped, table
from budgetscope.report.rows import UNKNOWN
from budgetscope.store.fit_library import Entry

_LAYERS = ("override", "user", "bundled")
_CREATED = "created"


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """A stored fit in the list, as text.

    Attributes:
        id: by its place.
        exponent: a in N* = k C^a with its 95% interval.
        fitted: range of the first predictor of its law for N and D, else of its first law.
        layer: where it is, and what it shadows.
        title: what people call it; what is wrong with a broken file.
        says: what it has laws for.
        written: the day of its calibration, else of its file; nothing for what came with budgetscope.
    """

    id: str
    exponent: str
    fitted: str
    layer: str
    title: str
    says: str
    written: str


def ordered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return a user's own fits first, then recommendations, then the steps of arguments, then broken files."""

    def rank(entry: Entry) -> tuple[bool, int, bool, str]:
        fit = entry.fit
        return fit is None, _LAYERS.index(entry.layer), fit is not None and fit.ablation, entry.id

    return tuple(sorted(entries, key=rank))


def matches(entry: Entry, text: str) -> bool:
    """Return whether every word of a filter is in a fit's id, title, layer, laws or marks."""
    fit = entry.fit
    told = (fit.title, says(fit), str(fit.counting)) if fit else (entry.problem, "broken")
    marks = ("edited" * entry.edited, "step" * (fit is not None and fit.ablation), "over" * bool(entry.shadows))
    known = " ".join((entry.id, entry.layer, *told, *marks)).casefold()
    return all(word in known for word in text.casefold().split())


def shelf_row(entry: Entry) -> ShelfRow:
    """Return a fit's line in the list."""
    fit, layer = entry.fit, entry.layer + "".join(f" over {name}" for name in entry.shadows)
    if fit is None:
        return ShelfRow(entry.id, UNKNOWN, UNKNOWN, layer, f"broken: {entry.problem}", UNKNOWN, "")
    when = written(entry)
    fitted = fit.allocation.fitted if fit.allocation else next(iter(fit.laws.values())).fitted
    return ShelfRow(
        id=entry.id,
        exponent=exponent_text(fit),
        fitted=fitted_text(fitted).replace(" to ", "–") or UNKNOWN,
        layer=layer,
        title=fit.title,
        says=says(fit),
        written="" if when is None else f"{when:%Y-%m-%d}",
    )


def exponent_text(fit: Fit) -> str:
    """Return the exponent of N*(C) with its 95% interval."""
    found = allocation_exponent(fit)
    if found is None:
        return UNKNOWN
    if found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def written(entry: Entry) -> datetime | None:
    """Return when a fit was made: as its provenance says, else when its file was written; None when nobody knows."""
    created = entry.fit.provenance.get(_CREATED) if entry.fit else None
    if created is not None:
        try:
            found = datetime.fromisoformat(created)
        except ValueError:
            pass  # Provenance is free text; the file's own date is left.
        else:
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None if entry.written is None else datetime.fromtimestamp(entry.written, UTC)


def age_text(then: datetime, now: datetime) -> str:
    """Return how long ago something was, in the largest unit that fits."""
    days = (now - then).days
    if days < 1:
        return "today"
    unit, length = next(each for each in (("year", 365), ("month", 30), ("day", 1)) if days >= each[1])
    count = days // length
    return f"{count} {unit}{'s' * (count != 1)} ago"


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of a fit's page: label and text of each line; a line without a label is a sentence."""

    title: str
    lines: tuple[tuple[str, str], ...]


def fit_sections(entry: Entry, now: datetime) -> tuple[Section, ...]:
    """Return everything that a stored fit says: what is doubtful, its laws, its source, its file."""
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


def law_sections(fit: Fit) -> tuple[Section, ...]:
    """Return every law of a fit: its parameters with their intervals, its range, how sure we are of it."""
    return tuple(Section(_law_title(role, law), tuple(_law_lines(law))) for role, law in fit.laws.items())


def _law_title(role: str, law: Law) -> str:
    return f"{role.replace('_', ' ').capitalize()}: {law.law.form}"


def _law_lines(law: Law) -> list[tuple[str, str]]:
    lines = [
        (f.name, " ".join(filter(None, (f"{getattr(law.law, f.name):.6g}", _interval(law, f.name)))))
        for f in fields(law.law)
        if getattr(law.law, f.name) != f.default
    ]
    lines += [("fitted on", span_text(name, span)) for name, span in law.fitted.items()]
    lines.append(("constants", CONFIDENCE[law.confidence]))
    match law.uncertainty:
        case Draws(_, rows):
            lines.append(("intervals", f"95% of {len(rows)} bootstrap draws"))
        case ExponentInterval() as interval:
            lines.append(("intervals", f"a in [{interval.low:g}, {interval.high:g}], {interval.percent}, published"))
        case None:
            lines.append(("intervals", "the source publishes none"))
    return lines + ([("note", law.note)] if law.note else [])


def _interval(law: Law, parameter: str) -> str:
    """Return the 95% interval of a parameter's draws."""
    if not isinstance(law.uncertainty, Draws):
        return ""
    names = [column.removeprefix("ln_") for column in law.uncertainty.columns]
    if parameter not in names:
        return ""
    low, high = percentiles(drawn(law.uncertainty, parameter, math.nan), LEVEL)
    return f"[{low:.4g}, {high:.4g}]"


def _file_lines(entry: Entry, now: datetime) -> list[tuple[str, str]]:
    lines = [("path", str(entry.path)), ("layer", entry.layer)]
    lines += [("shadows", f"the fit of the same id in the {name} layer") for name in entry.shadows]
    when = written(entry)
    return lines if when is None else [*lines, ("written", f"{when:%Y-%m-%d %H:%M} UTC, {age_text(when, now)}")]


def misfit_text(found: Examination) -> str:
    """Return how well the points lie on their law, in one phrase; empty without points."""
    if found.rms is None:
        return ""
    return f"{len(found.residuals)} optima, rms {found.rms:.3f} in ln N, a factor of {math.exp(found.rms):.3g}"


def range_text(found: Examination) -> str:
    """Return the budgets that a law was fitted on."""
    if found.fitted is None:
        return "its source gives no range of budgets"
    return f"{format_flops(found.fitted.low)} to {format_flops(found.fitted.high)} FLOPs"


def fit_markdown(entry: Entry, now: datetime) -> str:
    """Return a stored fit as a Markdown section."""
    title = entry.fit.title if entry.fit else "broken"
    lines = [f"# {escaped(title)} (`{entry.id}`)", ""]
    for section in fit_sections(entry, now):
        lines += [f"## {escaped(section.title)}", ""]
        lines += [f"- {f'{escaped(label)}: ' if label else ''}{escaped(text)}" for label, text in section.lines]
        lines.append("")
    return "\n".join(lines)


DIFFERENCE_HEADER = ("C", "", "N", "D", "loss", "lr", "batch")


def difference_tables(difference: Difference) -> tuple[tuple[str, Sequence[str], list[tuple[str, ...]]], ...]:
    """Return what changes from one fit, A, to another, B: title, header and rows of each table."""
    return (
        (
            f"What they recommend, C and N by the {difference.convention} count",
            DIFFERENCE_HEADER,
            [line for change in difference.budgets for line in _budget_lines(change)],
        ),
        (
            "Their constants",
            ("law", "parameter", "A", "B", "change"),
            [constant_cells(change) for change in difference.constants],
        ),
    )


def difference_notes(difference: Difference) -> list[str]:
    """Return what to know before believing a difference, one sentence each."""
    notes = []
    if difference.sized_by is not None:
        notes.append(
            f"Learning rate and batch of a fit without N and D are those at the N and D of {difference.sized_by}."
        )
    return [*notes, *difference.flags]


def _budget_lines(change: BudgetChange) -> Iterable[tuple[str, ...]]:
    """Return a line for A, one for B, and one for what B changes: a factor, for the loss a difference."""
    pairs = [
        (form, getattr(change.before, name), getattr(change.after, name))
        for name, form in (
            ("n_params", format_count),
            ("tokens", format_count),
            ("loss", lambda v: f"{v:.3f}"),
            ("learning_rate", lambda v: f"{v:.2g}"),
            ("batch_tokens", format_count),
        )
    ]
    yield (format_flops(change.flops), "A", *(UNKNOWN if a is None else form(a) for form, a, _ in pairs))
    yield ("", "B", *(UNKNOWN if b is None else form(b) for form, _, b in pairs))
    changes = []
    for index, (_, a, b) in enumerate(pairs):
        known = a is not None and b is not None
        changes.append(UNKNOWN if not known else f"{b - a:+.3f}" if index == _LOSS_INDEX else f"x{b / a:.3g}")
    yield ("", "B/A", *changes)


_LOSS_INDEX = 2


def difference_markdown(difference: Difference) -> str:
    """Return what changes from one fit to another as a Markdown section."""
    lines = [f"# From A = `{difference.before}` to B = `{difference.after}`", ""]
    for title, header, rows in difference_tables(difference):
        lines += [f"## {title}", "", *table(header, rows), ""]
    notes = [f"- {escaped(note)}" for note in difference_notes(difference)]
    return "\n".join([*lines, *notes, ""] if notes else lines)
