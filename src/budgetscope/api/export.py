"""Export of an answer: plan, layouts, comparison and the command for them, as one text or file."""

from pathlib import Path

from budgetscope.core.answers.comparison import Comparison
from budgetscope.core.answers.layout import Layouts
from budgetscope.core.answers.plan import Plan
from budgetscope.core.errors import UsageError
from budgetscope.report import tables
from budgetscope.store.files import status, write_atomically

EXPORT_FORMATS = ("md", "csv", "json")


def export_text(form: str, plan: Plan, comparison: Comparison, command: str, layouts: Layouts | None) -> str:
    """Return an answer as one text.

    Args:
        form: one of `EXPORT_FORMATS`.
        plan: of the answer.
        comparison: of the laws at the answer's budget.
        command: the shell command for both.
        layouts: of the plan's model; None where it has no shape.

    Raises:
        UsageError: the format is unknown.
    """
    match form:
        case "md":
            parts = [tables.plan_markdown(plan, command, layouts)]
            parts += [] if layouts is None else [tables.layouts_part(layouts)]
            return "\n".join([*parts, tables.comparison_markdown(comparison)])
        case "csv":
            return tables.export_csv(plan, comparison, command, layouts)
        case "json":
            return tables.export_json(plan, comparison, command, layouts)
        case _:
            raise UsageError(f"{form!r} is not a format; choose one of {', '.join(EXPORT_FORMATS)}.")


def write_export(path: Path, text: str, *, overwrite: bool) -> None:
    """Write an export to a file.

    Raises:
        UsageError: the file exists and `overwrite` is false.
        FailureError: the folder cannot be written.
    """
    if not overwrite and status(path) is not None:
        raise UsageError(f"{str(path)!r} exists; name another file or add --force.")
    write_atomically(path, text)
