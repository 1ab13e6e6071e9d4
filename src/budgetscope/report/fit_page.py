"""Format the page of a stored fit: its flags, laws, source and file."""

from dataclasses import dataclass
from datetime import datetime

from budgetscope.core.language import _
from budgetscope.core.laws.fit import CONFIDENCE, Fit, Law
from budgetscope.core.printable import printable
from budgetscope.core.stored_words import stored_text
from budgetscope.report.fits import (
    ROLE_TITLES,
    age_text,
    flag_texts,
    interval,
    parameters,
    span_text,
    uncertainty_texts,
    written,
)
from budgetscope.report.markdown import escaped
from budgetscope.report.words import listed
from budgetscope.store.fit_library import Entry


@dataclass(frozen=True, slots=True)
class Section:
    """A titled section of a fit's page: label and text of each line; a line without a label is a sentence."""

    title: str
    lines: tuple[tuple[str, str], ...]


def fit_sections(entry: Entry, now: datetime) -> tuple[Section, ...]:
    """Return the page of a fit file in sections: flags, laws, source, file."""
    fit = entry.fit
    if fit is None:
        return (Section(_("Broken"), (("", entry.problem),)), Section(_("File"), tuple(_file_lines(entry, now))))
    flags = [("", flag) for flag in flag_texts(fit)]
    if entry.edited:
        flags.append(("", _("the file was edited since it was written: its content does not match its hash")))
    if fit.ablation:
        flags.append(("", _("a step of an argument or an example, not a recommendation")))
    sections = [
        Section(_("Before you believe this"), tuple(flags)),
        *law_sections(fit),
        Section(_("Source and provenance"), (*_source_lines(fit), *_provenance_lines(fit))),
        Section(_("File"), tuple(_file_lines(entry, now))),
    ]
    return tuple(section for section in sections if section.lines)


def fit_lines(fit: Fit) -> list[tuple[str, str]]:
    """Return source, method, conventions, flags and provenance of a fit, each as label and text."""
    flags = [(_("flag"), flag) for flag in flag_texts(fit)]
    return [*_source_lines(fit), *flags, *_provenance_lines(fit)]


def _source_lines(fit: Fit) -> list[tuple[str, str]]:
    unknown = _("unknown")
    tokenizer = _("{tokenizer}, vocabulary {size}")
    return [
        (_("source"), fit.citation),
        (_("url"), fit.url),
        (_("method"), fit.method),
        (_("counting"), str(fit.counting)),
        (_("tokenizer"), tokenizer.format(tokenizer=fit.tokenizer or unknown, size=fit.vocab_size or unknown)),
        (_("context"), _("{n} tokens").format(n=fit.seq_len) if fit.seq_len else unknown),
        (_("loss unit"), fit.loss_unit or _("no loss")),
        (_("schedule of its runs"), fit.schedule or unknown),
    ]


def _provenance_lines(fit: Fit) -> list[tuple[str, str]]:
    """Return the points of a fit, and its provenance, whose names are data."""
    given = [(name.replace("_", " "), text) for name, text in fit.provenance.items()]
    if fit.points is None:
        return given
    return [(_("points"), _("{n} optima, one a budget").format(n=len(fit.points.rows))), *given]


def law_sections(fit: Fit) -> tuple[Section, ...]:
    """Return a section for every law: parameters with intervals, fitted range, confidence."""
    return tuple(
        Section(_("{law}: {form}").format(law=_(ROLE_TITLES[role]), form=law.law.form), tuple(_law_lines(law)))
        for role, law in fit.laws.items()
    )


def _law_lines(law: Law) -> list[tuple[str, str]]:
    lines = [(name, f"{value:.6g} {interval(law, name)}".rstrip()) for name, value in parameters(law)]
    lines += [(_("fitted on"), span_text(name, span)) for name, span in law.fitted.items()]
    lines += [(_("constants"), _(CONFIDENCE[law.confidence])), (_("intervals"), uncertainty_texts(law)[1])]
    return lines + ([(_("note"), stored_text(law.note))] if law.note else [])


def _file_lines(entry: Entry, now: datetime) -> list[tuple[str, str]]:
    lines = [(_("path"), printable(str(entry.path))), (_("layer"), _(entry.layer))]
    same = _("the fit of the same id in the {layer} layer")
    lines += [(_("shadows"), same.format(layer=_(name))) for name in entry.shadows]
    when = written(entry)
    if when is not None:
        lines.append((_("written"), listed((f"{when:%Y-%m-%d %H:%M} UTC", age_text(when, now)))))
    return lines


def fit_markdown(entry: Entry, now: datetime) -> str:
    """Return the page of a fit as Markdown."""
    title = entry.fit.title if entry.fit else _("broken")
    lines = [f"# {escaped(title)} (`{entry.id}`)", ""]
    for section in fit_sections(entry, now):
        lines += [f"## {escaped(section.title)}", ""]
        lines += [f"- {escaped(labelled(label, text))}" for label, text in section.lines]
        lines.append("")
    return "\n".join(lines)


def labelled(label: str, text: str) -> str:
    """Return a text with its label; the label may be empty."""
    return _("{label}: {text}").format(label=label, text=text) if label else text
