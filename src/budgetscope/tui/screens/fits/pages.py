"""The lines of pages: a stored fit, a difference of two, a new fit, the rows and columns of a file."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size

from budgetscope.api.runs import Fitted, Intake, Preview
from budgetscope.core.answers.fit_difference import Difference
from budgetscope.core.language import _, ngettext
from budgetscope.report.fit_difference import difference_tables
from budgetscope.report.fit_page import Section, law_sections
from budgetscope.report.fits import flag_texts
from budgetscope.report.intake import intake_cells
from budgetscope.tui.screens.fits.import_form import in_entries
from budgetscope.tui.screens.fits.page import Fact, Heading, PageLine, TableLine, Warned


def fit_page(sections: Iterable[Section]) -> tuple[PageLine, ...]:
    """Return the sections of a fit; lines without a label are shown as warnings."""
    lines: list[PageLine] = []
    for section in sections:
        facts = [Fact(label, text) if label else Warned(text) for label, text in section.lines]
        lines += [Heading(section.title), *facts, ""]
    return tuple(lines)


def difference_page(difference: Difference) -> tuple[PageLine, ...]:
    """Return what changes from one fit to another."""
    lines: list[PageLine] = []
    for title, header, rows in difference_tables(difference):
        lines += [Heading(title), *_table(header, rows), ""]
    return tuple(lines)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[PageLine]:
    """Return a table as lines with aligned columns."""
    if not rows:
        return [_("nothing")]
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]

    def text(cells: Sequence[str]) -> str:
        return "  ".join(set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))

    return [TableLine(text(header), header=True), *(TableLine(text(cells)) for cells in rows)]


def intake_page(intake: Intake) -> tuple[PageLine, ...]:
    """Return how many rows of a file were used, merged and dropped, and what was assumed."""
    rows = [Fact(f"{count:>6} {what}", why) for count, what, why in intake_cells(intake)]
    return (
        Heading(_("Rows read and dropped")),
        *rows,
        *(Fact(_("assumed"), in_entries(each)) for each in intake.assumptions),
    )


def columns_page(preview: Preview) -> tuple[PageLine, ...]:
    """Return the columns of a file, and the fields whose column has to be chosen."""
    unclear = (Fact(f"? {name}", in_entries(sentence)) for name, sentence in preview.unclear.items())
    rows = ngettext("{n} row of these columns", "{n} rows of these columns", preview.rows).format(n=preview.rows)
    return (Heading(rows), ", ".join(preview.columns), *unclear)


def fitted_page(fitted: Fitted) -> tuple[PageLine, ...]:
    """Return a new fit: its flags, method and laws, and its difference from the default law."""
    fit = fitted.fit
    kind = Fact(_("kind"), fit.provenance["kind"])
    lines: list[PageLine] = [Heading(_("The fit")), *map(Warned, flag_texts(fit)), fit.method, kind, ""]
    lines += fit_page(law_sections(fit))
    if fitted.difference is not None:
        lines += [_("A is {law}, the default law; B is this fit.").format(law=fitted.difference.before), ""]
        lines += difference_page(fitted.difference)
    return tuple(lines)
