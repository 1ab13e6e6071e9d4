"""Export of an answer: its report as HTML or Markdown, or its numbers as CSV or JSON."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from budgetscope.api.pictures import Pictures
from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.layout import Layouts
from budgetscope.core.answers.plan import Plan
from budgetscope.core.errors import UsageError
from budgetscope.report import tables
from budgetscope.report.meeting.document import Document
from budgetscope.report.meeting.facts import Facts
from budgetscope.report.meeting.figures import no_folder
from budgetscope.report.meeting.html import html
from budgetscope.report.meeting.markdown import markdown
from budgetscope.report.meeting.report import report
from budgetscope.store.files import check_folder_above, status, write_atomically

REPORT_FORMATS = ("html", "md")
EXPORT_FORMATS = (*REPORT_FORMATS, "csv", "json")

_NAME = "report-again"
"""Name of the file that the printed command writes; that of the user's file is no part of a report.

The command overwrites it, so that it can be pasted twice; the name says so, and leaves the report to compare it with.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """An export.

    Attributes:
        text: of the file.
        pictures: the figures of a report; None for numbers, and for a report without them.
    """

    text: str
    pictures: Pictures | None = None


def is_report(form: str) -> bool:
    """Return whether a format is one of the report; the others are of numbers.

    Raises:
        UsageError: it is no format.
    """
    if form not in EXPORT_FORMATS:
        raise UsageError(f"{form!r} is not a format; choose one of {', '.join(EXPORT_FORMATS)}.")
    return form in REPORT_FORMATS


def format_of(form: str | None, path: Path | None) -> str:
    """Return the format of an export: the one stated, else that of the file's ending; md without a file.

    Raises:
        UsageError: it is no format, the ending names none and none is stated, or the two contradict each other.
    """
    ending = "" if path is None else path.suffix.removeprefix(".").lower()
    if form is None and path is not None and not ending:
        raise UsageError(f"{str(path)!r} has no ending that names a format; add --format html, or md, csv or json.")
    chosen = form if form is not None else ending or "md"
    is_report(chosen)
    if ending in EXPORT_FORMATS and ending != chosen:
        raise UsageError(f"{str(path)!r} ends as {ending} does, and --format is {chosen}; change one of the two.")
    return chosen


def report_export(form: str, facts: Facts, pictures: Pictures | None, folder: str) -> Exported:
    """Return the report of an answer.

    Args:
        form: one of `REPORT_FORMATS`.
        facts: of the answer.
        pictures: its figures; None for a report without them.
        folder: of md, the path of the folder of figures to which it links; empty for none.
    """
    names = () if pictures is None else tuple(pictures.figures)
    note = no_folder() if pictures is None else pictures.note
    made = report(facts, names, note, report_command(facts.export_command, form, folder))
    return Exported(rendered(form, made, pictures, folder), pictures)


def report_command(command: str, form: str, folder: str = "") -> str:
    """Return the shell command that writes a report.

    Args:
        command: with the budget or the scenarios, and the language.
        form: one of `REPORT_FORMATS`.
        folder: of the figures; empty for none.
    """
    words = ["--figures", folder] if folder else []
    return f"{command} {shlex.join([*words, '-o', f'{_NAME}.{form}', '--force'])}"


def rendered(form: str, made: Document, pictures: Pictures | None, folder: str) -> str:
    """Return a document in a format of reports, with its figures or links to them."""
    if form == "html":
        return html(made, {} if pictures is None else pictures.svg())
    names = () if pictures is None else tuple(pictures.figures)
    return markdown(made, {name: f"{folder}/{name}.svg" for name in names})


def data_export(form: str, plan: Plan, comparison: Comparison, command: str, layouts: Layouts | None) -> Exported:
    """Return the numbers of an answer.

    Args:
        form: csv or json.
        plan: of the answer.
        comparison: of the laws at the answer's budget.
        command: the shell command for both.
        layouts: of the plan's model; None where it has no shape.
    """
    make = tables.export_csv if form == "csv" else tables.export_json
    return Exported(make(plan, comparison, command, layouts))


def link_between(file: Path | None, folder: Path) -> str:
    """Return the path of a folder of figures as a report links to it.

    Args:
        file: of the report; None for stdout, whose links start at the working folder.
        folder: of the figures.
    """
    start = Path() if file is None else file.parent
    try:
        return Path(os.path.relpath(folder, start)).as_posix()
    except ValueError:  # another drive
        return folder.resolve().as_posix()


def check_export(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that exists while `overwrite` is false, a folder, and a file in a folder that does not exist.

    Raises:
        UsageError: the file exists, or is a folder, or its folder is missing.
        FailureError: the system refuses to say.
    """
    if status(path) is None:
        check_folder_above(path)
        return
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder, and an export is one file; name a file.")
    if not overwrite:
        raise UsageError(f"{str(path)!r} exists; name another file or add --force.")


def write_export(path: Path, text: str, *, overwrite: bool) -> None:
    """Write an export to a file.

    Raises:
        UsageError: as `check_export`.
        FailureError: the folder cannot be written.
    """
    check_export(path, overwrite=overwrite)
    write_atomically(path, text)
